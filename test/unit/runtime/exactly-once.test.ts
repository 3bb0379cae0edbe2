/** A runtime with `commit.exactlyOnce`: its handlers' outputs are seen with the offsets of their records, and it does not start where that cannot be. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import type { KafkaClient, KafkaConnection } from '../../../framework/kafka/kafka-client.ts'
import { type MemoryCluster, memoryCluster } from '../../../framework/kafka/memory/client.ts'
import type { PyrallelError } from '../../../framework/model/errors.ts'
import { createRuntime } from '../../../framework/runtime/create-runtime.ts'
import type { Runtime } from '../../../framework/runtime/runtime.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../kafka/recorded-log.ts'
import { aHandler, type HandlerParts } from './running-app.ts'

const RECORDS = 20

function runtimeOf(
  connection: KafkaConnection,
  clock: ManualClock,
  parts: HandlerParts = {},
  instanceId?: string,
  log = recordedLog().log,
): Runtime {
  const { limits, commit, shutdown } = configDefaults
  return createRuntime({
    connection,
    handlers: [aHandler('orders', parts)],
    startFrom: 'earliest',
    ...(instanceId === undefined ? {} : { instanceId }),
    limits,
    commit: { ...commit, exactlyOnce: true },
    shutdown,
    log,
    clock,
  })
}

function aCluster(clock: ManualClock): MemoryCluster {
  const cluster = memoryCluster({ clock })
  cluster.createTopic('orders', 2)
  cluster.createTopic('invoices', 1)
  return cluster
}

async function passUntil(t: TestContext, clock: ManualClock, isSo: () => boolean): Promise<void> {
  for (let steps = 0; steps < 10_000 && !isSo(); steps += 1) await clock.advanceAndSettle(5)
  assert.ok(isSo(), `${t.name}: it was not so`)
}

async function settled(clock: ManualClock, promise: Promise<unknown>): Promise<void> {
  let isSettled = false
  void promise.finally(() => {
    isSettled = true
  })
  while (!isSettled) await clock.advanceAndSettle(5)
  await promise
}

describe('a runtime with commit.exactlyOnce', () => {
  it('shows each output once though attempts fail after they have published, and processes follow each other', async (t) => {
    const clock = new ManualClock(0)
    const cluster = aCluster(clock)
    const values = () => cluster.log('invoices', 0).records.map(({ value }) => JSON.parse(String(value)) as number)
    const done = () =>
      [0, 1].reduce(
        (sum, partition) => sum + (cluster.group('shop').committed({ topic: 'orders', partition })?.position ?? 0),
        0,
      )
    for (let n = 0; n < RECORDS; n += 1) {
      const half = { topic: 'orders', key: Buffer.from(`k${n}`), value: Buffer.from(`${n}`), headers: [] }
      cluster.append(half)
    }
    const failed = new Set<number>()
    const run: HandlerParts['run'] = async (record, context) => {
      const n = record.value as number
      await context.publish('invoices', n)
      if (n % 3 > 0 || failed.has(n)) return
      failed.add(n)
      throw new Error('after it has published')
    }
    for (const [instance, wanted] of [RECORDS, 2 * RECORDS].entries()) {
      const runtime = runtimeOf(cluster.connection(), clock, { run }, 'one')
      await settled(clock, runtime.start())
      await passUntil(t, clock, () => done() === wanted)
      await settled(clock, runtime.stop())
      if (instance > 0) continue
      for (let n = RECORDS; n < 2 * RECORDS; n += 1)
        cluster.append({ topic: 'orders', key: Buffer.from(`k${n}`), value: Buffer.from(`${n}`), headers: [] })
    }
    assert.deepEqual(
      values().toSorted((a, b) => a - b),
      Array.from({ length: 2 * RECORDS }, (_, n) => n),
    )
  })

  it('runs a record again after a crash under the same id, and shows what it published once', async (t) => {
    const clock = new ManualClock(0)
    const cluster = aCluster(clock)
    cluster.append({ topic: 'orders', key: Buffer.from('k'), value: Buffer.from('7'), headers: [] })
    const ids: string[] = []
    const connection = cluster.connection()
    const clients: KafkaClient[] = []
    const watched: KafkaConnection = {
      ...connection,
      consumer: async (options) => {
        const client = await connection.consumer(options)
        clients.push(client)
        return client
      },
    }
    const publishes: HandlerParts['run'] = async (record, context) => {
      ids.push(record.id)
      await context.publish('invoices', record.value)
      // It is killed before it has ended.
      if (ids.length === 1) await new Promise(() => {})
    }
    const killed = runtimeOf(watched, clock, { run: publishes })
    await settled(clock, killed.start())
    await passUntil(t, clock, () => ids.length === 1)
    for (const client of clients) cluster.kill(client)
    const next = runtimeOf(connection, clock, { run: publishes })
    await settled(clock, next.start())
    await passUntil(t, clock, () => cluster.log('invoices', 0).records.length > 0)
    await settled(clock, next.stop())
    assert.deepEqual(ids, [ids[0], ids[0]])
    assert.equal(cluster.log('invoices', 0).records.length, 1)
  })

  it('shows each output and dead letter once over an open breaker, a pause, and a handler that is exchanged', async (t) => {
    const clock = new ManualClock(0)
    const cluster = aCluster(clock)
    cluster.createTopic('dead', 1)
    const append = (from: number) => {
      for (let n = from; n < from + RECORDS; n += 1) {
        const key = Buffer.from(n % 2 === 0 ? 'good' : 'bad')
        cluster.append({ topic: 'orders', key, value: Buffer.from(`${n}`), headers: [] })
      }
    }
    const numbers = (topic: string) =>
      cluster.log(topic, 0).records.map(({ value }) => JSON.parse(String(value)) as number)
    let attempts = 0
    const charge = (more: number) =>
      aHandler('orders', {
        retry: { ...configDefaults.handlers.retry, attempts: 1 },
        deadLetterTopic: 'dead',
        poison: { threshold: 2, cooldownMs: 3_600_000 },
        run: async (record, context) => {
          attempts += 1
          const n = record.value as number
          await context.publish('invoices', n + more)
          if (n % 2 > 0) throw new Error('after it has published')
        },
      })
    const { limits, commit, shutdown } = configDefaults
    const runtime = createRuntime({
      ...{ connection: cluster.connection(), handlers: [charge(0)], startFrom: 'earliest', clock },
      ...{ limits, commit: { ...commit, exactlyOnce: true }, shutdown, log: recordedLog().log },
    })
    append(0)
    await settled(clock, runtime.start())
    await passUntil(t, clock, () => numbers('invoices').length + numbers('dead').length === RECORDS)
    runtime.pause()
    append(RECORDS)
    for (let steps = 0; steps < 100; steps += 1) await clock.advanceAndSettle(5)
    const before = attempts
    await settled(clock, runtime.update([charge(1_000)]))
    runtime.resume()
    await passUntil(t, clock, () => numbers('invoices').length + numbers('dead').length === 2 * RECORDS)
    await settled(clock, runtime.stop())
    const half = Array.from({ length: RECORDS }, (_, n) => n)
    const [good, bad] = [half.filter((n) => n % 2 === 0), half.filter((n) => n % 2 > 0)]
    assert.deepEqual(numbers('invoices'), [...good, ...good.map((n) => n + RECORDS + 1_000)])
    assert.deepEqual(numbers('dead'), [...bad, ...bad.map((n) => n + RECORDS)])
    // Two of the bad ones have run before the breaker was open, and none behind it.
    assert.deepEqual([before, attempts], [good.length + 2, 2 * good.length + 2])
  })

  it('says once that its own publish is no part of a transaction', async () => {
    const clock = new ManualClock(0)
    const cluster = aCluster(clock)
    const { log, lines } = recordedLog()
    const runtime = runtimeOf(cluster.connection(), clock, {}, undefined, log)
    await settled(clock, runtime.start())
    for (const value of [1, 2]) await settled(clock, runtime.publish('invoices', value))
    const said = lines.filter(({ message }) => message.startsWith('runtime.publish is no part'))
    assert.deepEqual(
      said.map(({ level, fields }) => [level, fields]),
      [['warn', { topic: 'invoices' }]],
    )
    assert.equal(cluster.log('invoices', 0).records.length, 2)
    await settled(clock, runtime.stop())
  })

  it('does not start where its client has no transactions, and says what to do', async () => {
    const clock = new ManualClock(0)
    const { transactionalProducer: _, ...connection } = aCluster(clock).connection()
    const runtime = runtimeOf(connection, clock)
    const refused = runtime.start().then(
      () => undefined,
      (error: PyrallelError) => error,
    )
    await settled(clock, refused)
    const error = await refused
    assert.equal(error?.code, 'PYR_TRANSACTION_REFUSED')
    assert.match(error?.message ?? '', /commit\.exactlyOnce needs transactions.*Take commit\.exactlyOnce out/)
    await settled(clock, runtime.stop())
  })
})
