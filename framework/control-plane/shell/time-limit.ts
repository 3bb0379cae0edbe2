/** Bounds several waits together. */
import type { Clock, Timer } from '../../time/clock.ts'

/** A stretch of time that several waits share. Leaves no timer behind once it is cancelled. */
export class TimeLimit {
  readonly #clock: Clock
  readonly #over: Promise<false>
  #timer: Timer | undefined
  #sleep: Timer | undefined

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock
    this.#over = new Promise((resolve) => {
      this.#timer = clock.setTimer(limitMs, () => resolve(false))
    })
  }

  /** @returns false when the time is over before the promise has settled */
  allows(promise: Promise<unknown>): Promise<boolean> {
    return Promise.race([promise.then(() => true), this.#over])
  }

  /** @returns false when the time is over first */
  sleep(delayMs: number): Promise<boolean> {
    return this.allows(
      new Promise<void>((resolve) => {
        this.#sleep = this.#clock.setTimer(Math.max(0, delayMs), resolve)
      }),
    )
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#sleep?.cancel()
  }
}
