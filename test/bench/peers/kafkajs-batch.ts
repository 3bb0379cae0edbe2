/**
 * kafkajs: `eachBatch`, as many partitions at once as there are. Each record is told as done, as one that fails later must not bring those before it again;
 * a batch is left alone for a heartbeat and a commit after so many records, because handlers wait.
 */
import { kafkaJsConsumer } from './kafkajs-library.ts'
import { runPeer } from './peer.ts'
import type { BenchValue } from './protocol.ts'

const RECORDS_BETWEEN_COMMITS = 100

await runPeer(async (settings, handle) => {
  const consumer = await kafkaJsConsumer(settings)
  await consumer.run({
    autoCommitInterval: settings.commitMs,
    partitionsConsumedConcurrently: settings.partitions,
    eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, heartbeat }) => {
      let count = 0
      for (const { offset, value } of batch.messages) {
        const pending = handle(JSON.parse(String(value)) as BenchValue)
        if (pending !== undefined) await pending
        resolveOffset(offset)
        count += 1
        if (count % RECORDS_BETWEEN_COMMITS > 0) continue
        await heartbeat()
        await commitOffsetsIfNecessary()
      }
    },
  })
})
