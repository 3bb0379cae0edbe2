/** Transactions of the client in JavaScript keep their laws on Apache Kafka itself, with `transaction.version` 2 and as with one that has not got there. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { connectJavascript } from '../../framework/kafka/javascript/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
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
})
proxy.leadTo(cluster.brokersAt('CLIENTS'))

const FEATURE = 'transaction.version'

/** What a broker says of its features, without that one. */
function withoutFeature(answer: Buffer): Buffer | undefined {
  if (!answer.includes(FEATURE)) return undefined
  const changed = Buffer.from(answer)
  for (let at = changed.indexOf(FEATURE); at >= 0; at = changed.indexOf(FEATURE))
    changed.write('another.feature....', at)
  return changed
}

const skip = !cluster.controllable && 'brokers are spoiled'
for (const version of [2, 1] as const) {
  describe(`transaction.version ${version}`, { skip, timeout: 240_000 }, () => {
    let hidden: { end(): void } | undefined
    let asked = 0
    const counted = proxy.spoil('AddOffsetsToTxn', () => void asked++, Number.POSITIVE_INFINITY)
    after(() => {
      counted.end()
      hidden?.end()
    })

    transactionalProducerSuite({
      name: `JavaScript on Apache Kafka, transaction.version ${version}`,
      connect: async () => {
        asked = 0
        if (version === 1) hidden = proxy.spoil('ApiVersions', withoutFeature, Number.POSITIVE_INFINITY)
        return connectJavascript({ brokers: proxy.address, clientId: 'transactions', log: quiet })
      },
      unanswered: () => proxy.spoil('EndTxn', 'cut', Number.POSITIVE_INFINITY).end,
      lost: () => proxy.lose('EndTxn'),
      slowOffsets: () => proxy.hold('TxnOffsetCommit'),
      insideAnother: (id, topic, work) => insideTransaction(cluster.brokers, { id, topic }, work),
    })

    it('goes by what the brokers have', () => assert.equal(asked > 0, version === 1))
  })
}
