/** The contract between the two planes: how one attempt is run. Whoever implements it passes test/contract/execution-engine.suite.ts. */
import type { ThreadCounters } from '../model/snapshot.ts'
import type { ThreadView } from '../model/thread-view.ts'
import type { TickOrder, TickOutcome } from '../model/tick.ts'
import type { CompletionEvent, WorkItem } from '../model/work.ts'

/**
 * Runs attempts. One engine serves one handler.
 *
 * 1. Every submitted item MUST be answered by exactly one completion: whether the handler returns, throws, rejects, never
 *    settles, its thread dies, or the engine closes.
 * 2. A completion MUST NOT be delivered inside `submit`, and MUST NOT be delivered after `close` has settled.
 * 3. An engine runs one attempt. It MUST NOT retry, wait between attempts, or reorder to keep keys apart.
 * 4. `submit` MUST throw only on misuse: not started, full, closed. The control plane checks the capacity before it submits.
 * 5. At the deadline the handler's `AbortSignal` MUST fire. The item completes as `timed-out` only once the handler has settled, or
 *    `abandonAfterMs` later; an abandoned handler keeps its slot until it settles, and is counted in `abandoned`.
 * 6. What ran on a thread that died MUST complete as `interrupted`; what was queued behind it MUST be run elsewhere, not failed.
 * 7. A failure MUST cross as plain data (`HandlerFailure`), equal from every engine.
 * 8. `close(graceMs)` MUST be bounded and MAY be called twice. Stragglers are aborted, then given up as `interrupted`.
 * 9. Topic, partition, offset, key, attempt and headers MUST reach the handler and its logs through the item, never through shared mutable state.
 * 10. An attempt that returns after its signal has fired MUST complete as `interrupted`, unless its handler never asked for the signal: it may have
 *     stopped half way because of it.
 * 11. What matches and has not begun when `recall` is called MUST NOT begin: it completes as `recalled`. What has begun goes on.
 * 12. `tick` MUST run the handler's own function and settle with its outcome: it MUST NOT reject, take a slot, or stay open beyond `close`. Never called for
 *     the same partition, or without one, before the last has settled.
 * 13. What an attempt of an exactly-once group publishes MUST come with its outcome, whole and in the order of the calls, and only where it has succeeded;
 *     it MUST NOT be sent, and no outcome MAY come before its outputs.
 * 14. A value that cannot be read yet, as its schema is not here, MUST complete its item as `not-ready` at once, without a call of the handler: the item
 *     waits for nothing in here.
 */
export interface ExecutionEngine {
  /** The most items that may be in flight at this moment: the handler's concurrency, less the slots that abandoned handlers still hold. */
  readonly capacity: number
  /** Of the items in flight, those that take no slot, because they wait for a thread of their own. Absent where there are none. */
  readonly setAside?: number | undefined
  /** Submitted and not completed, plus abandoned handlers. For metrics; decisions use the manager's own count. */
  readonly inFlight: number
  /** Handlers that were given up at their deadline and have not settled yet. */
  readonly abandoned: number
  /** For metrics: what an engine with threads counts. Absent where there are none. */
  readonly threads?: ThreadCounters | undefined
  /** For pages: each thread with what runs on it now. Absent where there are none. */
  threadViews?(): readonly ThreadView[]
  start(onCompletion: (completion: CompletionEvent) => void): Promise<void>
  submit(item: WorkItem): void
  /** Fires the signal of the matching items that are in flight. They still complete, by law 1. */
  abort(shouldAbort: (item: WorkItem) => boolean): void
  /** Takes back the matching items that have not begun. Each still completes, by law 1, and not in here. */
  recall(shouldRecall: (item: WorkItem) => boolean): void
  /** Runs what the handler does without a record; in threads, once in each that is up. Only of handlers that have such a function. */
  tick(order: TickOrder): Promise<TickOutcome>
  /**
   * Ends the thread that has most to do, as if it had died by itself: for faults on demand. Absent where there are no threads.
   * @returns false where none is up
   */
  endThread?(): boolean
  close(graceMs: number): Promise<void>
}
