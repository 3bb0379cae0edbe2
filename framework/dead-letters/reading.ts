/** How far a topic has been read, and when it has been read to where it ended before the reading began. Polls nothing. */
import type { AssignedPartition, LogBounds } from '../kafka/kafka-client.ts'
import type { KafkaRecord } from '../model/record.ts'

/** Nothing has come for so long, and the broker is there: what is missing up to the end does not exist (compaction, transaction markers). */
const QUIET_MS = 1_000

interface Progress {
  readonly partition: number
  readonly start: number
  /** What arrives at or above it came after the reading had begun. */
  readonly end: number
  /** The next offset that may come. */
  next: number
  isAssigned: boolean
  isOver: boolean
  heardAt: number
  /** The broker was asked, since it last sent something, whether it is there. */
  wasAsked: boolean
}

/** What was not read. */
export interface Unread {
  readonly partition: number
  /** The first that was not. */
  readonly from: number
  readonly end: number
}

export class Reading {
  readonly #now: () => number
  readonly #partitions: ReadonlyMap<number, Progress>

  /** @param bounds of all partitions, asked for before the first record is read */
  constructor(bounds: readonly LogBounds[], now: () => number) {
    this.#now = now
    this.#partitions = new Map(
      bounds.map(({ partition, logStart, logEnd }) => [partition, unread(partition, logStart, logEnd)]),
    )
  }

  /** Partitions that were added since hold nothing that was there before. */
  assign({ partition, position }: AssignedPartition): void {
    const progress = this.#partitions.get(partition)
    if (progress === undefined) return
    const { start, end } = progress
    progress.isAssigned = true
    // A position beyond the end is of a log that was cut or made anew: it is read from its start.
    progress.next = position === undefined || position < start || position > end ? start : position
    progress.isOver = progress.next >= end
    progress.heardAt = this.#now()
    progress.wasAsked = false
  }

  /** It is somebody else's now. @param from what was read from there on counts for nothing */
  forget(partition: number, from?: number): void {
    const progress = this.#partitions.get(partition)
    if (progress === undefined) return
    progress.isAssigned = false
    if (from === undefined || from >= progress.next) return
    progress.next = from
    progress.isOver = false
  }

  /** False for a record that is not part of it. */
  accept({ partition, offset }: KafkaRecord): boolean {
    const progress = this.#partitions.get(partition)
    if (progress === undefined || !progress.isAssigned) return false
    progress.heardAt = this.#now()
    progress.wasAsked = false
    progress.next = offset + 1
    if (progress.next >= progress.end) progress.isOver = true
    return offset < progress.end
  }

  /** Silence up to now was ours: nothing was asked for. */
  wasBusy(): void {
    for (const progress of this.#partitions.values()) progress.heardAt = this.#now()
  }

  /** Partitions that were silent for so long that somebody should ask whether their broker is there. */
  get isSilent(): boolean {
    return this.#silent().length > 0
  }

  /** The broker is there. Silence that goes on is the end. */
  brokerAnswered(): void {
    for (const progress of this.#silent()) {
      progress.isOver = progress.wasAsked
      progress.wasAsked = true
      progress.heardAt = this.#now()
    }
  }

  /** Nothing is left to read, whoever has the partitions. */
  get isComplete(): boolean {
    return [...this.#partitions.values()].every(isDone)
  }

  /** Nothing is left to read in the partitions that are ours. */
  get isOver(): boolean {
    return [...this.#partitions.values()].every((progress) => !progress.isAssigned || progress.isOver)
  }

  get hasPartitions(): boolean {
    return [...this.#partitions.values()].some(({ isAssigned }) => isAssigned)
  }

  unread(): readonly Unread[] {
    return [...this.#partitions.values()].flatMap((progress) =>
      isDone(progress) ? [] : [{ partition: progress.partition, from: progress.next, end: progress.end }],
    )
  }

  #silent(): readonly Progress[] {
    const now = this.#now()
    return [...this.#partitions.values()].filter(
      (progress) => progress.isAssigned && !progress.isOver && now - progress.heardAt > QUIET_MS,
    )
  }
}

function unread(partition: number, start: number, end: number): Progress {
  return { partition, start, end, next: start, isAssigned: false, isOver: start >= end, heardAt: 0, wasAsked: false }
}

function isDone({ isOver, next, end }: Progress): boolean {
  return isOver || next >= end
}
