/** What the client in JavaScript makes of the bytes of Apache Kafka: transactions, compression, large records, cut batches, headers. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import kafka, { type LibrdKafkaError } from '@confluentinc/kafka-javascript'
import { BlockMemory } from '../../framework/kafka/javascript/block-memory.ts'
import { Brokers } from '../../framework/kafka/javascript/brokers.ts'
import { connectJavascript, loadJavascript } from '../../framework/kafka/javascript/client.ts'
import { fetchCall } from '../../framework/kafka/javascript/fetch-call.ts'
import type { FetchedPartition } from '../../framework/kafka/javascript/fetch-steps.ts'
import { BrokerLink } from '../../framework/kafka/javascript/link.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { KafkaRecord } from '../../framework/model/record.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { startKafka } from './kafka-harness.ts'

const timeoutMs = 30_000
const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const library = await loadJavascript()
const cluster = await startKafka()
const clock = systemClock()
const brokers = new Brokers({
  bootstrap: cluster.brokers.split(','),
  clock,
  onAllDown() {},
  link: (host, port) =>
    new BrokerLink(host, port, {
      library,
      clientId: 'fetch',
      clock,
      onFault() {},
      connection: { connectTimeout: 5_000, requestTimeout: 20_000, maxInflights: 10 },
    }),
})
after(async () => {
  brokers.close()
  await cluster.stop()
})

/** All of partition 0, by requests of so many bytes. */
async function readAll(topic: string, bytes = 1_000_000) {
  const { topics } = await brokers.metadata([topic])
  const topicId = topics[0]?.id ?? ''
  const leader = topics[0]?.partitions[0]?.leader ?? -1
  const records: KafkaRecord[] = []
  const answers: FetchedPartition<KafkaRecord>[] = []
  let position = 0
  for (;;) {
    const asked = { topicId, partition: 0, fetchOffset: position, currentLeaderEpoch: 0, lastFetchedEpoch: -1 }
    const request = {
      id: 1,
      brokerId: leader,
      maxWaitMs: 100,
      maxBytes: bytes,
      asksNearest: true,
      partitions: [{ ...asked, partitionMaxBytes: bytes }],
    }
    const { answer } = await brokers
      .node(leader, 'data')
      .call(fetchCall(request, () => topic, library, new BlockMemory()))
    const [fetched] = answer.partitions
    assert.ok(fetched)
    assert.equal(fetched.errorCode, 0)
    answers.push(fetched)
    const { block } = fetched
    if (block === undefined) return { records, answers, position }
    assert.ok(block !== 'partial')
    // A few at a time, as a poll takes them.
    for (let next = position; next < block.end; ) {
      const found = block.read(next, 7, records)
      assert.ok(found > next, `nothing was read from ${next} on`)
      next = found
    }
    position = block.end
  }
}

const settled = (ask: (done: (error: LibrdKafkaError | null | undefined) => void) => unknown) =>
  new Promise<void>((resolve, reject) => {
    ask((error) => (error ? reject(new Error(error.message)) : resolve()))
  })

type Step = 'begin' | 'commit' | 'abort' | number

/** What several transactional producers do one after the other in one partition: a number is so many records in a batch. @returns what was committed */
async function play(topic: string, codecs: readonly string[], steps: readonly (readonly [number, Step])[]) {
  const producers = codecs.map(
    (codec, index) =>
      new kafka.Producer({
        'bootstrap.servers': cluster.brokers,
        'transactional.id': `${topic}-${index}`,
        'compression.codec': codec as 'gzip',
        'linger.ms': 20,
        log_level: 0,
      }),
  )
  for (const producer of producers) {
    await settled((done) => producer.connect({ timeout: timeoutMs }, done))
    await settled((done) => producer.initTransactions(timeoutMs, done))
  }
  const open = producers.map(() => [] as { readonly at: number; readonly value: string }[])
  const committed: { readonly at: number; readonly value: string }[] = []
  let written = 0
  for (const [index, step] of steps) {
    const producer = producers[index]!
    if (step === 'begin') await settled((done) => producer.beginTransaction(done))
    else if (step === 'commit') {
      await settled((done) => producer.commitTransaction(timeoutMs, done))
      committed.push(...open[index]!.splice(0))
    } else if (step === 'abort') {
      await settled((done) => producer.abortTransaction(timeoutMs, done))
      open[index]!.splice(0)
    } else {
      for (let count = 0; count < step; count++) {
        const value = `record ${written} of producer ${index} ${'x'.repeat(20)}`
        producer.produce(topic, 0, Buffer.from(value), Buffer.from(`key ${index}`))
        open[index]!.push({ at: written++, value })
      }
      await settled((done) => producer.flush(timeoutMs, done))
    }
  }
  for (const producer of producers) await settled((done) => producer.disconnect(timeoutMs, done))
  return committed.sort((a, b) => a.at - b.at).map(({ value }) => value)
}

/** Two that abort, one that commits, over many batches and requests, and one that begins before what is read first. */
const interleaved: readonly (readonly [number, Step])[] = [
  [0, 'begin'],
  [1, 'begin'],
  [0, 5],
  [1, 3],
  [0, 5],
  [0, 'abort'],
  [2, 'begin'],
  [1, 4],
  [2, 6],
  [0, 'begin'],
  [0, 2],
  [1, 'commit'],
  [2, 6],
  [0, 'abort'],
  [0, 'begin'],
  [0, 9],
  [2, 'abort'],
  [1, 'begin'],
  [1, 1],
  [0, 'commit'],
  [1, 'abort'],
  [2, 'begin'],
  [2, 2],
  [2, 'commit'],
]

/** One marker for each end of a transaction. */
function lengthOf(steps: readonly (readonly [number, Step])[]): number {
  return steps.reduce((sum, [, step]) => sum + (typeof step === 'number' ? step : step === 'begin' ? 0 : 1), 0)
}

async function connected() {
  const connection = await connectJavascript({ brokers: cluster.brokers, clientId: 'fetch', log: quiet })
  after(() => connection.close())
  return connection
}

describe('the bytes of Apache Kafka, read in JavaScript', { timeout: 180_000 }, () => {
  for (const codec of ['none', 'gzip', 'snappy', 'lz4']) {
    it(`leave out every record of an aborted transaction, and every marker, with three producers in one log: ${codec}`, async () => {
      const topic = `interleaved-${codec}`
      await cluster.admin.createTopic(topic)
      const expected = await play(topic, [codec, codec, codec], interleaved)
      assert.ok(expected.length > 10)
      for (const bytes of [1_000_000, 400, 1]) {
        const { records, position } = await readAll(topic, bytes)
        assert.deepEqual(
          records.map(({ value }) => String(value)),
          expected,
        )
        const offsets = records.map(({ offset }) => offset)
        assert.deepEqual(
          offsets,
          [...offsets].sort((a, b) => a - b),
        )
        // Behind the last marker.
        assert.equal(position, lengthOf(interleaved))
      }
    })
  }

  it('say in words that zstd needs a newer Node, where it does, and are read elsewhere', async () => {
    await cluster.admin.createTopic('zstd')
    const expected = await play('zstd', ['zstd', 'zstd', 'zstd'], interleaved)
    if (library.compressionsAlgorithmsByBitmask[4]?.available === true) {
      const { records } = await readAll('zstd')
      assert.deepEqual(
        records.map(({ value }) => String(value)),
        expected,
      )
    } else
      await assert.rejects(readAll('zstd'), {
        code: 'PYR_KAFKA',
        message: /zstd\[0\]@\d+ cannot be read.*zstd, which Node reads from 22\.15 on/,
      })
  })

  it('keep null apart from empty in keys, values and headers', async () => {
    await cluster.admin.createTopic('empty')
    const empty = Buffer.alloc(0)
    const producer = await (await connected()).producer()
    const headers = [
      ['a', null],
      ['a', empty],
      ['', Buffer.from('b')],
    ] as const
    const pairs = [
      [null, null],
      [empty, null],
      [null, empty],
      [empty, empty],
    ] as const
    for (const [key, value] of pairs) await producer.produce({ topic: 'empty', partition: 0, key, value, headers })
    await producer.close(5_000)
    const { records } = await readAll('empty')
    assert.deepEqual(
      records.map(({ key, value }) => [key, value]),
      pairs,
    )
    for (const record of records) assert.deepEqual(record.headers, headers)
  })

  it('come whole where a record is larger than every limit of the request', async () => {
    await cluster.admin.createTopic('large', { configs: { 'max.message.bytes': '5000000' } })
    const producer = await (await connected()).producer()
    const values = [100, 3_000_000, 10].map((length, index) => Buffer.alloc(length, `${index}`))
    for (const value of values) await producer.produce({ topic: 'large', partition: 0, key: null, value, headers: [] })
    await producer.close(5_000)
    const { records } = await readAll('large', 1_000)
    assert.deepEqual(
      records.map(({ value }) => value?.length),
      [100, 3_000_000, 10],
    )
    assert.ok(records.every(({ value }, index) => value?.equals(values[index]!)))
  })

  it('have the time of the log where the topic says so', async () => {
    await cluster.admin.createTopic('stamped', { configs: { 'message.timestamp.type': 'LogAppendTime' } })
    const producer = await (await connected()).producer()
    const startedAt = Date.now()
    await producer.produce({
      topic: 'stamped',
      partition: 0,
      key: null,
      value: Buffer.from('x'),
      headers: [],
      timestamp: 5,
    })
    await producer.close(5_000)
    const { records } = await readAll('stamped')
    assert.ok((records[0]?.timestamp ?? 0) >= startedAt - 1_000, String(records[0]?.timestamp))
  })
})
