/** Spreads starts over time: a token bucket. Knows no clock: the caller says what time it is. */

/** The bucket holds what comes in so long, so that a start that comes late loses nothing. Milliseconds. */
const BURST_MS = 100

/**
 * Over any stretch of t milliseconds at most `perSecond * (t + 100) / 1000` tokens, and one more, are spent. What is spent beyond what is there (a batch)
 * is paid back by waiting longer.
 */
export class RateLimit {
  readonly perSecond: number
  readonly #capacity: number
  #tokens: number
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

  spend(tokens: number): void {
    this.#tokens -= tokens
  }

  /** When there will be a token, if nothing is spent until then. */
  nextAt(now: number): number {
    this.#fill(now)
    // Rounded up: a moment earlier, there would be almost one.
    return now + Math.ceil(Math.max(0, ((1 - this.#tokens) * 1_000) / this.perSecond))
  }

  #fill(now: number): void {
    if (now <= this.#at) return
    const gained = this.#at === Number.NEGATIVE_INFINITY ? 0 : ((now - this.#at) * this.perSecond) / 1_000
    // A billionth is forgiven: sums of fractions would else miss the whole token by that much.
    this.#tokens = Math.min(this.#capacity, this.#tokens + gained + 1e-9)
    this.#at = now
  }
}
