/** Things that are due a fixed time after they were added: one timer for all of them. Knows nothing of attempts. */
import type { Clock, Timer } from '../runtime/clock.ts'

/**
 * All wait equally long, so the order of adding is the order of falling due and only the oldest needs a timer.
 * Adding and removing cost a map entry; a timer each would cost more than a small handler. Empty, it holds no timer.
 */
export class DeadlineQueue<T extends object> {
  readonly #clock: Clock
  readonly #waitMs: number
  readonly #onDue: (item: T) => void
  readonly #dueAt = new Map<T, number>()
  #timer: Timer | undefined

  constructor(clock: Clock, waitMs: number, onDue: (item: T) => void) {
    this.#clock = clock
    this.#waitMs = waitMs
    this.#onDue = onDue
  }

  /** @param now the clock's time from which the item waits; never less than at the call before */
  add(item: T, now: number): void {
    this.#dueAt.set(item, now + this.#waitMs)
    this.#timer ??= this.#clock.setTimer(this.#waitMs, () => this.#fire())
  }

  /** False when it was not there, or has fallen due. */
  delete(item: T): boolean {
    const was = this.#dueAt.delete(item)
    if (this.#dueAt.size === 0) this.#disarm()
    return was
  }

  items(): Iterable<T> {
    return this.#dueAt.keys()
  }

  #fire(): void {
    this.#timer = undefined
    const now = this.#clock.now()
    try {
      for (const [item, dueAt] of this.#dueAt) {
        if (dueAt > now) break
        this.#dueAt.delete(item)
        this.#onDue(item)
      }
    } finally {
      this.#rearm()
    }
  }

  #rearm(): void {
    // An item added by `onDue` may have armed the timer for itself, while an older one still waits.
    this.#disarm()
    const oldest = this.#dueAt.values().next()
    if (oldest.done === true) return
    this.#timer = this.#clock.setTimer(Math.max(0, oldest.value - this.#clock.now()), () => this.#fire())
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
