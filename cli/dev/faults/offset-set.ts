/** Offsets as ascending ranges that do not touch: many in little memory, as most follow one another. */

export class OffsetSet {
  /** Half open. */
  readonly #ranges: { start: number; end: number }[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  /** @returns false when it was in there before */
  add(offset: number): boolean {
    const index = this.#indexOf(offset)
    const before = this.#ranges[index - 1]
    const after = this.#ranges[index]
    if (before !== undefined && offset < before.end) return false
    this.#count += 1
    const joinsBefore = before?.end === offset
    const joinsAfter = after?.start === offset + 1
    if (before !== undefined && joinsBefore) {
      before.end = joinsAfter && after !== undefined ? after.end : offset + 1
      if (joinsAfter) this.#ranges.splice(index, 1)
    } else if (after !== undefined && joinsAfter) after.start = offset
    else this.#ranges.splice(index, 0, { start: offset, end: offset + 1 })
    return true
  }

  /** The lowest offsets from `from` to below `to` that are not in it; `most` of them at most. */
  missing(from: number, to: number, most: number): readonly number[] {
    const missing: number[] = []
    let at = from
    for (const { start, end } of [...this.#ranges, { start: to, end: to }]) {
      for (; at < Math.min(start, to) && missing.length < most; at++) missing.push(at)
      at = Math.max(at, end)
    }
    return missing
  }

  /** How many of them lie from `from` to below `to`. */
  within(from: number, to: number): number {
    return this.#ranges.reduce((sum, { start, end }) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0)
  }

  /** Of the first range that begins above the offset. */
  #indexOf(offset: number): number {
    let [low, high] = [0, this.#ranges.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ranges[middle]?.start ?? 0) > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}
