import { Kafka } from 'kafkajs'
import { saveAll } from './save.js'

const kafka = new Kafka({ clientId: 'warehouse', brokers: process.env.BROKERS.split(',') })
const consumer = kafka.consumer({ groupId: 'warehouse' })
process.once('SIGTERM', () => consumer.disconnect())

await consumer.connect()
await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
await consumer.run({
  partitionsConsumedConcurrently: 4,
  autoCommitThreshold: 100,
  eachBatchAutoResolve: false,
  eachBatch: async ({ batch, resolveOffset, heartbeat, commitOffsetsIfNecessary, isRunning, isStale }) => {
    for (let at = 0; at < batch.messages.length && isRunning() && !isStale(); at += 50) {
      const messages = batch.messages.slice(at, at + 50)
      await saveAll(messages.map(({ value }) => JSON.parse(value.toString())))
      resolveOffset(messages.at(-1).offset)
      await commitOffsetsIfNecessary()
      await heartbeat()
    }
  },
})
