/** The in-memory cluster keeps the laws of the Kafka port. */
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import { kafkaClientSuite } from './kafka-client.suite.ts'

const cluster = memoryCluster()

kafkaClientSuite({
  name: 'memory',
  features: { partitionsAsAsked: true, nullHeaderValues: true, refusesUnknownTopics: true },
  connect: async () => cluster.connection(),
  leaveHoles: async (topic, count) => cluster.log(topic, 0).skip(count),
  async silence() {
    cluster.delayCommits(3_000)
    return async () => cluster.delayCommits(0)
  },
})
