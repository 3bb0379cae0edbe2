/** Whether a failed record is tried again, and when. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configDefaults } from '../../../../framework/config/resolve-config.ts'
import {
  decideRetry,
  pauseBeforeSplitMs,
  type RetryDecision,
  totalDelayMs,
} from '../../../../framework/control-plane/failures/retry-policy.ts'
import type { RetrySettings } from '../../../../framework/model/settings.ts'
import type { HandlerFailure } from '../../../../framework/model/work.ts'
import { aFailure } from '../builders.ts'

const settings: RetrySettings = { attempts: 5, backoff: 'exponential', minMs: 100, maxMs: 1_000, jitter: false }
const giveUp: RetryDecision = { kind: 'give-up' }
const after = (delayMs: number): RetryDecision => ({ kind: 'retry', delayMs })

interface Row {
  readonly name: string
  readonly settings?: Partial<RetrySettings>
  readonly attempt: number
  readonly failure?: Partial<HandlerFailure>
  readonly random?: number
  readonly decision: RetryDecision
}

const table: readonly Row[] = [
  { name: 'the first retry waits the least', attempt: 1, decision: after(100) },
  { name: 'each further one waits twice as long', attempt: 3, decision: after(400) },
  { name: 'but never longer than the most', settings: { attempts: 9 }, attempt: 5, decision: after(1_000) },
  { name: 'also after a thousand tries', settings: { attempts: 9_999 }, attempt: 2_000, decision: after(1_000) },
  { name: 'fixed delays do not grow', settings: { backoff: 'fixed' }, attempt: 4, decision: after(100) },
  { name: 'a fixed delay is bounded too', settings: { backoff: 'fixed', maxMs: 40 }, attempt: 1, decision: after(40) },
  {
    name: 'jitter at its lowest halves the delay',
    settings: { jitter: true },
    attempt: 2,
    random: 0,
    decision: after(100),
  },
  { name: 'jitter in the middle', settings: { jitter: true }, attempt: 2, random: 0.5, decision: after(150) },
  { name: 'jitter never waits longer', settings: { jitter: true }, attempt: 2, random: 1, decision: after(200) },
  { name: 'the last attempt was the last', attempt: 5, decision: giveUp },
  { name: 'one attempt means no retry', settings: { attempts: 1 }, attempt: 1, decision: giveUp },
  { name: 'what cannot be retried is not', attempt: 1, failure: { retryable: false }, decision: giveUp },
  { name: 'a handler may set the delay', attempt: 1, failure: { retryAfterMs: 60_000 }, decision: after(60_000) },
  { name: 'even to none at all', attempt: 1, failure: { retryAfterMs: 0 }, decision: after(0) },
  {
    name: 'its delay has no jitter',
    settings: { jitter: true },
    attempt: 1,
    failure: { retryAfterMs: 5 },
    decision: after(5),
  },
  { name: 'a rule of the handler may, too', attempt: 3, failure: { retryDelayMs: 7 }, decision: after(7) },
  {
    name: 'what the handler threw comes before its rule',
    attempt: 1,
    failure: { retryAfterMs: 5, retryDelayMs: 7 },
    decision: after(5),
  },
  { name: 'but it cannot ask for more attempts', attempt: 5, failure: { retryAfterMs: 5 }, decision: giveUp },
]

describe('decideRetry', () => {
  for (const row of table) {
    it(row.name, () => {
      const decision = decideRetry({ ...settings, ...row.settings }, row.attempt, aFailure(row.failure), () => {
        return row.random ?? 0.3
      })
      assert.deepEqual(decision, row.decision)
    })
  }
})

describe('the pause before a batch is split', () => {
  it('is none after a success, then grows like the delay of a retry, up to the most', () => {
    const pauses = [1, 2, 3, 4, 5, 6].map((inARow) => pauseBeforeSplitMs(settings, inARow, aFailure(), () => 0))
    assert.deepEqual(pauses, [0, 100, 200, 400, 800, 1_000])
  })

  it('is what the rule of the handler says, where it has one', () => {
    const pauses = [1, 2, 3].map((n) => pauseBeforeSplitMs(settings, n, aFailure({ retryDelayMs: 7 }), () => 0))
    assert.deepEqual(pauses, [0, 7, 7])
  })
})

describe('the delays between all attempts', () => {
  for (const [name, over, total] of [
    ['are none for a single attempt', { attempts: 1 }, { least: 0, most: 0 }],
    ['are one less than there are attempts', { attempts: 4 }, { least: 700, most: 700 }],
    ['stay at the most', { attempts: 7 }, { least: 3_500, most: 3_500 }],
    ['may be half of that with jitter', { attempts: 4, jitter: true }, { least: 350, most: 700 }],
    ['do not grow when they are fixed', { attempts: 4, backoff: 'fixed' }, { least: 300, most: 300 }],
  ] as const) {
    it(name, () => assert.deepEqual(totalDelayMs({ ...settings, ...over }), total))
  }

  it('are what the delays of the attempts add up to', () => {
    const sum = (random: number) => {
      let total = 0
      for (let attempt = 1; ; attempt += 1) {
        const decision = decideRetry({ ...settings, jitter: true }, attempt, aFailure(), () => random)
        if (decision.kind === 'give-up') return total
        total += decision.delayMs
      }
    }
    assert.deepEqual(totalDelayMs({ ...settings, jitter: true }), { least: sum(0), most: sum(1) })
  })

  it('outlast five minutes, and no more than eleven, by default', () => {
    assert.deepEqual(totalDelayMs(configDefaults.handlers.retry), { least: 310_500, most: 621_000 })
  })
})
