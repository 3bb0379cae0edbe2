/** What Java's serializers for a registry write: the schema's id in front is the one that is found, and pulled, by our client. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { javaReadsAvro, javaRecordsProblem, javaWritesAvro } from './java-records.ts'
import { type KafkaCluster, startKafka } from './kafka-harness.ts'
import { PolledReader } from './polled-reader.ts'
import { type RegistryProcess, startRegistry } from './registry-harness.ts'
import { quietLog } from './scenario.ts'

const problem = javaRecordsProblem()
const schema = JSON.stringify({
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'note', type: ['null', 'string'] },
  ],
})

describe("Java's serializers for a registry", { skip: problem ?? false }, () => {
  let cluster: KafkaCluster
  let registry: RegistryProcess
  before(async () => {
    ;[cluster, registry] = await Promise.all([startKafka(), startRegistry()])
  })
  after(() => Promise.all([cluster?.stop(), registry?.stop()]))

  it('put the id of the schema in front, by which the client finds what they have registered', async (t) => {
    const topic = 'java-orders'
    await cluster.admin.createTopic(topic, { partitions: 1 })
    const java = { brokers: cluster.brokers, registry, topic }
    const records = [
      ['a', '{"id":9007199254740993,"note":null}'],
      ['b', '{"id":-1,"note":{"string":"ü"}}'],
    ] as const
    await javaWritesAvro(java, schema, records)

    const client = connectRegistry({ ...configDefaults.registry, url: registry.url }, systemClock(), Math.random)
    t.after(() => client.close())
    const latest = await client.latest(`${topic}-value`)
    assert.deepEqual(JSON.parse(latest.text), JSON.parse(schema))

    const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'looks', log: quietLog })
    t.after(() => connection.close())
    const reader = await PolledReader.join(t, connection, topic)
    await reader.until('both are read', () => reader.records.length === records.length)
    const frames = reader.records.map(({ value }) => value ?? Buffer.alloc(0))
    assert.deepEqual(
      frames.map((bytes) => [bytes[0], bytes.readUInt32BE(1)]),
      records.map(() => [0, latest.id]),
    )
    assert.deepEqual((await client.byId(latest.id)).text, latest.text)
    // The long as a zigzag varint, and the first branch of the union.
    assert.equal(frames[0]?.subarray(5).toString('hex'), '828080808080802000')
    assert.deepEqual(await javaReadsAvro(java, records.length), records)
  })
})
