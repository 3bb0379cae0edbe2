/** Runs attempts on the event loop of this process. Decides nothing about order, retries or commits. */
import { bug, PyrallelError } from '../../model/errors.ts'
import { totalLogger } from '../../model/total-logger.ts'
import type { CompletionEvent, Outcome, Recalled, WorkItem } from '../../model/work.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import { DeadlineQueue } from '../../time/deadline-queue.ts'
import { Attempt, type AttemptOwner } from '../attempt/attempt.ts'
import { interrupted, recalled, timedOut } from '../attempt/outcomes.ts'
import { type HandlerSetup, PreparedHandler } from '../attempt/prepared-handler.ts'
import type { ExecutionEngine } from '../execution-engine.ts'

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
  #state: 'new' | 'starting' | 'open' | 'closing' | 'closed' = 'new'
  #handler: PreparedHandler | undefined
  #onCompletion: (completion: CompletionEvent) => void = () => {}
  /** Submitted, in order; those from `#next` on are not started. */
  #queue: Attempt[] = []
  #next = 0
  /** Submitted and not completed. */
  #open = 0
  #turnIsDue = false
  #closing: { readonly promise: Promise<void>; readonly settle: () => void } | undefined
  #giveUpAt = Number.POSITIVE_INFINITY
  #giveUpTimer: Timer | undefined
  /** Takes it off the list of those who may be to blame. */
  #leave: (() => void) | undefined

  constructor(options: AsyncEngineOptions) {
    this.#options = options
    this.#running = new DeadlineQueue(options.clock, options.timeoutMs, (attempt) => this.#onDeadline(attempt))
    this.#overdue = new DeadlineQueue(options.clock, options.abandonAfterMs, (attempt) => this.#abandon(attempt))
  }

  get capacity(): number {
    return this.#options.concurrency - this.#abandoned.size
  }

  get inFlight(): number {
    return this.#open + this.#abandoned.size
  }

  get abandoned(): number {
    return this.#abandoned.size
  }

  /** @throws PyrallelError PYR_HANDLER_OPTION when the topic's schema cannot be compiled */
  async start(onCompletion: (completion: CompletionEvent) => void): Promise<void> {
    if (this.#closing !== undefined) throw this.#isClosed('start')
    if (this.#state !== 'new')
      throw bug('AsyncEngine.start', `the engine of ${this.#options.handlerId} was started twice`)
    this.#state = 'starting'
    this.#onCompletion = onCompletion
    this.#handler = await PreparedHandler.of(this.#options)
    if (this.#closing !== undefined) return
    this.#state = 'open'
    this.#leave = this.#options.attribution?.addEngine(() => this.#running.items())
  }

  submit(item: WorkItem): void {
    if (this.#closing !== undefined) throw this.#isClosed('submit')
    if (this.#state !== 'open' || this.#handler === undefined) {
      const message = `The engine of ${this.#options.handlerId} has not started. Await start() before submit().`
      throw new PyrallelError('PYR_ENGINE_NOT_STARTED', message)
    }
    if (this.#open >= this.capacity) {
      const slots = `${this.inFlight} of ${this.#options.concurrency} slots`
      const message = `The engine of ${this.#options.handlerId} uses ${slots}. Submit only while there is capacity.`
      throw new PyrallelError('PYR_ENGINE_FULL', message)
    }
    this.#queue.push(new Attempt(this.#handler, item, this.#owner))
    this.#open++
    this.#takeTurnSoon()
  }

  abort(shouldAbort: (item: WorkItem) => boolean): void {
    const reason = new DOMException('the attempt was given up', 'AbortError')
    for (const attempt of this.#unfinished()) if (shouldAbort(attempt.item)) attempt.abort(reason)
  }

  recall(shouldRecall: (item: WorkItem) => boolean): void {
    const waiting = this.#queue.slice(this.#next)
    const taken = waiting.filter(({ item }) => shouldRecall(item))
    if (taken.length === 0) return
    this.#queue = waiting.filter(({ item }) => !shouldRecall(item))
    this.#next = 0
    setImmediate(() => {
      const now = this.#options.clock.now()
      for (const attempt of taken) this.#complete(attempt, recalled, now)
    })
  }

  /** A second call waits for the first, and can only shorten its grace. */
  close(graceMs: number): Promise<void> {
    this.#closing ??= newSettler()
    if (this.#state === 'closed') return this.#closing.promise
    this.#state = 'closing'
    const giveUpAt = this.#options.clock.now() + Math.max(0, graceMs)
    if (this.#open === 0) {
      this.#finishClosing()
    } else if (giveUpAt < this.#giveUpAt) {
      this.#giveUpAt = giveUpAt
      this.#giveUpTimer?.cancel()
      if (graceMs > 0) this.#giveUpTimer = this.#options.clock.setTimer(graceMs, () => this.#giveUp())
      else this.#giveUp()
    }
    return this.#closing.promise
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
        const attempt = this.#takeNext()
        if (attempt === undefined) return
        const outcome = attempt.start(now)
        if (outcome === undefined) this.#running.add(attempt, now)
        now = clock.now()
        if (outcome !== undefined) this.#complete(attempt, this.#inTime(attempt, outcome, now), now)
      }
    } finally {
      if (this.#next < this.#queue.length) this.#takeTurnSoon()
    }
  }

  #takeNext(): Attempt | undefined {
    const attempt = this.#queue[this.#next]
    if (attempt === undefined) return undefined
    this.#next++
    if (this.#next === this.#queue.length || this.#next === TURN_ATTEMPTS) {
      this.#queue = this.#queue.slice(this.#next)
      this.#next = 0
    }
    return attempt
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
    this.#giveUpAttempt(attempt, attempt.stray ?? timedOut(this.#options.timeoutMs), this.#options.clock.now())
  }

  #giveUpAttempt(attempt: Attempt, outcome: Outcome, now: number): void {
    attempt.giveUp(outcome)
    this.#complete(attempt, outcome, now)
  }

  #complete(attempt: Attempt, outcome: Outcome | Recalled, now: number): void {
    this.#open--
    try {
      this.#onCompletion({ workId: attempt.item.id, outcome, durationMs: attempt.durationMs(now) })
    } finally {
      if (this.#open === 0 && this.#closing !== undefined) this.#finishClosing()
    }
  }

  /** The grace is over. Those that heed their signal get one turn to end by themselves, then all others are answered for. */
  #giveUp(): void {
    const reason = new DOMException('the engine is closing', 'AbortError')
    for (const attempt of this.#unfinished()) attempt.abort(reason)
    setImmediate(() => {
      const leftBehind = this.#unfinished()
      if (leftBehind.length === 0) return
      const { handlerId, clock, log } = this.#options
      totalLogger(log).warn(
        { handler: handlerId, leftBehind: leftBehind.length },
        'handlers were still running when the engine had to close',
      )
      const now = clock.now()
      this.#queue = []
      this.#next = 0
      for (const attempt of leftBehind) {
        this.#running.delete(attempt)
        this.#overdue.delete(attempt)
        this.#giveUpAttempt(attempt, interrupted(reason.message), now)
      }
    })
  }

  #finishClosing(): void {
    this.#state = 'closed'
    this.#leave?.()
    this.#giveUpTimer?.cancel()
    this.#closing?.settle()
  }

  #unfinished(): readonly Attempt[] {
    return [...this.#queue.slice(this.#next), ...this.#running.items(), ...this.#overdue.items()]
  }

  #isClosed(verb: string): PyrallelError {
    return new PyrallelError(
      'PYR_ENGINE_CLOSED',
      `${verb}() was called on the engine of ${this.#options.handlerId} after close().`,
    )
  }
}

function newSettler(): { readonly promise: Promise<void>; readonly settle: () => void } {
  let settle = () => {}
  const promise = new Promise<void>((resolve) => {
    settle = resolve
  })
  return { promise, settle }
}
