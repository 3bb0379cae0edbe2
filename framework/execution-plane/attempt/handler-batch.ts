/** What a batch handler gets to see of its records, and what it says of each. Calls nothing. */
import type { Batch, HandlerRecord } from '../../api/handler.ts'
import type { UnreadyValue } from '../../formats/format-decoder.ts'
import type { PyrallelError } from '../../model/errors.ts'
import type { HandlerFailure, Outcome } from '../../model/work.ts'
import { DecodedRecord } from './decoded-record.ts'
import { failed, filtered, succeeded } from './outcomes.ts'
import type { Checked } from './record-check.ts'

export class HandlerBatch implements Batch<unknown> {
  /** Those that the handler gets, with their place in the work item. */
  readonly #places = new Map<HandlerRecord<unknown>, number>()
  readonly #failures = new Map<number, HandlerFailure>()
  readonly #filtered = new Set<number>()
  readonly #failureOf: (error: unknown, index: number) => HandlerFailure
  readonly #onLate: (record: HandlerRecord<unknown>, error: unknown) => PyrallelError
  #isOver = false

  /**
   * @param checked one for each record of the work item, in its order
   * @param failureOf what an error means that the record at `index` was failed with
   * @param onLate a record is failed that counts as done already: tells it, and makes what is thrown
   */
  constructor(
    checked: readonly Exclude<Checked, UnreadyValue>[],
    failureOf: (error: unknown, index: number) => HandlerFailure,
    onLate: (record: HandlerRecord<unknown>, error: unknown) => PyrallelError,
  ) {
    this.#failureOf = failureOf
    this.#onLate = onLate
    for (const [index, each] of checked.entries()) {
      if (each instanceof DecodedRecord) this.#places.set(each, index)
      else if (each === 'filtered') this.#filtered.add(index)
      else this.#failures.set(index, each)
    }
  }

  get size(): number {
    return this.#places.size
  }

  [Symbol.iterator](): Iterator<HandlerRecord<unknown>> {
    return this.#places.keys()
  }

  /** Its place in the work item; undefined for one that the handler was not given. */
  indexOf(record: HandlerRecord<unknown, string, unknown>): number | undefined {
    // Whatever its key is: it is found as the object that it is.
    return this.#places.get(record as HandlerRecord<unknown>)
  }

  fail(record: HandlerRecord<unknown>, error: unknown): void {
    if (this.#isOver) throw this.#onLate(record, error)
    const index = this.#places.get(record)
    if (index === undefined) throw new TypeError('batch.fail(record, error): the record is not one of this batch.')
    this.#failures.set(index, this.#failureOf(error, index))
  }

  /** The handler has returned, or was given up: nothing of it counts any more. */
  close(): void {
    this.#isOver = true
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

/**
 * What other platforms read in a batch function's result is not read here: taken for success, the failures that it tells of would be lost.
 * The type refuses it; plain JavaScript, `any` and casts come here.
 * @throws TypeError for a list of failed records, and for results of which one was rejected
 */
export function refuseReport(returned: object): void {
  const next = 'Call batch.fail(record, error) for each record that has failed, and return nothing.'
  if ('batchItemFailures' in returned) {
    throw new TypeError(`the batch function returned batchItemFailures, which nobody reads. ${next}`)
  }
  if (!Array.isArray(returned)) return
  const rejected = returned.find((result) => result instanceof Object && Reflect.get(result, 'status') === 'rejected')
  if (rejected === undefined) return
  const cause: unknown = Reflect.get(rejected, 'reason')
  throw new TypeError(`the batch function returned results, one of them rejected, which nobody reads. ${next}`, {
    cause,
  })
}
