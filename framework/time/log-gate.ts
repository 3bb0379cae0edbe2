/** Keeps an error that repeats from filling the log: the first of a kind passes, the others of the same interval are counted. */
import type { Clock } from './clock.ts'

/** Names come from users' code: without a limit, one with a number in it would take all memory, and nothing would be held back. */
const MAX_NAMES = 1_000

interface Gate {
  readonly openAt: number
  suppressed: number
}

export class LogGate {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #kinds = new Map<number | string, Gate>()
  /** Those that open first stand first: each is set anew when it passes. */
  readonly #named = new Map<string, Gate>()

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
  }

  /**
   * How many of this kind were held back since the last one that passed; `undefined` when this one is held back too.
   * @param kind one of few
   * @param name tells more kinds apart, whatever it is; beyond 1,000 names in one interval, those that come new share a gate for each kind
   */
  pass(kind: number | string, name?: string): number | undefined {
    const now = this.#clock.now()
    if (name === undefined) return this.#passOne(this.#kinds, kind, now)
    const named = `${kind} ${name}`
    if (this.#named.has(named) || this.#hasRoom(now)) return this.#passOne(this.#named, named, now)
    return this.#passOne(this.#kinds, kind, now)
  }

  #passOne<Kind>(gates: Map<Kind, Gate>, kind: Kind, now: number): number | undefined {
    const known = gates.get(kind)
    if (known !== undefined && now < known.openAt) {
      known.suppressed++
      return undefined
    }
    gates.delete(kind)
    gates.set(kind, { openAt: now + this.#intervalMs, suppressed: 0 })
    return known?.suppressed ?? 0
  }

  /** Drops those that hold nothing back any more, and with them how many they had held back. */
  #hasRoom(now: number): boolean {
    for (const [named, { openAt }] of this.#named) {
      if (this.#named.size < MAX_NAMES || now < openAt) break
      this.#named.delete(named)
    }
    return this.#named.size < MAX_NAMES
  }
}
