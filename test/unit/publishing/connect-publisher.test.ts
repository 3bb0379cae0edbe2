/** Publishing from outside of handlers: what arrives, what is refused, and how it ends. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { topic } from '../../../framework/api/topic.ts'
import type { KafkaConnection, RecordPlace, RecordProducer } from '../../../framework/kafka/kafka-client.ts'
import { memoryCluster } from '../../../framework/kafka/memory/client.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import { connectPublisher } from '../../../framework/publishing/connect-publisher.ts'

const orders = topic('orders', {
  key: ({ customer }) => customer,
  schema: Type.Object({ customer: Type.String(), total: Type.Number({ minimum: 0 }) }),
})

function aCluster() {
  const cluster = memoryCluster()
  cluster.createTopic('orders', 1)
  return cluster
}

/** A connection whose broker answers when the test says so. */
function heldConnection() {
  const answers: ((place: RecordPlace) => void)[] = []
  const closed: string[] = []
  const producer: RecordProducer = {
    produce: () => new Promise((resolve) => answers.push(resolve)),
    close: async (timeoutMs) => {
      closed.push(`producer within ${timeoutMs} ms`)
    },
  }
  const nothing = async () => {}
  const connection: KafkaConnection = {
    description: 'held',
    sessionTimeoutMs: 45_000,
    check: nothing,
    missingTopics: async () => [],
    createTopics: nothing,
    consumer: async () => {
      throw new Error('a publisher needs no consumer')
    },
    producer: async () => producer,
    close: async () => {
      closed.push('connection')
    },
  }
  return { connection, answers, closed }
}

describe('connectPublisher', () => {
  it("publishes with the topic's key, checked against its schema", async () => {
    const cluster = aCluster()
    const publisher = await connectPublisher(cluster.connection())
    await publisher.publish(orders, { customer: 'c1', total: 5 }, { headers: { source: 'web' } })
    await assert.rejects(publisher.publish(orders, { customer: 'c1', total: -5 }), { code: 'PYR_SCHEMA' })
    const records = cluster.log('orders', 0).records
    assert.equal(records.length, 1)
    assert.deepEqual([String(records[0]?.key), String(records[0]?.value)], ['c1', '{"customer":"c1","total":5}'])
    assert.deepEqual(
      records[0]?.headers.map(([name, value]) => [name, String(value)]),
      [['source', 'web']],
    )
    await publisher.close()
  })

  it('settles a publish only when the broker has acknowledged it', async () => {
    const { connection, answers } = heldConnection()
    const publisher = await connectPublisher(connection)
    let isSettled = false
    const publishing = publisher.publish('orders', 1).then(() => {
      isSettled = true
    })
    await new Promise(setImmediate)
    assert.equal(isSettled, false)
    answers[0]?.({ partition: 0, offset: 0 })
    await publishing
  })

  it('closes its producer, then its connection, once, and publishes nothing after that', async () => {
    const { connection, closed } = heldConnection()
    const publisher = await connectPublisher(connection)
    await Promise.all([publisher.close(123), publisher.close()])
    assert.deepEqual(closed, ['producer within 123 ms', 'connection'])
    await assert.rejects(publisher.publish('orders', 1), { code: 'PYR_CLIENT_CLOSED' })
  })

  it('leaves nothing open when no broker answers', async () => {
    const { connection, closed } = heldConnection()
    const unreachable = new PyrallelError('PYR_BROKER_UNREACHABLE', 'nobody there')
    const connecting = connectPublisher({ ...connection, check: () => Promise.reject(unreachable) })
    await assert.rejects(connecting, unreachable)
    assert.deepEqual(closed, ['connection'])
  })
})
