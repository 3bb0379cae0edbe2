import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recordStateText, waitText } from '../../../../framework/console/page/models/waits.ts'
import type { Wait } from '../../../../framework/model/explanation.ts'

type Waits = { readonly [Kind in Wait['kind']]: Extract<Wait, { readonly kind: Kind }> }

const waits: Waits = {
  record: { kind: 'record', offset: 1_019, state: 'waiting', attempt: 3, ahead: 12 },
  'earlier-assignment': { kind: 'earlier-assignment' },
  'not-before': { kind: 'not-before', at: 9_000 },
  'not-ready': { kind: 'not-ready', dueAt: 4_000, why: 'the registry does not answer' },
  retry: { kind: 'retry', dueAt: 4_000, isPause: false },
  parked: { kind: 'parked', since: 0, holdsKey: true, until: 61_000 },
  'dead-letter': { kind: 'dead-letter', topic: 'orders.dlq', isSent: true },
  slots: { kind: 'slots', inFlight: 64, capacity: 64 },
  'adaptive-limit': { kind: 'adaptive-limit', inFlight: 8, limit: 8 },
  rate: { kind: 'rate', perSecond: 50, nextAt: 1_400 },
  batch: { kind: 'batch', size: 3, dueAt: 1_200 },
  metadata: { kind: 'metadata', used: 3_000, limit: 3_072, span: 20_000 },
  memory: { kind: 'memory', limit: 'bytes', isHeld: true },
  fetch: { kind: 'fetch' },
  'handler-paused': { kind: 'handler-paused' },
  draining: { kind: 'draining' },
  'starts-stopped': { kind: 'starts-stopped', why: 'unacknowledged' },
  'commits-refused': { kind: 'commits-refused' },
  poisoned: { kind: 'poisoned', breaker: 9, until: 61_000 },
  turn: { kind: 'turn' },
}

describe('what a record waits for, in words', () => {
  it('names the facts of every cause, in sentences that differ', () => {
    const texts = Object.values(waits).map((wait) => waitText(wait, 1_000).text)
    assert.equal(new Set(texts).size, texts.length)
    for (const text of texts) assert.match(text, /^[A-Z].*\.$/)
    const { text, ahead } = waitText(waits.record, 1_000)
    assert.equal(
      text,
      'Records of its key run one after the other, and 1,019 waits for its retry, attempt 3. 12 are before it.',
    )
    assert.equal(ahead, 1_019)
    assert.match(waitText(waits.retry, 1_000).text, /^Its next attempt is due in 3\.0 s, at /)
    assert.equal(waitText(waits.retry, 4_000).text, 'Its next attempt is due now.')
    assert.match(
      waitText(waits.parked, 3_000).text,
      /^It is out of attempts, and was parked 3\.0 s ago\. Records of its key wait with it\. It is given up in /,
    )
    const alone = { ...waits.parked, holdsKey: false, until: null }
    assert.match(waitText(alone, 3_000).text, /Records of its key go on without it\.$/)
    assert.match(recordStateText({ state: 'parked', attempt: 4, attempts: 3 }), /parked after attempt 3$/)
    assert.match(waitText(waits.slots, 0).text, /64 of 64/)
    assert.match(waitText(waits.poisoned, 1_000).text, /for another 1 min:/)
    assert.match(waitText({ ...waits['dead-letter'], isSent: false }, 0).text, /is to be sent to orders\.dlq/)
    assert.match(waitText({ ...waits.metadata, limit: 0 }, 0).text, /20,000 offsets/)
  })

  it('says the state with the attempt, where one is known', () => {
    assert.equal(recordStateText({ state: 'in-flight', attempt: 2, attempts: 4 }), 'running, attempt 2 of 4')
    assert.equal(recordStateText({ state: 'not-fetched', attempt: 0, attempts: 4 }), 'not fetched yet')
    assert.equal(recordStateText({ state: 'queued', attempt: 1, attempts: null }), 'queued, attempt 1')
  })
})
