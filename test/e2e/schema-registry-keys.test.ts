/** Keys in Avro on real parts: Java's serializer writes what handlers read and the reverse, both choose the same partition, and the registry dies at a bad moment. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { avro, type PulledSchema } from '../../framework/api/format.ts'
import { batchHandler, type HandlerDefinition, type HandlerRecord, handler } from '../../framework/api/handler.ts'
import { topic } from '../../framework/api/topic.ts'
import { configDefaults, resolveConfig } from '../../framework/config/resolve-config.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { until } from '../integration/observed-runtime.ts'
import { javaReadsKeys, javaRecordsProblem, javaWritesKeys } from './java-records.ts'
import { type KafkaCluster, startKafka } from './kafka-harness.ts'
import { PolledReader } from './polled-reader.ts'
import { type RegistryProcess, startRegistry } from './registry-harness.ts'
import { quietLog } from './scenario.ts'

interface OrderKey {
  readonly tenant: string
  readonly id: bigint
  readonly day: string
}

const problem = javaRecordsProblem()
const PARTITIONS = 6
const keyOf = (...more: readonly object[]) =>
  JSON.stringify({
    type: 'record',
    name: 'OrderKey',
    namespace: 'shop',
    fields: [
      { name: 'tenant', type: 'string' },
      { name: 'id', type: 'long' },
      { name: 'day', type: { type: 'int', logicalType: 'date' } },
      ...more,
    ],
  })
const schemas = { key: keyOf(), value: '"long"' }
const inAvro = (tenant: string, id: string, more = '') => `{"tenant":"${tenant}","id":${id},"day":20786${more}}`
const asKey = (tenant: string, id: bigint): OrderKey => ({ tenant, id, day: '2026-11-29' })

/** Many, so that they meet in a partition by chance only. */
const ids = Array.from({ length: 24 }, (_, index) => 9_007_199_254_740_993n + BigInt(index))

describe('keys in Avro with a real registry and Java', { skip: problem ?? false, timeout: 300_000 }, () => {
  let cluster: KafkaCluster
  let registry: RegistryProcess
  before(async () => {
    ;[cluster, registry] = await Promise.all([startKafka(), startRegistry()])
  })
  after(() => Promise.all([cluster?.stop(), registry?.stop()]))

  async function pull<T>(subject: string): Promise<PulledSchema<T>> {
    const client = connectRegistry({ ...configDefaults.registry, url: registry.url }, systemClock(), Math.random)
    try {
      const { id, guid, text } = await client.latest(subject)
      return { kind: 'pyrallel.schema', format: 'avro', subject, id, guid, fingerprint: '', text }
    } finally {
      client.close()
    }
  }

  async function pulledTopic(name: string, of = name) {
    const [value, key] = [await pull<bigint>(`${of}-value`), await pull<OrderKey>(`${of}-key`)]
    return topic(name, { format: avro(value), keyFormat: avro(key) })
  }

  async function started(t: TestContext, read: HandlerDefinition<bigint, OrderKey>): Promise<Runtime> {
    const registered = { id: 'read', file: 'handlers/read.ts', topic: read.topic.name, group: null, handler: read }
    const config = resolveConfig({ group: 'shop', registry: { url: registry.url, requestTimeout: '1s' } }, 'test')
    const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'reads', log: quietLog })
    const handlers = resolveHandlers([registered], config)
    const runtime = runtimeOf(config, { connection, handlers, log: quietLog })
    t.after(() => runtime.stop())
    await runtime.start()
    return runtime
  }

  async function made(name: string, partitions = PARTITIONS) {
    await cluster.admin.createTopic(name, { partitions })
    await cluster.admin.createTopic(`${name}.shop.dlq`, { partitions: 1 })
    return { brokers: cluster.brokers, registry, topic: name }
  }

  type Seen = Pick<HandlerRecord<bigint, string, OrderKey>, 'key' | 'keyBytes' | 'value' | 'partition'>
  const seenOf = ({ key, keyBytes, value, partition }: HandlerRecord<bigint, string, OrderKey>): Seen => ({
    key,
    keyBytes,
    value,
    partition,
  })
  const byValue = (a: Seen, b: Seen) => Number(a.value - b.value)

  it('reads what Java has written, and writes it to the same partitions, byte for byte, so that Java reads the same', async (t) => {
    const [java, ours] = [await made('java-keys'), await made('our-keys')]
    const records = ids.map((id, index) => [inAvro('ü', String(id)), String(index)] as const)
    const partitions = await javaWritesKeys(java, schemas, [...records, ['', '24']])
    const seen: Seen[] = []
    const orders = await pulledTopic('java-keys')
    const runtime = await started(
      t,
      batchHandler(orders, (batch) => {
        for (const record of batch) seen.push(seenOf(record))
      }),
    )
    await until(runtime, () => seen.length === ids.length + 1)
    seen.sort(byValue)
    assert.deepEqual(
      seen.map(({ key }) => key),
      [...ids.map((id) => asKey('ü', id)), null],
    )
    assert.deepEqual(
      seen.map(({ partition }) => partition),
      partitions,
    )

    const copies = await pulledTopic('our-keys', 'java-keys')
    for (const [index, id] of ids.entries()) await runtime.publish(copies, BigInt(index), { key: asKey('ü', id) })
    await runtime.publish(copies, 24n)
    const read = [...(await javaReadsKeys(ours, ids.length + 1))].sort((a, b) => Number(a.value) - Number(b.value))
    assert.deepEqual(
      read.map(({ key }) => key.replaceAll(' ', '')),
      [...records.map(([key]) => key), ''],
    )
    assert.deepEqual(
      read.slice(0, -1).map(({ partition }) => partition),
      partitions.slice(0, -1),
    )
    const copied: Seen[] = []
    const other = await started(
      t,
      handler(copies, (record) => {
        copied.push(seenOf(record))
      }),
    )
    await until(other, () => copied.length === ids.length + 1)
    copied.sort(byValue)
    assert.deepEqual(
      copied.map(({ keyBytes }) => keyBytes?.toString('hex')),
      seen.map(({ keyBytes }) => keyBytes?.toString('hex')),
    )
  })

  it('loses nothing while the registry is dead, keeps the order of each key, and reads keys of a newer schema', async (t) => {
    const java = await made('outage-keys', 1)
    const old = (id: number, value: number) => [inAvro('a', String(id)), String(value)] as const
    await javaWritesKeys(java, schemas, [old(1, 10), old(1, 11)])
    const orders = await pulledTopic('outage-keys')
    const region = { name: 'region', type: 'string', default: 'eu' }
    const newer = (id: number, value: number) => [inAvro('a', String(id), ',"region":"us"'), String(value)] as const
    await javaWritesKeys(java, { ...schemas, key: keyOf(region) }, [newer(1, 20), newer(2, 30), newer(1, 21)])
    await registry.kill()
    const seen: Seen[] = []
    const runtime = await started(
      t,
      handler(orders, (record) => {
        seen.push(seenOf(record))
      }),
    )
    // Of each of the three keys, the first waits.
    await until(runtime, ({ groups }) => groups[0]?.notReady === 3)
    assert.equal(seen.length, 0)
    await registry.start()
    await until(runtime, ({ groups }) => groups[0]?.partitions[0]?.committedPosition === 5)
    assert.deepEqual(
      [...seen].sort(byValue).map(({ key, value }) => [key, value]),
      [
        [asKey('a', 1n), 10n],
        [asKey('a', 1n), 11n],
        [asKey('a', 1n), 20n],
        [asKey('a', 1n), 21n],
        [asKey('a', 2n), 30n],
      ],
    )
    const values = seen.map(({ value }) => value)
    assert.ok(values.indexOf(10n) < values.indexOf(11n), 'the order of a key')
    assert.ok(values.indexOf(20n) < values.indexOf(21n), 'that of another one: its bytes are others')
  })

  it('gives up with its bytes a key that is none, and one that the registry does not know waits', async (t) => {
    const java = await made('broken-keys', 1)
    await javaWritesKeys(java, schemas, [[inAvro('a', '1'), '1']])
    const orders = await pulledTopic('broken-keys')
    const seen: Seen[] = []
    const runtime = await started(
      t,
      handler(orders, (record) => {
        seen.push(seenOf(record))
      }),
    )
    const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'writes', log: quietLog })
    t.after(() => connection.close())
    const producer = await connection.producer()
    t.after(() => producer.close(5_000))
    const value = Buffer.from(`00${orders.format!.schema.id.toString(16).padStart(8, '0')}0e`, 'hex')
    const keys = [Buffer.from('c1'), Buffer.of(0, 0x7f, 0, 0, 0, 2)]
    for (const key of keys) await producer.produce({ topic: 'broken-keys', key, value, headers: [] })
    await until(runtime, ({ groups }) => seen.length === 1 && groups[0]?.notReady === 1)
    const letters = await PolledReader.join(t, connection, 'broken-keys.shop.dlq')
    await letters.until('the dead letter is read', () => letters.records.length === 1)
    const [letter] = letters.records
    assert.deepEqual([letter?.key?.toString(), letter?.value?.toString('hex')], ['c1', value.toString('hex')])
    const headers = new Map(letter?.headers.map(([name, bytes]) => [name, bytes?.toString()]))
    assert.ok([...headers.values()].includes('UndecodableKey'), JSON.stringify([...headers]))
  })
})
