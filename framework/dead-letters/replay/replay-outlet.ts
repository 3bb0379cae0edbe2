/** What a replay publishes with: transactions where the cluster, the client and the rights allow them, else one record at a time. */
import { randomUUID } from 'node:crypto'
import type { KafkaClient, KafkaConnection, RecordProducer } from '../../kafka/kafka-client.ts'
import type { TransactionalProducer } from '../../kafka/transactional-producer.ts'
import { PyrallelError } from '../../model/errors.ts'

/** A replay that is killed leaves its transaction open for so long; readers of the topics it writes to wait meanwhile. */
export const TIMEOUT_MS = 15_000

export type ReplayOutlet = RecordProducer | TransactionalProducer

/**
 * @param client of the group whose offsets are the marks
 * @param group its name
 * @param onRefused told why there are no transactions, where the brokers refuse them
 */
export async function openOutlet(
  connection: KafkaConnection,
  client: KafkaClient,
  group: string,
  onRefused: (why: PyrallelError) => void,
): Promise<ReplayOutlet> {
  // A name of its own: two replays beside each other take nothing from one another.
  const options = { id: `pyrallel.${group}.${randomUUID()}`, timeoutMs: TIMEOUT_MS }
  const producer = connection.transactionalProducer?.(client, options)
  if (producer === undefined) return connection.producer()
  try {
    await producer.open()
    return producer
  } catch (thrown) {
    await producer.close(0)
    if (!(thrown instanceof PyrallelError) || thrown.code !== 'PYR_TRANSACTION_REFUSED') throw thrown
    onRefused(thrown)
    return connection.producer()
  }
}

export function isTransactional(outlet: ReplayOutlet): outlet is TransactionalProducer {
  return 'transact' in outlet
}
