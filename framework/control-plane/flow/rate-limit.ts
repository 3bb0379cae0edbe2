/** Spreads starts over time: a token bucket. Knows no clock: the caller says what time it is. */

/** The bucket holds what comes in so long, so that a start that comes late loses nothing. Milliseconds. */
const BURST_MS = 100

/**
 * Over any stretch of t milliseconds at most `perSecond * (t + 100) / 1000` tokens, and one more, are spent. What is spent beyond what is there (a batch)
 * is paid back by waiting longer. What is returned never makes the bucket fuller than full.
 */
export class RateLimit {
  readonly perSecond: number
  readonly #capacity: number
  #tokens: number
  /** The first that has spent since the bucket was last full. */
  #firstSinceFull = 0
  #at = Number.NEGATIVE_INFINITY

  constructor(perSecond: number) {
    this.perSecond = perSecond
    this.#capacity = Math.max(1, (perSecond * BURST_MS) / 1_000)
    this.#tokens = this.#capacity
  }

  hasToken(now: number): boolean {
    this.#fill(now)
    return this.#tokens >= 1
  }

  /** @param id of who spends them, larger than all before */
  spend(tokens: number, id: number): void {
    if (this.#tokens === this.#capacity) this.#firstSinceFull = id
    this.#tokens -= tokens
  }

  /** They were not used after all. */
  return(tokens: number, id: number): void {
    // What was spent before the bucket was full has come back by itself. Returned once more, twice as much could start at once.
    if (id >= this.#firstSinceFull) this.#tokens = Math.min(this.#capacity, this.#tokens + tokens)
  }

  /** When there will be a token, if nothing is spent until then. */
  nextAt(now: number): number {
    this.#fill(now)
    // Rounded up: a moment earlier, there would be almost one.
    return now + Math.ceil(Math.max(0, ((1 - this.#tokens) * 1_000) / this.perSecond))
  }

  /** The same, and changes nothing; `now` when there is one. */
  firstAt(now: number): number {
    const gained = now > this.#at ? ((now - this.#at) * this.perSecond) / 1_000 + 1e-9 : 0
    const tokens =
      this.#at === Number.NEGATIVE_INFINITY ? this.#tokens : Math.min(this.#capacity, this.#tokens + gained)
    return now + Math.ceil(Math.max(0, ((1 - tokens) * 1_000) / this.perSecond))
  }

  #fill(now: number): void {
    if (now <= this.#at) return
    const gained = this.#at === Number.NEGATIVE_INFINITY ? 0 : ((now - this.#at) * this.perSecond) / 1_000
    // A billionth is forgiven: sums of fractions would else miss the whole token by that much.
    this.#tokens = Math.min(this.#capacity, this.#tokens + gained + 1e-9)
    this.#at = now
  }
}
