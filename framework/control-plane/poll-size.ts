/** How many records a poll asks for: as few as keep the engines busy. Knows neither records nor limits. */

/** Fewer would not pay for the call itself: at 64, a record costs hardly more than at 500. */
const SMALLEST = 64
const LARGEST = 500

/**
 * The client makes the objects of all records of a poll in one go, on the event loop: some 3 ms for 500. Handlers that wait for something have their
 * timers and answers delayed by that each time, so they are fed in small portions; handlers that return at once, in large ones.
 */
export class PollSize {
  #size = SMALLEST

  /** @param room the most records that may be taken in */
  within(room: number): number {
    return Math.min(room, this.#size)
  }

  /** Engines were idle when the records of a poll came. */
  onLate(): void {
    this.#size = Math.min(LARGEST, this.#size * 2)
  }

  /** There was plenty to do when the records of a poll came. */
  onEarly(): void {
    this.#size = Math.max(SMALLEST, this.#size >> 1)
  }
}
