/** The chaos panel of a dev session, on the broker in memory and on the embedded one: each fault does what it says, and no record is lost by it. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { openBroker } from '../../cli/dev/broker/open-broker.ts'
import { MakingConnection, TopicMaker, topicsOf } from '../../cli/dev/broker/topic-maker.ts'
import { faultEndpoints } from '../../cli/dev/console/fault-endpoints.ts'
import { Faults } from '../../cli/dev/faults/faults.ts'
import type { HandlerDefinition } from '../../framework/api/handler.ts'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import type { Asked } from '../../framework/console/http/endpoint.ts'
import type { ChaosAnswer, ChaosBody, ChaosKind } from '../../framework/console/protocol-dev.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import type { ResolvedHandler } from '../../framework/runtime/runtime.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { doesAsTold } from '../contract/engine-handlers.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'
import { aHandler } from '../unit/runtime/running-app.ts'

const entry = new URL('../contract/worker-entries/doesAsTold.ts', import.meta.url).href
const LIMIT_MS = 60_000
const retry = { ...configDefaults.handlers.retry, attempts: 100, minMs: 1, maxMs: 5, jitter: false }

/** Records flow as long as the play lasts; what is done is counted by the session's own books. */
async function aSession(t: TestContext, kind: 'memory' | 'embedded') {
  const worker = { entry, threads: 2, resourceLimits: {}, recycleAfter: undefined }
  const pages = aHandler('pages', { retry })
  const handlers: readonly ResolvedHandler[] = [
    aHandler('orders', { retry, run: () => new Promise((resolve) => setTimeout(resolve, 1)) }),
    { ...pages, definition: doesAsTold as HandlerDefinition<unknown>, worker },
  ]
  const { log } = recordedLog()
  const clock = systemClock()
  const kafka = configDefaults.kafka
  const broker = await openBroker({
    brokers: undefined,
    kind,
    kafka,
    exactlyOnce: false,
    topics: topicsOf(handlers),
    log,
  })
  assert.equal(broker.kind, kind, broker.fallback)
  const faults = new Faults(clock)
  const { limits, commit, shutdown } = configDefaults
  const topics = new TopicMaker()
  topics.add(topicsOf(handlers))
  const events: RuntimeEvent[] = []
  const runtime = createRuntime({
    connection: new MakingConnection(await broker.connect(kafka), topics, faults.clients),
    handlers,
    startFrom: 'earliest',
    ...{ limits, commit, shutdown, log, logEvents: false },
    faults: faults.engines,
    onEvent: (event) => {
      events.push(event)
      faults.onEvent(event)
    },
  })
  const producer = await broker.connection.producer()
  let isOver = false
  t.after(async () => {
    isOver = true
    await faults.close()
    await runtime.stop()
    await producer.close(1_000)
    await broker.connection.close()
    await broker.stop()
  })
  await runtime.start()
  let sent = 0
  const send = async (records: number) => {
    for (let index = 0; index < records; index++, sent++) {
      const key = Buffer.from(`k${sent % 7}`)
      const topic = sent % 2 === 0 ? 'orders' : 'pages'
      await producer.produce({ topic, key, value: Buffer.from('{"do":"return"}'), headers: [] })
    }
  }
  const endpoints = faultEndpoints({
    ...{ runtime: () => runtime, handlers: () => handlers, isOwnCluster: false },
    ...{ cluster: broker.connection, faults, log },
  })
  const ask = async (path: string, what = '', body: ChaosBody = {}) => {
    const asked: Asked = { params: { what }, query: new URLSearchParams(), body, from: '127.0.0.1' }
    const found = endpoints.find((each) => `${each.method} ${each.path}` === path)
    return (await found?.run(asked)) as ChaosAnswer
  }
  const until = async (what: string, isSo: () => boolean | Promise<boolean>) => {
    const end = Date.now() + LIMIT_MS
    while (!(await isSo())) {
      assert.ok(Date.now() < end && !isOver, `not within ${LIMIT_MS} ms: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const count = (eventKind: RuntimeEvent['kind']) => events.filter((event) => event.kind === eventKind).length
  return {
    ...{ runtime, faults, send, until, count },
    look: () => ask('GET /api/dev/chaos'),
    make: (what: ChaosKind, body?: ChaosBody) => ask('POST /api/dev/chaos/{what}', what, body),
    stop: (what: ChaosKind) => ask('POST /api/dev/chaos/{what}/stop', what),
  }
}

for (const kind of ['memory', 'embedded'] as const) {
  describe(`faults on demand, on the ${kind} broker`, { timeout: 180_000 }, () => {
    it('each do what they say, and the account says that nothing was lost', async (t) => {
      const { runtime, send, until, count, look, make, stop } = await aSession(t, kind)
      await send(50)
      await until('records', () => count('record.done') === 50)
      assert.equal((await look()).account, null)

      const failed = await make('fail-attempts', { count: 12 })
      assert.deepEqual([failed.active[0]?.what, failed.active[0]?.left], ['fail-attempts', 12])
      await send(50)
      await until('12 failures', () => count('record.retry') === 12)
      await until('its end', async () => (await look()).active.length === 0)

      const threads = () => runtime.snapshot().groups[0]?.handlers.find(({ threads: of }) => of !== null)?.threads
      await make('kill-thread', { handlerId: 'pages' })
      await send(50)
      await until('another thread', () => threads()?.restarts === 1 && threads()?.running === 2)

      await make('log-hole', { topic: 'orders', count: 30 })
      await send(50)

      const commits = count('commit.done')
      await make('slow-commits', { delayMs: 5_000, forMs: 60_000 })
      await send(50)
      await until('records', () => count('record.done') >= 250)
      const held = count('commit.done')
      assert.ok(held - commits <= 2, `${held - commits} commits`)
      await stop('slow-commits')
      await until('commits', () => count('commit.done') > held)

      const revoked = count('partition.revoked')
      const { done } = await make('rebalance')
      assert.deepEqual(
        done.map(({ what }) => what),
        ['rebalance', 'slow-commits', 'log-hole', 'kill-thread', 'fail-attempts'],
      )
      assert.ok(count('partition.revoked') > revoked)
      await send(50)
      await until('the end of the account', async () => (await look()).account?.left === 0)
      const { account } = await look()
      assert.deepEqual([account?.written, account?.lost, account?.dead], [250, 0, 0], JSON.stringify(account))
      assert.equal(account?.done, 250)
      const lag = () => runtime.snapshot().groups[0]?.partitions.reduce((sum, of) => sum + (of.trueLag ?? 1), 0)
      await until('a lag of 0, over the hole', () => lag() === 0)
    })
  })
}

describe('the panel of faults', { timeout: 30_000 }, () => {
  it('refuses what a fault does not take, what is not there, and what would touch a cluster of the user', async (t) => {
    const { make, faults } = await aSession(t, 'memory')
    await assert.rejects(make('rebalance', { count: 3 }), { code: 'bad-request' })
    await assert.rejects(make('earthquake' as ChaosKind), { code: 'not-found' })
    await assert.rejects(make('fail-attempts', { handlerId: 'none' }), { code: 'not-found' })
    await assert.rejects(make('log-hole', { topic: 'none' }), { code: 'conflict' })
    const handlers = () => [aHandler('orders')]
    const target = { runtime: () => ({}) as never, handlers, cluster: {} as never, isOwnCluster: true }
    assert.match((await faults.run('rebalance', {}, target)) ?? '', /cluster of your own/)
    assert.match((await faults.run('log-hole', {}, target)) ?? '', /cluster of your own/)
    assert.match((await faults.run('kill-thread', {}, target)) ?? '', /worker/)
  })
})
