/** Reads what a thread has written down: when it rings, and by itself while it is busy. Owns the time until the next look. */
import type { Clock, Timer } from '../../../time/clock.ts'
import type { EndedItem, LaneItems } from './items.ts'

/** Answers of a busy thread wait for each other so long: at least, while their pace is not known; and at most. Milliseconds. */
const FIRST_LOOK_MS = 1
const LAST_LOOK_MS = 4

/**
 * A thread with more to do has no need to wake anybody for each answer, which costs as much as a small handler. So, as long as answers
 * come, it is looked at when it should be through with what it has, or soon: its next handler cannot hold back what was written before. A thread that
 * has little left rings in any case.
 */
export class LaneBell {
  readonly #clock: Clock
  readonly #items: LaneItems
  readonly #onEnded: (ended: readonly EndedItem[]) => void
  #nextLook: Timer | undefined
  #lastLookAt: number | undefined
  #spentMs = 0

  constructor(clock: Clock, items: LaneItems, onEnded: (ended: readonly EndedItem[]) => void) {
    this.#clock = clock
    this.#items = items
    this.#onEnded = onEnded
  }

  /** Time spent on reading. Milliseconds. */
  get spentMs(): number {
    return this.#spentMs
  }

  look(): void {
    this.#nextLook?.cancel()
    this.#nextLook = undefined
    const from = this.#clock.now()
    let ended = this.#items.read('watched')
    // Asked after the thread was told not to ring: if it becomes idle from here on, it rings.
    if (ended.length > 0 && this.#items.backlog > 0) {
      this.#nextLook = this.#clock.setTimer(this.#lookAfterMs(from, ended.length), () => this.look())
      this.#lastLookAt = from
    } else {
      ended = [...ended, ...this.#items.read('silent')]
      this.#lastLookAt = undefined
    }
    this.#spentMs += this.#clock.now() - from
    this.#onEnded(ended)
  }

  stop(): void {
    this.#nextLook?.cancel()
    this.#nextLook = undefined
  }

  #lookAfterMs(now: number, ended: number): number {
    if (this.#lastLookAt === undefined) return FIRST_LOOK_MS
    const leftMs = ((now - this.#lastLookAt) / ended) * this.#items.backlog
    return Math.min(Math.max(leftMs, FIRST_LOOK_MS), LAST_LOOK_MS)
  }
}
