/** Decides which offsets of one partition may be committed. Knows nothing of Kafka, time or handlers. */
import { bug } from '../../model/errors.ts'
import { type OffsetRange, RangeList } from './range-list.ts'
import { RestoredOffsets } from './restored-offsets.ts'

/** Names one offset that has arrived, as long as it is not passed. Tickets are given out in the order of arrival. */
export type OffsetTicket = number

const FIRST_CAPACITY = 64
/** A ring that has grown past this is given back once it is empty. */
const KEEP_CAPACITY = 16_384

/**
 * Offsets arrive in increasing order and are completed in any order. Each incomplete offset carries an item of the caller's.
 *
 * A ring, sorted by offset, holds everything from the lowest incomplete offset upwards, so its head is the position. Offsets
 * that never arrive (compaction, transaction markers) are not in the ring and so cannot hold anything back. A ticket tells where in the
 * ring an offset stands, so `track` and `complete` are amortised O(1), with or without holes.
 *
 * Offsets that an earlier owner completed above the position are handed in as `restored`: they count as complete before they
 * arrive, and stay part of `completedRanges` until they have been passed.
 */
export class OffsetTracker<Item extends NonNullable<unknown>> {
  #offsets = new Float64Array(FIRST_CAPACITY)
  /** Undefined for an offset that is complete. */
  #items: (Item | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined)
  #head = 0
  #headTicket: OffsetTicket = 0
  #size = 0
  #incomplete = 0
  /** The lowest offset that may still arrive. Undefined until the first one, when the group had committed nothing. */
  #next: number | undefined
  #highestCompleted = -1
  readonly #restored: RestoredOffsets

  /** @param restored completed ranges above `position`: sorted, disjoint */
  constructor(position: number | undefined, restored = RangeList.empty) {
    this.#next = position
    this.#restored = new RestoredOffsets(restored)
    if (restored.end !== undefined) this.#highestCompleted = restored.end - 1
  }

  /** The next offset to commit, exclusive: everything below it is complete or does not exist. */
  get position(): number | undefined {
    if (this.#size > 0) return this.#offsets[this.#head]
    return this.#next === undefined ? undefined : this.#restored.endFrom(this.#next)
  }

  /** The lowest offset that may still arrive. */
  get next(): number | undefined {
    return this.#next
  }

  /** The item of the lowest incomplete offset that has arrived: it holds the commit back. */
  get blocking(): Item | undefined {
    return this.#size > 0 ? this.#items[this.#head] : undefined
  }

  /** Offsets that were tracked, and that the position has passed since. */
  get passed(): number {
    return this.#headTicket - this.#restored.passed
  }

  /** Offsets that have arrived and are not complete. */
  get incomplete(): number {
    return this.#incomplete
  }

  /** Offsets below the log's end that have not arrived and are not complete; undefined while it is not known where to begin. */
  notArrived(logEnd: number): number | undefined {
    if (logEnd === 0) return 0
    if (this.#next === undefined) return undefined
    return Math.max(0, logEnd - this.#next - this.#restored.countWithin(this.#next, logEnd))
  }

  /** -1 while nothing is. */
  get highestCompleted(): number {
    return this.#highestCompleted
  }

  /** How many offsets lie between the position and the highest completed one; 0 when there is no gap. */
  get span(): number {
    const position = this.position
    return position === undefined ? 0 : Math.max(0, this.#highestCompleted + 1 - position)
  }

  /**
   * Passes an offset that has arrived, if an earlier owner has completed it: it must not run again.
   * @returns false when it is to be tracked
   * @throws PyrallelError PYR_BUG when it is lower than one that arrived before
   */
  skipRestored(offset: number): boolean {
    this.#refuseLower(offset)
    if (!this.#restored.has(offset)) return false
    this.#next = offset + 1
    this.#appendPassed(offset)
    return true
  }

  /**
   * Whatever has not arrived below this offset does not exist: compacted away, aborted, or the marker of a transaction.
   * @returns whether that is news
   */
  readTo(offset: number): boolean {
    if (offset <= (this.#next ?? 0)) return false
    this.#next = offset
    // What was restored below it is looked for no more.
    this.#restored.has(offset)
    return true
  }

  /**
   * Passes an offset that has arrived and is nobody's work: complete at once, told with what is done above the position, and counted as nobody's completion.
   * @returns whether something below it is incomplete
   * @throws PyrallelError PYR_BUG when it is lower than one that arrived before
   */
  leaveOut(offset: number): boolean {
    this.#refuseLower(offset)
    this.#next = offset + 1
    if (this.#size === 0) return false
    this.#highestCompleted = offset
    this.#appendPassed(offset)
    return true
  }

  /**
   * Takes note of an offset that has arrived and is to be done.
   * @returns what to complete it with
   * @throws PyrallelError PYR_BUG when it is lower than one that arrived before
   */
  track(offset: number, item: Item): OffsetTicket {
    this.#refuseLower(offset)
    this.#next = offset + 1
    this.#append(offset, item)
    this.#incomplete += 1
    return this.#headTicket + this.#size - 1
  }

  /** @throws PyrallelError PYR_BUG when the offset is not incomplete */
  complete(ticket: OffsetTicket): void {
    const place = ticket - this.#headTicket
    const slot = (this.#head + place) & (this.#offsets.length - 1)
    if (!(place >= 0 && place < this.#size) || this.#items[slot] === undefined) {
      throw bug('offset-tracker/complete', `the offset of ticket ${ticket} is not incomplete`)
    }
    this.#items[slot] = undefined
    this.#incomplete -= 1
    const offset = this.#offsets[slot] as number
    if (offset > this.#highestCompleted) this.#highestCompleted = offset
    if (place === 0) this.#passCompleted()
  }

  /**
   * The completed ranges above the position, in order: from one incomplete offset to the next, where there is a completed one between. Offsets
   * that do not exist count as completed with it. Alone they do not: the backlog of one key on a compacted log would be a range for each of
   * its records. Cost: O(span).
   */
  completedRanges(): OffsetRange[] {
    const ranges: OffsetRange[] = []
    const mask = this.#offsets.length - 1
    const end = Math.min(this.#highestCompleted + 1, this.#next ?? 0)
    let start = end
    let hasCompleted = false
    for (let i = 0; i < this.#size; i += 1) {
      const slot = (this.#head + i) & mask
      if (this.#items[slot] === undefined) {
        hasCompleted = true
        continue
      }
      const offset = this.#offsets[slot] as number
      if (hasCompleted && start < end) ranges.push({ start, end: Math.min(offset, end) })
      start = offset + 1
      hasCompleted = false
    }
    if (this.#size > 0 && start < end) ranges.push({ start, end })
    if (this.#next !== undefined) this.#restored.appendTo(ranges, this.#next, this.position ?? 0)
    return ranges
  }

  /**
   * Shows what is tracked, from the position upwards: the item of an incomplete offset, undefined for a complete one.
   * @param most how many entries are shown; of more than that, every so manieth
   */
  show(most: number, see: (offset: number, item: Item | undefined) => void): void {
    const mask = this.#offsets.length - 1
    const step = Math.max(1, Math.ceil(this.#size / most))
    for (let i = 0; i < this.#size; i += step) {
      const slot = (this.#head + i) & mask
      see(this.#offsets[slot] as number, this.#items[slot])
    }
  }

  /** Entries that `show` could show. */
  get tracked(): number {
    return this.#size
  }

  /** The item of an offset that is tracked, `null` when that is complete; undefined for one that is not tracked. Cost: O(log n). */
  find(offset: number): Item | null | undefined {
    const place = this.#placeFrom(offset)
    const slot = this.#slotOf(place)
    if (place === this.#size || this.#offsets[slot] !== offset) return undefined
    return this.#items[slot] ?? null
  }

  /** Offsets that an earlier owner has completed, whether they have arrived or not; those that an acknowledged commit has passed may be missing. */
  get restored(): RangeList {
    return this.#restored.all
  }

  /** This position was acknowledged. */
  onCommitted(position: number): void {
    this.#restored.onCommitted(position)
  }

  /** Of the offsets from this one on, how many were tracked and are complete, though the position has not passed them. Cost: O(span). */
  completedFrom(offset: number): number {
    let count = 0
    for (let place = this.#placeFrom(offset); place < this.#size; place += 1) {
      const isComplete = this.#items[this.#slotOf(place)] === undefined
      if (isComplete && !this.#restored.isRestored(this.#headTicket + place)) count += 1
    }
    return count
  }

  /** The first entry of the ring that is not below this offset. */
  #placeFrom(offset: number): number {
    let [low, high] = [0, this.#size]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#offsets[this.#slotOf(middle)] as number) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The one that the next offset gets. */
  get nextTicket(): OffsetTicket {
    return this.#headTicket + this.#size
  }

  /**
   * Shows the items of these tickets, `to` excluded, that are incomplete, in the order of their offsets.
   * @param see false ends it
   * @returns behind the last ticket that was looked at
   */
  showIncomplete(from: OffsetTicket, to: OffsetTicket, see: (item: Item) => boolean): OffsetTicket {
    const end = Math.min(to - this.#headTicket, this.#size)
    for (let place = Math.max(0, from - this.#headTicket); place < end; place += 1) {
      const item = this.#items[this.#slotOf(place)]
      if (item !== undefined && !see(item)) return this.#headTicket + place + 1
    }
    return Math.max(from, to)
  }

  /** One completed offset between two incomplete ones tells of all. With nothing incomplete below, the position has passed it. */
  #appendPassed(offset: number): void {
    if (this.#size === 0 || this.#items[this.#slotOf(this.#size - 1)] === undefined) return
    this.#restored.onAppended(this.#headTicket + this.#size)
    this.#append(offset, undefined)
  }

  #append(offset: number, item: Item | undefined): void {
    if (this.#size === this.#offsets.length) this.#grow()
    const slot = this.#slotOf(this.#size)
    this.#offsets[slot] = offset
    this.#items[slot] = item
    this.#size += 1
  }

  /** Where in the ring the entry stands that is so many above the head. */
  #slotOf(place: number): number {
    return (this.#head + place) & (this.#offsets.length - 1)
  }

  #refuseLower(offset: number): void {
    if (this.#next !== undefined && offset < this.#next) {
      throw bug('offset-tracker', `offset ${offset} arrived, but ${this.#next} is the lowest that may`)
    }
  }

  #passCompleted(): void {
    const mask = this.#offsets.length - 1
    while (this.#size > 0 && this.#items[this.#head] === undefined) {
      this.#head = (this.#head + 1) & mask
      this.#headTicket += 1
      this.#size -= 1
    }
    this.#restored.onPassed(this.#headTicket)
    if (this.#size === 0 && this.#offsets.length > KEEP_CAPACITY) this.#resize(FIRST_CAPACITY)
  }

  #grow(): void {
    this.#resize(this.#offsets.length * 2)
  }

  #resize(capacity: number): void {
    const offsets = new Float64Array(capacity)
    const items: (Item | undefined)[] = new Array(capacity).fill(undefined)
    const mask = this.#offsets.length - 1
    for (let i = 0; i < this.#size; i += 1) {
      const slot = (this.#head + i) & mask
      offsets[i] = this.#offsets[slot] as number
      items[i] = this.#items[slot]
    }
    this.#offsets = offsets
    this.#items = items
    this.#head = 0
  }
}
