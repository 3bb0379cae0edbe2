/** Runs a batch handler once, as Pyrallel would: each record decoded and checked, with a deadline and a context. Needs no broker; publishes nothing anywhere. */

import type { HandlerDefinition } from '../api/handler.ts'
import { shardKeyOf } from '../control-plane/partition/shard-queue.ts'
import type { KafkaRecord } from '../model/record.ts'
import type { HandlerFailure, Outcome } from '../model/work.ts'
import { type CallOptions, type LoggedLine, type PublishedValue, recordOf, runCall } from './run-call.ts'

export interface BatchInput<T, K = string> {
  readonly value: T
  /** Default: what the topic's `key` says of the value, else none. */
  readonly key?: K | null
  readonly headers?: Readonly<Record<string, string>>
  /** Which try it is. Default 1. */
  readonly attempt?: number
}

export type BatchRunOptions = CallOptions

export interface BatchResult {
  readonly records: readonly {
    /**
     * What would become of the record: `retry` unless its attempts are used up, `dead` at once. `again`: it runs again without having used up an
     * attempt, because the batch has failed as a whole, or because one of its key before it has failed. `RetryAfter` of
     * the whole batch is an attempt of each: `retry`.
     */
    readonly outcome: 'done' | 'filtered' | 'retry' | 'dead' | 'again'
    readonly failure: HandlerFailure | undefined
  }[]
  /** Why the batch has failed as a whole: it is tried again in halves, or after `RetryAfter` as it is. Undefined when each record has an outcome of its own. */
  readonly failure: HandlerFailure | undefined
  /** In the order of their calls. */
  readonly published: readonly PublishedValue[]
  readonly logged: readonly LoggedLine[]
}

type RecordResult = BatchResult['records'][number]

/** `const { records } = await runBatch(scoreViews, [{ value: { path: '/' } }, { value: { path: '' } }])`: the records of one partition, in this order. */
export async function runBatch<T, K = string>(
  handler: HandlerDefinition<T, K>,
  inputs: readonly BatchInput<T, NoInfer<K>>[],
  options: BatchRunOptions = {},
): Promise<BatchResult> {
  if (handler.runBatch === undefined) throw new TypeError('runBatch(handler, inputs): write batchHandler(...) for it.')
  if (inputs.length === 0) throw new TypeError('runBatch(handler, inputs): a batch has at least one record.')
  const records = await Promise.all(inputs.map((input, offset) => recordOf(handler, input, offset)))
  const attempts = inputs.map(({ attempt = 1 }) => attempt)
  const { outcome, published, logged } = await runCall(handler, records, attempts, options)
  if ('failure' in outcome && records.length > 1) {
    const again: RecordResult = { outcome: 'again', failure: undefined }
    return { records: records.map(() => again), failure: outcome.failure, published, logged }
  }
  const pause = outcome.kind === 'partial' ? outcome.pause : undefined
  const results = records.map((_, index) => resultOf(outcome, index))
  return { records: inOrder(results, records, handler, pause), failure: pause, published, logged }
}

function resultOf(outcome: Outcome, index: number): RecordResult {
  const failure = outcome.kind === 'partial' ? outcome.failures.get(index) : failureIn(outcome)
  if (failure !== undefined) return { outcome: failure.retryable ? 'retry' : 'dead', failure }
  const isFiltered =
    outcome.kind === 'partial' ? outcome.filtered?.has(index) : outcome.kind === 'succeeded' && outcome.filtered
  return { outcome: isFiltered === true ? 'filtered' : 'done', failure: undefined }
}

function failureIn(outcome: Outcome): HandlerFailure | undefined {
  return 'failure' in outcome ? outcome.failure : undefined
}

/** Behind a record of its key that runs again, nothing counts but a pause; behind one that is given up, success does. */
function inOrder<T, K>(
  results: readonly RecordResult[],
  records: readonly KafkaRecord[],
  { options }: HandlerDefinition<T, K>,
  pause: HandlerFailure | undefined,
): readonly RecordResult[] {
  const before = new Map<string, 'dead' | 'again'>()
  return results.map((result, index) => {
    const record = records[index]
    const shard = record === undefined ? undefined : shardKeyOf(record, options.ordering ?? 'key')
    const earlier = shard === undefined ? undefined : before.get(shard)
    const isDone = result.outcome === 'done' || result.outcome === 'filtered'
    const counts = earlier === undefined || (earlier === 'dead' && isDone)
    if (shard !== undefined && !(counts && isDone))
      before.set(shard, counts && result.outcome === 'dead' ? 'dead' : 'again')
    return counts || (pause !== undefined && result.outcome === 'retry')
      ? result
      : { outcome: 'again', failure: undefined }
  })
}
