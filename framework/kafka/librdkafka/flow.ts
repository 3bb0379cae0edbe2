/** Pauses and resumes partitions in librdkafka, on the caller's behalf and on our own. Each pause throws away what was prefetched. */
import type { TopicPartition } from '../../model/record.ts'
import type { OwnedPartition, OwnedPartitions } from '../owned-partitions.ts'
import type { NativeConsumer } from './binding.ts'

const WAKE_TIMEOUT_MS = 500

export class FlowControl {
  readonly #native: NativeConsumer
  readonly #owned: OwnedPartitions
  #isStopped = false

  constructor(native: NativeConsumer, owned: OwnedPartitions) {
    this.#native = native
    this.#owned = owned
  }

  pause(partitions: readonly TopicPartition[]): void {
    const running = this.#delivering(partitions).filter((each) => !each.paused)
    for (const each of running) each.paused = true
    this.#nativePause(running.filter((each) => !each.held))
  }

  resume(partitions: readonly TopicPartition[]): void {
    const paused = this.#delivering(partitions).filter((each) => each.paused)
    for (const each of paused) each.paused = false
    this.#nativeResume(paused.filter((each) => !each.held))
  }

  /**
   * Stops everything for a while, because nobody takes records. What the caller has paused stays so in any case, and is told again: it is no
   * harm where librdkafka has kept the pause, and the only bound on memory where it has not.
   */
  hold(): void {
    const running = [...this.#owned].filter((each) => each.delivers && !each.held)
    for (const each of running) each.held = true
    this.#nativePause(running)
  }

  release(): void {
    const held = [...this.#owned].filter((each) => each.held)
    for (const each of held) each.held = false
    this.#nativeResume(held.filter((each) => each.delivers && !each.paused))
  }

  /** After this the native client is left alone. */
  stop(): void {
    this.#isStopped = true
  }

  /** The binding crashes on a partition that is malformed, so it is handed only those that it gave us. */
  #delivering(partitions: readonly TopicPartition[]): OwnedPartition[] {
    const known: OwnedPartition[] = []
    for (const { topic, partition } of partitions) {
      const owned = this.#owned.get(topic, partition)
      if (owned?.delivers === true) known.push(owned)
    }
    return known
  }

  #nativePause(partitions: readonly OwnedPartition[]): void {
    if (partitions.length === 0 || this.#isStopped) return
    this.#native.pause(partitions.map(({ topic, partition }) => ({ topic, partition })))
  }

  #nativeResume(partitions: readonly OwnedPartition[]): void {
    if (partitions.length === 0 || this.#isStopped) return
    const resumed = partitions.map(({ topic, partition }) => ({ topic, partition }))
    this.#native.resume(resumed)
    void this.#wakeFetchers(resumed)
  }

  /** librdkafka asks a broker whose partitions were all paused again only after up to a second; any request to it ends that sleep. */
  async #wakeFetchers(partitions: readonly TopicPartition[]): Promise<void> {
    for (const { topic, partition } of partitions) {
      if (this.#isStopped) return
      await new Promise<void>((resolve) => {
        this.#native.queryWatermarkOffsets(topic, partition, WAKE_TIMEOUT_MS, () => resolve())
      })
    }
  }
}
