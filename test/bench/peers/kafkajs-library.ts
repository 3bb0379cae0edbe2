/** What the benchmark uses of kafkajs, the client in plain JavaScript. It is not among our dependencies. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { PeerSettings } from './protocol.ts'

interface Message {
  readonly offset: string
  readonly value: Buffer | null
}

interface Consumer {
  connect(): Promise<void>
  subscribe(options: { topics: readonly string[]; fromBeginning: boolean }): Promise<void>
  run(options: {
    autoCommitInterval: number
    partitionsConsumedConcurrently: number
    eachMessage?(payload: { message: Message }): Promise<void>
    eachBatch?(payload: {
      batch: { readonly messages: readonly Message[] }
      resolveOffset(offset: string): void
      commitOffsetsIfNecessary(): Promise<void>
      heartbeat(): Promise<void>
    }): Promise<void>
  }): Promise<void>
}

interface Library {
  readonly logLevel: { readonly NOTHING: number }
  readonly Kafka: new (options: {
    clientId: string
    brokers: readonly string[]
    logLevel: number
  }) => { consumer(options: { groupId: string; sessionTimeout: number }): Consumer }
}

/** Subscribed, and to be run. */
export async function kafkaJsConsumer({ packages, brokers, group, topic }: PeerSettings): Promise<Consumer> {
  const { Kafka, logLevel } = createRequire(join(packages, 'package.json'))('kafkajs') as Library
  const kafka = new Kafka({ clientId: 'bench', brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: group, sessionTimeout: 6_000 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  return consumer
}
