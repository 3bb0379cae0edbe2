/** Runs the ticks of a handler: its function, called without a record. The same on the event loop and in threads; decides nothing about when. */
import type { ContextPublish, TickContext } from '../../api/handler.ts'
import { bug, PyrallelError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import type { TickOrder, TickOutcome } from '../../model/tick.ts'
import type { Outcome } from '../../model/work.ts'
import { failureOf } from './handler-failure.ts'
import { failed, interrupted, outcomeOfThrow, succeeded, timedOut } from './outcomes.ts'
import type { PreparedHandler } from './prepared-handler.ts'
import { PublishTracker } from './publish-tracker.ts'

type Order = Pick<TickOrder, 'of' | 'isDraining'> & { readonly signal?: AbortSignal }

export class TickRuns {
  readonly #handler: PreparedHandler
  readonly #running = new Set<TickRun>()
  /** Whoever waits for the end of them. */
  readonly #waiters = new Set<() => void>()

  constructor(handler: PreparedHandler) {
    this.#handler = handler
  }

  get isIdle(): boolean {
    return this.#running.size === 0
  }

  /** Settles when the function and what it has published have ended, or at `cut`. Never rejects. */
  async run(order: Order): Promise<TickOutcome> {
    const { clock, attribution } = this.#handler.setup
    const startedAt = clock.now()
    const run = new TickRun(this.#handler, order, startedAt)
    this.#running.add(run)
    try {
      // A timer that an attempt has set must not lend it the attempt's name.
      const outcome = await (attribution === undefined ? run.outcome() : attribution.outside(() => run.outcome()))
      const durationMs = clock.now() - startedAt
      if (!('failure' in outcome)) return { kind: 'done', durationMs }
      return { kind: 'failed', durationMs, failure: outcome.failure }
    } finally {
      this.#running.delete(run)
      if (this.isIdle) for (const wake of this.#waiters) wake()
    }
  }

  /**
   * Waits for those that run, then fires their signals, then answers for them. May be called again, with less time.
   * @param graceMs what they may still take. Milliseconds
   * @param unwindMs what they get once their signals have fired. Milliseconds
   */
  async end(graceMs: number, unwindMs: number, why: string): Promise<void> {
    const { clock } = this.#handler.setup
    const waited = async (ms: number): Promise<void> => {
      if (this.isIdle || ms <= 0) return
      await new Promise<void>((resolve) => {
        const wake = () => {
          timer.cancel()
          this.#waiters.delete(wake)
          resolve()
        }
        const timer = clock.setTimer(ms, wake)
        this.#waiters.add(wake)
      })
    }
    await waited(graceMs)
    for (const run of this.#running) run.abort(new DOMException(why, 'AbortError'))
    await waited(unwindMs)
    for (const run of this.#running) run.cut(why)
  }
}

/** The engine is not there, or not any more. */
export function notRun(why: string): TickOutcome {
  return {
    kind: 'failed',
    durationMs: 0,
    failure: { reason: 'interrupted', name: 'AbortError', message: why, retryable: true },
  }
}

class TickRun {
  readonly #handler: PreparedHandler
  readonly #order: Order
  readonly #deadline: number
  readonly #controller = new AbortController()
  readonly #publishes = new PublishTracker()
  #log: Logger | undefined
  #cut: (outcome: Outcome) => void = () => {}
  #isOver = false

  constructor(handler: PreparedHandler, order: Order, startedAt: number) {
    this.#handler = handler
    this.#order = order
    this.#deadline = startedAt + handler.setup.timeoutMs
  }

  /** No more than its type says. */
  #context(): TickContext {
    const { of, isDraining } = this.#order
    const [run, handler] = [this, this.#handler]
    return {
      partition: of,
      isDraining,
      deadline: this.#deadline,
      signal: this.#controller.signal,
      publish: this.#publish,
      get log() {
        return run.#ownLog
      },
      get services() {
        return handler.services
      },
    }
  }

  get #ownLog(): Logger {
    const { log, handlerId } = this.#handler.setup
    this.#log ??= log.child({ handler: handlerId, ...this.#order.of })
    return this.#log
  }

  get #publish(): ContextPublish {
    const { publish, keeping } = this.#handler.setup
    return (to, value, options) => {
      if (this.#isOver) {
        const message =
          'publish() was called after the end of its tick. Await what calls it before the function returns.'
        return Promise.reject(new PyrallelError('PYR_ATTEMPT_OVER', message))
      }
      if (keeping === undefined) return this.#publishes.track(() => publish(to, value, options))
      return this.#publishes.track(async () => {
        const facts =
          'publish() was called by a tick, and what an exactly-once group publishes becomes visible with a record'
        const next = "Call the publish of that record's own context, before its handler returns"
        throw new PyrallelError('PYR_OUTPUT_OWNER', `${facts}. ${next}.`)
      })
    }
  }

  abort(reason: DOMException): void {
    this.#controller.abort(reason)
  }

  /** Its function goes on, and nothing that it does counts any more. */
  cut(why: string): void {
    this.#cut(interrupted(why))
  }

  async outcome(): Promise<Outcome> {
    const { timeoutMs, clock } = this.#handler.setup
    const late = new DOMException(`the handler's timeout of ${timeoutMs} ms is over`, 'TimeoutError')
    // A timer may come some microseconds before its time: what was told that it is late, is late.
    let isLate = false
    const timer = clock.setTimer(timeoutMs, () => {
      isLate = true
      this.abort(late)
    })
    const onGone = () => this.abort(new DOMException('the partition was taken away', 'AbortError'))
    const gone = this.#order.signal
    gone?.addEventListener('abort', onGone, { once: true })
    try {
      if (gone?.aborted) onGone()
      const cut = new Promise<Outcome>((resolve) => {
        this.#cut = resolve
      })
      const outcome = await Promise.race([this.#call(), cut])
      return isLate || clock.now() >= this.#deadline ? timedOut(timeoutMs, outcome) : outcome
    } finally {
      this.#isOver = true
      timer.cancel()
      gone?.removeEventListener('abort', onGone)
    }
  }

  async #call(): Promise<Outcome> {
    const { tick } = this.#handler.setup.definition.options
    if (tick === undefined) throw bug('TickRun', `${this.#handler.setup.handlerId} has no tick`)
    let outcome = succeeded
    try {
      await tick(this.#context())
    } catch (thrown) {
      outcome = outcomeOfThrow(thrown, this.#controller.signal.aborted)
    }
    if (!this.#publishes.isIdle) await new Promise<void>((resolve) => this.#publishes.whenIdle(resolve))
    const [first, ...others] = this.#publishes.takeFailures()
    const isFirstOfAll = outcome === succeeded && first !== undefined
    for (const error of isFirstOfAll ? others : [first, ...others]) if (error !== undefined) this.#tell(error)
    return isFirstOfAll ? failed(failureOf(first)) : outcome
  }

  #tell(error: unknown): void {
    const { name, message } = failureOf(error)
    const facts = { handler: this.#handler.setup.handlerId, errorName: name, errorMessage: message }
    this.#handler.log.error(facts, 'a publish failed that nobody awaited, and its tick had its outcome already')
  }
}
