/** Who comes into an engine, and when its end comes: admission, the count of what is in flight, and closing. Runs no attempt and ends none itself. */
import { bug, PyrallelError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import { totalLogger } from '../../model/total-logger.ts'
import type { CompletionEvent, Outcome, Recalled, WorkItem } from '../../model/work.ts'
import type { Clock, Timer } from '../../time/clock.ts'

export interface GateOptions {
  readonly handlerId: string
  /** Items that may take a slot at once. */
  readonly concurrency: number
  /** What those get to end by themselves whose signal fires at the end of the grace. Milliseconds; 0 is one turn of the event loop. */
  readonly unwindMs: number
  readonly log: Logger
  readonly clock: Clock
}

/** The engine behind the gate, at its end. */
export interface GatedEngine {
  /** `close` was called: nothing new comes in from here on. */
  onClosing(): void
  /** The grace is over: fires the signals of all that has not ended. */
  onGraceOver(reason: string): void
  /** Those have had their time, too: answers for all that still runs. */
  cut(reason: string): void
  /** Nothing is in flight: frees what the engine holds. Called again where a second `close` leaves less of the grace. */
  end(): Promise<void> | void
}

/** How the engine's end is told: to signals, and in the outcome of what it cuts. */
export const CLOSING = 'the engine is closing'

/**
 *   new --beginStart--> starting --opened--> open --close--> closing --the grace is over--> cutting
 *                                                              |                             |
 *                                                              +------ nothing in flight ----+--> closed
 *
 * `close` leads from each of the first three to closing.
 */
export class EngineGate {
  readonly #options: GateOptions
  readonly #engine: GatedEngine
  #state: 'new' | 'starting' | 'open' | 'closing' | 'cutting' | 'closed' = 'new'
  #onCompletion: (completion: CompletionEvent) => void = () => {}
  /** Admitted and not completed. */
  #open = 0
  #closing: Promise<void> | undefined
  #onEmpty: () => void = () => {}
  #giveUpAt = Number.POSITIVE_INFINITY
  /** Of the grace, then of the time to unwind. */
  #timer: Timer | undefined

  constructor(options: GateOptions, engine: GatedEngine) {
    this.#options = options
    this.#engine = engine
  }

  /** Admitted and not completed. */
  get open(): number {
    return this.#open
  }

  /** `close` was called. */
  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** The grace is over: what ends from here on has been cut. */
  get isCutting(): boolean {
    return this.#state === 'cutting'
  }

  /** What is left of the grace. Milliseconds, below 0 once it is over. */
  get graceLeftMs(): number {
    return this.#giveUpAt - this.#options.clock.now()
  }

  /** @throws PyrallelError PYR_ENGINE_CLOSED, and a bug when it was called before */
  beginStart(onCompletion: (completion: CompletionEvent) => void): void {
    if (this.#closing !== undefined) throw this.#isClosedTo('start')
    const { handlerId } = this.#options
    if (this.#state !== 'new') throw bug('EngineGate.beginStart', `the engine of ${handlerId} was started twice`)
    this.#state = 'starting'
    this.#onCompletion = onCompletion
  }

  /** The engine is ready for items. Of no effect where it was closed meanwhile. */
  opened(): void {
    if (this.#state === 'starting') this.#state = 'open'
  }

  /**
   * An item may come in.
   * @param taken slots in use
   * @throws PyrallelError PYR_ENGINE_CLOSED, PYR_ENGINE_NOT_STARTED or PYR_ENGINE_FULL
   */
  requireRoom(taken: number): void {
    if (this.#state !== 'open' || taken >= this.#options.concurrency) throw this.#refusal(taken)
  }

  /** It has come in. Apart from `requireRoom`, as it may still be refused for what it is. */
  admit(): void {
    this.#open++
  }

  /** An item that was admitted has ended. */
  complete(item: WorkItem, outcome: Outcome | Recalled, durationMs: number): void {
    this.#open--
    try {
      this.#onCompletion({ workId: item.id, outcome, durationMs })
    } finally {
      if (this.#open === 0 && this.#closing !== undefined) this.#onEmpty()
    }
  }

  /** A second call waits for the first, and can only shorten its grace. */
  close(graceMs: number): Promise<void> {
    const giveUpAt = this.#options.clock.now() + Math.max(0, graceMs)
    const isSooner = giveUpAt < this.#giveUpAt
    if (isSooner) this.#giveUpAt = giveUpAt
    const isFirst = this.#closing === undefined
    this.#closing ??= this.#close()
    if (this.#state !== 'closing' || !isSooner) return this.#closing
    this.#timer?.cancel()
    if (this.#open === 0) {
      if (!isFirst) void this.#engine.end()
    } else if (graceMs > 0) this.#timer = this.#options.clock.setTimer(graceMs, () => this.#giveUp())
    else this.#giveUp()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#state = 'closing'
    this.#engine.onClosing()
    if (this.#open > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve
      })
    }
    this.#timer?.cancel()
    await this.#engine.end()
    this.#state = 'closed'
  }

  #giveUp(): void {
    this.#state = 'cutting'
    this.#engine.onGraceOver(CLOSING)
    const { unwindMs, clock } = this.#options
    if (unwindMs === 0) setImmediate(() => this.#cut())
    else this.#timer = clock.setTimer(unwindMs, () => this.#cut())
  }

  #cut(): void {
    if (this.#open === 0) return
    const { handlerId, log } = this.#options
    const facts = { handler: handlerId, leftBehind: this.#open }
    totalLogger(log).warn(facts, 'handlers were still running when the engine had to close')
    this.#engine.cut(CLOSING)
  }

  #refusal(taken: number): PyrallelError {
    if (this.#closing !== undefined) return this.#isClosedTo('submit')
    const { handlerId, concurrency } = this.#options
    if (this.#state !== 'open') {
      const message = `The engine of ${handlerId} has not started. Await start() before submit().`
      return new PyrallelError('PYR_ENGINE_NOT_STARTED', message)
    }
    const message = `The engine of ${handlerId} uses ${taken} of ${concurrency} slots. Submit only while there is capacity.`
    return new PyrallelError('PYR_ENGINE_FULL', message)
  }

  #isClosedTo(verb: string): PyrallelError {
    const message = `${verb}() was called on the engine of ${this.#options.handlerId} after close().`
    return new PyrallelError('PYR_ENGINE_CLOSED', message)
  }
}
