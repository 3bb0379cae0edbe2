/** Transactions of the librdkafka client keep their laws on Apache Kafka itself, in both of Kafka's group protocols. */
import { after, describe } from 'node:test'
import { connectLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { transactionalProducerSuite } from '../contract/transactional-producer.suite.ts'
import { clientUnderTest } from '../test-client.ts'
import { BrokerProxy } from './broker-proxy.ts'
import { startKafka } from './kafka-harness.ts'
import { insideTransaction } from './raw-log.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

const proxy = await BrokerProxy.open()
const cluster = await startKafka({ listeners: { CLIENTS: 'PLAINTEXT' }, advertised: { CLIENTS: proxy.address } })
after(async () => {
  proxy.close()
  await cluster.stop()
  // A native client that could not be closed in time is left behind, and can keep the process for as long as it likes; what is tested has ended.
  setTimeout(() => process.exit(), 15_000).unref()
})
proxy.leadTo(cluster.brokersAt('CLIENTS'))

// The client in JavaScript has no transactions.
const protocols = clientUnderTest === 'librdkafka' && cluster.controllable ? (['consumer', 'classic'] as const) : []
for (const groupProtocol of protocols) {
  describe(`group protocol ${groupProtocol}`, { timeout: 240_000 }, () => {
    transactionalProducerSuite({
      name: `librdkafka on Apache Kafka, group protocol ${groupProtocol}`,
      connect: () =>
        connectLibrdkafka({
          brokers: proxy.address,
          clientId: 'transactions',
          groupProtocol,
          log: quiet,
          librdkafka: {
            'queue.buffering.max.messages': 100,
            'topic.metadata.propagation.max.ms': 500,
            ...(groupProtocol === 'classic' && { 'heartbeat.interval.ms': 200 }),
          },
        }),
      // The protocols of groups differ in the offsets alone.
      ...(groupProtocol === 'consumer' && {
        unanswered: () => proxy.spoil('EndTxn', 'cut', Number.POSITIVE_INFINITY).end,
        lost: () => proxy.lose('EndTxn'),
      }),
      slowOffsets: () => proxy.hold('TxnOffsetCommit'),
      insideAnother: (id, topic, work) => insideTransaction(cluster.brokers, { id, topic }, work),
    })
  })
}
