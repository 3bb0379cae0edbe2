/** Avro on real parts: Java's serializer writes what handlers read, Java's deserializer reads what we publish, and the registry dies at a bad moment. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { avro, type PulledSchema } from '../../framework/api/format.ts'
import { handler } from '../../framework/api/handler.ts'
import { topic } from '../../framework/api/topic.ts'
import { configDefaults, resolveConfig } from '../../framework/config/resolve-config.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { until } from '../integration/observed-runtime.ts'
import { javaReadsAvro, javaRecordsProblem, javaWritesAvro } from './java-records.ts'
import { type KafkaCluster, startKafka } from './kafka-harness.ts'
import { type RegistryProcess, startRegistry } from './registry-harness.ts'
import { quietLog } from './scenario.ts'

const problem = javaRecordsProblem()
const logical = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more })
const card = { type: 'record', name: 'Card', fields: [{ name: 'digits', type: 'string' }] }
const invoice = { type: 'record', name: 'Invoice', fields: [{ name: 'days', type: 'int' }] }
const fields: readonly object[] = [
  { name: 'id', type: 'long' },
  { name: 'count', type: 'int' },
  { name: 'weight', type: 'double' },
  { name: 'isGift', type: 'boolean' },
  { name: 'day', type: logical('int', 'date') },
  { name: 'at', type: logical('long', 'timestamp-millis') },
  { name: 'exactly', type: logical('long', 'timestamp-micros') },
  { name: 'noon', type: logical('int', 'time-millis') },
  { name: 'price', type: logical('bytes', 'decimal', { precision: 9, scale: 2 }) },
  { name: 'tax', type: logical('fixed', 'decimal', { name: 'Tax', size: 4, precision: 9, scale: 3 }) },
  { name: 'ref', type: logical('string', 'uuid') },
  { name: 'raw', type: 'bytes' },
  { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'PAID'] } },
  { name: 'tags', type: { type: 'array', items: 'string' } },
  { name: 'counts', type: { type: 'map', values: 'long' } },
  { name: 'note', type: ['null', 'string'], default: null },
  { name: 'pay', type: [card, invoice] },
]
const schemaOf = (...more: readonly object[]) =>
  JSON.stringify({ type: 'record', name: 'Order', namespace: 'shop', fields: [...fields, ...more] })

/** As Avro's own JSON has it, and as a handler gets it. */
const inAvro = {
  id: '9007199254740993',
  rest: `"count":-7,"weight":1.5,"isGift":true,"day":20786,"at":1824000000000,"exactly":1824000000000001,"noon":43200000,"price":"\\u0004\\u00e2","tax":"\\u00ff\\u00ff\\u00ff\\u0085","ref":"00112233-4455-6677-8899-aabbccddeeff","raw":"\\u0000\\u00ff","state":"PAID","tags":["a","ü"],"counts":{"x":1},"note":{"string":"yes"},"pay":{"shop.Invoice":{"days":30}}`,
}
const asValue = {
  id: 9007199254740993n,
  count: -7,
  weight: 1.5,
  isGift: true,
  day: '2026-11-29',
  at: 1_824_000_000_000,
  exactly: 1_824_000_000_000_001n,
  noon: 43_200_000,
  price: '12.50',
  tax: '-0.123',
  ref: '00112233-4455-6677-8899-aabbccddeeff',
  raw: Uint8Array.of(0, 255),
  state: 'PAID',
  tags: ['a', 'ü'],
  counts: { x: 1n },
  note: 'yes',
  pay: { 'shop.Invoice': { days: 30 } },
}

describe('Avro with a real registry and Java', { skip: problem ?? false, timeout: 300_000 }, () => {
  let cluster: KafkaCluster
  let registry: RegistryProcess
  before(async () => {
    ;[cluster, registry] = await Promise.all([startKafka(), startRegistry()])
  })
  after(() => Promise.all([cluster?.stop(), registry?.stop()]))

  async function pull(subject: string): Promise<PulledSchema<unknown>> {
    const client = connectRegistry({ ...configDefaults.registry, url: registry.url }, systemClock(), Math.random)
    try {
      const { id, guid, text } = await client.latest(subject)
      return { kind: 'pyrallel.schema', format: 'avro', subject, id, guid, fingerprint: '', text }
    } finally {
      client.close()
    }
  }

  async function started(t: TestContext, name: string, pulled: PulledSchema<unknown>) {
    const seen: unknown[] = []
    const read = handler(topic(name, { format: avro(pulled) }), ({ value }) => {
      seen.push(value)
    })
    const registered = { id: 'read', file: 'handlers/read.ts', topic: name, group: null, handler: read }
    const config = resolveConfig({ group: 'shop', registry: { url: registry.url, requestTimeout: '1s' } }, 'test')
    const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'reads', log: quietLog })
    const handlers = resolveHandlers([registered], config)
    const runtime: Runtime = runtimeOf(config, { connection, handlers, log: quietLog })
    t.after(() => runtime.stop())
    await runtime.start()
    return { runtime, seen }
  }

  async function made(name: string) {
    for (const each of [name, `${name}.shop.dlq`]) await cluster.admin.createTopic(each, { partitions: 1 })
    return { brokers: cluster.brokers, registry, topic: name }
  }

  it('reads every type as Java has written it, and writes it so that Java reads the same', async (t) => {
    const [java, ours] = [await made('java-values'), await made('our-values')]
    const record = `{"id":${inAvro.id},${inAvro.rest}}`
    await javaWritesAvro(java, schemaOf(), [['a', record]])
    const pulled = await pull('java-values-value')
    const app = await started(t, 'java-values', pulled)
    await until(app.runtime, () => app.seen.length === 1)
    assert.deepEqual(app.seen, [asValue])

    await app.runtime.publish(topic('our-values', { format: avro(pulled) }), asValue, { key: 'b' })
    const [[key, value] = ['', '']] = await javaReadsAvro(ours, 1)
    assert.deepEqual([key, JSON.parse(value)], ['b', JSON.parse(record)])
    assert.match(value, /"id":\s*9007199254740993/, 'to the last digit')
  })

  it('loses nothing while the registry is dead, and reads each value with the schema of its writer', async (t) => {
    const java = await made('outage-values')
    const order = (id: number, more = '') => `{"id":${id},${inAvro.rest}${more}}`
    await javaWritesAvro(java, schemaOf(), [['a', order(1)]])
    const pulled = await pull('outage-values-value')
    const added = { name: 'added', type: ['null', 'string'], default: null }
    await javaWritesAvro(java, schemaOf(added), [
      ['a', order(2, ',"added":{"string":"new"}')],
      ['b', order(3, ',"added":null')],
    ])
    await registry.kill()
    const app = await started(t, 'outage-values', pulled)
    await until(app.runtime, ({ groups }) => groups[0]?.notReady === 2)
    assert.deepEqual(app.seen, [])
    await registry.start()
    await until(app.runtime, () => app.seen.length === 3)
    const ids = app.seen.map((value) => (value as typeof asValue).id)
    assert.ok(ids.indexOf(1n) < ids.indexOf(2n), 'the order of a key')
    const inOrder = [...app.seen].sort((a, b) => Number((a as typeof asValue).id - (b as typeof asValue).id))
    assert.deepEqual(
      inOrder,
      [1n, 2n, 3n].map((id) => ({ ...asValue, id })),
    )
    await until(app.runtime, ({ groups }) => groups[0]?.partitions[0]?.committedPosition === 3)
  })
})
