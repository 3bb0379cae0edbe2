/** An engine whose code can be exchanged while it runs: what has started ends on the old code, what starts later runs the new. Runs nothing itself. */

import { allSettled } from '../model/all-settled.ts'
import { closeAfterFailure } from '../model/closers.ts'
import type { ThreadCounters } from '../model/snapshot.ts'
import type { ThreadView } from '../model/thread-view.ts'
import { type TickOrder, type TickOutcome, worstOf } from '../model/tick.ts'
import type { CompletionEvent, WorkItem } from '../model/work.ts'
import type { ExecutionEngine } from './execution-engine.ts'

/**
 * Works for every engine, as it is made of two whole ones: the next engine is started beside the present one, takes all that is submitted
 * from then on, and the old one is closed, which lets its attempts end. The scheduler counts what is in flight, so the handler's
 * concurrency holds over both.
 */
export class SwappableEngine implements ExecutionEngine {
  #current: ExecutionEngine
  /** Closing: they finish what they had when they were replaced. */
  readonly #retiring = new Set<ExecutionEngine>()
  /** Being started, to take the place of the present one. */
  readonly #coming = new Set<ExecutionEngine>()
  #onCompletion: (completion: CompletionEvent) => void = () => {}
  #isClosed = false

  constructor(first: ExecutionEngine) {
    this.#current = first
  }

  get capacity(): number {
    return Math.max(0, this.#current.capacity - this.#sum((engine) => engine.abandoned))
  }

  get setAside(): number {
    return (this.#current.setAside ?? 0) + this.#sum((engine) => engine.setAside ?? 0)
  }

  get inFlight(): number {
    return this.#current.inFlight + this.#sum((engine) => engine.inFlight)
  }

  get abandoned(): number {
    return this.#current.abandoned + this.#sum((engine) => engine.abandoned)
  }

  get threads(): ThreadCounters | undefined {
    return this.#current.threads
  }

  /** What the code before holds in memory is done by that code: it gets its ticks until its attempts have ended. */
  async tick(order: TickOrder): Promise<TickOutcome> {
    const old = [...this.#retiring].filter(({ inFlight }) => inFlight > 0)
    return worstOf(await Promise.all([this.#current, ...old].map((engine) => engine.tick(order))))
  }

  /** Those of code that was replaced are there until their attempts have ended. */
  threadViews(): readonly ThreadView[] {
    return [this.#current, ...this.#retiring].flatMap((engine) => engine.threadViews?.() ?? [])
  }

  start(onCompletion: (completion: CompletionEvent) => void): Promise<void> {
    this.#onCompletion = onCompletion
    return this.#current.start(onCompletion)
  }

  submit(item: WorkItem): void {
    this.#current.submit(item)
  }

  abort(shouldAbort: (item: WorkItem) => boolean): void {
    for (const engine of [this.#current, ...this.#retiring]) engine.abort(shouldAbort)
  }

  recall(shouldRecall: (item: WorkItem) => boolean): void {
    for (const engine of [this.#current, ...this.#retiring]) engine.recall(shouldRecall)
  }

  endThread(): boolean {
    return this.#current.endThread?.() ?? false
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    // One that is coming up may take long to, and nothing would end its threads.
    await allSettled([this.#current, ...this.#retiring, ...this.#coming].map((engine) => engine.close(graceMs)))
  }

  /**
   * Everything that is submitted from the moment this settles goes to `next`, which must not have been started.
   * Rejects when `next` cannot start: then nothing has changed.
   * @param finishMs how long the attempts in flight may go on: as long as the old engine lets any attempt live. Milliseconds
   * @returns how many attempts finish on the old code
   */
  async replace(next: ExecutionEngine, finishMs: number): Promise<number> {
    this.#coming.add(next)
    try {
      await next.start(this.#onCompletion)
    } catch (thrown) {
      await closeAfterFailure(() => next.close(0))
      throw thrown
    } finally {
      this.#coming.delete(next)
    }
    // The runtime has been stopped while `next` was coming up.
    if (this.#isClosed) {
      await next.close(0)
      return 0
    }
    const old = this.#current
    const inFlight = old.inFlight - old.abandoned
    this.#current = next
    this.#retiring.add(old)
    void old.close(finishMs).finally(() => this.#retiring.delete(old))
    return inFlight
  }

  #sum(of: (engine: ExecutionEngine) => number): number {
    let sum = 0
    for (const engine of this.#retiring) sum += of(engine)
    return sum
  }
}
