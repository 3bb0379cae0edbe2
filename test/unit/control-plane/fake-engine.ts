/** An engine whose handlers end when the test says so. Keeps the laws of the contract; not a test itself. */
import type { ExecutionEngine } from '../../../framework/execution-plane/execution-engine.ts'
import type { TickOrder, TickOutcome } from '../../../framework/model/tick.ts'
import type { CompletionEvent, Outcome, WorkItem } from '../../../framework/model/work.ts'
import { interrupted, succeeded } from './builders.ts'

export class FakeEngine implements ExecutionEngine {
  readonly capacity: number
  readonly abandoned = 0
  readonly aborted: WorkItem[] = []
  /** Every item that was ever submitted. */
  readonly submitted: WorkItem[] = []
  /** Those of them that are still queued. */
  readonly unbegun = new Set<WorkItem>()
  readonly #running = new Map<number, WorkItem>()
  #onCompletion: ((completion: CompletionEvent) => void) | undefined
  #isClosed = false

  constructor(capacity = 1_000) {
    this.capacity = capacity
  }

  get inFlight(): number {
    return this.#running.size
  }

  get running(): readonly WorkItem[] {
    return [...this.#running.values()]
  }

  async start(onCompletion: (completion: CompletionEvent) => void): Promise<void> {
    this.#onCompletion = onCompletion
  }

  submit(item: WorkItem): void {
    if (this.#onCompletion === undefined || this.#isClosed || this.#running.size >= this.capacity) {
      throw new Error('submit was called while the engine could not take the item')
    }
    this.submitted.push(item)
    this.#running.set(item.id, item)
  }

  /** The handler ends. Nothing happens for an item that has ended already. */
  end(item: WorkItem | undefined, outcome: Outcome = succeeded): void {
    if (item === undefined || !this.#running.delete(item.id)) return
    this.#onCompletion?.({ workId: item.id, outcome, durationMs: 1 })
  }

  /** Those that run on this partition end. */
  endPartition(partition: number, outcome: Outcome = succeeded): void {
    for (const item of this.running) if (item.records[0]?.partition === partition) this.end(item, outcome)
  }

  endAll(outcome: Outcome = succeeded): void {
    for (const item of this.running) this.end(item, outcome)
  }

  abort(shouldAbort: (item: WorkItem) => boolean): void {
    this.aborted.push(...this.running.filter(shouldAbort))
  }

  /** Ticks that were asked for and have not ended. */
  readonly ticks: { readonly order: TickOrder; readonly end: (outcome?: TickOutcome) => void }[] = []

  tick(order: TickOrder): Promise<TickOutcome> {
    if (this.#isClosed) throw new Error('tick was called after close')
    return new Promise((resolve) => {
      const running = {
        order,
        end: (outcome: TickOutcome = { kind: 'done', durationMs: 1 }) => {
          this.ticks.splice(this.ticks.indexOf(running), 1)
          resolve(outcome)
        },
      }
      this.ticks.push(running)
    })
  }

  /** All that it has, has begun, but for what the test names. */
  recall(shouldRecall: (item: WorkItem) => boolean): void {
    for (const item of this.running) {
      if (!this.unbegun.has(item) || !shouldRecall(item)) continue
      this.#running.delete(item.id)
      queueMicrotask(() => this.#onCompletion?.({ workId: item.id, outcome: { kind: 'recalled' }, durationMs: 0 }))
    }
  }

  async close(_graceMs?: number): Promise<void> {
    this.#isClosed = true
    this.endAll(interrupted)
    for (const each of [...this.ticks]) each.end()
  }
}
