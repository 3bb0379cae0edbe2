/** Runs attempts on the event loop of this process. Decides nothing about order, retries or commits. */
import { bug } from '../../model/errors.ts'
import type { TickOrder, TickOutcome } from '../../model/tick.ts'
import type { CompletionEvent, Outcome, WorkItem } from '../../model/work.ts'
import type { Clock } from '../../time/clock.ts'
import { DeadlineQueue } from '../../time/deadline-queue.ts'
import { Attempt, type AttemptOwner } from '../attempt/attempt.ts'
import { interrupted, recalled, timedOut } from '../attempt/outcomes.ts'
import { type HandlerSetup, PreparedHandler } from '../attempt/prepared-handler.ts'
import { notRun, TickRuns } from '../attempt/tick-runs.ts'
import type { ExecutionEngine } from '../execution-engine.ts'
import { AttemptQueue } from './attempt-queue.ts'
import { CLOSING, EngineGate } from './engine-gate.ts'

export interface AsyncEngineOptions extends HandlerSetup {
  /** Attempts in flight at most. At least 1. */
  readonly concurrency: number
  /** How long after its deadline a handler may still run before it is given up. Milliseconds. */
  readonly abandonAfterMs: number
  readonly clock: Clock
}

/** A turn of the event loop starts no further attempt after this long, so that polls, timers and sockets get theirs. Milliseconds. */
const TURN_MS = 10
/** The same in attempts, for a clock that stands still. */
const TURN_ATTEMPTS = 512

/**
 * An attempt moves through these, and is in one at a time:
 *
 *   queue --its turn--> running --deadline--> overdue --abandonAfterMs--> abandoned
 *     |                    |                     |                            |
 *     v                    v                     v                            v
 *   interrupted,      its outcome            timed-out            nothing: it was answered when it was given up
 */
export class AsyncEngine implements ExecutionEngine {
  readonly #options: AsyncEngineOptions
  readonly #running: DeadlineQueue<Attempt>
  readonly #overdue: DeadlineQueue<Attempt>
  readonly #abandoned = new Set<Attempt>()
  readonly #owner: AttemptOwner = {
    onOver: (attempt, outcome) => this.#onOver(attempt, outcome),
    onStray: (attempt) => this.#onStray(attempt),
  }
  readonly #gate: EngineGate
  readonly #queue = new AttemptQueue()
  #prepared: { readonly handler: PreparedHandler; readonly ticks: TickRuns } | undefined
  #turnIsDue = false
  /** Takes it off the list of those who may be to blame. */
  #leave: (() => void) | undefined

  constructor(options: AsyncEngineOptions) {
    this.#options = options
    this.#running = new DeadlineQueue(options.clock, options.timeoutMs, (attempt) => this.#onDeadline(attempt))
    this.#overdue = new DeadlineQueue(options.clock, options.abandonAfterMs, (attempt) => this.#abandon(attempt))
    this.#gate = new EngineGate(
      { ...options, unwindMs: 0 },
      {
        onClosing: () => {},
        onGraceOver: (reason) => this.#abort(reason, () => true),
        cut: (reason) => this.#cut(reason),
        end: () => this.#leave?.(),
      },
    )
  }

  get capacity(): number {
    return this.#options.concurrency - this.#abandoned.size
  }

  get inFlight(): number {
    return this.#gate.open + this.#abandoned.size
  }

  get abandoned(): number {
    return this.#abandoned.size
  }

  /** @throws PyrallelError PYR_HANDLER_OPTION when the topic's schema cannot be compiled */
  async start(onCompletion: (completion: CompletionEvent) => void): Promise<void> {
    this.#gate.beginStart(onCompletion)
    const handler = await PreparedHandler.of(this.#options)
    this.#prepared = { handler, ticks: new TickRuns(handler) }
    if (this.#gate.isClosing) return
    this.#gate.opened()
    this.#leave = this.#options.attribution?.addEngine(() => this.#running.items())
  }

  submit(item: WorkItem): void {
    this.#gate.requireRoom(this.inFlight)
    if (this.#prepared === undefined) throw bug('AsyncEngine.submit', 'admitted before its handler was made ready')
    this.#queue.push(new Attempt(this.#prepared.handler, item, this.#owner))
    this.#gate.admit()
    this.#takeTurnSoon()
  }

  abort(shouldAbort: (item: WorkItem) => boolean): void {
    this.#abort('the attempt was given up', shouldAbort)
  }

  recall(shouldRecall: (item: WorkItem) => boolean): void {
    const taken = this.#queue.remove(shouldRecall)
    if (taken.length === 0) return
    setImmediate(() => {
      const now = this.#options.clock.now()
      for (const attempt of taken) this.#gate.complete(attempt.item, recalled, attempt.durationMs(now))
    })
  }

  async tick(order: TickOrder): Promise<TickOutcome> {
    if (this.#prepared === undefined || this.#gate.isClosed) return notRun(CLOSING)
    return await this.#prepared.ticks.run(order)
  }

  async close(graceMs: number): Promise<void> {
    await this.#gate.close(graceMs)
    await this.#prepared?.ticks.end(this.#gate.graceLeftMs, 0, CLOSING)
  }

  /**
   * Attempts start here and not in `submit`, so that even the outcome of a synchronous handler comes later (law 2), and one
   * turn serves all that was submitted before it. `setImmediate` and not a microtask: a handler that never waits, fed by its
   * own completions, would keep everything else in the process from running.
   */
  #takeTurnSoon(): void {
    if (this.#turnIsDue) return
    this.#turnIsDue = true
    setImmediate(() => this.#takeTurn())
  }

  #takeTurn(): void {
    this.#turnIsDue = false
    const { clock } = this.#options
    let now = clock.now()
    const endOfTurn = now + TURN_MS
    try {
      for (let started = 0; started < TURN_ATTEMPTS && now < endOfTurn; started++) {
        const attempt = this.#queue.take()
        if (attempt === undefined) return
        const outcome = attempt.start(now)
        if (outcome === undefined) this.#running.add(attempt, now)
        now = clock.now()
        if (outcome !== undefined) this.#complete(attempt, this.#inTime(attempt, outcome, now), now)
      }
    } finally {
      if (!this.#queue.isEmpty) this.#takeTurnSoon()
    }
  }

  #onOver(attempt: Attempt, outcome: Outcome): void {
    const now = this.#options.clock.now()
    if (this.#running.delete(attempt)) this.#complete(attempt, this.#inTime(attempt, outcome, now), now)
    else if (this.#overdue.delete(attempt))
      this.#complete(attempt, attempt.stray ?? timedOut(this.#options.timeoutMs, outcome), now)
    else if (this.#abandoned.delete(attempt)) attempt.logSettled(now)
  }

  /** An attempt that ends after its deadline has timed out, also when a busy event loop kept the timer from saying so first. */
  #inTime(attempt: Attempt, outcome: Outcome, now: number): Outcome {
    return now < attempt.deadline ? outcome : timedOut(this.#options.timeoutMs, outcome)
  }

  #onDeadline(attempt: Attempt): void {
    // Moved before the signal fires: its listeners may end the attempt.
    this.#overdue.add(attempt, this.#options.clock.now())
    attempt.abort(new DOMException(`the handler's timeout of ${this.#options.timeoutMs} ms is over`, 'TimeoutError'))
  }

  /** It has failed; like one whose time is over, it is answered for when it has settled, or after `abandonAfterMs`. */
  #onStray(attempt: Attempt): void {
    if (!this.#running.delete(attempt)) return
    this.#overdue.add(attempt, this.#options.clock.now())
    attempt.abort(new DOMException('something that the handler does not await has failed', 'AbortError'))
  }

  #abandon(attempt: Attempt): void {
    this.#abandoned.add(attempt)
    attempt.logFault(
      'warn',
      { abandonAfterMs: this.#options.abandonAfterMs },
      'a handler ignores its signal and was abandoned; it keeps its slot',
    )
    this.#giveUp(attempt, attempt.stray ?? timedOut(this.#options.timeoutMs), this.#options.clock.now())
  }

  #giveUp(attempt: Attempt, outcome: Outcome, now: number): void {
    attempt.giveUp(outcome)
    this.#complete(attempt, outcome, now)
  }

  #complete(attempt: Attempt, outcome: Outcome, now: number): void {
    this.#gate.complete(attempt.item, outcome, attempt.durationMs(now))
  }

  #abort(reason: string, shouldAbort: (item: WorkItem) => boolean): void {
    const exception = new DOMException(reason, 'AbortError')
    for (const attempt of this.#unfinished()) if (shouldAbort(attempt.item)) attempt.abort(exception)
  }

  #cut(reason: string): void {
    const now = this.#options.clock.now()
    const leftBehind = this.#unfinished()
    this.#queue.remove(() => true)
    for (const attempt of leftBehind) {
      this.#running.delete(attempt)
      this.#overdue.delete(attempt)
      this.#giveUp(attempt, interrupted(reason), now)
    }
  }

  #unfinished(): readonly Attempt[] {
    return [...this.#queue.all, ...this.#running.items(), ...this.#overdue.items()]
  }
}
