/** Carries out at the client what the manager has decided about intake: which partitions are paused, and when all of them are. */
import type { KafkaClient } from '../kafka/kafka-client.ts'
import type { EventSink } from '../model/events.ts'
import { partitionId, type TopicPartition } from '../model/record.ts'
import type { Clock } from '../runtime/clock.ts'
import type { WorkManager } from './work-manager.ts'

/** Held for longer than this, the partitions are paused at the client. Sooner is dearer: a pause throws prefetched records away. */
const HOLD_BEFORE_PAUSE_MS = 250

export class IntakeValve {
  readonly #client: Pick<KafkaClient, 'pause' | 'resume'>
  readonly #manager: WorkManager
  readonly #clock: Clock
  readonly #emit: EventSink | undefined
  /** Since when intake is held as a whole; undefined while it is not. */
  #heldSince: number | undefined
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

  apply(): void {
    const { pause, resume } = this.#manager.takeIntakeChange()
    this.#pause(pause)
    if (!this.#isPaused) this.#resume(resume)
    if (this.#manager.pollSize() > 0) this.#endHold()
    else this.#hold()
  }

  /** A partition comes unpaused, whatever was before. */
  onAssigned(partitions: readonly TopicPartition[]): void {
    if (this.#isPaused) this.#client.pause(partitions)
  }

  #hold(): void {
    const now = this.#clock.now()
    this.#heldSince ??= now
    if (this.#isPaused || now - this.#heldSince < HOLD_BEFORE_PAUSE_MS) return
    this.#isPaused = true
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
