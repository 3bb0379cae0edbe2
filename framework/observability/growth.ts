/** How fast something that only grows has grown of late. Knows no clock: the caller says what time it is. */

export class Growth {
  readonly #windowMs: number
  /** In the order of time; the first one may be as old as the window and one step. */
  readonly #at: number[] = []
  readonly #values: number[] = []

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  add(at: number, value: number): void {
    this.#at.push(at)
    this.#values.push(value)
    for (let second = this.#at[1]; second !== undefined && second <= at - this.#windowMs; second = this.#at[1]) {
      this.#at.shift()
      this.#values.shift()
    }
  }

  /** Within the window. */
  get total(): number {
    return (this.#values.at(-1) ?? 0) - (this.#values[0] ?? 0)
  }

  /** From the first to the last value. Milliseconds; 0 where there are not two. */
  get spanMs(): number {
    return (this.#at.at(-1) ?? 0) - (this.#at[0] ?? 0)
  }

  /** @param leastMs of a shorter time nothing is concluded: ten records in the first second are not yet ten a second */
  perSecond(leastMs: number): number {
    return (this.total / Math.max(leastMs, this.spanMs)) * 1_000
  }
}
