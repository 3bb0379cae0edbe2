/** What a handler's own retry rules make of what it threw, and that a broken rule decides nothing. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DeadLetter, RetryAfter } from '../../../../framework/api/handler.ts'
import type { RetryOptions } from '../../../../framework/api/options.ts'
import {
  failed,
  interrupted,
  outcomeOfThrow,
  timedOut,
} from '../../../../framework/execution-plane/attempt/outcomes.ts'
import { applyRetryRules } from '../../../../framework/execution-plane/attempt/retry-rules.ts'
import type { Duration } from '../../../../framework/model/duration.ts'
import type { HandlerFailure, Outcome } from '../../../../framework/model/work.ts'

class NotFound extends Error {}

function applied(thrown: unknown, rules: RetryOptions, attempt = 1, outcome = outcomeOfThrow(thrown, false)) {
  const broken: string[] = []
  const after = applyRetryRules(outcome, thrown, attempt, rules, (rule, { message }) =>
    broken.push(`${rule}: ${message}`),
  )
  return { failure: failureIn(after), broken, outcome: after }
}

function failureIn(outcome: Outcome): HandlerFailure {
  assert.ok('failure' in outcome)
  return outcome.failure
}

describe('retry.when', () => {
  const rules: RetryOptions = { when: (error) => !(error instanceof NotFound) }

  it('makes a failure final for which it says false, with the error itself at hand', () => {
    assert.equal(applied(new NotFound('no such card'), rules).failure.retryable, false)
    assert.equal(applied(new Error('gateway down'), rules).failure.retryable, true)
  })

  it('gets an error, whatever was thrown', () => {
    const { failure } = applied('just a text', { when: (error) => error.message !== 'just a text' })
    assert.equal(failure.retryable, false)
  })

  it('is not asked about decisions of the handler, time-outs and interruptions', () => {
    const never: RetryOptions = { when: () => false }
    assert.equal(applied(new RetryAfter('2s'), never).failure.retryable, true)
    assert.equal(applied(new DeadLetter('no'), { when: () => true }).failure.retryable, false)
    assert.equal(applied(undefined, never, 1, timedOut(100)).failure.retryable, true)
    assert.equal(applied(undefined, never, 1, interrupted('gone')).failure.retryable, true)
  })

  for (const [what, when] of [
    ['throws', () => JSON.parse('{')],
    ['returns a promise', async () => false],
    ['returns nothing', () => undefined],
  ] as const) {
    it(`leaves a failure retryable, and says so, when it ${what}`, () => {
      const { failure, broken } = applied(new Error('down'), { when: when as unknown as (error: Error) => boolean })
      assert.equal(failure.retryable, true)
      assert.match(broken.join(), /^retry\.when: /)
    })
  }
})

describe('retry.delay', () => {
  it('sets the delay from the attempt that failed and the error', () => {
    const rules: RetryOptions = { delay: (attempt, error) => (error instanceof NotFound ? '1m' : attempt * 10) }
    assert.equal(applied(new Error('down'), rules, 3).failure.retryDelayMs, 30)
    assert.equal(applied(new NotFound('gone'), rules, 3).failure.retryDelayMs, 60_000)
  })

  it('gives way to RetryAfter', () => {
    assert.equal(applied(new RetryAfter('2s'), { delay: () => 7 }).failure.retryAfterMs, 2_000)
  })

  it('is not asked when there will be no retry', () => {
    const { failure } = applied(new Error('down'), { when: () => false, delay: () => 7 })
    assert.deepEqual([failure.retryable, failure.retryDelayMs], [false, undefined])
  })

  for (const [what, delay] of [
    ['throws', () => JSON.parse('{')],
    ['returns no duration', () => 'soon' as Duration],
    ['returns a negative number', () => -1],
  ] as const) {
    it(`leaves the delay to the policy, and says so, when it ${what}`, () => {
      const { failure, broken } = applied(new Error('down'), { delay })
      assert.deepEqual([failure.retryable, failure.retryDelayMs], [true, undefined])
      assert.match(broken.join(), /^retry\.delay: /)
    })
  }
})

describe('a handler without retry rules', () => {
  it('keeps its outcome as it is', () => {
    const outcome = failed({ reason: 'invalid', name: 'Error', message: 'bad', retryable: false })
    assert.equal(applied(undefined, {}, 1, outcome).outcome, outcome)
  })
})
