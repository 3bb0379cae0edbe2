/** Decides when intake stops and starts again: over all partitions, and for one that is fuller than its share. */
import type { TopicPartition } from '../model/record.ts'
import type { Limits } from '../model/settings.ts'
import type { LimitReached } from '../model/snapshot.ts'

export interface Load {
  readonly records: number
  readonly bytes: number
}

/** Once paused, the load must fall to this part of the limit: pausing throws prefetched records away, so it must not flutter. */
export const RESUME_AT = 0.7

const MAX_POLL = 500

/** Whether intake is paused, given what it was: pauses when a limit is reached, resumes when both loads are at 70 % or below. */
export function isPaused(wasPaused: boolean, load: Load, limit: Load): boolean {
  const level = Math.max(load.records / limit.records, load.bytes / limit.bytes)
  return wasPaused ? level > RESUME_AT : level >= 1
}

/** What the gate must know of a partition: its load is everything of it that is incomplete and in memory. */
export interface LoadedPartition extends TopicPartition, Load {
  isPaused: boolean
}

export interface IntakeChange {
  readonly pause: readonly TopicPartition[]
  readonly resume: readonly TopicPartition[]
}

/** Counts the load over all partitions. The record limits are never passed; the byte limits by at most one poll, as sizes are not known before. */
export class IntakeGate {
  readonly #total: Load
  readonly #perPartition: Load
  readonly #maxPoll: number
  /** Changed in place: it is looked at twice for every record. */
  readonly #load = { records: 0, bytes: 0 }
  #isHeld = false
  /** Assigned, and those of them that are paused. */
  #partitions = 0
  readonly #paused = new Set<LoadedPartition>()
  /** What `#partitionLimit` has answered last: changed in place, too. */
  readonly #limit: { records: number; readonly bytes: number }
  #toPause = new Set<LoadedPartition>()
  #toResume = new Set<LoadedPartition>()

  constructor(limits: Limits) {
    const { maxRecords, maxRecordsPerPartition } = limits
    this.#maxPoll = Math.max(1, Math.min(MAX_POLL, Math.floor(Math.min(maxRecords, maxRecordsPerPartition) / 4)))
    this.#total = { records: maxRecords, bytes: limits.maxBytes }
    // All records of a poll may be of one partition: it is full as soon as one more poll might not fit.
    this.#perPartition = {
      records: Math.max(1, maxRecordsPerPartition - this.#maxPoll + 1),
      bytes: limits.maxBytesPerPartition,
    }
    this.#limit = { ...this.#perPartition }
  }

  get load(): Load {
    return this.#load
  }

  /** Intake is stopped as a whole. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** The most records that the next poll may bring; 0 while intake is held. */
  pollSize(): number {
    return this.#isHeld ? 0 : Math.min(this.#maxPoll, this.#total.records - this.#load.records)
  }

  /** A partition was assigned, and nothing of it is in memory. */
  onAssigned(): void {
    this.#partitions += 1
  }

  /** A record of the partition was taken in; the partition's own load has it already. */
  onTaken(partition: LoadedPartition, bytes: number): void {
    this.#load.records += 1
    this.#load.bytes += bytes
    this.recheck(partition)
  }

  /** A record of the partition is complete; the partition's own load is without it already. */
  onDone(partition: LoadedPartition, bytes: number): void {
    this.#load.records -= 1
    this.#load.bytes -= bytes
    this.recheck(partition)
  }

  /** The partition was given up with all that was in memory of it. */
  onDropped(partition: LoadedPartition): void {
    this.#load.records -= partition.records
    this.#load.bytes -= partition.bytes
    this.#partitions -= 1
    this.#paused.delete(partition)
    this.#toPause.delete(partition)
    this.#toResume.delete(partition)
    this.#isHeld = isPaused(this.#isHeld, this.load, this.#total)
  }

  /** Decides anew, after the load has changed. */
  recheck(partition: LoadedPartition): void {
    this.#isHeld = isPaused(this.#isHeld, this.load, this.#total)
    const paused = isPaused(partition.isPaused, partition, this.#partitionLimit())
    if (paused) this.#paused.add(partition)
    if (paused === partition.isPaused) return
    partition.isPaused = paused
    if (!paused) this.#paused.delete(partition)
    const [add, remove] = paused ? [this.#toPause, this.#toResume] : [this.#toResume, this.#toPause]
    // A change that was undone before anybody heard of it is no change.
    if (!remove.delete(partition)) add.add(partition)
  }

  /** Which limit stops intake as a whole; null while it is open. */
  get heldBecause(): LimitReached | null {
    return this.#isHeld ? limitReached(this.load, this.#total) : null
  }

  /** Which limit of its own stops the partition; null while it is open. */
  reasonFor(partition: LoadedPartition): LimitReached | null {
    return partition.isPaused ? limitReached(partition, this.#partitionLimit()) : null
  }

  /** Partitions whose own limit was reached, or left, since the last call. */
  takeChange(): IntakeChange {
    // What others have left may be room for one whose own records do not move.
    if (this.#partitions > 1) for (const partition of this.#paused) this.recheck(partition)
    if (this.#toPause.size === 0 && this.#toResume.size === 0) return { pause: [], resume: [] }
    const change = { pause: [...this.#toPause].map(nameOf), resume: [...this.#toResume].map(nameOf) }
    this.#toPause.clear()
    this.#toResume.clear()
    return change
  }

  /**
   * Beside others, a partition takes its equal share, and of what is above that no more than it leaves to them: a fetch brings many records of one
   * partition, and the first to come would else keep the keys of all others waiting (dynamic thresholds: Choudhury and Hahne, 1998). Never less
   * than a poll, as shares finer than that could not be kept.
   */
  #partitionLimit(): Load {
    if (this.#partitions < 2) return this.#perPartition
    const { records } = this.#total
    const fair = Math.max(MAX_POLL, records / this.#partitions, records - this.#load.records)
    this.#limit.records = Math.min(this.#perPartition.records, fair)
    return this.#limit
  }
}

function limitReached(load: Load, limit: Load): LimitReached {
  return load.records / limit.records >= load.bytes / limit.bytes ? 'records' : 'bytes'
}

function nameOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
