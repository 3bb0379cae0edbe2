import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Mask } from '../../../framework/console/mask.ts'
import type {
  AboutAnswer,
  HandlersAnswer,
  HistoryAnswer,
  SnapshotAnswer,
  ThreadsAnswer,
  TopologyAnswer,
} from '../../../framework/console/protocol.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import { aBlockingRecord, aGroup, aHandlerState, aPartition, aSystem } from '../observability/snapshots.ts'
import { aWatchedHandler, serveConsole } from './served-console.ts'

const failure = { reason: 'handler', name: 'Error', message: 'card 4111 refused', retryable: true } as const
const record: KafkaRecord = {
  topic: 'orders',
  partition: 0,
  offset: 19,
  key: Buffer.from('c9'),
  value: null,
  headers: [],
  timestamp: 0,
}
const blocking = aBlockingRecord({
  offset: 19,
  key: 'c9',
  state: 'waiting',
  attempt: 3,
  ageMs: 12_000,
  lastError: { reason: 'handler', name: 'Error', message: 'card 4111 refused' },
})
const blocked = aSystem({
  groups: [aGroup({ partitions: [aPartition({ blocking, openBreakers: 1, openBreakerKeys: ['c9'] })] })],
})

async function answer<Answer>(response: Response): Promise<Answer> {
  assert.equal(response.status, 200)
  return (await response.json()) as Answer
}

describe('what the console shows of a process', { timeout: 30_000 }, () => {
  it('says what it is, what may be done, and which handlers there are', async (t) => {
    const { get, runtime } = await serveConsole(t, { canAct: false })
    const about = await answer<AboutAnswer>(await get('/api'))
    assert.equal(about.protocol, 1)
    assert.deepEqual(
      [about.version, about.mode, about.can.act, about.shownTopics],
      ['1.2.3', 'development', false, null],
    )
    assert.deepEqual(about.groups, [{ group: 'shop', handlers: [{ handlerId: 'bill', topic: 'orders' }] }])
    runtime.handlers = [
      aWatchedHandler({ definition: { topic: { keyFormat: { schema: { format: 'avro' } } } } as never }),
    ]
    const { groups } = await answer<AboutAnswer>(await get('/api'))
    assert.deepEqual(groups[0]?.handlers, [{ handlerId: 'bill', topic: 'orders', keyFormat: 'avro' }])
    assert.equal(about.instance.pid, process.pid)
    assert.ok(about.kept.bytes <= 30_000)
  })

  it('has one row for a handler of several topics, and one in the topology for each', async (t) => {
    const { get, runtime } = await serveConsole(t)
    const first = aWatchedHandler()
    const second = { ...first.route, topic: 'payments', deadLetterTopic: 'payments.shop.dlq' }
    runtime.handlers = [first, aWatchedHandler({ route: second })]
    const partitions = ['orders', 'payments', 'others'].map((topic) => aPartition({ topic, retriesWaiting: 2 }))
    runtime.metrics = aSystem({ groups: [aGroup({ partitions })] })
    const { handlers } = await answer<HandlersAnswer>(await get('/api/handlers'))
    assert.deepEqual(
      handlers.map((row) => [row.handlerId, row.topic, row.deadLetterTopic, row.retriesWaiting]),
      [['bill', 'orders,payments', 'orders.shop.dlq,payments.shop.dlq', 4]],
    )
    const topology = await answer<TopologyAnswer>(await get('/api/topology'))
    assert.deepEqual(
      topology.handlers.map(({ reads, deadLetterTopic }) => [reads, deadLetterTopic]),
      [
        ['orders', 'orders.shop.dlq'],
        ['payments', 'payments.shop.dlq'],
      ],
    )
  })

  it('makes one snapshot for all who ask within 100 ms', async (t) => {
    const { get, runtime, clock } = await serveConsole(t)
    await Promise.all(Array.from({ length: 10 }, () => get('/api/snapshot')))
    assert.equal(runtime.looks, 1)
    clock.advance(100)
    await get('/api/snapshot')
    assert.equal(runtime.looks, 2)
  })

  it('gives the snapshot with its verdict, since when it holds', async (t) => {
    const { get, runtime, clock } = await serveConsole(t)
    const began = clock.now()
    await get('/api/snapshot')
    clock.advance(5_000)
    const { verdict } = await answer<SnapshotAnswer>(await get('/api/snapshot'))
    assert.deepEqual([verdict.kind, verdict.sinceAt], ['healthy', began])
    runtime.metrics = blocked
    clock.advance(1_000)
    const later = await answer<SnapshotAnswer>(await get('/api/snapshot'))
    assert.deepEqual([later.verdict.kind, later.verdict.key], ['blocked', 'c9'])
    assert.deepEqual(later.metrics, blocked)
  })

  it('masks keys and messages of topics that were not named, the same key always in the same way', async (t) => {
    const { get, runtime } = await serveConsole(t, { mask: new Mask(['other']) })
    runtime.metrics = blocked
    const text = await (await get('/api/snapshot')).text()
    // With its quotes: masked, it is 16 digits, among which these two may stand.
    assert.ok(!text.includes('"c9"') && !text.includes('card 4111'), text)
    const { metrics, verdict } = JSON.parse(text) as SnapshotAnswer
    assert.match(verdict.key ?? '', /^#[0-9a-f]{16}$/)
    assert.equal(metrics.groups[0]?.partitions[0]?.blocking?.key, verdict.key)
    assert.deepEqual(metrics.groups[0]?.partitions[0]?.openBreakerKeys, [verdict.key])
    assert.equal(new Mask([]).key('orders', Buffer.from('c9'))?.text === verdict.key, false)
  })

  it('masks a key in a format in rows as in the snapshot', () => {
    const mask = new Mask(['other'])
    const masked = mask.snapshot(
      aSystem({ groups: [aGroup({ partitions: [aPartition({ openBreakerKeys: ['AAAAAAeAAQ=='] })] })] }),
    )
    const row = mask.key('orders', Buffer.from('00000000078001', 'hex'))
    assert.deepEqual(masked.groups[0]?.partitions[0]?.openBreakerKeys, [row?.text])
  })

  it('has a row for each handler, with dead letters of the last minute', async (t) => {
    const { get, runtime, console, clock } = await serveConsole(t)
    runtime.metrics = aSystem({
      groups: [aGroup({ handlers: [aHandlerState({ inFlight: 3 })], partitions: [aPartition({ retriesWaiting: 2 })] })],
    })
    const dead = { kind: 'record.dead', handlerId: 'bill', record, attempt: 3, durationMs: 1, failure } as const
    for (let count = 0; count < 3; count++) console.onEvent('shop', { ...dead, deadLetterTopic: 'orders.shop.dlq' })
    const { handlers } = await answer<HandlersAnswer>(await get('/api/handlers'))
    const [bill] = handlers
    assert.equal(handlers.length, 1)
    assert.deepEqual([bill?.inFlight, bill?.retriesWaiting, bill?.deadLettersPerMinute], [3, 2, 3])
    assert.deepEqual([bill?.engine, bill?.p50Ms], ['async', null])
    clock.advance(70_000)
    assert.equal((await answer<HandlersAnswer>(await get('/api/handlers'))).handlers[0]?.deadLettersPerMinute, 0)
  })

  it('tells percentiles of the last minute out of the meters’ buckets', async (t) => {
    const buckets = new Array<number>(15).fill(0)
    const { get, clock } = await serveConsole(t, { bucketsOf: () => buckets })
    // Slow ones, an hour ago.
    buckets[12] = 1_000
    clock.advance(70_000)
    buckets[3] = 99
    buckets[6] = 1
    const [bill] = (await answer<HandlersAnswer>(await get('/api/handlers'))).handlers
    assert.deepEqual([bill?.p50Ms, bill?.p99Ms], [10, 10])
    buckets[6] += 9
    clock.advance(200)
    assert.equal((await answer<HandlersAnswer>(await get('/api/handlers'))).handlers[0]?.p99Ms, 100)
  })

  it('shows what handlers read and publish, and null where the generator has not said', async (t) => {
    const { get, runtime } = await serveConsole(t)
    runtime.handlers = [aWatchedHandler({ publishes: ['invoices'] })]
    const { handlers } = await answer<TopologyAnswer>(await get('/api/topology'))
    assert.deepEqual([handlers[0]?.reads, handlers[0]?.publishes], ['orders', ['invoices']])
    runtime.handlers = [aWatchedHandler()]
    assert.equal((await answer<TopologyAnswer>(await get('/api/topology'))).handlers[0]?.publishes, null)
  })

  it('shows threads of the engines that have some, and the memory of the process', async (t) => {
    const { get, runtime } = await serveConsole(t)
    const threads = { running: 2, restarts: 1, batches: 9, boundaryMs: 3 }
    runtime.metrics = aSystem({
      groups: [aGroup({ handlers: [aHandlerState(), aHandlerState({ handlerId: 'score', threads })] })],
    })
    const runs = { topic: 'orders', partition: 0, offset: 19, records: 3, attempt: 2, startedAt: 5 }
    const view = {
      threadId: 7,
      state: 'open',
      isApart: false,
      runningCount: 1,
      waiting: 4,
      heapUsedBytes: null,
    } as const
    const running = [{ ...runs, key: Buffer.from('c9'), headers: [] }]
    runtime.inspection.threads = () => [
      { ...view, handlerId: 'score', running },
      { ...view, handlerId: 'other', running },
    ]
    const shown = await answer<ThreadsAnswer>(await get('/api/threads'))
    const key = { text: 'c9', bytes: 2, isCut: false, isMasked: false }
    const each = [{ ...view, running: [{ ...runs, key }] }]
    assert.deepEqual(shown.handlers, [{ handlerId: 'score', group: 'shop', ...threads, each }])
    assert.ok(shown.process.rssBytes > 1_000_000)
  })

  it('masks the keys of what runs on threads, where keys are masked', async (t) => {
    const { get, runtime } = await serveConsole(t, { mask: new Mask([]) })
    const threads = { running: 1, restarts: 0, batches: 1, boundaryMs: 0 }
    runtime.metrics = aSystem({ groups: [aGroup({ handlers: [aHandlerState({ threads })] })] })
    const place = { topic: 'orders', partition: 0, offset: 19, records: 1, attempt: 1, startedAt: 5 }
    const headers = [['tenant', Buffer.from('customer-9')]] as const
    runtime.inspection.threads = () => [
      {
        ...{ handlerId: 'bill', threadId: 7, state: 'open', isApart: false, runningCount: 1, waiting: 0 },
        ...{ heapUsedBytes: 1, running: [{ ...place, key: Buffer.from('customer-9'), headers }] },
      },
    ]
    const text = await (await get('/api/threads')).text()
    assert.match(text, /"isMasked":true/)
    assert.doesNotMatch(text, /customer-9|tenant/)
  })

  it('keeps a point every ten seconds, for an hour, in memory of one size', async (t) => {
    const { get, clock, console: of } = await serveConsole(t)
    const before = await answer<AboutAnswer>(await get('/api'))
    const from = clock.now()
    clock.advance(2 * 3_600_000)
    const { points, everyMs } = await answer<HistoryAnswer>(await get('/api/history?of=backlog'))
    assert.deepEqual([points.length, everyMs], [360, 10_000])
    assert.deepEqual(points.at(-1), [from + 2 * 3_600_000, 0])
    assert.deepEqual(points[0]?.[0], from + 3_600_000 + 10_000)
    const since = await answer<HistoryAnswer>(await get(`/api/history?of=done&since=${from + 7_190_000}`))
    assert.equal(since.points.length, 1)
    assert.equal((await answer<AboutAnswer>(await get('/api'))).kept.bytes, before.kept.bytes)
    assert.equal((await get('/api/history?of=secrets')).status, 400)
    of.stop()
    assert.equal(clock.pendingTimers, 0)
  })

  it('says that nothing runs while the process loads its handlers, and goes on afterwards', async (t) => {
    let isRunning = false
    const { get } = await serveConsole(t, { isRunning: () => isRunning })
    const refused = await get('/api/snapshot')
    assert.equal(refused.status, 503)
    assert.match(await refused.text(), /not-running/)
    isRunning = true
    assert.equal((await get('/api/snapshot')).status, 200)
  })
})

describe('what the console does to handlers', { timeout: 30_000 }, () => {
  it('pauses and resumes one, twice as once, and writes into the log who asked', async (t) => {
    const { post, runtime, lines } = await serveConsole(t)
    for (let twice = 0; twice < 2; twice++) {
      assert.deepEqual(await answer(await post('/api/handlers/bill/pause')), { paused: ['bill'] })
    }
    assert.deepEqual(await answer(await post('/api/handlers/bill/resume')), { paused: [] })
    assert.deepEqual(runtime.paused, [])
    const asked = lines.filter(({ message }) => message === 'asked for from the console')
    assert.deepEqual(
      asked.map(({ what, handler, client }) => [what, handler, client]),
      [
        ['action.pause', 'bill', '127.0.0.1'],
        ['action.pause', 'bill', '127.0.0.1'],
        ['action.resume', 'bill', '127.0.0.1'],
      ],
    )
  })

  it('takes the address of the socket for who asked, whatever a header says', async (t) => {
    const { post, lines } = await serveConsole(t)
    await post('/api/handlers/bill/pause', {}, { 'x-forwarded-for': '203.0.113.7' })
    assert.ok(!JSON.stringify(lines).includes('203.0.113.7'))
  })

  it('finds a handler whose id has a slash, and none that is not there', async (t) => {
    const { post, runtime } = await serveConsole(t)
    const handler = aWatchedHandler()
    runtime.handlers = [{ ...handler, route: { ...handler.route, handlerId: 'billing/charge' } }]
    assert.equal((await post('/api/handlers/billing%2Fcharge/pause')).status, 200)
    assert.deepEqual(runtime.paused, ['billing/charge'])
    assert.equal((await post('/api/handlers/bill/pause')).status, 404)
  })
})
