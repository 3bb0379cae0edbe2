/** The KafkaJS-style interface of the client that Pyrallel uses: `eachMessage`, as many partitions at once as there are. */
import { runPeer } from './peer.ts'
import type { BenchValue } from './protocol.ts'

await runPeer(async (settings, handle) => {
  const { KafkaJS } = (await import('@confluentinc/kafka-javascript')).default
  const kafka = new KafkaJS.Kafka({
    kafkaJS: { brokers: settings.brokers.split(','), logLevel: KafkaJS.logLevel.NOTHING },
  })
  const consumer = kafka.consumer({
    'group.id': settings.group,
    'group.protocol': 'consumer',
    'enable.auto.commit': true,
    'auto.commit.interval.ms': settings.commitMs,
    'auto.offset.reset': 'earliest',
    ...settings.librdkafka,
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [settings.topic] })
  await consumer.run({
    partitionsConsumedConcurrently: settings.partitions,
    eachMessage: async ({ message }) => {
      await handle(JSON.parse(String(message.value)) as BenchValue)
    },
  })
})
