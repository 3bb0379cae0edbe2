/** A clock for the tests of the execution plane that moves only when it is told to. */
import type { Clock, Timer } from '../../../framework/runtime/clock.ts'

export class StandingClock implements Clock {
  readonly #timers = new Map<Timer, { readonly dueAt: number; readonly fire: () => void }>()
  #now = 1_000_000

  now(): number {
    return this.#now
  }

  get openTimers(): number {
    return this.#timers.size
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer: Timer = { cancel: () => this.#timers.delete(timer) }
    this.#timers.set(timer, { dueAt: this.#now + delayMs, fire })
    return timer
  }

  /** Time passes and no timer fires: what a handler does that blocks the event loop. */
  pass(ms: number): void {
    this.#now += ms
  }

  /** Time passes, and each timer that falls due fires at its time, in order. */
  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const [next] = [...this.#timers]
        .filter(([, { dueAt }]) => dueAt <= until)
        .sort(([, a], [, b]) => a.dueAt - b.dueAt)
      if (next === undefined) break
      const [timer, { dueAt, fire }] = next
      this.#timers.delete(timer)
      this.#now = Math.max(this.#now, dueAt)
      fire()
    }
    this.#now = until
  }
}
