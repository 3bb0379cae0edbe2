/** A clock for the tests of the Kafka clients that moves only when it is told to. */
import type { Clock, Timer } from '../../../framework/runtime/clock.ts'

export class ManualClock implements Clock {
  #now = 1_700_000_000_000
  #timers: { readonly at: number; readonly fire: () => void }[] = []

  now(): number {
    return this.#now
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { at: this.#now + delayMs, fire }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((each) => each !== timer)
      },
    }
  }

  get openTimers(): number {
    return this.#timers.length
  }

  /** Fires what falls due, in order, and lets everything that waits for it run. */
  async advance(byMs: number): Promise<void> {
    const until = this.#now + byMs
    for (;;) {
      const [next] = this.#timers.filter((each) => each.at <= until).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#timers = this.#timers.filter((each) => each !== next)
      this.#now = next.at
      next.fire()
      await new Promise(setImmediate)
    }
    this.#now = until
    await new Promise(setImmediate)
  }
}
