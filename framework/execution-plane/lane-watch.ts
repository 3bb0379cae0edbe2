/** Watches the deadlines of one lane from outside, because a thread that spins cannot: says when one is overdue, and when its thread must end. */
import type { Clock, Timer } from '../runtime/clock.ts'
import type { LaneItems } from './lane-items.ts'

/** A handler that is so long over its deadline is a reason to send its thread nothing more, if there is another. Milliseconds. */
const OVERDUE_MS = 50

export interface WatchOptions {
  readonly timeoutMs: number
  /** How long after its deadline a handler may still run. */
  readonly abandonAfterMs: number
  readonly clock: Clock
}

/** One timer for the whole lane, at the earliest moment at which something may be overdue. An idle lane has none. */
export class LaneWatch {
  readonly #options: WatchOptions
  readonly #items: LaneItems
  readonly #onOverdue: () => void
  readonly #onAbandon: () => void
  readonly #overdueMs: number
  #timer: Timer | undefined
  #isOverdue = false

  constructor(options: WatchOptions, items: LaneItems, onOverdue: () => void, onAbandon: () => void) {
    this.#options = options
    this.#items = items
    this.#onOverdue = onOverdue
    this.#onAbandon = onAbandon
    this.#overdueMs = Math.min(OVERDUE_MS, options.abandonAfterMs)
  }

  /** A handler is over its deadline and has not ended. */
  get isOverdue(): boolean {
    return this.#isOverdue
  }

  /** Handlers that were started at this time, or before it, have had their timeout and the time to heed their signal. */
  get overdueSince(): number {
    const { clock, timeoutMs, abandonAfterMs } = this.#options
    return clock.now() - timeoutMs - abandonAfterMs
  }

  /** Something was added. When it starts is not known here, but it cannot be overdue any sooner. */
  added(): void {
    if (this.#timer === undefined) this.#arm(this.#options.clock.now() + this.#options.timeoutMs)
  }

  ended(): void {
    if (this.#items.size === 0) this.stop()
    else if (this.#isOverdue) this.#isOverdue = this.#hasRunFor(this.#options.timeoutMs + this.#overdueMs)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#isOverdue = false
  }

  #arm(at: number): void {
    const { clock } = this.#options
    this.#timer = clock.setTimer(Math.max(0, at - clock.now()), () => this.#check())
  }

  #check(): void {
    this.#timer = undefined
    const { clock, timeoutMs, abandonAfterMs } = this.#options
    if (this.#hasRunFor(timeoutMs + abandonAfterMs)) {
      this.#onAbandon()
      return
    }
    const was = this.#isOverdue
    this.#isOverdue = this.#hasRunFor(timeoutMs + this.#overdueMs)
    const now = clock.now()
    const due = this.#items.runningSince().map((startedAt) => {
      const overdueAt = startedAt + timeoutMs + this.#overdueMs
      return now < overdueAt ? overdueAt : startedAt + timeoutMs + abandonAfterMs
    })
    this.#arm(Math.min(now + timeoutMs, ...due))
    if (this.#isOverdue && !was) this.#onOverdue()
  }

  #hasRunFor(ms: number): boolean {
    const limit = this.#options.clock.now() - ms
    return this.#items.runningSince().some((startedAt) => startedAt <= limit)
  }
}
