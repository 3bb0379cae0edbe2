/** The client in JavaScript keeps the laws of the Kafka port on Apache Kafka itself. */
import { after } from 'node:test'
import { connectJavascript } from '../../framework/kafka/javascript/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { kafkaClientSuite } from '../contract/kafka-client.suite.ts'
import { startKafka } from './kafka-harness.ts'
import { writeInTransactions } from './raw-log.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

const cluster = await startKafka()
after(() => cluster.stop())

kafkaClientSuite({
  name: 'JavaScript on Apache Kafka',
  features: { partitionsAsAsked: true, nullHeaderValues: true, refusesUnknownTopics: true },
  connect: () => connectJavascript({ brokers: cluster.brokers, clientId: 'contract', log: quiet }),
  silence: cluster.controllable ? freeze : undefined,
  leaveHoles: leaveAborted,
})

/** Records of an aborted transaction, and its marker. */
async function leaveAborted(topic: string, count: number): Promise<void> {
  const records = Array.from({ length: count - 1 }, () => ({ key: 'aborted', value: 'x' }))
  await writeInTransactions(cluster.brokers, topic, [{ commits: false, records }])
}

async function freeze(): Promise<() => Promise<void>> {
  await cluster.freeze(1)
  return () => cluster.thaw(1)
}
