/** Decides how much is given to threads at once after several have died in a row, and from which end of what waits. Gives nothing itself. */
import type { Clock } from '../../time/clock.ts'

/** The pause before more is given, after the second thread in a row that has completed nothing; doubled from there on. Milliseconds. */
const FIRST_PAUSE_MS = 100
/** As long as it may be that a few records are bad and the others wait for nothing. Milliseconds. */
export const SHORT_PAUSE_MS = 250
/** After so many in a row the handler is at fault, and no record. */
const MANY_DEATHS = 64
const LONGEST_PAUSE_MS = 30_000
/** With so many given at once there is no doubt left. */
const FULL_TRUST = 64

/** The pause after so many threads in a row have died of their records, with no completion between. Milliseconds. */
export function pauseAfter(deaths: number): number {
  if (deaths < 2) return 0
  if (deaths <= MANY_DEATHS) return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(deaths - 2, 20), SHORT_PAUSE_MS)
  return Math.min(SHORT_PAUSE_MS * 2 ** Math.min(deaths - MANY_DEATHS, 20), LONGEST_PAUSE_MS)
}

/**
 * Records that end their threads often come together. While what is given kills one thread after the other, the newest is given first: one, then
 * two, four and so on, each step once something has completed or `SHORT_PAUSE_MS` have passed without a death. So what comes later does not wait
 * until all of them have been tried.
 */
export class Doubt {
  readonly #clock: Clock
  #isOn = false
  /** Threads that died of their records since something has last completed. */
  #deaths = 0
  #trust = FULL_TRUST
  /** Of the present step, so many may still be given. */
  #left = Number.POSITIVE_INFINITY
  /** When the next step begins, if nothing completes before. */
  #nextAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The newest goes first. */
  get isOn(): boolean {
    return this.#isOn
  }

  /** A thread has died of what it ran. */
  onDeath(): void {
    this.#deaths++
    if (this.#deaths < 2) return
    this.#isOn = true
    this.#trust = 0
    this.#left = 0
    this.#nextAt = this.#clock.now() + pauseAfter(this.#deaths)
  }

  onCompleted(): void {
    this.#deaths = 0
    if (this.#trust < FULL_TRUST) this.#step()
  }

  /** The oldest is as good as any: it goes first again, in the same steps. */
  onOldestCompleted(): void {
    this.#isOn = false
  }

  /** Nothing waits any more: there is no oldest that could have been passed over. */
  onEmpty(): void {
    if (this.#trust >= FULL_TRUST) this.#isOn = false
  }

  /** So many may be given now. */
  allowance(): number {
    if (this.#left === 0 && this.#clock.now() >= this.#nextAt) this.#step()
    return this.#left
  }

  onGiven(items: number): void {
    this.#left -= items
    if (items > 0 && this.#left === 0) this.#nextAt = this.#clock.now() + SHORT_PAUSE_MS
  }

  /** Until more may be given. Milliseconds; undefined when there is something left to give. */
  get waitMs(): number | undefined {
    return this.#left > 0 ? undefined : Math.max(0, this.#nextAt - this.#clock.now())
  }

  #step(): void {
    this.#trust = Math.max(1, this.#trust * 2)
    this.#left = this.#trust < FULL_TRUST ? this.#trust : Number.POSITIVE_INFINITY
  }
}
