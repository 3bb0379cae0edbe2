/** The client in JavaScript beside what others do on Apache Kafka: members of other tools, topics made anew, records of every size and compression. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import kafka, { type LibrdKafkaError } from '@confluentinc/kafka-javascript'
import { connectJavascript, loadJavascript } from '../../framework/kafka/javascript/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { KafkaCluster } from './kafka-harness.ts'
import { int32, request, text } from './kafka-request.ts'
import { PolledReader } from './polled-reader.ts'
import { joinAsAnother } from './raw-log.ts'
import { writeAll } from './raw-records.ts'

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => String(from + index))

export function foreignSuite(cluster: KafkaCluster): void {
  const { brokers } = cluster
  async function connected(t: TestContext) {
    const lines: string[] = []
    const write = (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`)
    const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
    const connection = await connectJavascript({ brokers, clientId: 'foreign', log })
    t.after(() => connection.close())
    return { connection, lines }
  }

  describe('members of another tool', { timeout: 120_000 }, () => {
    it('share a group with one in JavaScript by the old protocol, and it takes over what they leave', async (t) => {
      const topic = 'shared'
      await cluster.admin.createTopic(topic, { partitions: 2 })
      const leave = await joinAsAnother(brokers, `${topic}-group`, topic)
      t.after(leave)
      const { connection } = await connected(t)
      const reader = await PolledReader.join(t, connection, topic)
      await reader.until('it has its share', () => reader.owned.length === 1)
      for (const partition of [0, 1]) await writeAll(brokers, topic, numbers(0, 20), partition)
      await reader.during(leave())
      // The other has committed nothing.
      await reader.until('all are there', () => reader.records.length >= 40)
      for (const partition of [0, 1]) assert.deepEqual(reader.values(partition), numbers(0, 20))
      await reader.during(
        reader.client.commit([0, 1].map((partition) => ({ topic, partition, position: 20, metadata: '' }))),
      )
      assert.deepEqual(reader.errors, [])
    })

    it('keep a group that they use for something else than records, and the likely cause is told', async (t) => {
      const topic = 'connectors'
      await cluster.admin.createTopic(topic)
      await writeAll(brokers, topic, ['x'])
      await joinAsConnector(brokers, `${topic}-group`)
      const { connection } = await connected(t)
      const reader = await PolledReader.join(t, connection, topic)
      const thrown = await reader.untilFailed()
      assert.ok(thrown instanceof Error && 'code' in thrown)
      assert.equal(thrown.code, 'PYR_GROUP_TAKEN', thrown.message)
      assert.match(thrown.message, /'connectors-group'.*choose another `group`/)
      assert.deepEqual([reader.story, reader.records, reader.errors.at(-1)], [[], [], 'FATAL'])
    })
  })

  describe('a topic that is made anew under its name', { timeout: 60_000 }, () => {
    it('begins at its first record, and takes no commit of the one before', async (t) => {
      const topic = 'anew'
      await cluster.admin.createTopic(topic)
      await writeAll(brokers, topic, numbers(0, 100))
      const { connection } = await connected(t)
      const reader = await PolledReader.join(t, connection, topic)
      await reader.until('all of the old one are there', () => reader.records.length === 100)
      await cluster.admin.deleteTopic(topic)
      await cluster.admin.createTopic(topic)
      await writeAll(brokers, topic, numbers(0, 50))
      // Owned still, or not any more: it is about the old one, and 100 lies beyond the new one's end.
      const late = reader.client.commit([{ topic, partition: 0, position: 100, metadata: 'old' }]).catch(() => {})
      await reader.during(late)
      await reader.until('all of the new one are there', () => reader.records.length >= 150)
      assert.deepEqual(reader.values(), [...numbers(0, 100), ...numbers(0, 50)])
      assert.deepEqual(await cluster.admin.committed(`${topic}-group`, topic), [])
      await reader.during(reader.client.commit([{ topic, partition: 0, position: 50, metadata: 'new' }]))
      const offsets = await connection.view.groupOffsets(`${topic}-group`)
      assert.deepEqual(
        offsets.map(({ position, metadata }) => [position, metadata]),
        [[50, 'new']],
      )
    })
  })

  describe('records', { timeout: 120_000 }, () => {
    it('larger than every limit of a fetch come to a consumer, in their order, and hold up no other partition', async (t) => {
      const topic = 'large'
      await cluster.admin.createTopic(topic, { partitions: 3, configs: { 'max.message.bytes': '5000000' } })
      const { connection } = await connected(t)
      const producer = await connection.producer()
      t.after(() => producer.close(1_000))
      // Of 1 MiB in all, and of 1 MiB for a partition.
      const sizes = [10, 3_000_000, 20, 1_500_000, 4_000_000, 30]
      for (const [partition, of] of [sizes, sizes, sizes.map(() => 100)].entries()) {
        for (const size of of) {
          await producer.produce({ topic, partition, key: null, value: Buffer.alloc(size, size % 251), headers: [] })
        }
      }
      const reader = await PolledReader.join(t, connection, topic)
      await reader.until('all are there', () => reader.records.length >= 3 * sizes.length)
      for (const partition of [0, 1]) {
        const of = reader.records.filter((each) => each.partition === partition)
        assert.deepEqual(
          of.map(({ value }) => value?.length),
          sizes,
        )
        assert.ok(of.every(({ value }) => value?.equals(Buffer.alloc(value.length, value.length % 251))))
      }
      assert.deepEqual(reader.errors, [])
    })

    it('of all four compressions come to a consumer; zstd on an older Node is refused in words, at the expense of no other', async (t) => {
      const topic = 'compressed'
      const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
      await cluster.admin.createTopic(topic, { partitions: codecs.length })
      for (const [partition, codec] of codecs.entries()) await writeCompressed(brokers, topic, partition, codec)
      const { connection } = await connected(t)
      const reader = await PolledReader.join(t, connection, topic)
      const library = await loadJavascript()
      const readable =
        library.compressionsAlgorithmsByBitmask[4]?.available === true ? codecs.length : codecs.length - 1
      let refusal = ''
      const isAll = () => codecs.slice(0, readable).every((_, partition) => reader.values(partition).length === 500)
      while (!isAll() || (readable < codecs.length && refusal === '')) {
        await reader.poll().catch((thrown: Error) => {
          refusal = thrown.message
        })
      }
      for (let partition = 0; partition < readable; partition++)
        assert.deepEqual(reader.values(partition), numbers(0, 500))
      if (readable < codecs.length) {
        assert.match(refusal, /compressed\[4\]@0 cannot be read.*zstd, which Node reads from 22\.15 on/)
        assert.deepEqual(reader.values(4), [])
      }
    })
  })
}

/** Joins as a worker of Kafka Connect does: its groups share connectors. It is a member for a session from then on. */
async function joinAsConnector(brokers: string, group: string): Promise<void> {
  const protocols = [int32(1), text('default'), int32(0)]
  const join = [text(group), int32(6_000), int32(6_000), text(''), text('connect'), ...protocols]
  for (;;) {
    const answer = await request(brokers.split(',')[0] ?? '', { key: 11, version: 2 }, join)
    // Behind the throttle time.
    const code = answer.readInt16BE(4)
    if (code === 0) return
    assert.ok([14, 15, 16].includes(code), `joining was refused with code ${code}`)
  }
}

async function writeCompressed(brokers: string, topic: string, partition: number, codec: string): Promise<void> {
  const settled = (ask: (done: (error: LibrdKafkaError | null | undefined) => void) => unknown) =>
    new Promise<void>((resolve, reject) => {
      ask((error) => (error ? reject(new Error(error.message)) : resolve()))
    })
  const producer = new kafka.Producer({
    'bootstrap.servers': brokers,
    'compression.codec': codec as 'gzip',
    'linger.ms': 20,
    log_level: 0,
  })
  await settled((done) => producer.connect({ timeout: 20_000 }, done))
  for (const value of numbers(0, 500)) producer.produce(topic, partition, Buffer.from(value))
  await settled((done) => producer.flush(20_000, done))
  await settled((done) => producer.disconnect(20_000, done))
}
