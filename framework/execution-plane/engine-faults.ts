/** Attempts that fail and threads that die on demand, in a dev session. A process in production has none of this. */
import { bug } from '../model/errors.ts'
import type { ThreadCounters } from '../model/snapshot.ts'
import type { ThreadView } from '../model/thread-view.ts'
import type { TickOrder, TickOutcome } from '../model/tick.ts'
import type { CompletionEvent, HandlerFailure, Outcome, WorkItem } from '../model/work.ts'
import type { ExecutionEngine } from './execution-engine.ts'

const failure: HandlerFailure = {
  reason: 'handler',
  name: 'InjectedFault',
  message: 'This attempt was made to fail from the console; its handler did not run.',
  retryable: true,
}

export class EngineFaults {
  readonly #engines = new Map<string, ExecutionEngine>()
  #failing: { left: number; readonly handlerId: string | undefined } | undefined

  /** The same engine, whose attempts can be made to fail. */
  around(handlerId: string, engine: ExecutionEngine): ExecutionEngine {
    this.#engines.set(handlerId, engine)
    return new FaultyEngine(engine, (item) => this.#takes(item))
  }

  /** Attempts that will fail still. */
  get left(): number {
    return this.#failing?.left ?? 0
  }

  /** @param handlerId undefined: whichever comes */
  failNext(attempts: number, handlerId: string | undefined): void {
    this.#failing = { left: attempts, handlerId }
  }

  failNoMore(): void {
    this.#failing = undefined
  }

  /** @returns the handler whose thread was ended; undefined where none has one */
  endThread(handlerId: string | undefined): string | undefined {
    for (const [id, engine] of this.#engines) {
      if ((handlerId === undefined || id === handlerId) && engine.endThread?.() === true) return id
    }
    return undefined
  }

  #takes({ handlerId, records }: WorkItem): boolean {
    const failing = this.#failing
    if (failing === undefined || (failing.handlerId !== undefined && failing.handlerId !== handlerId)) return false
    failing.left -= records.length
    if (failing.left <= 0) this.#failing = undefined
    return true
  }
}

/** Answers what is to fail itself, and hands on all else. */
class FaultyEngine implements ExecutionEngine {
  readonly #inner: ExecutionEngine
  readonly #takes: (item: WorkItem) => boolean
  readonly #failing = new Set<WorkItem>()
  #onCompletion: ((completion: CompletionEvent) => void) | undefined

  constructor(inner: ExecutionEngine, takes: (item: WorkItem) => boolean) {
    this.#inner = inner
    this.#takes = takes
  }

  get capacity(): number {
    return this.#inner.capacity
  }

  get setAside(): number {
    return this.#inner.setAside ?? 0
  }

  get inFlight(): number {
    return this.#inner.inFlight + this.#failing.size
  }

  get abandoned(): number {
    return this.#inner.abandoned
  }

  get threads(): ThreadCounters | undefined {
    return this.#inner.threads
  }

  tick(order: TickOrder): Promise<TickOutcome> {
    return this.#inner.tick(order)
  }

  threadViews(): readonly ThreadView[] {
    return this.#inner.threadViews?.() ?? []
  }

  start(onCompletion: (completion: CompletionEvent) => void): Promise<void> {
    this.#onCompletion = onCompletion
    return this.#inner.start(onCompletion)
  }

  submit(item: WorkItem): void {
    if (!this.#takes(item)) {
      this.#inner.submit(item)
      return
    }
    this.#failing.add(item)
    setImmediate(() => this.#fail(item))
  }

  abort(shouldAbort: (item: WorkItem) => boolean): void {
    this.#inner.abort(shouldAbort)
  }

  recall(shouldRecall: (item: WorkItem) => boolean): void {
    this.#inner.recall(shouldRecall)
  }

  endThread(): boolean {
    return this.#inner.endThread?.() ?? false
  }

  close(graceMs: number): Promise<void> {
    for (const item of this.#failing) this.#fail(item)
    return this.#inner.close(graceMs)
  }

  #fail(item: WorkItem): void {
    if (!this.#failing.delete(item)) return
    if (this.#onCompletion === undefined) throw bug('EngineFaults', 'an item was submitted before the start')
    this.#onCompletion({ workId: item.id, outcome: outcomeFor(item), durationMs: 0 })
  }
}

/** Of a batch, each record for itself: as a whole it would be nobody's attempt. */
function outcomeFor({ records }: WorkItem): Outcome {
  if (records.length === 1) return { kind: 'failed', failure }
  return { kind: 'partial', failures: new Map(records.map((_, index) => [index, failure])) }
}
