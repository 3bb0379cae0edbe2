/** The librdkafka client keeps the laws of the Kafka port, on the embedded broker. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type EmbeddedBroker, startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import { connectLibrdkafka, loadLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import { toError } from '../../framework/model/errors.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { embeddedBrokerOf, frozen, noProcesses } from '../integration/processes-in.ts'
import { kafkaClientSuite } from './kafka-client.suite.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

async function freeze(): Promise<() => Promise<void>> {
  const pid = embeddedBrokerOf(process.pid)
  assert.ok(pid)
  return frozen(pid)
}

const whyNot = await loadLibrdkafka().then(
  () => undefined,
  (thrown: unknown) => toError(thrown).message,
)

if (whyNot !== undefined) {
  console.error(`The suite of the librdkafka client does not run here. ${whyNot}`)
  it('keeps the laws of the Kafka port on the embedded broker', { skip: whyNot }, () => {})
} else {
  let broker: EmbeddedBroker | undefined
  kafkaClientSuite({
    name: 'librdkafka on the embedded broker',
    // The mock cluster has four partitions for every topic and creates those it is asked for; the binding reads null headers as empty.
    features: { partitionsAsAsked: false, nullHeaderValues: false, refusesUnknownTopics: false },
    async connect() {
      broker = await startEmbeddedBroker({ log: quiet })
      const librdkafka = { 'queue.buffering.max.messages': 100 }
      return connectLibrdkafka({ ...broker.connection, clientId: 'contract', log: quiet, librdkafka })
    },
    silence: noProcesses === false ? freeze : undefined,
    stop: async () => broker?.stop(),
  })
}
