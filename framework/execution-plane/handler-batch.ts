/** What a batch handler gets to see of its records, and what it says of each. Calls nothing. */
import type { Batch, HandlerRecord } from '../handler.ts'
import type { HandlerFailure, Outcome } from '../model/work.ts'
import { failed, filtered, succeeded } from './outcomes.ts'

/** What is known of one record before the handler is called. */
export type Checked =
  | { readonly kind: 'accepted'; readonly record: HandlerRecord<unknown> }
  | { readonly kind: 'filtered' }
  | { readonly kind: 'failed'; readonly failure: HandlerFailure }

export class HandlerBatch implements Batch<unknown> {
  /** Those that the handler gets, with their place in the work item. */
  readonly #places = new Map<HandlerRecord<unknown>, number>()
  readonly #failures = new Map<number, HandlerFailure>()
  readonly #filtered = new Set<number>()
  readonly #failureOf: (error: unknown, index: number) => HandlerFailure

  /**
   * @param checked one for each record of the work item, in its order
   * @param failureOf what an error means that the record at `index` was failed with
   */
  constructor(checked: readonly Checked[], failureOf: (error: unknown, index: number) => HandlerFailure) {
    this.#failureOf = failureOf
    for (const [index, each] of checked.entries()) {
      if (each.kind === 'accepted') this.#places.set(each.record, index)
      else if (each.kind === 'filtered') this.#filtered.add(index)
      else this.#failures.set(index, each.failure)
    }
  }

  get size(): number {
    return this.#places.size
  }

  [Symbol.iterator](): Iterator<HandlerRecord<unknown>> {
    return this.#places.keys()
  }

  fail(record: HandlerRecord<unknown>, error: unknown): void {
    const index = this.#places.get(record)
    if (index === undefined) throw new TypeError('batch.fail(record, error): the record is not one of this batch.')
    this.#failures.set(index, this.#failureOf(error, index))
  }

  /** What the ending of the batch function means for its records. A throw fails all of them, whatever it has said of some. */
  outcomeOf(ending: Outcome): Outcome {
    if (ending.kind === 'succeeded') return this.outcome()
    const isPause = ending.kind === 'failed' && ending.failure.retryAfterMs !== undefined
    return isPause ? this.#paused(ending.failure) : ending
  }

  /** What was rejected or filtered before it came to the handler has nothing to wait for. */
  #paused(pause: HandlerFailure): Outcome {
    if (this.#places.size + this.#filtered.size + this.#failures.size === 1) return failed(pause)
    for (const index of this.#places.values()) this.#failures.set(index, pause)
    return { kind: 'partial', failures: this.#failures, filtered: this.#filtered, pause }
  }

  /** When the handler has returned, or had nothing to do: what it did not fail has succeeded. */
  outcome(): Outcome {
    const [only] = this.#failures.values()
    const records = this.#places.size + this.#filtered.size
    if (only === undefined && this.#filtered.size === 0) return succeeded
    if (only === undefined && this.#places.size === 0) return filtered
    // A batch of one record that was rejected: the failure of the whole.
    if (only !== undefined && records === 0 && this.#failures.size === 1) return failed(only)
    return { kind: 'partial', failures: this.#failures, filtered: this.#filtered }
  }
}
