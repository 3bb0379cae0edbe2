/** Says when the next of so many in a second may go. What was late is caught up with, a second of it at most. */

const CATCH_UP_MS = 1_000

export class Pace {
  readonly #intervalMs: number
  #nextAt: number | undefined

  /** @param perSecond undefined: no limit */
  constructor(perSecond: number | undefined) {
    this.#intervalMs = perSecond === undefined ? 0 : 1_000 / perSecond
  }

  /** 0 when one may go. */
  waitMs(now: number): number {
    return this.#intervalMs === 0 ? 0 : Math.max(0, (this.#nextAt ?? now) - now)
  }

  gone(now: number): void {
    this.#nextAt = Math.max(this.#nextAt ?? now, now - CATCH_UP_MS) + this.#intervalMs
  }
}
