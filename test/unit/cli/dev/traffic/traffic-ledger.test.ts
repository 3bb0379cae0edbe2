/** The books of the demo's traffic. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LatencyHistogram } from '../../../../../cli/dev/traffic/latency-histogram.ts'
import { TrafficLedger } from '../../../../../cli/dev/traffic/traffic-ledger.ts'
import { dead, done, parked, retried } from '../../events.ts'

describe('TrafficLedger', () => {
  it('counts a record as done when every handler that reads it has settled it', async () => {
    let now = 0
    const ledger = new TrafficLedger(() => now)
    ledger.sent(1, ['a', 'b'], 0)
    const progress = ledger.nextProgress()
    now = 40
    ledger.onEvent(1, done({ handlerId: 'a' }))
    await progress
    assert.equal(ledger.totals().done, 0)
    assert.equal(ledger.outstanding, 1)
    now = 100
    ledger.onEvent(1, dead({ handlerId: 'b' }))
    const totals = ledger.totals()
    assert.equal(totals.done, 1)
    assert.equal(totals.deadLetters, 1)
    assert.equal(totals.tookMs, 100)
    assert.equal(totals.lost, 0)
    assert.ok(Math.abs((totals.p50Ms ?? 0) - 40) < 1)
    assert.ok(Math.abs((totals.p99Ms ?? 0) - 100) < 2)
  })

  it('counts what never settles as lost, and what the broker refused on its own', () => {
    const ledger = new TrafficLedger(() => 0)
    ledger.sent(1, ['a'], 0)
    ledger.sent(2, ['a'], 0)
    ledger.refused(2)
    const { sent, done: settled, lost, refused } = ledger.totals()
    assert.deepEqual({ sent, settled, lost, refused }, { sent: 2, settled: 0, lost: 1, refused: 1 })
  })

  it('counts retries, filtered and dropped records, and a record that is settled twice only once', () => {
    const ledger = new TrafficLedger(() => 5)
    for (const id of [1, 2]) ledger.sent(id, ['h'], 0)
    ledger.onEvent(1, retried({ handlerId: 'h' }))
    ledger.onEvent(1, done({ handlerId: 'h', filtered: true }))
    ledger.onEvent(1, done({ handlerId: 'h', filtered: true }))
    ledger.onEvent(2, dead({ handlerId: 'h', deadLetterTopic: null }))
    const { done: settled, retries, filtered, dropped, deadLetters } = ledger.totals()
    assert.deepEqual(
      { settled, retries, filtered, dropped, deadLetters },
      { settled: 2, retries: 1, filtered: 1, dropped: 1, deadLetters: 0 },
    )
  })

  it('waits for no record that is parked, calls it neither done nor lost, and counts it once it is settled', async () => {
    const ledger = new TrafficLedger(() => 5)
    ledger.sent(1, ['a', 'b'], 0)
    ledger.onEvent(1, parked({ handlerId: 'a' }))
    assert.deepEqual([ledger.outstanding, ledger.totals().parked], [1, 0], 'the other handler is to settle it')
    const progress = ledger.nextProgress()
    ledger.onEvent(1, done({ handlerId: 'b' }))
    await progress
    const { done: settled, lost, parked: kept } = ledger.totals()
    assert.deepEqual([ledger.outstanding, settled, lost, kept], [0, 0, 0, 1])
    ledger.onEvent(1, done({ handlerId: 'a' }))
    const { done: after, lost: stillLost, parked: left } = ledger.totals()
    assert.deepEqual([after, stillLost, left], [1, 0, 0])
  })

  it('forgets with a handler what that has parked', () => {
    const ledger = new TrafficLedger(() => 5)
    ledger.sent(1, ['a'], 0)
    ledger.onEvent(1, parked({ handlerId: 'a' }))
    ledger.forget('a')
    assert.deepEqual([ledger.totals().parked, ledger.totals().done, ledger.outstanding], [0, 1, 0])
  })

  it('waits for nothing of a record that nobody reads, and does not call it done', () => {
    const ledger = new TrafficLedger(() => 0)
    ledger.sent(1, [], 0)
    assert.equal(ledger.outstanding, 0)
    const { sent, done: settled, unread, lost } = ledger.totals()
    assert.deepEqual({ sent, settled, unread, lost }, { sent: 1, settled: 0, unread: 1, lost: 0 })
  })
})

describe('LatencyHistogram', () => {
  it('gives percentiles within 1 %', () => {
    const histogram = new LatencyHistogram()
    for (let ms = 1; ms <= 1_000; ms++) histogram.record(ms)
    for (const [share, expected] of [
      [0.5, 500],
      [0.99, 990],
      [1, 1_000],
    ] as const) {
      const value = histogram.percentile(share) ?? 0
      assert.ok(Math.abs(value - expected) / expected < 0.011, `${share}: ${value}`)
    }
  })

  it('has none without a value, and takes 0 for the smallest', () => {
    const histogram = new LatencyHistogram()
    assert.equal(histogram.percentile(0.5), undefined)
    histogram.record(0)
    assert.ok((histogram.percentile(0.5) ?? 1) < 0.02)
  })
})
