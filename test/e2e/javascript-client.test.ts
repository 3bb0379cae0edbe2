/** The client in JavaScript on Apache Kafka itself: producer, view and connection keep the laws of the port. */
import { after } from 'node:test'
import { connectJavascript } from '../../framework/kafka/javascript/client.ts'
import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { connectKafka } from '../../framework/kafka/librdkafka/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { kafkaClientSuite } from '../contract/kafka-client.suite.ts'
import { startKafka } from './kafka-harness.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

const cluster = await startKafka()
after(() => cluster.stop())

kafkaClientSuite({
  name: 'JavaScript on Apache Kafka',
  features: { partitionsAsAsked: true, nullHeaderValues: false, refusesUnknownTopics: true },
  parts: ['producer', 'view', 'connection'],
  connect: () => connectBoth(cluster.brokers),
  silence: undefined,
})

/** Records are read by librdkafka. */
async function connectBoth(brokers: string): Promise<ViewedConnection> {
  const javascript = await connectJavascript({ brokers, clientId: 'javascript', log: quiet })
  const native = await connectKafka({ brokers, clientId: 'reader', groupProtocol: 'consumer', log: quiet })
  return {
    description: javascript.description,
    sessionTimeoutMs: javascript.sessionTimeoutMs,
    view: javascript.view,
    check: (timeoutMs) => javascript.check(timeoutMs),
    missingTopics: (topics) => javascript.missingTopics(topics),
    createTopics: (topics, partitions) => javascript.createTopics(topics, partitions),
    producer: () => javascript.producer(),
    consumer: (options) => native.consumer(options),
    async close() {
      await javascript.close()
      await native.close()
    },
  }
}
