/** Transactions of the client in JavaScript keep their laws on Apache Kafka itself, with `transaction.version` 2 and as with one that has not got there. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { connectJavascript } from '../../framework/kafka/javascript/client.ts'
import type { StoredOffset } from '../../framework/kafka/transactional-producer.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { transactionalProducerSuite } from '../contract/transactional-producer.suite.ts'
import { BrokerProxy } from './broker-proxy.ts'
import { startKafka } from './kafka-harness.ts'
import { PolledReader } from './polled-reader.ts'
import { insideTransaction } from './raw-log.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

const proxy = await BrokerProxy.open()
const cluster = await startKafka({ listeners: { CLIENTS: 'PLAINTEXT' }, advertised: { CLIENTS: proxy.address } })
after(async () => {
  proxy.close()
  await cluster.stop()
})
proxy.leadTo(cluster.brokersAt('CLIENTS'))

/** What joins the transaction has to be told before, by version 1. */
const asksFirst = ['AddOffsetsToTxn', 'AddPartitionsToTxn'] as const
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

    it('aborts where an answer does not come, blames nobody, and commits the next one', async (t) => {
      const [source, output] = [`cut-${version}`, `cut-${version}-output`]
      for (const topic of [source, output]) await cluster.admin.createTopic(topic)
      const connection = await connectJavascript({ brokers: proxy.address, clientId: 'cut', log: quiet })
      t.after(() => connection.close())
      const reader = await PolledReader.join(t, connection, source)
      await reader.until('it is assigned', () => reader.owned.length > 0)
      const producer = connection.transactionalProducer?.(reader.client, { id: source, timeoutMs: 15_000 })
      assert.ok(producer)
      t.after(() => producer.close(1_000))
      let before: StoredOffset | undefined
      const transact = (value: string, position: number) =>
        reader.during(
          producer.transact({
            outputs: [{ topic: output, partition: 0, key: null, value: Buffer.from(value), headers: [] }],
            offsets: [{ topic: source, partition: 0, position, metadata: value, before }],
          }),
        )
      const requests = [...(version === 1 ? asksFirst : []), 'TxnOffsetCommit', 'Produce'] as const
      for (const [index, request] of requests.entries()) {
        const spoiled = proxy.spoil(request, 'cut')
        const outcome = await transact(`cut at ${request}`, index + 1)
        await spoiled.done
        assert.ok(outcome.kind === 'aborted', `${request}: ${outcome.kind}`)
        assert.deepEqual(outcome.blame, { kind: 'nobody' }, request)
        assert.equal((await transact(request, index + 1)).kind, 'committed', request)
        before = { position: index + 1, metadata: request }
      }
      const seen = await PolledReader.join(t, connection, output)
      await seen.until('all are read', () => seen.records.length >= requests.length)
      assert.deepEqual(seen.values(), requests)
    })

    it('goes by what the brokers have', () => assert.equal(asked > 0, version === 1))
  })
}
