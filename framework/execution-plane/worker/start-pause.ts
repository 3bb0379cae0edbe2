/** Counts threads that could not be brought up, and makes those who try again wait: longer from one to the next. Begins no thread. */
import type { Clock } from '../../time/clock.ts'

/** The pause before the third try in a row; doubled from there on. Milliseconds. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 30_000

export class StartPause {
  readonly #clock: Clock
  readonly #pauses = new Set<() => void>()
  #failures = 0
  #failuresInARow = 0
  #isOver = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** In all. A thread that was begun since the last one failed, and completes something, shows that threads can be brought up. */
  get failures(): number {
    return this.#failures
  }

  get inARow(): number {
    return this.#failuresInARow
  }

  onFailed(): void {
    this.#failures++
    this.#failuresInARow++
  }

  /** @param failuresBefore what `failures` was when the thread was begun that has completed something */
  onCompleted(failuresBefore: number): void {
    if (failuresBefore === this.#failures) this.#failuresInARow = 0
  }

  /** Settles when the next thread may be begun. */
  wait(): Promise<void> {
    if (this.#failuresInARow < 2 || this.#isOver) return Promise.resolve()
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.#failuresInARow - 2, 20), LONGEST_PAUSE_MS)
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel()
        this.#pauses.delete(end)
        resolve()
      }
      const timer = this.#clock.setTimer(pauseMs, end)
      this.#pauses.add(end)
    })
  }

  /** Nobody waits any more, now and from now on. */
  end(): void {
    this.#isOver = true
    for (const end of this.#pauses) end()
  }
}
