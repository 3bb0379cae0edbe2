import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { PlanAnswer, ReplayAnswer, ReplaysAnswer } from '../../../framework/console/protocol-actions.ts'
import { replayGroup } from '../../../framework/dead-letters/replay/partition-marks.ts'
import type { MemoryCluster } from '../../../framework/kafka/memory/client.ts'
import { systemClock } from '../../../framework/time/clock.ts'
import { clusterWith, DLQ, type Letter, valuesIn } from '../cli/dlq-fixtures.ts'
import { type ServedConsole, serveConsole } from './served-console.ts'

const kind = (fingerprint: string): Letter => ({ headers: { 'pyrallel-error-fingerprint': fingerprint } })
const planPath = `/api/dead-letters/${DLQ}/plan`
const replaysPath = `/api/dead-letters/${DLQ}/replays`

async function served(t: TestContext, cluster: MemoryCluster, over: Parameters<typeof serveConsole>[1] = {}) {
  const connection = cluster.connection()
  const clock = systemClock() as never
  const of = await serveConsole(t, { cluster: () => connection, clock, ...over })
  t.after(async () => {
    await of.console.endReplays()
    await connection.close()
  })
  return of
}

async function planned({ post }: ServedConsole, body: object): Promise<PlanAnswer> {
  const response = await post(planPath, body)
  assert.equal(response.status, 200, await response.clone().text())
  return (await response.json()) as PlanAnswer
}

async function replayed({ post, get }: ServedConsole, plan: string, rate = 10_000): Promise<ReplayAnswer> {
  const response = await post(replaysPath, { plan, rate })
  assert.equal(response.status, 202, await response.clone().text())
  const { id } = (await response.json()) as ReplayAnswer
  for (;;) {
    const report = (await (await get(`/api/replays/${id}`)).json()) as ReplayAnswer
    if (report.endedAt !== null) return report
    await new Promise(setImmediate)
  }
}

describe('publishing dead letters again from the console', { timeout: 60_000 }, () => {
  it('plans first and publishes nothing, then publishes what was planned, and tells of each target', async (t) => {
    const cluster = await clusterWith(kind('a'), kind('b'), kind('a'))
    const of = await served(t, cluster)
    const plan = await planned(of, { select: { fingerprint: 'a' } })
    assert.deepEqual(plan.counts, [{ target: 'orders', records: 2 }])
    assert.deepEqual([plan.refused, plan.left, plan.isCut], [[], 0, false])
    assert.equal(valuesIn(cluster).length, 0)
    const report = await replayed(of, plan.plan)
    assert.equal(report.state, 'done')
    assert.deepEqual(report.published, [{ target: 'orders', records: 2 }])
    assert.deepEqual(valuesIn(cluster), ['v0', 'v2'])
    assert.ok(
      of.lines.some(({ what, topic, client }) => what === 'action.replay' && topic === DLQ && client === '127.0.0.1'),
    )
  })

  it('publishes one letter by its place, and no letter twice', async (t) => {
    const cluster = await clusterWith({}, {}, {})
    const of = await served(t, cluster)
    await replayed(of, (await planned(of, { select: { places: [{ partition: 0, offset: 1 }] } })).plan)
    assert.deepEqual(valuesIn(cluster), ['v1'])
    const again = await planned(of, { select: {} })
    assert.deepEqual(again.refused, [{ why: 'replayed-already', records: 1 }])
    assert.deepEqual(again.counts, [{ target: 'orders', records: 2 }])
  })

  it('leaves out what was replayed too often: what fails each time must not go round for ever', async (t) => {
    const often = { headers: { 'pyrallel-replay-count': '3' } }
    const of = await served(t, await clusterWith(often, {}))
    const plan = await planned(of, { select: {} })
    assert.deepEqual(plan.refused, [{ why: 'replayed-too-often', records: 1 }])
    assert.deepEqual(plan.counts, [{ target: 'orders', records: 1 }])
    assert.deepEqual((await replayed(of, plan.plan)).skipped, plan.refused)
    assert.deepEqual((await planned(of, { select: {}, maxReplays: 4 })).counts, [{ target: 'orders', records: 1 }])
  })

  it('publishes to no topic that no handler here reads, though a header or the request names it', async (t) => {
    const strange = { headers: { 'pyrallel-topic': 'payments', 'kafka_dlt-original-topic': 'payments' } }
    const of = await served(t, await clusterWith(strange))
    assert.deepEqual((await planned(of, { select: {} })).refused, [{ why: 'target-not-allowed', records: 1 }])
    assert.equal((await of.post(planPath, { select: {}, to: 'payments' })).status, 400)
    assert.deepEqual((await planned(of, { select: {}, to: 'orders' })).counts, [{ target: 'orders', records: 1 }])
    assert.equal((await of.post('/api/dead-letters/orders/plan', { select: {} })).status, 404)
  })

  it('keeps to the limit and says how many are left', async (t) => {
    const of = await served(t, await clusterWith({}, {}, {}))
    const plan = await planned(of, { select: {}, limit: 2 })
    assert.deepEqual([plan.counts, plan.left], [[{ target: 'orders', records: 2 }], 1])
    for (const body of [{}, { select: {}, limit: 0 }, { select: { places: [] } }, { select: {}, more: 1 }]) {
      assert.equal((await of.post(planPath, body)).status, 400, JSON.stringify(body))
    }
  })

  it('runs one replay of a topic at a time, each plan once, and stops when it is told to', async (t) => {
    const cluster = await clusterWith(...Array.from({ length: 50 }, () => ({})))
    const of = await served(t, cluster)
    const [first, second] = [await planned(of, { select: {} }), await planned(of, { select: {} })]
    const { id } = (await (await of.post(replaysPath, { plan: first.plan, rate: 1 })).json()) as ReplayAnswer
    assert.equal((await of.post(replaysPath, { plan: second.plan })).status, 409)
    assert.equal((await of.post(replaysPath, { plan: first.plan })).status, 404)
    const stopping = (await (await of.post(`/api/replays/${id}/stop`)).json()) as ReplayAnswer
    assert.equal(stopping.state, 'stopping')
    await of.console.endReplays()
    const report = (await (await of.get(`/api/replays/${id}`)).json()) as ReplayAnswer
    assert.equal(report.state, 'stopped')
    const published = valuesIn(cluster).length
    assert.ok(published < 50)
    assert.equal(report.published[0]?.records ?? 0, published)
  })

  it('tells whoever asks of the replays of a topic, the newest first, and of one that waits for its partitions', async (t) => {
    const cluster = await clusterWith({}, {}, {})
    const of = await served(t, cluster)
    const replays = async (topic = DLQ) => {
      const answer = await (await of.get(`/api/dead-letters/${topic}/replays`)).json()
      return (answer as ReplaysAnswer).replays
    }
    assert.deepEqual(await replays(), [])
    const first = await replayed(of, (await planned(of, { select: {}, limit: 1 })).plan)
    // In another process, which has all of them and does not let go.
    const other = await cluster.connection().consumer({ group: replayGroup(DLQ), startFrom: 'earliest' })
    let isOver = false
    let has = 0
    await other.subscribe([DLQ], {
      onAssigned: (partitions) => {
        has += partitions.length
      },
      onRevoked: () => new Promise(() => {}),
      onLost: () => {},
    })
    const polling = (async () => {
      while (!isOver) await other.poll(0, 5).catch(() => {})
    })()
    t.after(async () => {
      isOver = true
      await polling
    })
    while (has === 0) await new Promise(setImmediate)
    const { plan } = await planned(of, { select: {} })
    const { id } = (await (await of.post(replaysPath, { plan })).json()) as ReplayAnswer
    assert.deepEqual(
      (await replays()).map((each) => [each.id, each.state]),
      [
        [id, 'running'],
        [first.id, 'done'],
      ],
    )
    while ((await replays())[0]?.isWaiting !== true) await new Promise(setImmediate)
    assert.deepEqual(await replays('other'), [])
    await of.post(`/api/replays/${id}/stop`)
    await of.console.endReplays()
    assert.deepEqual([(await replays())[0]?.state, (await replays())[0]?.isWaiting], ['stopped', false])
  })

  it('publishes nothing where actions are off', async (t) => {
    const of = await served(t, await clusterWith({}), { canAct: false })
    assert.equal((await of.post(planPath, { select: {} })).status, 403)
    assert.equal((await of.post(replaysPath, { plan: 'x' })).status, 403)
  })
})
