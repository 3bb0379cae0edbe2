/** Asks a handler's own retry rules (`retry.when`, `retry.delay`) about what it threw, where that is still an error. Total: a rule that throws decides nothing. */
import type { RetryOptions } from '../../api/options.ts'
import { durationMs } from '../../model/duration.ts'
import { toError } from '../../model/errors.ts'
import type { HandlerFailure, Outcome } from '../../model/work.ts'
import { failureOf } from './handler-failure.ts'

/** A rule threw, or returned something of another kind. */
export type OnBrokenRule = (rule: 'retry.when' | 'retry.delay', failure: HandlerFailure) => void

/**
 * What the rules make of an outcome. `RetryAfter` and `DeadLetter` are decisions of the handler already, so the rules are not asked; nor are they
 * about attempts that were interrupted, or that a deadline ended: there, nothing was thrown that says why.
 * @param thrown what the outcome was made from
 * @param attempt the attempt that has just failed; the first is 1
 */
export function applyRetryRules(
  outcome: Outcome,
  thrown: unknown,
  attempt: number,
  rules: RetryOptions | undefined,
  onBroken: OnBrokenRule,
): Outcome {
  if (outcome.kind !== 'failed' || (rules?.when === undefined && rules?.delay === undefined)) return outcome
  const { failure } = outcome
  if (!failure.retryable || failure.retryAfterMs !== undefined) return outcome
  const error = toError(thrown)
  if (!isRetryable(rules, error, onBroken)) return { kind: 'failed', failure: { ...failure, retryable: false } }
  const retryDelayMs = delayOf(rules, attempt, error, onBroken)
  return retryDelayMs === undefined ? outcome : { kind: 'failed', failure: { ...failure, retryDelayMs } }
}

function isRetryable({ when }: RetryOptions, error: Error, onBroken: OnBrokenRule): boolean {
  if (when === undefined) return true
  try {
    const verdict: unknown = when(error)
    // A promise would count as true, and the rule would do nothing without anybody noticing.
    if (typeof verdict !== 'boolean') throw new TypeError(`it returned ${typeof verdict}, not true or false`)
    return verdict
  } catch (thrown) {
    onBroken('retry.when', failureOf(thrown))
    return true
  }
}

/** Undefined: the policy's own delay stands. */
function delayOf({ delay }: RetryOptions, attempt: number, error: Error, onBroken: OnBrokenRule): number | undefined {
  if (delay === undefined) return undefined
  try {
    return durationMs(delay(attempt, error), 'what it returned')
  } catch (thrown) {
    onBroken('retry.delay', failureOf(thrown))
    return undefined
  }
}
