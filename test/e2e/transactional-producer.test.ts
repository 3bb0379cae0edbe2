/** Transactions of the librdkafka client keep their laws on Apache Kafka itself, in both of Kafka's group protocols. */
import { after, describe } from 'node:test'
import { connectLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { skipWithout } from '../client-under-test.ts'
import { transactionalProducerSuite } from '../contract/transactional-producer.suite.ts'
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

const skip = skipWithout('no choice of client') || (!cluster.controllable && 'brokers are spoiled')
for (const groupProtocol of ['consumer', 'classic'] as const) {
  describe(`group protocol ${groupProtocol}`, { skip, timeout: 240_000 }, () => {
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
