/** Offsets of one partition that an earlier owner has completed above the position, until the position has passed them. Synchronous. */
import { type OffsetRange, RangeList } from './range-list.ts'

export class RestoredOffsets {
  #ranges: RangeList
  /** The first range that ends above every offset that was asked for. */
  #first = 0
  /** Tickets of those that stand in the tracker's ring, and of others that nobody has done here, in order, from `#firstTicket` on. */
  #tickets: number[] = []
  #firstTicket = 0
  #passed = 0
  /** All of them, until an acknowledged commit has passed the last: for whoever asks about one that has arrived. */
  #all: RangeList

  /** @param ranges sorted, disjoint */
  constructor(ranges: RangeList) {
    this.#ranges = ranges
    this.#all = ranges
  }

  get all(): RangeList {
    return this.#all
  }

  onCommitted(position: number): void {
    if ((this.#all.end ?? Number.POSITIVE_INFINITY) <= position) this.#all = RangeList.empty
  }

  isRestored(ticket: number): boolean {
    let [low, high] = [this.#firstTicket, this.#tickets.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#tickets[middle] ?? 0) < ticket) low = middle + 1
      else high = middle
    }
    return this.#tickets[low] === ticket
  }

  /** Of those that stood in the tracker's ring, how many the position has passed: they count as nobody's completions here. */
  get passed(): number {
    return this.#passed
  }

  /** @param offset not lower than one that was asked for before */
  has(offset: number): boolean {
    if (this.#ranges.length === 0) return false
    while (this.#first < this.#ranges.length && this.#ranges.endOf(this.#first) <= offset) this.#first += 1
    if (this.#first < this.#ranges.length) return this.#ranges.startOf(this.#first) <= offset
    this.#ranges = RangeList.empty
    this.#first = 0
    return false
  }

  /** The lowest offset from `next` on that was not restored. */
  endFrom(next: number): number {
    const isRestored = this.#first < this.#ranges.length && this.#ranges.startOf(this.#first) <= next
    return isRestored ? this.#ranges.endOf(this.#first) : next
  }

  /** Adds what has not arrived yet, from `next` on, to the ranges of what has. */
  appendTo(ranges: OffsetRange[], next: number, position: number): void {
    for (let index = this.#first; index < this.#ranges.length; index += 1) {
      const start = Math.max(this.#ranges.startOf(index), next)
      const end = this.#ranges.endOf(index)
      if (end <= position || start >= end) continue
      const last = ranges.at(-1)
      if (last !== undefined && last.end === start) ranges[ranges.length - 1] = { start: last.start, end }
      else ranges.push({ start, end })
    }
  }

  /** How many there are from `next` on, below `end`. */
  countWithin(next: number, end: number): number {
    let count = 0
    for (let index = this.#first; index < this.#ranges.length; index += 1) {
      const start = Math.max(this.#ranges.startOf(index), next)
      count += Math.max(0, Math.min(this.#ranges.endOf(index), end) - start)
    }
    return count
  }

  /** One of them takes a place in the ring, or one that was left out. */
  onAppended(ticket: number): void {
    this.#tickets.push(ticket)
  }

  /** The position has passed every place of the ring below this ticket. */
  onPassed(head: number): void {
    if (this.#tickets.length === 0) return
    while (this.#firstTicket < this.#tickets.length && (this.#tickets[this.#firstTicket] ?? head) < head) {
      this.#firstTicket += 1
      this.#passed += 1
    }
    if (this.#firstTicket < this.#tickets.length) return
    this.#tickets = []
    this.#firstTicket = 0
  }
}
