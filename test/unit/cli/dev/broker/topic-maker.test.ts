/** The connection of `pyrallel dev`: it makes topics as they are written to, in transactions too. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MakingConnection, TopicMaker } from '../../../../../cli/dev/broker/topic-maker.ts'
import { ClientFaults } from '../../../../../cli/dev/faults/client-faults.ts'
import { memoryCluster } from '../../../../../framework/kafka/memory/client.ts'
import { ManualClock } from '../../../../../framework/testing/manual-clock.ts'

const output = { topic: 'new', key: null, value: Buffer.from('1'), headers: [] }

async function aMember() {
  const clock = new ManualClock()
  const cluster = memoryCluster({ clock })
  cluster.createTopic('orders', 1)
  const faults = new ClientFaults(clock)
  const inner = cluster.connection()
  const connection = new MakingConnection(inner, new TopicMaker(), faults)
  const consumer = await connection.consumer({ group: 'shop', startFrom: 'earliest' })
  await consumer.subscribe(['orders'], { onAssigned() {}, async onRevoked() {}, onLost() {} })
  // The record that is done, and the poll that takes the partition in.
  cluster.append({ ...output, topic: 'orders' })
  const polled = consumer.poll(1, 100)
  await clock.advanceAndSettle(100)
  assert.equal((await polled).length, 1)
  const producer = connection.transactionalProducer?.(consumer, { id: 'shop', timeoutMs: 15_000 })
  assert.ok(producer !== undefined)
  await producer.open()
  const cut = {
    outputs: [output],
    offsets: [{ topic: 'orders', partition: 0, position: 1, metadata: '', before: undefined }],
  }
  return { cluster, clock, faults, inner, producer, cut, consumer }
}

describe('transactions of a dev session', () => {
  it('make the topics that they write to, and are of the consumer behind the one that was handed out', async () => {
    const { cluster, producer, cut } = await aMember()
    assert.deepEqual(await producer.transact(cut), { kind: 'committed' })
    const partitions = [0, 1, 2, 3].map((partition) => cluster.log('new', partition))
    assert.equal(partitions.reduce((sum, { end }) => sum + end, 0) > 0, true)
  })

  it('take as long as commits are asked to take', async () => {
    const { clock, faults, producer, cut } = await aMember()
    faults.delayCommits(1_000)
    let outcome: unknown
    void producer.transact(cut).then((settled) => {
      outcome = settled
    })
    await clock.advanceAndSettle(900)
    assert.equal(outcome, undefined)
    await clock.advanceAndSettle(200)
    assert.deepEqual(outcome, { kind: 'committed' })
  })

  it('are aborted, and nobody is to blame, while a topic cannot be made', async () => {
    const { inner, producer, cut } = await aMember()
    const make = inner.createTopics
    Object.assign(inner, { createTopics: () => Promise.reject(new Error('no controller')) })
    const refused = await producer.transact(cut)
    assert.deepEqual(refused.kind === 'aborted' && [refused.blame.kind, refused.error.message], [
      'nobody',
      'A topic cannot be made: no controller',
    ])
    Object.assign(inner, { createTopics: make })
    assert.deepEqual(await producer.transact(cut), { kind: 'committed' })
  })
})
