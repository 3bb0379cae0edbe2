/** kafkajs, the client in plain JavaScript: `eachMessage`, as many partitions at once as there are. It is not among our dependencies. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { runPeer } from './peer.ts'
import type { BenchValue } from './protocol.ts'

/** What is used of it. */
interface KafkaJsLibrary {
  readonly logLevel: { readonly NOTHING: number }
  readonly Kafka: new (options: {
    clientId: string
    brokers: readonly string[]
    logLevel: number
  }) => {
    consumer(options: { groupId: string; sessionTimeout: number }): {
      connect(): Promise<void>
      subscribe(options: { topics: readonly string[]; fromBeginning: boolean }): Promise<void>
      run(options: {
        autoCommitInterval: number
        partitionsConsumedConcurrently: number
        eachMessage(payload: { message: { value: Buffer | null } }): Promise<void>
      }): Promise<void>
    }
  }
}

await runPeer(async (settings, handle) => {
  const { Kafka, logLevel } = createRequire(join(settings.packages, 'package.json'))('kafkajs') as KafkaJsLibrary
  const kafka = new Kafka({ clientId: 'bench', brokers: settings.brokers.split(','), logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: settings.group, sessionTimeout: 6_000 })
  await consumer.connect()
  await consumer.subscribe({ topics: [settings.topic], fromBeginning: true })
  await consumer.run({
    autoCommitInterval: settings.commitMs,
    partitionsConsumedConcurrently: settings.partitions,
    eachMessage: async ({ message }) => {
      await handle(JSON.parse(String(message.value)) as BenchValue)
    },
  })
})
