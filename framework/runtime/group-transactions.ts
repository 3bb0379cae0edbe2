/** The transactions of one exactly-once group: who makes them, and under which id. Opens none. */
import { randomUUID } from 'node:crypto'
import type { KafkaClient, KafkaConnection } from '../kafka/kafka-client.ts'
import type { TransactionalProducer } from '../kafka/transactional-producer.ts'
import { PyrallelError } from '../model/errors.ts'

/** A dead process's transaction holds back whoever reads its topics, and the next owner of its partitions, for so long. */
const TIMEOUT_MS = 15_000

/** @throws PyrallelError PYR_TRANSACTION_REFUSED where the client, or the broker behind it, has no transactions */
export function requireTransactions({ transactionalProducer, description }: KafkaConnection): void {
  if (transactionalProducer !== undefined) return
  const facts = `commit.exactlyOnce needs transactions, and this client has none at ${description}: `
  const next =
    "the embedded broker drops their offsets, and not every client has them (docs/clients.md). Take commit.exactlyOnce out, or use kafka.client 'librdkafka' and a broker of Apache Kafka."
  throw new PyrallelError('PYR_TRANSACTION_REFUSED', facts + next)
}

/** @param client of the group, made by this connection */
export function groupTransactions(
  connection: KafkaConnection,
  client: KafkaClient,
  group: string,
  instanceId: string | undefined,
): TransactionalProducer {
  requireTransactions(connection)
  // Two processes under one id would end each other's transactions, so only a name that no two have is part of one.
  const id = `pyrallel.${group}.${instanceId ?? randomUUID()}`
  const producer = connection.transactionalProducer?.(client, { id, timeoutMs: TIMEOUT_MS })
  if (producer === undefined) throw new PyrallelError('PYR_BUG', 'group-transactions: the client has no transactions')
  return producer
}
