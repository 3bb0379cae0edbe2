/** What one attempt of an exactly-once group has published: kept, in the order of the calls, until its outcome says what becomes of it. Sends nothing. */
import { PyrallelError } from '../../model/errors.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import type { HandlerFailure, KeptOutput, Outcome } from '../../model/work.ts'
import { type OutputRules, outputBytes, refuseTooLarge } from '../../publishing/output-rules.ts'
import type { RecordSink } from '../../publishing/publisher.ts'
import { failureOf } from './handler-failure.ts'
import { failed } from './outcomes.ts'

export class KeptOutputs {
  readonly #rules: OutputRules
  /** In the order of the calls; undefined while one is checked, and for good where it was refused. */
  readonly #outputs: (KeptOutput | undefined)[] = []
  #bytes = 0
  #excess: PyrallelError | undefined

  constructor(rules: OutputRules) {
    this.#rules = rules
  }

  /**
   * For one call of `publish`. Its place in the order is taken at once: what is checked in no time must not overtake what has to wait.
   * @param of the record that it belongs to, by its index; undefined: the call as a whole
   */
  sink(of: number | undefined): RecordSink {
    const at = this.#outputs.push(undefined) - 1
    return async (record) => {
      refuseTooLarge(record, this.#rules.maxRecordBytes)
      const bytes = this.#count(record)
      const output = inOwnBytes(record, of)
      try {
        await this.#rules.requireTopic(record.topic)
      } catch (thrown) {
        this.#bytes -= bytes
        throw thrown
      }
      this.#outputs[at] = output
    }
  }

  /** What the attempt ends as: with its outputs where they count, and failed where they cannot. */
  into(outcome: Outcome, records: number): Outcome {
    if (this.#excess !== undefined && outcome.kind !== 'interrupted') {
      // What the handler made of its refused publish does not count: each further attempt would publish as much.
      return isFinal(outcome) ? outcome : failed({ ...failureOf(this.#excess), retryable: false })
    }
    const outputs = this.#outputs.filter((each) => each !== undefined)
    if (outputs.length === 0) return outcome
    if (outcome.kind === 'succeeded') return { ...outcome, outputs }
    return outcome.kind === 'partial' ? partial(outcome, outputs, records) : outcome
  }

  /** @throws PyrallelError PYR_OUTPUTS_TOO_LARGE */
  #count(record: OutgoingRecord): number {
    const { maxAttemptBytes } = this.#rules
    const bytes = outputBytes(record)
    this.#bytes += bytes
    if (this.#bytes <= maxAttemptBytes) return bytes
    const facts = `What this attempt has published would take more than ${maxAttemptBytes} bytes of memory, a quarter of limits.maxBytes`
    this.#excess ??= new PyrallelError(
      'PYR_OUTPUTS_TOO_LARGE',
      `${facts}: all of it waits for its commit. Publish less of one record, or raise limits.maxBytes.`,
    )
    throw this.#excess
  }
}

/** The handler said that the record is to be given up. */
function isFinal(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && !outcome.failure.retryable
}

/** A handler may use the bytes of a header again; key and value were made for this record. */
function inOwnBytes(record: OutgoingRecord, of: number | undefined): KeptOutput {
  const headers = record.headers.map(([name, bytes]) => [name, bytes === null ? null : Buffer.from(bytes)] as const)
  return of === undefined ? { ...record, headers } : { ...record, headers, of }
}

type Partial = Extract<Outcome, { readonly kind: 'partial' }>

/**
 * What belongs to a failed record goes with it. What belongs to the call was made of all that the handler was given: were some of it to run
 * again, it would be published again for the others. So it fails as a whole, and runs again in parts, until those that fail are alone.
 */
function partial(outcome: Partial, outputs: readonly KeptOutput[], records: number): Outcome {
  const { failures } = outcome
  const failure = [...failures.values()].find((each) => !isBeforeHandler(each))
  const isOfAll = outputs.some(({ of }) => of === undefined)
  if (isOfAll && failure !== undefined)
    return records === 1 || outcome.pause !== undefined ? outcome : wholeFailed(failure)
  const own = outputs.filter(({ of }) => of === undefined || !failures.has(of))
  return own.length === 0 ? outcome : { ...outcome, outputs: own }
}

/** Given up, and never seen by the handler: what it has published is not about it. */
function isBeforeHandler({ reason, retryable }: HandlerFailure): boolean {
  return !retryable && (reason === 'undecodable' || reason === 'invalid')
}

/** Without its delays, which are about one record and count once that is alone. */
function wholeFailed({ retryAfterMs: _after, retryDelayMs: _delay, ...failure }: HandlerFailure): Outcome {
  const why = 'the batch has published for all of its records, so it runs again in parts'
  return failed({ ...failure, message: `${failure.message} (${why})` })
}
