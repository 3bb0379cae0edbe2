/** Percentiles of durations in constant memory: buckets that grow by 2 %, so that a percentile is off by 1 % at most. */

const GROWTH = 1.02
const SMALLEST_MS = 0.01

export class LatencyHistogram {
  readonly #buckets: number[] = []
  #count = 0

  record(ms: number): void {
    const index = Math.max(0, Math.ceil(Math.log(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) / Math.log(GROWTH)))
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1
    this.#count++
  }

  get count(): number {
    return this.#count
  }

  /**
   * The duration that a share of all does not exceed; `undefined` when there is none.
   * @param share 0 to 1: 0.99 for the 99th percentile
   */
  percentile(share: number): number | undefined {
    const rank = Math.max(1, Math.ceil(share * this.#count))
    let seen = 0
    for (const [index, count] of this.#buckets.entries()) {
      seen += count ?? 0
      // The middle of the bucket.
      if (seen >= rank && this.#count > 0) return SMALLEST_MS * GROWTH ** (index - 0.5)
    }
    return undefined
  }
}
