/** The seam at which attempts are traced. The engine knows no tracing library, and pays nothing where nobody traces. */
import type { Outcome, WorkItem } from '../model/work.ts'

export interface AttemptSpan {
  /** Makes the call with this span as the current one, also for what the call starts and does not wait for. */
  run<T>(call: () => T): T
  /** Called once, when the handler and its publishes have settled; for a handler that never settles, never. */
  end(outcome: Outcome): void
}

/** Begins the span of one attempt, with one record or a batch. */
export type AttemptTracer = (work: Pick<WorkItem, 'records' | 'attempts'>) => AttemptSpan
