/** The plainest loop that still is a consumer, on the client that Pyrallel uses: parses, calls, commits. What a user would write first. */

import type { NativeMessage } from '../../../framework/kafka/librdkafka-binding.ts'
import { loadLibrdkafka } from '../../../framework/kafka/librdkafka-client.ts'
import { type Handle, runPeer } from './peer.ts'
import type { BenchValue, PeerSettings } from './protocol.ts'

const BATCH = 500

await runPeer(async (settings, handle) => {
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
  void loop(settings, handle, {
    read: () =>
      new Promise((resolve, reject) => {
        consumer.consume(BATCH, (error, batch) => (error ? reject(new Error(error.message)) : resolve(batch)))
      }),
    commit: (offsets) => consumer.commit(offsets),
  })
})

interface Client {
  read(): Promise<readonly NativeMessage[]>
  commit(offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[]): void
}

async function loop({ topic, commitMs }: PeerSettings, handle: Handle, client: Client): Promise<never> {
  const positions = new Map<number, number>()
  let committedAt = performance.now()
  for (;;) {
    for (const { value, partition, offset } of await client.read()) {
      const pending = handle(JSON.parse(String(value)) as BenchValue)
      if (pending !== undefined) await pending
      positions.set(partition, offset + 1)
    }
    if (positions.size === 0 || performance.now() - committedAt < commitMs) continue
    client.commit([...positions].map(([partition, offset]) => ({ topic, partition, offset })))
    positions.clear()
    committedAt = performance.now()
  }
}
