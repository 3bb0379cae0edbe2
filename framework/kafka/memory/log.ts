/** One partition's log in memory: append, read, and everything that can befall a real log (holes, truncation, being made anew). */
import type { KafkaRecord, OutgoingRecord, TopicPartition } from '../../model/record.ts'

export class MemoryLog implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly #onChange: () => void
  #records: KafkaRecord[] = []
  #start = 0
  #end = 0
  /** By transaction that is open: the offsets of its records here, the lowest first. */
  readonly #open = new Map<object, number[]>()

  /** @param onChange called after each change, so that whoever waits can look */
  constructor(topic: string, partition: number, onChange: () => void) {
    this.topic = topic
    this.partition = partition
    this.#onChange = onChange
  }

  /** The lowest offset that can still be read, were there a record at it. */
  get start(): number {
    return this.#start
  }

  /** The offset that the next record gets. */
  get end(): number {
    return this.#end
  }

  /** Where the first open transaction begins, else the end: nothing from here on is read. */
  get stableEnd(): number {
    let end = this.#end
    for (const [first = end] of this.#open.values()) end = Math.min(end, first)
    return end
  }

  /** Those that are read: none behind the stable end, and none of an aborted transaction. */
  get records(): readonly KafkaRecord[] {
    return this.#open.size === 0 ? this.#records : this.#records.slice(0, this.#indexOf(this.stableEnd))
  }

  append(record: OutgoingRecord, timestamp: number): KafkaRecord {
    const appended: KafkaRecord = {
      topic: this.topic,
      partition: this.partition,
      offset: this.#end,
      key: record.key,
      value: record.value,
      headers: record.headers,
      timestamp,
    }
    this.#end++
    this.#records.push(appended)
    this.#onChange()
    return appended
  }

  appendIn(transaction: object, record: OutgoingRecord, timestamp: number): KafkaRecord {
    const offsets = this.#open.get(transaction) ?? []
    this.#open.set(transaction, offsets)
    offsets.push(this.#end)
    return this.append(record, timestamp)
  }

  /** Writes the marker, which uses up an offset. Records of a transaction that is aborted are never read. */
  endTransaction(transaction: object, end: 'commit' | 'abort'): void {
    const offsets = this.#open.get(transaction)
    if (offsets === undefined) return
    this.#open.delete(transaction)
    if (end === 'abort') this.remove(new Set(offsets))
    this.skip(1)
  }

  /** Uses up offsets without records, as transaction markers do. */
  skip(count: number): void {
    this.#end += count
    this.#onChange()
  }

  /** Takes out single records, as compaction does. Their offsets stay unused. */
  remove(offsets: ReadonlySet<number>): void {
    this.#records = this.#records.filter((each) => !offsets.has(each.offset))
    this.#onChange()
  }

  /** Deletes all below `offset`, as retention does. */
  truncateBelow(offset: number): void {
    this.#start = Math.max(this.#start, Math.min(offset, this.#end))
    this.#records = this.#records.filter((each) => each.offset >= this.#start)
    this.#onChange()
  }

  /** Deletes `offset` and all above, as an unclean leader election does. Those offsets will be given out again. */
  truncateFrom(offset: number): void {
    this.#end = Math.max(this.#start, Math.min(offset, this.#end))
    this.#records = this.#records.filter((each) => each.offset < this.#end)
    this.#onChange()
  }

  /** Deleted and created again: empty, from offset 0. */
  recreate(): void {
    this.#records = []
    this.#open.clear()
    this.#start = 0
    this.#end = 0
    this.#onChange()
  }

  /** At most `maxRecords` from `position` on, holes and what is not committed left out. */
  read(position: number, maxRecords: number): readonly KafkaRecord[] {
    const first = this.#indexOf(position)
    const end = this.#open.size === 0 ? this.#records.length : this.#indexOf(this.stableEnd)
    return this.#records.slice(first, Math.min(first + maxRecords, end))
  }

  /** The index of the first record at or above `position`. */
  #indexOf(position: number): number {
    let low = 0
    let high = this.#records.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const record = this.#records[middle]
      if (record !== undefined && record.offset < position) low = middle + 1
      else high = middle
    }
    return low
  }
}
