/** What goes wrong around the client in JavaScript, on one Apache Kafka: on the way to it, by what it refuses, and by what others do on it. */
import { after } from 'node:test'
import { BrokerProxy } from './broker-proxy.ts'
import { foreignSuite } from './javascript-foreign.suite.ts'
import { refusalConfig, refusalSuite } from './javascript-refusals.suite.ts'
import { tlsSuite } from './javascript-tls.suite.ts'
import { wireSuite } from './javascript-wire.suite.ts'
import { startKafka } from './kafka-harness.ts'

const proxy = await BrokerProxy.open()
const cluster = await startKafka({
  listeners: { WIRE: 'PLAINTEXT', TOKEN: 'SASL_PLAINTEXT' },
  advertised: { WIRE: proxy.address },
  config: refusalConfig,
})
if (cluster.controllable) proxy.leadTo(cluster.brokersAt('WIRE'))
after(async () => {
  proxy.close()
  await cluster.stop()
})

tlsSuite()
foreignSuite(cluster)
wireSuite(cluster, proxy)
refusalSuite(cluster)
