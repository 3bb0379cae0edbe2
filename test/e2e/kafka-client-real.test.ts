/** The librdkafka client keeps the laws of the Kafka port on Apache Kafka itself, in both of Kafka's group protocols. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import zlib from 'node:zlib'
import { connectLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { kafkaClientSuite } from '../contract/kafka-client.suite.ts'
import { clientUnderTest } from '../test-client.ts'
import { startKafka } from './kafka-harness.ts'
import { PolledReader } from './polled-reader.ts'
import { writeInTransactions } from './raw-log.ts'
import { readAll } from './raw-records.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

const cluster = await startKafka()
after(async () => {
  await cluster.stop()
  // A native consumer that could not be closed in time is left behind, and can keep the process for as long as it likes; what is tested has ended.
  setTimeout(() => process.exit(), 15_000).unref()
})

describe('a cluster that has just started', { timeout: 120_000 }, () => {
  it('is asked for the offsets of a group while no broker coordinates it yet, and crashes nobody', async () => {
    const options = { brokers: cluster.brokers, clientId: 'early', log: quiet }
    const connection = await connectUnderTest(options)
    await connection.createTopics(['early'], 1)
    const client = await connection.consumer({ group: 'early', startFrom: 'earliest' })
    let isAssigned = false
    const onAssigned = () => {
      isAssigned = true
    }
    // The first member of the first group has Kafka make the topic of the offsets, and then elect a coordinator.
    await client.subscribe(['early'], { onAssigned, async onRevoked() {}, onLost() {} })
    const answers = new Set<string>()
    while (!isAssigned) {
      const offsets = connection.view.groupOffsets('early')
      answers.add(await offsets.then(JSON.stringify, (error: Error) => error.message))
      await client.poll(1, 20)
    }
    assert.deepEqual(await connection.view.groupOffsets('early'), [])
    for (const answer of answers) assert.match(answer, /^\[\]$|^The offsets of group early could not be read: /)
    let isClosed = false
    void client.close().finally(() => {
      isClosed = true
    })
    while (!isClosed) await client.poll(0, 20).catch(() => nextTurn())
    await connection.close()
  })
})

/** Bytes 21 and 22 of a batch are its attributes; the lowest three bits say how it is compressed (`DefaultRecordBatch.java`). */
function codecsIn(log: Buffer): readonly number[] {
  const codecs: number[] = []
  for (let at = 0; at + 61 <= log.length && log.readInt32BE(at + 8) > 0; at += 12 + log.readInt32BE(at + 8)) {
    codecs.push(log.readInt16BE(at + 21) & 0b111)
  }
  return codecs
}

describe('what a producer writes', { skip: !cluster.controllable, timeout: 60_000 }, () => {
  const zstdSkip =
    clientUnderTest === 'javascript' && !('zstdCompressSync' in zlib) && 'Node compresses by zstd from 22.15 on'
  for (const [number, compression] of (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).entries()) {
    it(`is compressed in the log as the option says, and read as it was: ${compression}`, {
      skip: compression === 'zstd' && zstdSkip,
    }, async (t) => {
      const topic = `compressed-${compression}`
      const options = { brokers: cluster.brokers, clientId: 'compressed', compression, log: quiet }
      const connection = await connectUnderTest(options)
      await connection.createTopics([topic], 1)
      const producer = await connection.producer()
      const values = Array.from({ length: 200 }, (_, n) => `the same words again and again: ${n}`)
      await Promise.all(
        values.map((value) => producer.produce({ topic, key: null, value: Buffer.from(value), headers: [] })),
      )
      await producer.close(5_000)
      const file = join(cluster.directory ?? '', 'broker-1', `${topic}-0`, '00000000000000000000.log')
      assert.deepEqual([...new Set(codecsIn(readFileSync(file)))], [number])
      const reader = await PolledReader.join(t, connection, topic)
      await reader.until('all are there', () => reader.records.length === values.length)
      assert.deepEqual(
        reader.records.map(({ value }) => String(value)),
        values,
      )
      // And by librdkafka, whoever has written it.
      assert.deepEqual(await readAll(cluster.brokers, topic, values.length), values)
      await reader.close()
      await connection.close()
    })
  }
})

// The old protocol tells a member of a rebalance in the answer to its heartbeat, every 3 s by default.
const heartbeats = { 'heartbeat.interval.ms': 200 }
const small = {
  'queue.buffering.max.messages': 100,
  // How long a producer takes an unknown topic for one that was just created; 30 s by default.
  'topic.metadata.propagation.max.ms': 3_000,
}

// The one in JavaScript has a file of its own, which runs with the tests of librdkafka.
const protocols = clientUnderTest === 'librdkafka' ? (['consumer', 'classic'] as const) : []
for (const groupProtocol of protocols) {
  kafkaClientSuite({
    name: `librdkafka on Apache Kafka, group protocol ${groupProtocol}`,
    // The binding reads null headers as empty; the broker is told not to create topics by itself.
    features: { partitionsAsAsked: true, nullHeaderValues: false, refusesUnknownTopics: true },
    connect: () =>
      connectLibrdkafka({
        brokers: cluster.brokers,
        clientId: 'contract',
        groupProtocol,
        log: quiet,
        librdkafka: { ...small, ...(groupProtocol === 'classic' && heartbeats) },
      }),
    silence: cluster.controllable ? freeze : undefined,
    leaveHoles: leaveAborted,
  })
}

/** Records of an aborted transaction, and its marker. */
async function leaveAborted(topic: string, count: number): Promise<void> {
  const records = Array.from({ length: count - 1 }, () => ({ key: 'aborted', value: 'x' }))
  await writeInTransactions(cluster.brokers, topic, [{ commits: false, records }])
}

async function freeze(): Promise<() => Promise<void>> {
  await cluster.freeze(1)
  return () => cluster.thaw(1)
}
