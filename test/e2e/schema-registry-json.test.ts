/** JSON with a JSON Schema on real parts: Java's serializer writes what handlers read, Java's deserializer reads what we publish, and the registry dies at a bad moment. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { jsonSchema, type PulledSchema } from '../../framework/api/format.ts'
import { handler } from '../../framework/api/handler.ts'
import { topic } from '../../framework/api/topic.ts'
import { configDefaults, resolveConfig } from '../../framework/config/resolve-config.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { until } from '../integration/observed-runtime.ts'
import { javaReadsJson, javaRecordsProblem, javaWritesJson } from './java-records.ts'
import { type KafkaCluster, startKafka } from './kafka-harness.ts'
import { type RegistryProcess, startRegistry } from './registry-harness.ts'
import { quietLog } from './scenario.ts'

const problem = javaRecordsProblem()
const customer = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }
const schemaOf = (more: object = {}) =>
  JSON.stringify({
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Order',
    type: 'object',
    properties: {
      id: { type: 'integer' },
      price: { type: 'number', minimum: 0 },
      at: { type: 'string', format: 'date-time' },
      state: { enum: ['OPEN', 'PAID'] },
      lines: { type: 'array', items: { $ref: '#/definitions/line' } },
      note: { type: ['string', 'null'] },
      ...more,
    },
    required: ['id'],
    definitions: { line: { type: 'object', properties: { sku: { type: 'string', pattern: '^[A-Z]{3}$' } } } },
  })
const order = (id: number, more: object = {}) => ({
  id,
  price: 12.5,
  at: '2026-11-29T10:00:00Z',
  state: 'PAID',
  lines: [{ sku: 'ABC' }],
  note: 'ü',
  ...more,
})

describe('JSON Schema with a real registry and Java', { skip: problem ?? false, timeout: 300_000 }, () => {
  let cluster: KafkaCluster
  let registry: RegistryProcess
  before(async () => {
    ;[cluster, registry] = await Promise.all([startKafka(), startRegistry()])
  })
  after(() => Promise.all([cluster?.stop(), registry?.stop()]))

  async function pull(subject: string): Promise<PulledSchema<unknown>> {
    const client = connectRegistry({ ...configDefaults.registry, url: registry.url }, systemClock(), Math.random)
    try {
      const { id, guid, text, references } = await client.latest(subject)
      return { kind: 'pyrallel.schema', format: 'json-schema', subject, id, guid, fingerprint: '', text, references }
    } finally {
      client.close()
    }
  }

  async function started(t: TestContext, name: string, pulled: PulledSchema<unknown>, tombstones = false) {
    const seen: unknown[] = []
    const dead: unknown[] = []
    const format = tombstones ? jsonSchema(pulled, { tombstones: true }) : jsonSchema(pulled)
    const read = handler(topic(name, { format }), { deadLetter: { topic: `${name}.shop.dlq` } }, ({ value }) => {
      seen.push(value)
    })
    const registered = { id: 'read', file: 'handlers/read.ts', topic: name, group: null, handler: read }
    const config = resolveConfig({ group: 'shop', registry: { url: registry.url, requestTimeout: '1s' } }, 'test')
    const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'reads', log: quietLog })
    const handlers = resolveHandlers([registered], config)
    const onEvent = (event: RuntimeEvent) => {
      if (event.kind === 'record.dead') dead.push(event.failure.name)
    }
    const runtime: Runtime = runtimeOf(config, { connection, handlers, log: quietLog, onEvent })
    t.after(() => runtime.stop())
    await runtime.start()
    return { runtime, seen, dead }
  }

  async function made(name: string, schema: string) {
    for (const each of [name, `${name}.shop.dlq`]) await cluster.admin.createTopic(each, { partitions: 1 })
    await registry.register(`${name}-value`, { schema, schemaType: 'JSON' })
    return { brokers: cluster.brokers, registry, topic: name }
  }

  it('reads what Java has written, and writes it so that Java reads the same', async (t) => {
    const [java, ours] = [await made('java-json', schemaOf()), await made('our-json', schemaOf())]
    await javaWritesJson(java, [['a', JSON.stringify(order(1))], ['a']])
    const app = await started(t, 'java-json', await pull('java-json-value'), true)
    await until(app.runtime, () => app.seen.length === 2)
    assert.deepEqual(app.seen, [order(1), null])

    const target = topic('our-json', { format: jsonSchema(await pull('our-json-value'), { tombstones: true }) })
    await app.runtime.publish(target, order(2), { key: 'b' })
    await app.runtime.publish(target, null, { key: 'c' })
    assert.deepEqual(await javaReadsJson(ours, 2), [
      ['b', JSON.stringify(order(2))],
      ['c', ''],
    ])
    await assert.rejects(app.runtime.publish(target, order(3, { price: -1 })), {
      code: 'PYR_SCHEMA',
      message: 'The value published to our-json does not satisfy schema our-json-value: /price must be >= 0.',
    })
  })

  it('rejects numbers that would be rounded, and what the pulled schema does not allow, though Java has written it', async (t) => {
    const java = await made('strict-json', schemaOf())
    const pulled = await pull('strict-json-value')
    await javaWritesJson(java, [['a', '{"id":9007199254740993}']])
    await registry.register('strict-json-value', {
      schema: schemaOf({ state: { enum: ['OPEN', 'PAID', 'GONE'] } }),
      schemaType: 'JSON',
    })
    await javaWritesJson(java, [
      ['b', '{"id":1,"state":"GONE"}'],
      ['c', '{"id":2}'],
    ])
    const app = await started(t, 'strict-json', pulled)
    await until(app.runtime, () => app.seen.length === 1 && app.dead.length === 2)
    assert.deepEqual(app.seen, [{ id: 2 }])
    assert.deepEqual([...app.dead].sort(), ['InexactNumber', 'InvalidValue'])
  })

  it('checks values by schemas that theirs names', async (t) => {
    await registry.register('customer', { schema: JSON.stringify(customer), schemaType: 'JSON' })
    const topicName = 'named-json'
    for (const each of [topicName, `${topicName}.shop.dlq`]) await cluster.admin.createTopic(each, { partitions: 1 })
    await registry.register(`${topicName}-value`, {
      schema: JSON.stringify({ type: 'object', properties: { by: { $ref: 'customer.json' } } }),
      schemaType: 'JSON',
      references: [{ name: 'customer.json', subject: 'customer', version: 1 }],
    })
    const pulled = await pull(`${topicName}-value`)
    const app = await started(t, topicName, pulled)
    const target = topic(topicName, { format: jsonSchema(pulled) })
    await app.runtime.publish(target, { by: { name: 'a' } })
    await assert.rejects(app.runtime.publish(target, { by: {} }), /\/by must have required properties name/)
    await until(app.runtime, () => app.seen.length === 1)
    assert.deepEqual(app.seen, [{ by: { name: 'a' } }])
  })

  it('loses nothing while the registry is dead', async (t) => {
    const java = await made('outage-json', schemaOf())
    await javaWritesJson(java, [
      ['a', JSON.stringify(order(1))],
      ['a', JSON.stringify(order(2))],
      ['b', JSON.stringify(order(3))],
    ])
    const pulled = await pull('outage-json-value')
    await registry.kill()
    const app = await started(t, 'outage-json', pulled)
    await until(app.runtime, ({ groups }) => groups[0]?.notReady === 2)
    assert.deepEqual([app.seen, app.dead], [[], []])
    await registry.start()
    await until(app.runtime, () => app.seen.length === 3)
    const ids = app.seen.map((value) => (value as { readonly id: number }).id)
    assert.ok(ids.indexOf(1) < ids.indexOf(2), 'the order of a key')
    await until(app.runtime, ({ groups }) => groups[0]?.partitions[0]?.committedPosition === 3)
  })
})
