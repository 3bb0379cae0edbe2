/** Topics whose values are bytes, in a whole runtime on the in-memory cluster: with Confluent's own package, which runs the rules of a schema, and on threads. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import {
  AvroDeserializer,
  AvroSerializer,
  CelExecutor,
  CelFieldExecutor,
  SchemaRegistryClient,
  SerdeType,
} from '@confluentinc/schemaregistry'
import { type HandlerDefinition, handler } from '../../framework/api/handler.ts'
import { topic } from '../../framework/api/topic.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import { copiesBytes } from '../contract/engine-handlers.ts'
import { bundledEntries } from '../contract/worker-entries/bundle.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'
import { serve } from '../unit/registry/registry-server.ts'
import { until } from './observed-runtime.ts'

const { copiesBytes: copiesBytesEntry } = await bundledEntries('copiesBytes')

async function started(
  t: TestContext,
  cluster: MemoryCluster,
  definition: HandlerDefinition<Buffer | null>,
  entry?: string,
) {
  for (const name of ['work', 'work.dlq', 'work.shop.dlq', 'copies']) cluster.createTopic(name, 1)
  const config = resolveConfig({ group: 'shop' }, 'test')
  const registered = { id: 'work', file: 'handlers/work.ts', topic: 'work', group: null, handler: definition }
  const events: RuntimeEvent[] = []
  const runtime = runtimeOf(config, {
    connection: cluster.connection(),
    handlers: resolveHandlers([entry === undefined ? registered : { ...registered, entry }], config),
    log: recordedLog().log,
    onEvent: (event) => events.push(event),
  })
  t.after(() => runtime.stop())
  await runtime.start()
  return { runtime, count: (kind: RuntimeEvent['kind']) => events.filter((event) => event.kind === kind).length }
}

const schema = JSON.stringify({
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'card', type: 'string', 'confluent:tags': ['PII'] },
  ],
})
const ruleSet = {
  domainRules: [
    { name: 'positive', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr: 'message.id > 0' },
    { name: 'masked', kind: 'TRANSFORM', mode: 'READ', type: 'CEL_FIELD', tags: ['PII'], expr: "true ; '****'" },
  ],
}

interface Order {
  readonly id: number
  readonly card: string
}

/** As docs/types.md has it, with the rules of Google's CEL, which need no network. */
async function confluent() {
  const whole = { subject: 'work-value', version: 1, id: 7, schema, schemaType: 'AVRO', ruleSet }
  const { url } = await serve(() => ({ json: whole }))
  CelExecutor.register()
  CelFieldExecutor.register()
  const client = SchemaRegistryClient.newClient({ baseURLs: [url] })
  return {
    deserializer: new AvroDeserializer(client, SerdeType.VALUE, {}),
    serializer: new AvroSerializer(client, SerdeType.VALUE, { useLatestVersion: true }),
  }
}

describe('values for a decoder of the user\u2019s own', { timeout: 120_000 }, () => {
  it('are read and written by the package of Confluent, with the rules of their schema', async (t) => {
    const { deserializer, serializer } = await confluent()
    const [work, copies] = [topic('work', { values: 'bytes' }), topic('copies', { values: 'bytes' })]
    const seen: Order[] = []
    const read = handler(
      work,
      { retry: { attempts: 1 }, deadLetter: { topic: 'work.dlq' } },
      async (record, context) => {
        if (record.value === null) return
        const order: Order = await deserializer.deserialize(record.topic, record.value)
        seen.push(order)
        await context.publish(copies, await serializer.serialize('work', { id: order.id - 1, card: 'new' }))
      },
    )
    const cluster = memoryCluster()
    const { runtime, count } = await started(t, cluster, read)
    const send = (key: string, value: Buffer | null) =>
      cluster.append({ topic: 'work', key: Buffer.from(key), value, headers: [] })
    send('a', await serializer.serialize('work', { id: 2, card: '4111' }))
    send('b', null)
    // The rule refuses what the handler would publish.
    send('c', await serializer.serialize('work', { id: 1, card: '4111' }))
    send('d', Buffer.from('{"id":1}'))
    await until(runtime, () => count('record.done') + count('record.dead') === 4)
    assert.deepEqual(seen.map(({ id, card }) => [id, card]).sort(), [
      [1, '****'],
      [2, '****'],
    ])
    assert.equal(count('record.dead'), 2)
    const letters = cluster.log('work.dlq', 0).records.map(({ value }) => value?.toString('latin1'))
    assert.ok(letters.includes('{"id":1}'), 'a dead letter has the bytes as they came')
    const [written] = cluster.log('copies', 0).records.map(({ value }) => value?.toString('hex'))
    assert.equal(written, '000000000702066e6577')
  })

  it('are bytes on threads, too, and whatever a handler writes into them, nobody else sees it', async (t) => {
    const cluster = memoryCluster()
    const threaded = { ...copiesBytes, options: { ...copiesBytes.options, engine: 'worker' } } as typeof copiesBytes
    const { runtime, count } = await started(t, cluster, threaded, copiesBytesEntry)
    for (const value of [Buffer.from([0xff, 0, 0x80]), null])
      cluster.append({ topic: 'work', key: null, value, headers: [] })
    await until(runtime, () => count('record.done') === 3)
    const hexOf = (name: string) => cluster.log(name, 0).records.map(({ value }) => value?.toString('hex') ?? null)
    assert.deepEqual(hexOf('work'), ['ff0080', null, 'fefefe'])
    assert.deepEqual(hexOf('copies').sort(), ['fefefe', 'ff0080', null].sort())
  })
})
