/** Decides when intake stops and starts again: over all partitions, and for one that is fuller than its share. */
import type { TopicPartition } from '../../model/record.ts'
import type { Limits } from '../../model/settings.ts'
import type { LimitReached } from '../../model/snapshot.ts'

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
export interface LoadedPartition extends TopicPartition {
  readonly load: Load
  readonly isPaused: boolean
  setPaused(isPaused: boolean): void
}

export interface IntakeChange {
  readonly pause: readonly TopicPartition[]
  readonly resume: readonly TopicPartition[]
}

/**
 * Counts the load over all partitions, and divides the limits among them: half of them in equal parts, which are each partition's own, so that no handler that
 * stands still can starve another; the other half to whoever comes, and to each no more of it than it leaves to the rest (dynamic thresholds: Choudhury and
 * Hahne, 1998), since a fetch brings many records of one partition. A partition that is alone has all.
 *
 * The record limits are never passed. The byte limits may be, by a poll, as sizes are not known before.
 */
export class IntakeGate {
  readonly #total: Load
  readonly #perPartition: Load
  readonly #maxPoll: number
  /** Changed in place: it is looked at twice for every record. */
  readonly #load = { records: 0, bytes: 0 }
  /** What partitions have above their own parts. */
  readonly #shared = { records: 0, bytes: 0 }
  #isHeld = false
  /** Assigned, and those of them that are paused. */
  readonly #partitions = new Set<LoadedPartition>()
  readonly #paused = new Set<LoadedPartition>()
  #toPause = new Set<LoadedPartition>()
  #toResume = new Set<LoadedPartition>()
  /** What `#limitNow` has answered last: changed in place, too. */
  readonly #limit = { records: 0, bytes: 0 }
  /** A partition's own part; all, for one that is alone. */
  #own: Load

  constructor(limits: Limits) {
    const { maxRecords, maxRecordsPerPartition } = limits
    this.#maxPoll = Math.max(1, Math.min(MAX_POLL, Math.floor(Math.min(maxRecords, maxRecordsPerPartition) / 4)))
    this.#total = { records: maxRecords, bytes: limits.maxBytes }
    this.#perPartition = { records: maxRecordsPerPartition, bytes: limits.maxBytesPerPartition }
    this.#own = this.#total
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
    return this.#isHeld ? 0 : Math.min(this.#pollLimit(), this.#total.records - this.#load.records)
  }

  /** A partition was assigned, and nothing of it is in memory. */
  onAssigned(partition: LoadedPartition): void {
    this.#partitions.add(partition)
    this.#divide()
  }

  /** A record of the partition was taken in; the partition's own load has it already. */
  onTaken(partition: LoadedPartition, bytes: number): void {
    this.#load.records += 1
    this.#load.bytes += bytes
    if (partition.load.records > this.#own.records) this.#shared.records += 1
    this.#shared.bytes +=
      above(partition.load.bytes, this.#own.bytes) - above(partition.load.bytes - bytes, this.#own.bytes)
    if (!this.#hasPlentyOfRoom(partition)) this.recheck(partition)
  }

  /** A record of the partition is complete; the partition's own load is without it already. */
  onDone(partition: LoadedPartition, bytes: number): void {
    this.#load.records -= 1
    this.#load.bytes -= bytes
    if (partition.load.records >= this.#own.records) this.#shared.records -= 1
    this.#shared.bytes -=
      above(partition.load.bytes + bytes, this.#own.bytes) - above(partition.load.bytes, this.#own.bytes)
    if (this.#isHeld || partition.isPaused) this.recheck(partition)
  }

  /** The partition was given up with all that was in memory of it. */
  onDropped(partition: LoadedPartition): void {
    this.#load.records -= partition.load.records
    this.#load.bytes -= partition.load.bytes
    this.#partitions.delete(partition)
    this.#paused.delete(partition)
    this.#toPause.delete(partition)
    this.#toResume.delete(partition)
    this.#divide()
    this.#isHeld = isPaused(this.#isHeld, this.load, this.#total)
  }

  /** For sure, without a closer look: what happens twice for every record must cost next to nothing. */
  #hasPlentyOfRoom({ load, isPaused }: LoadedPartition): boolean {
    const { records, bytes } = load
    const { records: ownRecords, bytes: ownBytes } = this.#own
    return (
      !isPaused &&
      !this.#isHeld &&
      2 * records <= Math.min(ownRecords, this.#perPartition.records) &&
      2 * bytes <= Math.min(ownBytes, this.#perPartition.bytes) &&
      this.#load.records < this.#total.records &&
      this.#load.bytes < this.#total.bytes
    )
  }

  /** Decides anew, after the load has changed. */
  recheck(partition: LoadedPartition): void {
    this.#isHeld = isPaused(this.#isHeld, this.load, this.#total)
    this.#compare(partition, this.#limitNow())
  }

  #compare(partition: LoadedPartition, limit: Load): void {
    const paused = isPaused(partition.isPaused, partition.load, limit)
    if (paused) this.#paused.add(partition)
    if (paused === partition.isPaused) return
    partition.setPaused(paused)
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
    return partition.isPaused ? limitReached(partition.load, this.#limitNow()) : null
  }

  /** Some partition has not reached a limit of its own. */
  get hasOpenPartition(): boolean {
    return this.#paused.size < this.#partitions.size
  }

  /** Partitions whose own limit was reached, or left, since the last call. */
  takeChange(): IntakeChange {
    this.#recheckOthers()
    if (this.#toPause.size === 0 && this.#toResume.size === 0) return { pause: [], resume: [] }
    const change = { pause: [...this.#toPause].map(nameOf), resume: [...this.#toResume].map(nameOf) }
    this.#toPause.clear()
    this.#toResume.clear()
    return change
  }

  /** A partition whose own records do not move may be full, or have room, by what others have taken or left. */
  #recheckOthers(): void {
    if (this.#partitions.size < 2) return
    // With plenty to share, nobody has become full by what others took that would not be noticed with its next record.
    const others = this.#isScarce ? this.#partitions : this.#paused
    if (others.size === 0) return
    this.#isHeld = isPaused(this.#isHeld, this.load, this.#total)
    const limit = this.#limitNow()
    for (const partition of others) this.#compare(partition, limit)
  }

  get #isScarce(): boolean {
    return this.#shared.records * 4 > this.#total.records || this.#shared.bytes * 4 > this.#total.bytes
  }

  #divide(): void {
    const parts = this.#partitions.size < 2 ? 1 : 2 * this.#partitions.size
    this.#own = { records: Math.max(1, Math.floor(this.#total.records / parts)), bytes: this.#total.bytes / parts }
    this.#shared.records = 0
    this.#shared.bytes = 0
    for (const { load } of this.#partitions) {
      this.#shared.records += above(load.records, this.#own.records)
      this.#shared.bytes += above(load.bytes, this.#own.bytes)
    }
  }

  /** What a partition may have in memory now: its part, and as much more as is left to share. */
  get #roomInRecords(): number {
    const toShare = this.#partitions.size < 2 ? 0 : this.#total.records / 2 - this.#shared.records
    return Math.min(this.#perPartition.records, this.#own.records + Math.max(0, toShare))
  }

  get #roomInBytes(): number {
    const toShare = this.#partitions.size < 2 ? 0 : this.#total.bytes / 2 - this.#shared.bytes
    return Math.min(this.#perPartition.bytes, this.#own.bytes + Math.max(0, toShare))
  }

  /**
   * All records of a poll may be of one partition. So a poll asks for no more than a quarter of what one may have, by number and by what records have weighed
   * so far, and a partition is full as soon as one more poll might not fit.
   */
  #pollLimit(): number {
    const { records, bytes } = this.#load
    const byBytes = records === 0 ? this.#maxPoll : (this.#roomInBytes / 4) * (records / Math.max(1, bytes))
    return Math.max(1, Math.floor(Math.min(this.#maxPoll, this.#roomInRecords / 4, byBytes)))
  }

  #limitNow(): Load {
    this.#limit.records = Math.max(1, Math.floor(this.#roomInRecords) - this.#pollLimit() + 1)
    this.#limit.bytes = this.#roomInBytes
    return this.#limit
  }
}

function above(load: number, part: number): number {
  return Math.max(0, load - part)
}

function limitReached(load: Load, limit: Load): LimitReached {
  return load.records / limit.records >= load.bytes / limit.bytes ? 'records' : 'bytes'
}

function nameOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
