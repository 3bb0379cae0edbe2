/** Things that are due a fixed time after they were added: one timer for all of them. Knows nothing of attempts. */
import type { Clock, Timer } from './clock.ts'

/** What can wait in a queue, in one at a time. Its fields are the queue's. */
export abstract class DeadlineEntry {
  waitsIn: object | undefined = undefined
  dueAt = 0
  earlier: DeadlineEntry | undefined = undefined
  later: DeadlineEntry | undefined = undefined
}

/**
 * All wait equally long, so the order of adding is the order of falling due and only the oldest needs a timer. Empty, it holds no timer.
 *
 * A list through the items themselves, and not a `Map`: a `Map` that lives on entries that come and go makes itself a new table every so often, and the
 * old ones, once they have reached the old generation, keep each other and all that was in them from being collected young. That cost a fast handler
 * more than everything else that is done for its records.
 */
export class DeadlineQueue<T extends DeadlineEntry> {
  readonly #clock: Clock
  readonly #waitMs: number
  readonly #onDue: (item: T) => void
  #oldest: T | undefined
  #newest: T | undefined
  #timer: Timer | undefined

  constructor(clock: Clock, waitMs: number, onDue: (item: T) => void) {
    this.#clock = clock
    this.#waitMs = waitMs
    this.#onDue = onDue
  }

  /** @param now the clock's time from which the item waits; never less than at the call before */
  add(item: T, now: number): void {
    item.waitsIn = this
    item.dueAt = now + this.#waitMs
    item.earlier = this.#newest
    if (this.#newest === undefined) this.#oldest = item
    else this.#newest.later = item
    this.#newest = item
    this.#timer ??= this.#clock.setTimer(this.#waitMs, () => this.#fire())
  }

  /** False when it was not there, or has fallen due. */
  delete(item: T): boolean {
    if (item.waitsIn !== this) return false
    this.#unlink(item)
    if (this.#oldest === undefined) this.#disarm()
    return true
  }

  /** The oldest first. The queue must not change meanwhile. */
  *items(): Iterable<T> {
    for (let item = this.#oldest; item !== undefined; item = item.later as T | undefined) yield item
  }

  /** Leaves the item without links: one that is dead but old would keep its neighbours alive. */
  #unlink(item: T): void {
    const { earlier, later } = item
    if (earlier === undefined) this.#oldest = later as T | undefined
    else earlier.later = later
    if (later === undefined) this.#newest = earlier as T | undefined
    else later.earlier = earlier
    item.waitsIn = undefined
    item.earlier = undefined
    item.later = undefined
  }

  #fire(): void {
    this.#timer = undefined
    const now = this.#clock.now()
    try {
      for (let item = this.#oldest; item !== undefined && item.dueAt <= now; item = this.#oldest) {
        this.#unlink(item)
        this.#onDue(item)
      }
    } finally {
      this.#rearm()
    }
  }

  #rearm(): void {
    // An item added by `onDue` may have armed the timer for itself, while an older one still waits.
    this.#disarm()
    if (this.#oldest === undefined) return
    this.#timer = this.#clock.setTimer(Math.max(0, this.#oldest.dueAt - this.#clock.now()), () => this.#fire())
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
