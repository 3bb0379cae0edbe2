/** What a runtime says of its records, and what somebody does about them by hand, in a whole process on the in-memory cluster. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batchHandler } from '../../../framework/api/handler.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import { aHandler, aRunningApp, type RunningApp } from './running-app.ts'

const timeout = { timeout: 60_000 }
const HOUR_MS = 3_600_000
const retry = { attempts: 5, backoff: 'fixed', minMs: HOUR_MS, maxMs: HOUR_MS, jitter: false } as const
const isReady = { now: false }

function failing(): void {
  if (!isReady.now) throw new Error('the service is down')
}

const single = aHandler('charge', { deadLetterTopic: 'charge.dlq', retry, run: failing })
const batch: ResolvedHandler = {
  ...aHandler('charge', { deadLetterTopic: 'charge.dlq', retry, batch: { size: 1, waitMs: 0 } }),
  definition: batchHandler<unknown>('charge', failing),
}

/** The record of this key, as somebody sees it. */
function seen(app: RunningApp, key: string) {
  const first = app.runtime.inspection.explainKey('shop', 'charge', Buffer.from(key))?.first
  assert.ok(first !== null && first !== undefined)
  return first
}

describe('records of a runtime, by hand', () => {
  for (const [kind, handler] of [
    ['single records', single],
    ['batches', batch],
  ] as const) {
    it(`are tried now, or given up to the dead-letter topic, by a handler of ${kind}`, timeout, async (t) => {
      isReady.now = false
      const app = await aRunningApp(t, [handler], ['charge.dlq'])
      await app.send('charge', 1, 'a')
      await app.send('charge', 2, 'b')
      await app.until(() => app.count('record.retry') === 2)
      const [a, b] = [seen(app, 'a'), seen(app, 'b')]
      assert.deepEqual([a.state, a.attempt, a.lastFailure?.message], ['waiting', 2, 'the service is down'])
      assert.deepEqual(
        a.waitsFor.map(({ kind: what }) => what),
        ['retry'],
      )
      assert.equal(app.runtime.inspection.retries('shop').rows.length, 2)

      isReady.now = true
      assert.deepEqual(app.runtime.retryNow('shop', { ...a, attempt: 1 }).isDone, false)
      assert.deepEqual(app.runtime.retryNow('shop', a), { isDone: true })
      await app.until(() => app.count('record.done') === 1)
      assert.deepEqual(app.runtime.giveUp('shop', b), { isDone: true })
      await app.until(() => app.count('record.dead') === 1)
      const [dead] = app.events.flatMap((event) => (event.kind === 'record.dead' ? [event] : []))
      assert.deepEqual([dead?.failure.reason, dead?.deadLetterTopic, dead?.attempt], ['by-hand', 'charge.dlq', 1])
      assert.deepEqual([app.count('record.hurried'), app.count('record.given-up')], [1, 1])
      const left = app.runtime.inspection.partitions(
        'shop',
        [0, 1].map((partition) => ({ topic: 'charge', partition })),
      )
      assert.deepEqual(
        left.map(({ runs }) => runs.filter(({ state }) => state === 'waiting' || state === 'dead')),
        [[], []],
      )
    })
  }

  it('run again once the breaker of their key is closed', timeout, async (t) => {
    isReady.now = false
    const poison = { threshold: 1, cooldownMs: HOUR_MS }
    const once = { ...retry, attempts: 1 }
    const app = await aRunningApp(
      t,
      [aHandler('charge', { deadLetterTopic: 'charge.dlq', retry: once, poison, run: failing })],
      ['charge.dlq'],
    )
    await app.send('charge', 1, 'a')
    await app.until(() => app.count('breaker.opened') === 1)
    const [open] = app.runtime.inspection.openBreakers('shop')
    assert.ok(open !== undefined)
    const { topic, partition, epoch, id } = open
    isReady.now = true
    assert.deepEqual(app.runtime.closeBreaker('shop', { topic, partition, epoch, breaker: id }), { isDone: true })
    await app.send('charge', 2, 'a')
    await app.until(() => app.count('record.done') === 1)
  })

  it('are asked about by the group that reads them', timeout, async (t) => {
    const app = await aRunningApp(t, [aHandler('charge')])
    const at = { topic: 'charge', partition: 0, offset: 0 }
    assert.throws(
      () => app.runtime.inspection.explain('shops', at),
      (error) =>
        error instanceof PyrallelError && error.code === 'PYR_USAGE' && /There are: shop\./.test(error.message),
    )
    assert.equal(app.runtime.inspection.explain('shop', { ...at, partition: 9 }), null)
  })
})
