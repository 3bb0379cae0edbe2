/** Commits what a replay has published, as marks of the group `<dlq>.replay`, by the control plane's own tracker and encoder. One commit at a time; never rejects, but tells what failed. */
import type { AssignedPartition, CommitRequest, KafkaClient } from '../../kafka/kafka-client.ts'
import { PyrallelError, toError } from '../../model/errors.ts'
import type { Clock } from '../../time/clock.ts'
import { PartitionMarks } from './partition-marks.ts'

/** Marks are committed once so many are acknowledged, or after so long. */
const MARK_AT = 50
const MARK_EVERY_MS = 250
const MARK_RETRY_MS = 200

export interface ReplayMarksOptions {
  readonly client: KafkaClient
  readonly topic: string
  readonly clock: Clock
  /** A commit was acknowledged. */
  readonly onMarked: () => void
  /** A commit was refused, and no other would fare better. */
  readonly onFailed: (error: Error) => void
}

export class ReplayMarks {
  readonly #options: ReplayMarksOptions
  /** Of the partitions that are ours. */
  readonly #partitions = new Map<number, PartitionMarks>()
  #marking: Promise<void> | undefined
  #markedAt: number
  #againAt = 0
  /** A commit was refused, and the next one would be. */
  #isHopeless = false

  constructor(options: ReplayMarksOptions) {
    this.#options = options
    this.#markedAt = options.clock.now()
  }

  assign(assigned: AssignedPartition): void {
    this.#partitions.set(assigned.partition, new PartitionMarks(assigned))
  }

  get(partition: number): PartitionMarks | undefined {
    return this.#partitions.get(partition)
  }

  /** @returns how many were acknowledged and will not be marked */
  forget(marks: PartitionMarks): number {
    marks.isGone = true
    this.#partitions.delete(marks.partition)
    return marks.unmarked
  }

  /** Acknowledged, and in no commit that was. */
  get unmarked(): number {
    let sum = 0
    for (const { unmarked } of this.#partitions.values()) sum += unmarked
    return sum
  }

  /** Something is to be marked, and may be yet. */
  get isOpen(): boolean {
    return this.#marking !== undefined || (this.unmarked > 0 && !this.#isHopeless)
  }

  /** @param isIdle nothing is on its way, so that nothing more comes together by waiting */
  markIfDue(isIdle: boolean): void {
    const { unmarked } = this
    const now = this.#options.clock.now()
    if (unmarked === 0 || this.#marking !== undefined || this.#isHopeless || now < this.#againAt) return
    const isDue = unmarked >= MARK_AT || now - this.#markedAt >= MARK_EVERY_MS
    if (!isDue && !isIdle) return
    this.#marking = this.#commit([...this.#partitions.values()]).finally(() => {
      this.#marking = undefined
    })
  }

  /** Marks what was acknowledged of these, whatever is under way. */
  async markLast(partitions: readonly PartitionMarks[]): Promise<void> {
    await this.#marking
    await this.#commit(partitions)
  }

  async #commit(partitions: readonly PartitionMarks[]): Promise<void> {
    const { client, topic, clock, onMarked, onFailed } = this.#options
    const counts = partitions.flatMap((marks) => (marks.unmarked > 0 ? [[marks, marks.unmarked] as const] : []))
    const commits = counts.flatMap(([marks]): readonly CommitRequest[] => {
      const commit = marks.commit(topic, client.maxMetadataLength)
      return commit === undefined ? [] : [commit]
    })
    if (commits.length === 0) return
    this.#markedAt = clock.now()
    try {
      await client.commit(commits)
      for (const [marks, count] of counts) marks.unmarked -= count
      onMarked()
    } catch (thrown) {
      const error = toError(thrown)
      this.#againAt = clock.now() + MARK_RETRY_MS
      // A rebalance, a coordinator that moves. Partitions that have gone meanwhile are not in the next one.
      const mayPass = error instanceof PyrallelError && (error.retriable || error.code === 'PYR_NOT_OWNED')
      if (mayPass) return
      this.#isHopeless = true
      onFailed(error)
    }
  }
}
