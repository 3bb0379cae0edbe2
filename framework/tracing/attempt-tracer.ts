/** The seam at which attempts are traced. The engine knows no tracing library, and pays nothing where nobody traces. */
import type { Outcome, WorkItem } from '../model/work.ts'

export interface AttemptSpan {
  /** Makes the call with this span as the current one, also for what the call starts and does not wait for. */
  run<T>(call: () => T): T
  /** Called once: when the handler and its publishes have settled, or when the attempt is answered for without them. */
  end(outcome: Outcome): void
}

/** Begins the span of one attempt, with one record or a batch. */
export type AttemptTracer = (work: Pick<WorkItem, 'records' | 'attempts'>) => AttemptSpan

/** Tracing decides nothing about a record: whatever a tracer, a propagator or a span throws is told, and the record runs all the same, and once. */
export class GuardedSpan implements AttemptSpan {
  readonly #onFault: (thrown: unknown) => void
  #span: AttemptSpan | undefined

  constructor(trace: AttemptTracer, work: WorkItem, onFault: (thrown: unknown) => void) {
    this.#onFault = onFault
    try {
      this.#span = trace(work)
    } catch (thrown) {
      onFault(thrown)
    }
  }

  /** @param call must not throw */
  run<T>(call: () => T): T {
    let made: { readonly result: T } | undefined
    try {
      this.#span?.run(() => {
        made = { result: call() }
      })
    } catch (thrown) {
      this.#onFault(thrown)
    }
    return made === undefined ? call() : (made as { readonly result: T }).result
  }

  /** Only the first call counts. */
  end(outcome: Outcome): void {
    const span = this.#span
    this.#span = undefined
    try {
      span?.end(outcome)
    } catch (thrown) {
      this.#onFault(thrown)
    }
  }
}
