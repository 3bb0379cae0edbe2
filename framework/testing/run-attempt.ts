/** Runs a handler once, as Pyrallel would: decoded, checked, with a deadline and a context. Needs no broker; publishes nothing anywhere. */
import type { HandlerDefinition } from '../api/handler.ts'
import type { HandlerFailure, Outcome } from '../model/work.ts'
import { type Call, type CallOptions, type LoggedLine, type PublishedValue, recordOf, runCall } from './run-call.ts'

export type { LoggedLine, PublishedValue } from './run-call.ts'

export interface AttemptInput<T, K = string> extends CallOptions {
  readonly value: T
  /** One of the topics that the handler reads. Default the first. */
  readonly topic?: string
  /** Default: what the topic's `key` says of the value, else none. */
  readonly key?: K | null
  readonly headers?: Readonly<Record<string, string>>
  /** Which try it is. Default 1. */
  readonly attempt?: number
}

export interface AttemptResult {
  /** What would become of the record: `retry` unless its attempts are used up, `dead` at once. */
  readonly outcome: 'done' | 'filtered' | 'retry' | 'dead'
  /** Why, when it is `retry` or `dead`. */
  readonly failure: HandlerFailure | undefined
  /** In the order of their calls. */
  readonly published: readonly PublishedValue[]
  readonly logged: readonly LoggedLine[]
}

/**
 * `const { outcome, published } = await runAttempt(chargeOrder, { value: { id: 'o1', total: 5 } })`.
 * A value that does not satisfy the topic's schema is `dead`, as it would be in production.
 */
export async function runAttempt<T, K = string>(
  handler: HandlerDefinition<T, K>,
  input: AttemptInput<T, NoInfer<K>>,
): Promise<AttemptResult> {
  const { attempt = 1 } = input
  return resultOf(await runCall(handler, [await recordOf(handler, input, 0)], [attempt], input))
}

export function resultOf({ outcome, published, logged }: Call): AttemptResult {
  return { ...verdict(outcome), published, logged }
}

function verdict(outcome: Outcome): Pick<AttemptResult, 'outcome' | 'failure'> {
  switch (outcome.kind) {
    case 'succeeded':
      return { outcome: outcome.filtered === true ? 'filtered' : 'done', failure: undefined }
    case 'failed':
    case 'timed-out':
    case 'interrupted':
      return { outcome: outcome.failure.retryable ? 'retry' : 'dead', failure: outcome.failure }
    case 'not-ready':
      return { outcome: 'retry', failure: undefined }
    case 'partial': {
      const [failure] = outcome.failures.values()
      return { outcome: failure?.retryable === false ? 'dead' : 'retry', failure }
    }
  }
}
