/** Picks some of many: all while they are few, every nth when they are not. Knows nothing of records. */

const WINDOW_MS = 1_000
/** As many as somebody can read, and that stay for a while among those that are kept. */
const WANTED = 200
/** Of the first window of a rush, which nobody could foresee. */
const MOST = 2 * WANTED

export class LiveSampler {
  #every = 1
  #windowAt = 0
  #seen = 0
  #picked = 0
  #rate = 0

  /** @param now milliseconds since the Unix epoch */
  picks(now: number): boolean {
    this.#roll(now)
    this.#seen += 1
    if (this.#seen % this.#every !== 0 || this.#picked >= MOST) return false
    this.#picked += 1
    return true
  }

  /** Of so many, one is picked; 1: all are. */
  every(now: number): number {
    this.#roll(now)
    return this.#picked >= MOST ? Math.max(this.#every, Math.ceil(this.#seen / MOST)) : this.#every
  }

  /** How many there were in the last whole second. */
  rate(now: number): number {
    this.#roll(now)
    return this.#rate
  }

  #roll(now: number): void {
    const elapsedMs = now - this.#windowAt
    if (elapsedMs < WINDOW_MS) return
    this.#rate = elapsedMs >= 2 * WINDOW_MS ? 0 : Math.round((this.#seen * WINDOW_MS) / elapsedMs)
    this.#every = Math.max(1, Math.ceil(this.#rate / WANTED))
    this.#windowAt = now
    this.#seen = 0
    this.#picked = 0
  }
}
