/** How many records a poll asks for. Knows neither records nor limits. */

/** Fewer would not pay for the call itself. */
const SMALLEST = 64
const LARGEST = 500
/** A poll brings what is handled in about this time. Milliseconds. */
const PORTION_MS = 5
/** The rate is that of so long a time. Milliseconds. */
const WINDOW_MS = 50

/**
 * The client makes the objects of all records of a poll in one go, on the event loop: some 3 ms for 500. Handlers that wait for something have their
 * timers and answers delayed by that each time, so they are fed in small portions; where many records are handled in a second, a poll for each
 * few of them would cost more than they do.
 */
export class PollSize {
  #size = SMALLEST
  #windowBegan = 0
  #inWindow = 0
  #polledAt = Number.NEGATIVE_INFINITY

  /** @param room the most records that may be taken in */
  within(room: number): number {
    return Math.min(room, this.#size)
  }

  /**
   * After a break as long as a window without any poll, as when the process was suspended or a handler held the event loop, counting begins anew: the rate of
   * that time would be far too low.
   * @param records 0 counts, too
   * @param now when the poll ended. Milliseconds since the Unix epoch
   */
  onPolled(records: number, now: number): void {
    const isBreak = now - this.#polledAt > WINDOW_MS
    this.#polledAt = now
    if (isBreak) {
      this.#windowBegan = now
      this.#inWindow = 0
      return
    }
    this.#inWindow += records
    const elapsedMs = now - this.#windowBegan
    if (elapsedMs < WINDOW_MS) return
    const portion = Math.round((this.#inWindow / elapsedMs) * PORTION_MS)
    this.#size = Math.min(LARGEST, Math.max(SMALLEST, portion))
    this.#windowBegan = now
    this.#inWindow = 0
  }
}
