/** The plainest way to read a topic with the client that Pyrallel uses: batch by batch, committing what came before. */
import type { NativeMessage } from '../../../framework/kafka/librdkafka/binding.ts'
import { loadLibrdkafka } from '../../../framework/kafka/librdkafka/client.ts'
import type { PeerSettings } from './protocol.ts'

const BATCH = 500

/** Never settles. @param onBatch the next batch is read when it has settled */
export async function consumeBatches(
  settings: PeerSettings,
  onBatch: (messages: readonly NativeMessage[]) => Promise<void>,
): Promise<never> {
  const { KafkaConsumer } = await loadLibrdkafka()
  const consumer = new KafkaConsumer({
    'bootstrap.servers': settings.brokers,
    'group.id': settings.group,
    'group.protocol': 'consumer',
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    'auto.offset.reset': 'earliest',
    ...settings.librdkafka,
  })
  await new Promise<void>((resolve, reject) => {
    consumer.connect({}, (error) => (error ? reject(new Error(error.message)) : resolve()))
  })
  consumer.setDefaultConsumeTimeout(20)
  consumer.setDefaultIsTimeoutOnlyForFirstMessage(true)
  consumer.subscribe([settings.topic])
  const read = () =>
    new Promise<readonly NativeMessage[]>((resolve, reject) => {
      consumer.consume(BATCH, (error, batch) => (error ? reject(new Error(error.message)) : resolve(batch)))
    })
  const positions = new Map<number, number>()
  let committedAt = performance.now()
  for (;;) {
    const messages = await read()
    await onBatch(messages)
    for (const { partition, offset } of messages) positions.set(partition, offset + 1)
    if (positions.size === 0 || performance.now() - committedAt < settings.commitMs) continue
    consumer.commit([...positions].map(([partition, offset]) => ({ topic: settings.topic, partition, offset })))
    positions.clear()
    committedAt = performance.now()
  }
}
