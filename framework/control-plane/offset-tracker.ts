/** Decides which offsets of one partition may be committed. Knows nothing of Kafka, time or handlers. */
import { bug } from '../model/errors.ts'

/** Half open: `end` is not part of it. */
export interface OffsetRange {
  readonly start: number
  readonly end: number
}

const INCOMPLETE = 0
const COMPLETE = 1
const FIRST_CAPACITY = 64
/** A ring that has grown past this is given back once it is empty. */
const KEEP_CAPACITY = 16_384

/**
 * Offsets arrive in increasing order and are completed in any order. Each incomplete offset carries an item of the caller's.
 *
 * A ring, sorted by offset, holds everything from the lowest incomplete offset upwards, so its head is the position. Offsets
 * that never arrive (compaction, transaction markers) are not in the ring and so cannot hold anything back. `track` and `complete` are
 * amortised O(1) in a dense log; with holes `complete` is a binary search.
 *
 * Offsets that an earlier owner completed above the position are handed in as `restored`: they count as complete before they
 * arrive, and stay part of `completedRanges` until they have been passed.
 */
export class OffsetTracker<Item> {
  #offsets = new Float64Array(FIRST_CAPACITY)
  #states = new Uint8Array(FIRST_CAPACITY)
  #items: (Item | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined)
  #head = 0
  #size = 0
  #incomplete = 0
  /** The lowest offset that may still arrive. Undefined until the first one, when the group had committed nothing. */
  #next: number | undefined
  #highestCompleted = -1
  /** What is left of the restored ranges: those that end above `#next`. */
  #restored: OffsetRange[]

  /** @param restored completed ranges above `position`: sorted, disjoint */
  constructor(position: number | undefined, restored: readonly OffsetRange[] = []) {
    this.#next = position
    this.#restored = [...restored]
    const last = restored.at(-1)
    if (last !== undefined) this.#highestCompleted = last.end - 1
  }

  /** The next offset to commit, exclusive: everything below it is complete or does not exist. */
  get position(): number | undefined {
    if (this.#size > 0) return this.#offsets[this.#head]
    const next = this.#next
    const restored = this.#restored[0]
    return next !== undefined && restored !== undefined && restored.start <= next ? restored.end : next
  }

  /** The lowest offset that may still arrive. */
  get next(): number | undefined {
    return this.#next
  }

  /** The item of the lowest incomplete offset that has arrived: it holds the commit back. */
  get blocking(): Item | undefined {
    return this.#size > 0 ? this.#items[this.#head] : undefined
  }

  /** Offsets that have arrived and are not complete. */
  get incomplete(): number {
    return this.#incomplete
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
    let passed = 0
    for (const range of this.#restored) {
      if (range.end > offset) break
      passed += 1
    }
    if (passed > 0) this.#restored.splice(0, passed)
    const first = this.#restored[0]
    if (first === undefined || first.start > offset) return false
    this.#next = offset + 1
    return true
  }

  /**
   * Takes note of an offset that has arrived and is to be done.
   * @throws PyrallelError PYR_BUG when it is lower than one that arrived before
   */
  track(offset: number, item: Item): void {
    this.#refuseLower(offset)
    this.#next = offset + 1
    if (this.#size === this.#offsets.length) this.#grow()
    const slot = (this.#head + this.#size) & (this.#offsets.length - 1)
    this.#offsets[slot] = offset
    this.#states[slot] = INCOMPLETE
    this.#items[slot] = item
    this.#size += 1
    this.#incomplete += 1
  }

  /** @throws PyrallelError PYR_BUG when the offset is not incomplete */
  complete(offset: number): void {
    const slot = this.#slotOf(offset)
    if (slot === undefined || this.#states[slot] !== INCOMPLETE) {
      throw bug('offset-tracker/complete', `offset ${offset} is not incomplete`)
    }
    this.#states[slot] = COMPLETE
    this.#items[slot] = undefined
    this.#incomplete -= 1
    if (offset > this.#highestCompleted) this.#highestCompleted = offset
    if (slot === this.#head) this.#passCompleted()
  }

  /**
   * The completed ranges above the position, in order. Offsets that do not exist count as completed when completed ones lie on both
   * sides or they follow an incomplete one. Cost: O(span).
   */
  completedRanges(): OffsetRange[] {
    const ranges: OffsetRange[] = []
    const mask = this.#offsets.length - 1
    const end = Math.min(this.#highestCompleted + 1, this.#next ?? 0)
    let start = end
    for (let i = 0; i < this.#size; i += 1) {
      const slot = (this.#head + i) & mask
      if (this.#states[slot] === COMPLETE) continue
      const offset = this.#offsets[slot] as number
      if (start < offset && start < end) ranges.push({ start, end: Math.min(offset, end) })
      start = offset + 1
    }
    if (this.#size > 0 && start < end) ranges.push({ start, end })
    this.#appendRestored(ranges)
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

  #appendRestored(ranges: OffsetRange[]): void {
    const position = this.position
    const next = this.#next
    if (position === undefined || next === undefined) return
    for (const range of this.#restored) {
      const start = Math.max(range.start, next)
      if (range.end <= position || start >= range.end) continue
      const last = ranges.at(-1)
      if (last !== undefined && last.end === start) ranges[ranges.length - 1] = { start: last.start, end: range.end }
      else ranges.push({ start, end: range.end })
    }
  }

  #refuseLower(offset: number): void {
    if (this.#next !== undefined && offset < this.#next) {
      throw bug('offset-tracker', `offset ${offset} arrived, but ${this.#next} is the lowest that may`)
    }
  }

  #passCompleted(): void {
    const mask = this.#offsets.length - 1
    while (this.#size > 0 && this.#states[this.#head] === COMPLETE) {
      this.#head = (this.#head + 1) & mask
      this.#size -= 1
    }
    if (this.#size === 0 && this.#offsets.length > KEEP_CAPACITY) this.#resize(FIRST_CAPACITY)
  }

  #slotOf(offset: number): number | undefined {
    if (this.#size === 0) return undefined
    const mask = this.#offsets.length - 1
    const first = this.#offsets[this.#head] as number
    if (offset < first) return undefined
    // Distinct integers in order: entry i has an offset of at least `first + i`, so this is an upper bound, and exact without holes.
    let high = Math.min(offset - first, this.#size - 1)
    const direct = (this.#head + high) & mask
    if (this.#offsets[direct] === offset) return direct
    let low = 0
    while (low <= high) {
      const middle = (low + high) >> 1
      const slot = (this.#head + middle) & mask
      const seen = this.#offsets[slot] as number
      if (seen === offset) return slot
      if (seen < offset) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }

  #grow(): void {
    this.#resize(this.#offsets.length * 2)
  }

  #resize(capacity: number): void {
    const offsets = new Float64Array(capacity)
    const states = new Uint8Array(capacity)
    const items: (Item | undefined)[] = new Array(capacity).fill(undefined)
    const mask = this.#offsets.length - 1
    for (let i = 0; i < this.#size; i += 1) {
      const slot = (this.#head + i) & mask
      offsets[i] = this.#offsets[slot] as number
      states[i] = this.#states[slot] as number
      items[i] = this.#items[slot]
    }
    this.#offsets = offsets
    this.#states = states
    this.#items = items
    this.#head = 0
  }
}
