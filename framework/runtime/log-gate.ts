/** Keeps an error that repeats from filling the log: the first of a kind passes, the others of the same interval are counted. */
import type { Clock } from './clock.ts'

export class LogGate {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #kinds = new Map<number | string, { openAt: number; suppressed: number }>()

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
  }

  /** How many of this kind were held back since the last one that passed; `undefined` when this one is held back too. */
  pass(kind: number | string): number | undefined {
    const now = this.#clock.now()
    const known = this.#kinds.get(kind)
    if (known !== undefined && now < known.openAt) {
      known.suppressed++
      return undefined
    }
    this.#kinds.set(kind, { openAt: now + this.#intervalMs, suppressed: 0 })
    return known?.suppressed ?? 0
  }
}
