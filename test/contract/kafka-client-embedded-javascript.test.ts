/** The client in JavaScript keeps the laws of the Kafka port on the embedded broker, too, which knows older versions of Kafka's requests only. */
import assert from 'node:assert/strict'
import { type EmbeddedBroker, startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import { connectJavascript } from '../../framework/kafka/javascript/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { embeddedBrokerOf, frozen, noProcesses } from '../integration/processes-in.ts'
import { kafkaClientSuite } from './kafka-client.suite.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

async function freeze(): Promise<() => Promise<void>> {
  const pid = embeddedBrokerOf(process.pid)
  assert.ok(pid)
  return frozen(pid)
}

let broker: EmbeddedBroker | undefined
kafkaClientSuite({
  name: 'JavaScript on the embedded broker',
  features: { partitionsAsAsked: false, nullHeaderValues: true, refusesUnknownTopics: true },
  async connect() {
    broker = await startEmbeddedBroker({ log: quiet })
    return connectJavascript({ ...broker.connection, clientId: 'contract', log: quiet })
  },
  silence: noProcesses === false ? freeze : undefined,
  stop: async () => broker?.stop(),
})
