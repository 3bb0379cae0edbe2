/** What is shown of a group from outside: the metadata that others have stored, to the letter, and where logs really end. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { connectKafka } from '../../framework/kafka/librdkafka/client.ts'
import { startKafka } from './kafka-harness.ts'
import { commitWithoutNul, insideTransaction } from './raw-log.ts'
import { quietLog } from './scenario.ts'

const cluster = await startKafka()
const { brokers } = cluster
const connection = await connectKafka({ brokers, clientId: 'looks', groupProtocol: 'consumer', log: quietLog })
after(async () => {
  await connection.close()
  await cluster.stop()
})

/** Of many lengths: what stands behind a text in memory depends on it. */
const foreign = [
  ...Array.from({ length: 28 }, (_, index) => Buffer.from(`n${'\u0001\u0002'.repeat(index + 1)}`).toString('base64')),
  'AgAAAZNxw2Y4',
  'x',
  'ends with é',
  'ends with 漢',
  'ends with 😀',
  'x'.repeat(4_096),
  '',
]

describe('a group that is looked at from outside', () => {
  it('shows the metadata of other clients to the letter, each time', async () => {
    await cluster.admin.createTopic('foreign', { partitions: foreign.length })
    const commits = foreign.map((metadata, partition) => ({ partition, offset: 7, metadata }))
    // Whoever asks first has Kafka make the topic of the offsets.
    await connection.view.groupOffsets('others').catch(() => {})
    await commitWithoutNul(brokers, 'others', 'foreign', commits)
    for (let look = 0; look < 5; look++) {
      const seen = await connection.view.groupOffsets('others')
      assert.deepEqual(
        seen.map(({ metadata }) => metadata),
        foreign,
        `look ${look}`,
      )
    }
  })

  it('shows where the log ends, and not where a transaction begins that is still open', async () => {
    await cluster.admin.createTopic('transactions')
    const producer = await connection.producer()
    await insideTransaction(brokers, 'transactions', async () => {
      for (const value of ['a', 'b', 'c']) {
        await producer.produce({
          topic: 'transactions',
          partition: 0,
          key: null,
          value: Buffer.from(value),
          headers: [],
        })
      }
      await commitWithoutNul(brokers, 'readers', 'transactions', [{ partition: 0, offset: 4 }])
      const [seen] = await connection.view.groupOffsets('readers')
      assert.deepEqual([seen?.position, seen?.logStart, seen?.logEnd], [4, 0, 4])
    })
    await producer.close(5_000)
  })
})
