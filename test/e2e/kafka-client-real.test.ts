/** The librdkafka client keeps the laws of the Kafka port on Apache Kafka itself, in both of Kafka's group protocols. */
import { after } from 'node:test'
import { connectKafka } from '../../framework/kafka/librdkafka-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { kafkaClientSuite } from '../contract/kafka-client.suite.ts'
import { startKafka } from './kafka-harness.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

const cluster = await startKafka()
after(() => cluster.stop())

// The old protocol tells a member of a rebalance in the answer to its heartbeat, every 3 s by default.
const heartbeats = { 'heartbeat.interval.ms': 200, 'session.timeout.ms': 6_000 }
const small = {
  'queue.buffering.max.messages': 100,
  // How long a producer takes an unknown topic for one that was just created; 30 s by default.
  'topic.metadata.propagation.max.ms': 3_000,
}

for (const groupProtocol of ['consumer', 'classic'] as const) {
  kafkaClientSuite({
    name: `librdkafka on Apache Kafka, group protocol ${groupProtocol}`,
    // The binding reads null headers as empty; the broker is told not to create topics by itself.
    features: { partitionsAsAsked: true, nullHeaderValues: false, refusesUnknownTopics: true },
    connect: () =>
      connectKafka({
        brokers: cluster.brokers,
        clientId: 'contract',
        groupProtocol,
        log: quiet,
        librdkafka: { ...small, ...(groupProtocol === 'classic' && heartbeats) },
      }),
  })
}
