/** Time comes through here and nowhere else, so that tests and the simulation can move it. */
// Imported, because the global of this name is a getter, and time is asked for several times for every record.
import { performance } from 'node:perf_hooks'

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since the Unix epoch. Never goes back. */
  now(): number
  /** Calls `fire` once, `delayMs` (0 or more) from now, unless cancelled. */
  setTimer(delayMs: number, fire: () => void): Timer
  /** Calls `run` once, at the end of this turn of the event loop, when the timers and answers of the turn have been served. */
  atTurnEnd(run: () => void): void
}

const MAX_TIMER_MS = 2 ** 31 - 1

/** Wall-clock time at start plus monotonic progress, so that a clock set back does not stop the timers. */
export function systemClock(): Clock {
  const origin = Date.now() - performance.now()
  return {
    now: () => origin + performance.now(),
    setTimer(delayMs, fire) {
      return new NodeTimer(setTimeout(fire, Math.min(Math.max(0, delayMs), MAX_TIMER_MS)))
    },
    atTurnEnd: (run) => {
      setImmediate(run)
    },
  }
}

/** A class and no closure: timers are set all the time. */
class NodeTimer implements Timer {
  readonly #handle: NodeJS.Timeout

  constructor(handle: NodeJS.Timeout) {
    this.#handle = handle
  }

  cancel(): void {
    clearTimeout(this.#handle)
  }
}
