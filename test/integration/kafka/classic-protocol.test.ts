/** The classic group protocol, cooperative and eager, on a real connection. Needs the native client. The mock cluster takes 3 s to form such a group. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { startEmbeddedBroker } from '../../../framework/kafka/embedded/embedded-broker.ts'
import { connectLibrdkafka, loadLibrdkafka } from '../../../framework/kafka/librdkafka/client.ts'
import { toError } from '../../../framework/model/errors.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import { skipWithout } from '../../client-under-test.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

const whyNot = await loadLibrdkafka().then(
  () => false as const,
  (thrown: unknown) => toError(thrown).message,
)
if (whyNot !== false) console.error(`The tests of the classic protocol do not run here. ${whyNot}`)

describe('the classic group protocol', { skip: whyNot || skipWithout('the classic group protocol') }, () => {
  for (const [name, strategy] of [
    ['cooperative', undefined],
    ['eager', 'range'],
  ] as const) {
    it(`joins, reads, commits and leaves: ${name}`, { timeout: 300_000 }, async () => {
      const broker = await startEmbeddedBroker({ log: quiet, topics: ['orders'] })
      const connection = await connectLibrdkafka({
        ...broker.connection,
        clientId: 'test',
        groupProtocol: 'classic',
        log: quiet,
        sessionTimeoutMs: 6_000,
        librdkafka: strategy === undefined ? {} : { 'partition.assignment.strategy': strategy },
      })
      const producer = await connection.producer()
      await producer.produce({ topic: 'orders', partition: 1, key: null, value: Buffer.from('x'), headers: [] })
      const story: string[] = []
      const consumer = await connection.consumer({ group: 'g', startFrom: 'earliest' })
      await consumer.subscribe(['orders'], {
        onAssigned: (partitions) => void story.push(`assigned ${partitions.length}`),
        onRevoked: async (partitions) => {
          story.push(`revoked ${partitions.length}`)
          await consumer.commit([{ topic: 'orders', partition: 1, position: 1, metadata: 'last' }])
          story.push('committed')
        },
        onLost: () => void story.push('lost'),
      })
      let records = 0
      while (records === 0) records += (await consumer.poll(10, 50)).length
      let isClosed = false
      const closing = consumer.close().then(() => {
        isClosed = true
      })
      while (!isClosed) await consumer.poll(0, 20).catch(() => nextTurn())
      await closing
      assert.deepEqual(story, ['assigned 4', 'revoked 4', 'committed'])
      await producer.close(1_000)
      await connection.close()
      await broker.stop()
    })
  }
})
