/** The outside of the simulation: logs, committed offsets, time. Knows nothing of the code under test. */

/** The handler reads both; which of a seed's partitions are in which, `topicOf` says. */
export const TOPICS = ['orders', 'payments'] as const

/** With every third seed, the odd partitions are those of another topic. Numbers of partitions stay unlike, so that they name one. */
export function topicOf(partition: number, seed: number): (typeof TOPICS)[number] {
  return seed % 3 === 0 && partition % 2 === 1 ? 'payments' : 'orders'
}

/** With every sixth seed, the other topic is one that a member hears of when it is first given a partition of it: its handler has a pattern. */
export function isFoundLater(topic: string, seed: number): boolean {
  return topic === 'payments' && seed % 6 === 0
}

/** `uid` names the record whatever happens to its offset: a log that is cut and written anew holds other records at the same offsets. */
export interface LogRecord {
  readonly uid: number
  readonly offset: number
  readonly key: Buffer | null
  /** Its timestamp; negative where its producer set none. */
  readonly at: number
}

export interface Stored {
  readonly position: number
  readonly metadata: string
  /** What another consumer's metadata names as completed, where that is to be believed. */
  readonly taken?: readonly { readonly start: number; readonly end: number }[] | undefined
}

/** One partition's log and what the group has committed for it. */
export class Log {
  start = 0
  end = 0
  records: LogRecord[] = []
  stored: Stored | undefined
  /** Its metadata was written by another tool. */
  isForeign = false
  /** It may name completions beyond the end, which can be told as long as nothing is written there. */
  isStoredBeyondEnd = false
  /** Grows whenever offsets get another meaning: what was sent before that is not applied. */
  incarnation = 0

  append(uid: number, key: Buffer | null, at: number): void {
    this.#growBack()
    this.records.push({ uid, offset: this.end, key, at })
    this.end += 1
  }

  /** Offsets that never hold a record: transaction markers, or what compaction took at once. */
  skip(count: number): void {
    this.#growBack()
    this.end += count
  }

  truncateBelow(offset: number): void {
    this.start = Math.min(Math.max(this.start, offset), this.end)
    this.records = this.records.filter((record) => record.offset >= this.start)
  }

  truncateAbove(offset: number): void {
    if (offset >= this.end) return
    this.end = Math.max(this.start, Math.min(this.end, offset))
    this.records = this.records.filter((record) => record.offset < this.end)
    this.incarnation += 1
    if (this.stored === undefined) return
    // A real coordinator keeps the position; records that are written below it before the group comes back are lost to any consumer.
    // What goes beyond the end is believed as a whole or not at all, when another consumer has written it.
    const taken = this.stored.taken?.some(({ end }) => end > this.end) ? [] : this.stored.taken
    this.stored = { ...this.stored, taken, position: Math.min(this.stored.position, this.end) }
    this.isStoredBeyondEnd = this.stored.metadata !== ''
  }

  store(stored: Stored): void {
    this.stored = stored
    this.isForeign = false
    this.isStoredBeyondEnd = false
  }

  /** Once something is written there, nobody can tell the completions of a log that is gone from those of this one: left out, as above. */
  #growBack(): void {
    if (this.isStoredBeyondEnd && this.stored !== undefined)
      this.store({ position: this.stored.position, metadata: '' })
  }

  recreate(): void {
    this.start = 0
    this.end = 0
    this.records = []
    this.stored = undefined
    this.incarnation += 1
  }

  compact(removes: (record: LogRecord) => boolean): void {
    this.records = this.records.filter((record) => !removes(record))
  }

  /** The first offset at or above `from` that a fetch can serve, as `auto.offset.reset: earliest` does it. */
  fetchPosition(from: number): number {
    return from < this.start || from > this.end ? this.start : from
  }

  read(from: number, max: number): readonly LogRecord[] {
    return this.records.filter((record) => record.offset >= from).slice(0, max)
  }
}
