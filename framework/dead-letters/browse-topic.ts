/** Reads a topic without leaving a trace. */
import { randomUUID } from 'node:crypto'
import type { KafkaClient, KafkaConnection } from '../kafka/kafka-client.ts'
import { Closers } from '../model/closers.ts'
import { whilePolling } from './read-topic.ts'

/** A client in a group of its own, which commits nothing: marks and other readers stay as they are. */
export async function browsing<T>(
  connection: KafkaConnection,
  topic: string,
  read: (client: KafkaClient) => Promise<T>,
): Promise<T> {
  const group = `${topic}.browse-${randomUUID()}`
  const client = await connection.consumer({ group, startFrom: 'earliest' })
  return new Closers().around((closers) => {
    closers.add('the consumer', () => whilePolling(client, client.close()))
    return read(client)
  })
}
