/** kafkajs: `eachMessage`, as many partitions at once as there are. */
import { kafkaJsConsumer } from './kafkajs-library.ts'
import { runPeer } from './peer.ts'
import type { BenchValue } from './protocol.ts'

await runPeer(async (settings, handle) => {
  const consumer = await kafkaJsConsumer(settings)
  await consumer.run({
    autoCommitInterval: settings.commitMs,
    partitionsConsumedConcurrently: settings.partitions,
    eachMessage: async ({ message }) => {
      await handle(JSON.parse(String(message.value)) as BenchValue)
    },
  })
})
