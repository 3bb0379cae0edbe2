/** `pyrallel dlq` over the Kafka protocol: what is listed is all there is, and a replay that is done is over. Needs the native client. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connect } from '../../cli/cluster/connect.ts'
import { list } from '../../cli/verbs/dlq.ts'
import { replayLetters } from '../../cli/verbs/dlq-replay.ts'
import { startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import { loadLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import { toError } from '../../framework/model/errors.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { projectFolder, testIo } from '../unit/cli/test-io.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const whyNot = await loadLibrdkafka().then(
  () => false as const,
  (thrown: unknown) => toError(thrown).message,
)
const DLQ = 'orders.shop.dlq'
const LETTERS = 60

describe('dlq over the Kafka protocol', { skip: whyNot, timeout: 300_000 }, () => {
  it('lists every dead letter, replays those that are meant, and the others the next time', async () => {
    const broker = await startEmbeddedBroker({ log: quiet, topics: ['orders', DLQ] })
    try {
      const connect: Connect = () => connectUnderTest({ ...broker.connection, clientId: 'dlq', log: quiet })
      const connection = await connectUnderTest({ ...broker.connection, clientId: 'dlq', log: quiet })
      const producer = await connection.producer()
      await Promise.all(
        Array.from({ length: LETTERS }, (_, index) =>
          producer.produce({
            topic: DLQ,
            key: Buffer.from(`k${index}`),
            value: Buffer.from(String(index)),
            headers: [
              ['pyrallel-topic', Buffer.from('orders')],
              ['pyrallel-error-message', Buffer.from(index % 3 === 0 ? 'declined' : 'down')],
            ],
          }),
        ),
      )
      await producer.close(5_000)
      await connection.close()
      const run = async (command: typeof replayLetters, options: object): Promise<string> => {
        const io = testIo(projectFolder())
        assert.equal(await command(DLQ, { brokers: 'x:1', json: true, ...options }, io, connect), 0)
        return io.out()
      }
      const replayed = async (options: object) => JSON.parse(await run(replayLetters, options)).replayed
      const listed = await run((topic, options, io, by) => list(topic, { limit: 5, ...options }, io, by), {})
      assert.equal(listed.trim().split('\n').length, LETTERS)
      assert.equal(await replayed({ dryRun: true }), LETTERS)
      assert.equal(await replayed({ error: 'declined' }), LETTERS / 3)
      assert.equal(await replayed({}), (LETTERS * 2) / 3)
      assert.equal(await replayed({}), 0)
    } finally {
      await broker.stop()
    }
  })
})
