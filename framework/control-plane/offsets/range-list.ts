/** Ranges of completed offsets as commit metadata tells them, in eight bytes each: whoever may commit can tell of a million in 141 characters. Never changed. */
import type { Runs } from './run-codecs.ts'

/** Half open: `end` is not part of it. */
export interface OffsetRange {
  readonly start: number
  readonly end: number
}

export class RangeList implements Iterable<OffsetRange> {
  static readonly empty = new RangeList(0, new Uint32Array(0))

  readonly #base: number
  /** Start and end of each, above the base. A window has less than 2^31 offsets. */
  readonly #bounds: Uint32Array

  private constructor(base: number, bounds: Uint32Array) {
    this.#base = base
    this.#bounds = bounds
  }

  /** @param runs lengths from `position` on: incomplete, completed, incomplete, ... */
  static ofRuns(position: number, runs: Runs): RangeList {
    const bounds = new Uint32Array(runs.length)
    let at = 0
    for (let index = 0; index < runs.length; index++) {
      at += runs[index] ?? 0
      bounds[index] = at
    }
    return new RangeList(position, bounds)
  }

  /** @param ranges ascending, all above `base`, by less than 2^32 */
  static of(base: number, ranges: readonly OffsetRange[]): RangeList {
    return new RangeList(base, Uint32Array.from(ranges.flatMap(({ start, end }) => [start - base, end - base])))
  }

  get length(): number {
    return this.#bounds.length / 2
  }

  /** Of one that there is. */
  startOf(index: number): number {
    return this.#base + (this.#bounds[2 * index] ?? 0)
  }

  endOf(index: number): number {
    return this.#base + (this.#bounds[2 * index + 1] ?? 0)
  }

  /** How many offsets they hold together. */
  get offsets(): number {
    let sum = 0
    for (let index = 0; index < this.length; index++) sum += this.endOf(index) - this.startOf(index)
    return sum
  }

  /** The last range's end; undefined for none. */
  get end(): number | undefined {
    return this.length === 0 ? undefined : this.endOf(this.length - 1)
  }

  has(offset: number): boolean {
    const index = this.#firstEndingAbove(offset)
    return index < this.length && this.startOf(index) <= offset
  }

  /** What of them lies below `end`. */
  below(end: number): RangeList {
    const last = this.end
    if (last === undefined || last <= end) return this
    const index = this.#firstEndingAbove(end)
    const isCut = this.startOf(index) < end
    const bounds = this.#bounds.slice(0, 2 * index + (isCut ? 2 : 0))
    if (isCut) bounds[2 * index + 1] = end - this.#base
    return new RangeList(this.#base, bounds)
  }

  /** What of them lies from `start` to below `end`, in order. */
  *within(start: number, end: number): Generator<OffsetRange> {
    for (let index = this.#firstEndingAbove(start); index < this.length && this.startOf(index) < end; index++)
      yield { start: Math.max(start, this.startOf(index)), end: Math.min(end, this.endOf(index)) }
  }

  *[Symbol.iterator](): Generator<OffsetRange> {
    for (let index = 0; index < this.length; index++) yield { start: this.startOf(index), end: this.endOf(index) }
  }

  #firstEndingAbove(offset: number): number {
    let [low, high] = [0, this.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.endOf(middle) > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}

/**
 * The same ranges with holes.
 * @param ranges ascending, disjoint
 * @param offsets ascending; those in no range change nothing
 */
export function withoutOffsets(ranges: readonly OffsetRange[], offsets: readonly number[]): readonly OffsetRange[] {
  const left: OffsetRange[] = []
  let index = 0
  for (const { start, end } of ranges) {
    let from = start
    while (index < offsets.length && (offsets[index] as number) < end) {
      const offset = offsets[index] as number
      if (offset > from) left.push({ start: from, end: offset })
      from = Math.max(from, offset + 1)
      index += 1
    }
    if (from < end) left.push({ start: from, end })
  }
  return left
}
