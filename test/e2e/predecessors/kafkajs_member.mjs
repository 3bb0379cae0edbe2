/** A member of a group with kafkajs. Writes `partition offset` to a file for each record that is done. */
import { appendFileSync } from 'node:fs'
import { Kafka, logLevel } from 'kafkajs'

const [brokers = '', groupId = '', topic = '', file = ''] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'kafkajs', brokers: brokers.split(','), logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId, sessionTimeout: 6_000 })
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await consumer.run({
  eachMessage: async ({ partition, message }) => appendFileSync(file, `${partition} ${message.offset}\n`),
})
