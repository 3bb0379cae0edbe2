/** Watches one lane from outside, because a thread that spins cannot: says when a handler is overdue, and when the thread must end. */
import type { Clock, Timer } from '../../../time/clock.ts'
import type { LaneItems } from './items.ts'

/** A handler that is so long over its deadline is a reason to send its thread nothing more, if there is another. Milliseconds. */
const OVERDUE_MS = 50

export interface WatchOptions {
  readonly timeoutMs: number
  /** How long after its deadline a handler may still run. */
  readonly abandonAfterMs: number
  readonly clock: Clock
}

export interface WatchListener {
  onOverdue(): void
  /** A handler has not heeded its signal in time. */
  onAbandon(): void
  /** Nothing runs, and what waits is not come to: something outside of any attempt has the thread. */
  onStuck(afterMs: number): void
}

/** One timer for the whole lane, at the earliest moment at which something may be overdue. An idle lane has none. */
export class LaneWatch {
  readonly #options: WatchOptions
  readonly #items: LaneItems
  readonly #listener: WatchListener
  readonly #overdueMs: number
  #timer: Timer | undefined
  #isOverdue = false
  /** What the thread had passed when it was last seen to do something, and when that was. */
  #passed = 0
  #movedAt = 0
  /** Something has ended since then. */
  #hasEnded = false

  constructor(options: WatchOptions, items: LaneItems, listener: WatchListener) {
    this.#options = options
    this.#items = items
    this.#listener = listener
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
    if (this.#timer !== undefined) return
    const now = this.#options.clock.now()
    this.#moved(now)
    this.#arm(now + this.#options.timeoutMs)
  }

  /** What was taken back counts until the thread has passed over it: one that does not even do that is stuck. */
  ended(): void {
    this.#hasEnded = true
    if (this.#items.size === 0 && this.#items.backlog === 0) this.stop()
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
    const longestMs = timeoutMs + abandonAfterMs
    if (this.#hasRunFor(longestMs)) {
      this.#listener.onAbandon()
      return
    }
    if (this.#items.size === 0 && this.#items.backlog === 0) return
    const now = clock.now()
    const running = this.#items.runningSince()
    // A start counts, so whatever runs is overdue before its thread counts as stuck.
    if (this.#items.backlog === 0 || this.#hasEnded || this.#items.memory.passed !== this.#passed) this.#moved(now)
    if (now - this.#movedAt >= longestMs) {
      this.#listener.onStuck(longestMs)
      return
    }
    const was = this.#isOverdue
    this.#isOverdue = this.#hasRunFor(timeoutMs + this.#overdueMs)
    const due = running.map((startedAt) => {
      const overdueAt = startedAt + timeoutMs + this.#overdueMs
      return now < overdueAt ? overdueAt : startedAt + longestMs
    })
    this.#arm(Math.min(now + timeoutMs, this.#movedAt + longestMs, ...due))
    if (this.#isOverdue && !was) this.#listener.onOverdue()
  }

  #moved(now: number): void {
    this.#passed = this.#items.memory.passed
    this.#movedAt = now
    this.#hasEnded = false
  }

  #hasRunFor(ms: number): boolean {
    const limit = this.#options.clock.now() - ms
    return this.#items.runningSince().some((startedAt) => startedAt <= limit)
  }
}
