/** The in-memory cluster keeps the laws of the Kafka port. */
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import { kafkaClientSuite } from './kafka-client.suite.ts'

kafkaClientSuite({
  name: 'memory',
  features: { partitionsAsAsked: true, nullHeaderValues: true, refusesUnknownTopics: true },
  connect: async () => memoryCluster().connection(),
})
