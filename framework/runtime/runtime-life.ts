/** The states of one runtime, and who waits for them: it starts once, stops once, may fail between, and is updated by one change after the other. Opens and closes nothing. */
import { PyrallelError } from '../model/errors.ts'
import type { RuntimeState } from '../model/snapshot.ts'

/**
 *   new --start--> starting --> running --stop--> stopping --> stopped
 *                                  |                 ^
 *                                  +----> failed ----+
 *
 * `stop` leads from each of the first three to stopping.
 */
export class RuntimeLife {
  /** Rejects when a consumer cannot go on. */
  readonly failed: Promise<never>
  #reject: (error: Error) => void = () => {}
  #state: RuntimeState = 'new'
  #starting: Promise<void> | undefined
  #hasFailedToStart = false
  #updating: Promise<unknown> = Promise.resolve()
  #stopping: Promise<void> | undefined
  /** Rejects when `stop` is called. */
  readonly #stopped: Promise<never>
  #rejectStopped: (error: Error) => void = () => {}

  constructor() {
    this.#stopped = new Promise((_resolve, reject) => {
      this.#rejectStopped = reject
    })
    this.#stopped.catch(() => {})
    this.failed = new Promise((_resolve, reject) => {
      this.#reject = reject
    })
    // Nobody has to listen: a fatal error is logged too.
    this.failed.catch(() => {})
  }

  get state(): RuntimeState {
    return this.#state
  }

  /** `stop` was called. */
  get isStopping(): boolean {
    return this.#stopping !== undefined
  }

  /** By itself, and not because it was stopped meanwhile. */
  get hasFailedToStart(): boolean {
    return this.#hasFailedToStart
  }

  /** The start, and the updates, that are under way. */
  get begun(): readonly Promise<unknown>[] {
    return [this.#starting ?? this.#updating, this.#updating]
  }

  /** @param run is called once, however often this is */
  start(run: () => Promise<void>): Promise<void> {
    if (this.#starting === undefined && this.#stopping !== undefined) {
      const facts = 'start() was called after stop(): a runtime runs once. Make another with createRuntime().'
      return Promise.reject(new PyrallelError('PYR_CLIENT_CLOSED', facts))
    }
    this.#starting ??= this.#start(run)
    return this.#starting
  }

  /** All that the start brings up is up. */
  onUp(): void {
    if (this.#state === 'starting') this.#state = 'running'
  }

  /** One after the other: each compares with what the one before has left. */
  update<T>(run: () => Promise<T>): Promise<T> {
    const update = this.#updating.then(() => {
      if (this.#state === 'running') return run()
      throw new PyrallelError('PYR_USAGE', `update() needs a runtime that runs, and this one is ${this.#state}.`)
    })
    this.#updating = update.catch(() => {})
    return update
  }

  fail(error: Error): void {
    this.#state = 'failed'
    this.#reject(error)
  }

  /** @param run is called once, however often this is */
  stop(run: () => Promise<void>): Promise<void> {
    this.#stopping ??= this.#stop(run)
    return this.#stopping
  }

  /**
   * A step of a start or an update. The stop does not wait for a step that takes long, so what comes after it is closed here.
   * @throws PyrallelError PYR_CLIENT_CLOSED when the runtime was told to stop meanwhile
   */
  async unlessStopped<T>(step: Promise<T>, close: (opened: T) => unknown = () => {}): Promise<T> {
    const opened = await step
    if (this.#stopping === undefined) return opened
    await close(opened)
    throw stoppedBefore()
  }

  /**
   * A step that opens nothing: a question to brokers, which may not answer for long. A stop ends it where it is.
   * @throws PyrallelError PYR_CLIENT_CLOSED when the runtime is told to stop meanwhile
   */
  async untilStopped<T>(question: Promise<T>): Promise<T> {
    return Promise.race([this.#stopped, question])
  }

  async #start(run: () => Promise<void>): Promise<void> {
    this.#state = 'starting'
    try {
      await run()
    } catch (error) {
      this.#hasFailedToStart = this.#stopping === undefined
      throw error
    }
  }

  async #stop(run: () => Promise<void>): Promise<void> {
    this.#state = 'stopping'
    this.#rejectStopped(stoppedBefore())
    try {
      await run()
    } finally {
      this.#state = 'stopped'
    }
  }
}

function stoppedBefore(): PyrallelError {
  return new PyrallelError('PYR_CLIENT_CLOSED', 'The runtime was stopped before this had ended.')
}
