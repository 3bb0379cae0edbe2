/** The librdkafka client keeps the laws of the Kafka port on Apache Kafka itself, in both of Kafka's group protocols. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { connectLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { kafkaClientSuite } from '../contract/kafka-client.suite.ts'
import { clientUnderTest } from '../test-client.ts'
import { startKafka } from './kafka-harness.ts'
import { writeInTransactions } from './raw-log.ts'

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
