/** A clock that moves only when a test tells it to. Does nothing by itself: no timer of the machine is behind it. */
import type { Clock, Timer } from '../time/clock.ts'

interface PendingTimer {
  readonly dueAt: number
  readonly fire: () => void
}

/** 2026-01-01T00:00:00Z: any fixed time would do, and this one looks like one. */
const START = 1_767_225_600_000

export class ManualClock implements Clock {
  /** In the order in which they were set, which decides between timers that are due at the same time. */
  readonly #timers = new Map<Timer, PendingTimer>()
  #now: number

  /** @param startAt what `now()` says at first, in milliseconds since the Unix epoch */
  constructor(startAt = START) {
    this.#now = startAt
  }

  now(): number {
    return this.#now
  }

  /** Timers that were set and have neither fired nor been cancelled. 0 at the end of a test shows that nothing was left behind. */
  get pendingTimers(): number {
    return this.#timers.size
  }

  /** When the next timer falls due, in milliseconds since the Unix epoch; undefined when none is set. */
  get nextTimerAt(): number | undefined {
    let next: number | undefined
    for (const { dueAt } of this.#timers.values()) if (next === undefined || dueAt < next) next = dueAt
    return next
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer: Timer = { cancel: () => this.#timers.delete(timer) }
    this.#timers.set(timer, { dueAt: this.#now + Math.max(0, delayMs), fire })
    return timer
  }

  /** Turns are those of the machine's event loop, as promises settle in them whatever the time is. */
  atTurnEnd(run: () => void): void {
    setImmediate(run)
  }

  /** Time passes and no timer fires: what happens while a handler blocks the event loop. */
  pass(ms: number): void {
    this.#now += ms
  }

  /** Time passes, and each timer that falls due fires at its time, in order; also one that is set meanwhile. */
  advance(ms: number): void {
    const until = this.#now + ms
    while (this.#fireNext(until)) {
      // All is done by the condition.
    }
    this.#now = Math.max(this.#now, until)
  }

  /** As `advance`, and after each timer everything runs that its firing has settled. */
  async advanceAndSettle(ms: number): Promise<void> {
    const until = this.#now + ms
    while (this.#fireNext(until)) await new Promise(setImmediate)
    this.#now = Math.max(this.#now, until)
    await new Promise(setImmediate)
  }

  /** @returns false when nothing is due until then */
  #fireNext(until: number): boolean {
    let next: readonly [Timer, PendingTimer] | undefined
    for (const entry of this.#timers) {
      if (entry[1].dueAt <= until && (next === undefined || entry[1].dueAt < next[1].dueAt)) next = entry
    }
    if (next === undefined) return false
    const [timer, { dueAt, fire }] = next
    this.#timers.delete(timer)
    this.#now = Math.max(this.#now, dueAt)
    fire()
    return true
  }
}
