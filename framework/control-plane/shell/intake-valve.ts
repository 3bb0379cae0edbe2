/** Carries out at the client what the manager has decided about intake: when nothing is taken, and which partitions are paused. */
import type { KafkaClient } from '../../kafka/kafka-client.ts'
import type { EventSink } from '../../model/events.ts'
import { type PartitionId, partitionId, type TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import type { WorkManager } from '../work-manager.ts'

/**
 * A limit must be reached for this long before anything is paused at the client; until then nothing is polled at all. A pause throws away what
 * was prefetched (fetched again after it), and under a backlog of fast handlers the limits are reached many times a second. Only where a handler
 * idles meanwhile, and other partitions may have work for it, a full one is paused at once: the client hands out its records before theirs.
 */
const HOLD_BEFORE_PAUSE_MS = 250

interface Full {
  readonly partition: TopicPartition
  readonly since: number
}

export class IntakeValve {
  readonly #client: Pick<KafkaClient, 'pause' | 'resume'>
  readonly #manager: WorkManager
  readonly #clock: Clock
  readonly #emit: EventSink | undefined
  /** Since when intake is held as a whole; undefined while it is not. */
  #heldSince: number | undefined
  /** Partitions at their own limit that are not paused yet. */
  readonly #full = new Map<PartitionId, Full>()
  #isPaused = false

  constructor(
    client: Pick<KafkaClient, 'pause' | 'resume'>,
    manager: WorkManager,
    clock: Clock,
    onEvent: EventSink | undefined,
  ) {
    this.#client = client
    this.#manager = manager
    this.#clock = clock
    this.#emit = onEvent
  }

  /** True while every partition is paused at the client. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Call before each poll. @returns the most records that it may bring */
  apply(): number {
    const { pause, resume } = this.#manager.takeIntakeChange()
    const now = this.#clock.now()
    if (!this.#isPaused)
      for (const partition of pause) this.#full.set(partitionId(partition), { partition, since: now })
    const wasPaused = resume.filter((partition) => !this.#full.delete(partitionId(partition)))
    if (!this.#isPaused) this.#resume(wasPaused)
    const size = this.#manager.pollSize()
    if (size === 0) {
      this.#hold(now)
      return 0
    }
    this.#endHold()
    this.#pauseLongFull(now)
    return this.#full.size > 0 ? 0 : size
  }

  /** A partition comes unpaused, whatever was before. */
  onAssigned(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#full.delete(partitionId(partition))
    if (this.#isPaused) this.#client.pause(partitions)
  }

  onGone(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#full.delete(partitionId(partition))
  }

  #pauseLongFull(now: number): void {
    if (this.#full.size === 0) return
    const atOnce = this.#manager.isStarvedByFull
    const long = [...this.#full.values()].filter(({ since }) => atOnce || now - since >= HOLD_BEFORE_PAUSE_MS)
    for (const { partition } of long) this.#full.delete(partitionId(partition))
    this.#pause(long.map(({ partition }) => partition))
  }

  #hold(now: number): void {
    this.#heldSince ??= now
    if (this.#isPaused || now - this.#heldSince < HOLD_BEFORE_PAUSE_MS) return
    this.#isPaused = true
    // They are paused now, so they must be resumed. Left here, one that has room again within the 250 ms would pass for one that never was paused.
    this.#full.clear()
    this.#pause(this.#manager.assigned())
  }

  #endHold(): void {
    this.#heldSince = undefined
    if (!this.#isPaused) return
    this.#isPaused = false
    const stillPaused = new Set(this.#manager.pausedPartitions().map(partitionId))
    this.#resume(this.#manager.assigned().filter((partition) => !stillPaused.has(partitionId(partition))))
  }

  #pause(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0) return
    this.#client.pause(partitions)
    this.#emit?.({ kind: 'partitions.paused', partitions })
  }

  #resume(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0) return
    this.#client.resume(partitions)
    this.#emit?.({ kind: 'partitions.resumed', partitions })
  }
}
