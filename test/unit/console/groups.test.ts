/** What the console says of a consumer group. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GroupBook } from '../../../framework/console/group-book.ts'
import type { GroupAnswer } from '../../../framework/console/protocol-groups.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { Epoch } from '../../../framework/model/work.ts'
import { aGroup, aPartition, aSystem } from '../observability/snapshots.ts'
import { aHandler, aRunningApp } from '../runtime/running-app.ts'
import { boundTo } from './bound-runtime.ts'
import { serveConsole } from './served-console.ts'

const assigned = (partition: number, restored = 0) =>
  ({ kind: 'partition.assigned', topic: 'orders', partition, epoch: 1 as Epoch, position: 0, restored }) as const
const revoked = (partition: number, runsAgain: number) =>
  ({ kind: 'partition.revoked', topic: 'orders', partition, epoch: 1 as Epoch, leftBehind: 0, runsAgain }) as const

function aBook() {
  const state = { now: 10_000_000 }
  return { state, book: new GroupBook(() => state.now) }
}

describe('what is remembered of a group', () => {
  it('is one rebalance for all its partitions, with what runs again', () => {
    const { state, book } = aBook()
    book.onEvent('shop', assigned(0, 2))
    book.onEvent('shop', assigned(1, 3))
    state.now += 60_000
    book.onEvent('shop', revoked(0, 4))
    state.now += 500
    book.onEvent('shop', revoked(1, 5))
    book.onEvent('other', revoked(7, 9))
    const rows = book.rebalances('shop')
    assert.deepEqual(
      rows.map(({ at, kind, count, runsAgain, restored }) => [at, kind, count, runsAgain, restored]),
      [
        [10_060_000, 'revoked', 2, 9, 0],
        [10_000_000, 'assigned', 2, 0, 5],
      ],
    )
    assert.deepEqual(rows[0]?.partitions, [
      { topic: 'orders', partition: 0 },
      { topic: 'orders', partition: 1 },
    ])
  })

  it('is forgotten after an hour, and bounded before', () => {
    const { state, book } = aBook()
    for (let partition = 0; partition < 1_000; partition++) book.onEvent('shop', assigned(partition))
    const [row] = book.rebalances('shop')
    assert.deepEqual([row?.count, row?.partitions.length], [1_000, 50])
    for (let round = 0; round < 300; round++) {
      state.now += 2_000
      book.onEvent('shop', revoked(round, 0))
      const error = new PyrallelError('PYR_COMMIT_FAILED', 'x'.repeat(10_000))
      book.onEvent('shop', { kind: 'commit.failed', error, willRetry: true })
    }
    assert.equal(book.rebalances('shop').length, 200)
    const { failures, failed } = book.commits('shop')
    assert.deepEqual([failed, failures.length, failures[0]?.message.length], [300, 50, 512])
    state.now += 3_600_001
    assert.deepEqual([book.rebalances('shop'), book.commits('shop').failed, book.commits('shop').failures], [[], 0, []])
  })

  it('counts commits of the last hour, and tells when the last was acknowledged and how long that took', () => {
    const { state, book } = aBook()
    for (let minute = 0; minute < 90; minute++) {
      book.onEvent('shop', { kind: 'commit.done', partitions: 1, tookMs: minute + 0.4 })
      state.now += 60_000
    }
    const { acknowledged, lastAcknowledgedAt, lastTookMs } = book.commits('shop')
    assert.deepEqual([acknowledged, lastAcknowledgedAt, lastTookMs], [59, state.now - 60_000, 89])
  })
})

describe('a group in the console', { timeout: 30_000 }, () => {
  it('shows this member, the others where they are known, what it has, and how it came to it', async (t) => {
    const orders = aHandler('orders')
    const app = await aRunningApp(t, [orders])
    await app.until(() => app.count('partition.assigned') === 2)
    const { get, console } = await serveConsole(t, { runtime: () => boundTo(app.runtime, [orders]) })
    for (const event of app.events) console.onEvent('shop', event)
    const response = await get('/api/groups/shop')
    const { member, members, assigned: has, rebalances, state } = (await response.json()) as GroupAnswer
    assert.deepEqual([state, member.protocol, members?.length], ['assigned', 'memory', 1])
    assert.equal(members?.[0]?.memberId, member.memberId)
    assert.deepEqual(
      has.map(({ topic, partition }) => [topic, partition]),
      [
        ['orders', 0],
        ['orders', 1],
      ],
    )
    assert.deepEqual([rebalances[0]?.kind, rebalances[0]?.count], ['assigned', 2])
    assert.equal((await get('/api/groups/other')).status, 404)
    assert.equal(((await (await get('/api/groups/shop')).json()) as GroupAnswer).transactions, null)
  })

  it('shows what waits to become visible, the open transaction and partitions that stand, of exactly once', async (t) => {
    const orders = aHandler('orders')
    const app = await aRunningApp(t, [orders])
    const partitions = Array.from({ length: 80 }, (_, partition) => aPartition({ partition, isRefused: partition > 9 }))
    const transactions = { waiting: 3, waitingBytes: 900, openMs: 6_000 }
    const metrics = aSystem({ groups: [aGroup({ uncommitted: 12, transactions, partitions })] })
    const runtime = { ...boundTo(app.runtime, [orders]), snapshot: () => metrics }
    const { get } = await serveConsole(t, { runtime: () => runtime })
    const { transactions: shown } = (await (await get('/api/groups/shop')).json()) as GroupAnswer
    assert.ok(shown)
    const { refused, ...others } = shown
    const maxBytes = 67_108_864
    assert.deepEqual(others, { openMs: 6_000, waitingRecords: 12, waitingBytes: 900, maxBytes, refusedCount: 70 })
    assert.deepEqual([refused.length, refused[0]], [50, { topic: 'orders', partition: 10 }])
  })
})
