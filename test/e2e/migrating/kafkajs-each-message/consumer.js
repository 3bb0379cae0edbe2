import { Kafka } from 'kafkajs'
import { save } from './save.js'

const kafka = new Kafka({ clientId: 'billing', brokers: process.env.BROKERS.split(',') })
const consumer = kafka.consumer({ groupId: 'billing' })
process.once('SIGTERM', () => consumer.disconnect())

await consumer.connect()
await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
await consumer.run({
  partitionsConsumedConcurrently: 4,
  autoCommitThreshold: 100,
  eachMessage: async ({ message }) => {
    await save(JSON.parse(message.value.toString()))
  },
})
