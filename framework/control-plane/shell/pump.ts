/** Moves work: what may start into the engines, what they have completed back. Woken by polls, by completions and by its own timer; decides nothing itself. */
import type { ExecutionEngine } from '../../execution-plane/execution-engine.ts'
import { bug, toError } from '../../model/errors.ts'
import type { CompletionEvent } from '../../model/work.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import type { DeadLetterRequest } from '../failures/failed-records.ts'
import type { WorkManager } from '../work-manager.ts'

const NEVER = Number.POSITIVE_INFINITY

export interface PumpOptions {
  readonly manager: WorkManager
  /** By handler id. */
  readonly engines: ReadonlyMap<string, ExecutionEngine>
  readonly clock: Clock
  readonly onDeadLetter: (request: DeadLetterRequest) => void
  /** After every run. */
  readonly onPumped: () => void
  /** Nothing that can go on throws here. */
  readonly onError: (error: Error) => void
}

export class Pump {
  readonly #options: PumpOptions
  #isDue = false
  /** In this turn of the event loop, for `soon`. */
  #turnHasRun = false
  /** Nothing might start, when last asked. */
  #wasStopped = false
  #wake: { readonly at: number; readonly timer: Timer } | undefined
  readonly #capacityOf = (handlerId: string): number => this.#engineOf(handlerId).capacity
  readonly #setAsideOf = (handlerId: string): number => this.#engineOf(handlerId).setAside ?? 0

  constructor(options: PumpOptions) {
    this.#options = options
  }

  run(): void {
    const { manager, clock, onDeadLetter, onPumped } = this.#options
    const now = clock.now()
    const items = manager.takeReady(now, this.#capacityOf, this.#setAsideOf)
    for (const item of items) this.#engineOf(item.handlerId).submit(item)
    this.#recallWhenStopped()
    for (const request of manager.takeDeadLetters(now)) onDeadLetter(request)
    this.#armWake()
    onPumped()
  }

  /** What engines have queued must not begin either. */
  #recallWhenStopped(): void {
    const isStopped = this.#options.manager.permit.stoppedBecause !== null
    if (isStopped && !this.#wasStopped) for (const engine of this.#options.engines.values()) engine.recall(() => true)
    this.#wasStopped = isStopped
  }

  /**
   * At once for the first that asks in a turn of the event loop, so that what it has made room for starts in this turn; then, at the turn's end, once for
   * all others. Timers and answers come one by one, each with its microtasks, and to run for each of them would cost more than all else that is done for a record.
   */
  soon(): void {
    if (this.#isDue) return
    this.#isDue = true
    if (this.#turnHasRun) return
    this.#turnHasRun = true
    queueMicrotask(this.#runIfDue)
    this.#options.clock.atTurnEnd(this.#endTurn)
  }

  readonly #runIfDue = (): void => {
    if (!this.#isDue) return
    this.#isDue = false
    try {
      this.run()
    } catch (thrown) {
      this.#options.onError(toError(thrown))
    }
  }

  readonly #endTurn = (): void => {
    this.#turnHasRun = false
    this.#runIfDue()
  }

  readonly onCompletion = (completion: CompletionEvent): void => {
    const { manager, clock, onError } = this.#options
    try {
      manager.onCompletion(completion, clock.now())
    } catch (thrown) {
      onError(toError(thrown))
    }
    this.soon()
  }

  /** Only `run` arms the timer again. */
  stop(): void {
    this.#wake?.timer.cancel()
    this.#wake = undefined
  }

  /** Wakes when the next retry is due, without waiting for a poll. */
  #armWake(): void {
    const { manager, clock } = this.#options
    const at = Math.min(manager.nextWakeAt ?? NEVER, manager.stopsAt ?? NEVER)
    if (at === (this.#wake?.at ?? NEVER)) return
    this.stop()
    if (at === NEVER) return
    const timer = clock.setTimer(at - clock.now(), () => {
      this.#wake = undefined
      this.soon()
    })
    this.#wake = { at, timer }
  }

  #engineOf(handlerId: string): ExecutionEngine {
    const engine = this.#options.engines.get(handlerId)
    if (engine === undefined) throw bug('pump', `no engine for handler ${handlerId}`)
    return engine
  }
}
