/** The states of one thread, each bounded in time, and why it ends. Speaks to no thread and knows no items. */
import type { Logger } from '../../../model/logger.ts'
import type { Clock, Timer } from '../../../time/clock.ts'

export interface LifeOptions {
  readonly handlerId: string
  readonly log: Logger
  readonly clock: Clock
}

/** What is to be done to the thread. */
export interface LifeSigns {
  /** It is to run its `teardown`, and to end. */
  onStop(): void
  /** It is to be ended, wherever it is. */
  onKill(): void
  /** It cannot be ended, and is left to itself. */
  onLeft(why: string): void
}

/** How a thread ended. */
export interface LifeEnding {
  readonly why: string
  /** It had come up: it could be given items. */
  readonly wasReady: boolean
  /** It ended because the engine wanted it to. */
  readonly isPlanned: boolean
}

/** A thread that is not ready by then is given up. Milliseconds. */
const START_MS = 30_000
/** What `teardown` may take where nobody waits for it. Milliseconds. */
const TEARDOWN_MS = 30_000
/** A thread has run its `teardown`, and ends: what it has written is passed on, and its listeners for that run. Milliseconds. */
export const EXIT_MS = 1_000
/** A thread inside a native call cannot be ended before the call returns. So long is waited, then it is left to itself. Milliseconds. */
export const TERMINATE_MS = 1_000

type State =
  | { readonly name: 'starting' }
  | { readonly name: 'open' }
  /** @property endAt what `teardown` may take */
  | { readonly name: 'stopping'; readonly endAt: number }
  | { readonly name: 'killed'; readonly why: string; readonly wasReady: boolean }
  | { readonly name: 'gone' }

/**
 *   starting --ready--> open --stop--> stopping --teardown has ended--+
 *      |                  |                |                          v
 *      +------------------+--- kill -------+---> killed --exit, or never--> gone
 *
 * A thread that ends by itself is gone, whatever state it was in.
 */
export class LaneLife {
  readonly #options: LifeOptions
  readonly #signs: LifeSigns
  #state: State = { name: 'starting' }
  /** Bounds the state. */
  #limit: Timer | undefined
  #error: Error | undefined
  #isPlanned = false
  readonly #ready = settler()
  readonly #gone = settler()

  constructor(options: LifeOptions, signs: LifeSigns) {
    this.#options = options
    this.#signs = signs
    // Somebody may wait for it; but that it is gone is told anyway.
    this.ready.catch(() => {})
  }

  /** There is a thread. Not in the constructor: one that could not even be made would leave the timer behind. */
  begin(): void {
    this.#bound(START_MS, () => this.kill(`its thread was not ready after ${START_MS} ms`))
  }

  /** Rejects when the thread has ended before it was ready. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get gone(): Promise<void> {
    return this.#gone.promise
  }

  get isOpen(): boolean {
    return this.#state.name === 'open'
  }

  /** For who looks on. */
  get stage(): 'starting' | 'open' | 'ending' {
    const { name } = this.#state
    return name === 'starting' || name === 'open' ? name : 'ending'
  }

  get isGone(): boolean {
    return this.#state.name === 'gone'
  }

  /** The thread has come up. @returns whether that is of use still */
  open(): boolean {
    if (this.#state.name !== 'starting') return false
    this.#limit?.cancel()
    this.#state = { name: 'open' }
    this.#ready.resolve()
    return true
  }

  /** In order: `teardown` first. May be called again, with less time. */
  stop(limitMs: number = TEARDOWN_MS): void {
    this.#isPlanned = true
    if (this.#state.name === 'starting') this.kill('the engine has ended it')
    if (this.#state.name === 'open') {
      this.#state = { name: 'stopping', endAt: Number.POSITIVE_INFINITY }
      this.#signs.onStop()
    }
    this.#limitTeardown(limitMs)
  }

  /** `teardown` has ended. */
  onTornDown(): void {
    if (this.#state.name !== 'stopping') return
    this.#state = { name: 'stopping', endAt: Number.NEGATIVE_INFINITY }
    this.#bound(EXIT_MS, () => this.kill('its thread did not end after its teardown'))
  }

  /** @param error what the thread has failed with, for who waits for it to be ready */
  kill(why: string, error?: Error): void {
    this.#error ??= error
    const { name } = this.#state
    if (name === 'gone' || name === 'killed') return
    this.#state = { name: 'killed', why, wasReady: name !== 'starting' }
    this.#bound(TERMINATE_MS, () => this.#leave(why))
    this.#signs.onKill()
  }

  /** For an end that the engine wants, though something may still run. */
  killPlanned(why: string): void {
    this.#isPlanned = true
    this.kill(why)
  }

  /** The thread has ended. @param why if nobody here has ended it @returns undefined when it has been told before */
  end(why: string): LifeEnding | undefined {
    const state = this.#state
    if (state.name === 'gone') return undefined
    this.#state = { name: 'gone' }
    this.#limit?.cancel()
    const wasReady = state.name === 'killed' ? state.wasReady : state.name !== 'starting'
    const ending = { why: state.name === 'killed' ? state.why : why, wasReady, isPlanned: this.#isPlanned }
    this.#ready.reject(new Error(ending.why, this.#error === undefined ? undefined : { cause: this.#error }))
    this.#gone.resolve()
    return ending
  }

  #limitTeardown(limitMs: number): void {
    const { clock, log, handlerId } = this.#options
    const endAt = clock.now() + limitMs
    if (this.#state.name !== 'stopping' || endAt >= this.#state.endAt) return
    this.#state = { name: 'stopping', endAt }
    this.#bound(limitMs, () => {
      log.warn({ handler: handlerId, waitedMs: Math.round(limitMs) }, "a handler's teardown took too long and is cut")
      this.kill('its teardown took too long')
    })
  }

  /** Nothing of the thread counts from now on, and it does not keep the process alive. */
  #leave(why: string): void {
    this.#options.log.warn(
      { handler: this.#options.handlerId, waitedMs: TERMINATE_MS },
      'a thread cannot be ended while it is inside a native call; it is left to itself',
    )
    this.#signs.onLeft(why)
  }

  #bound(limitMs: number, onOver: () => void): void {
    this.#limit?.cancel()
    this.#limit = this.#options.clock.setTimer(limitMs, onOver)
  }
}

interface Settler {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

function settler(): Settler {
  let resolve = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
