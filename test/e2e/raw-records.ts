/** Writes and reads records with the Kafka library alone, so that a test can check our client against something that is not ours. */
import { randomUUID } from 'node:crypto'
import kafka, { type LibrdKafkaError, type Message } from '@confluentinc/kafka-javascript'

const timeoutMs = 30_000

/** Settles when the broker has acknowledged every value, in order. */
export async function writeAll(
  brokers: string,
  topic: string,
  values: readonly string[],
  partition = 0,
): Promise<void> {
  const producer = new kafka.Producer({ 'bootstrap.servers': brokers, dr_cb: true, acks: -1, log_level: 0 })
  await settled((done) => producer.connect({ timeout: timeoutMs }, done))
  producer.setPollInterval(10)
  try {
    await new Promise<void>((resolve, reject) => {
      let outstanding = values.length
      producer.on('delivery-report', (error) => {
        if (error) reject(error)
        else if (--outstanding === 0) resolve()
      })
      for (const value of values) producer.produce(topic, partition, Buffer.from(value))
    })
  } finally {
    await settled((done) => producer.disconnect(timeoutMs, done))
  }
}

/** The first `count` values of the topic, in the order of their partitions' logs. Rejects when they do not come. */
export async function readAll(brokers: string, topic: string, count: number): Promise<string[]> {
  const consumer = new kafka.KafkaConsumer(
    {
      'bootstrap.servers': brokers,
      'group.id': randomUUID(),
      'group.protocol': 'consumer',
      'enable.auto.commit': false,
      log_level: 0,
    },
    { 'auto.offset.reset': 'earliest' },
  )
  await settled((done) => consumer.connect({ timeout: timeoutMs }, done))
  consumer.setDefaultConsumeTimeout(100)
  consumer.subscribe([topic])
  const values: string[] = []
  const end = Date.now() + timeoutMs
  try {
    while (values.length < count) {
      if (Date.now() > end) throw new Error(`${values.length} of ${count} records of ${topic} came: ${values}`)
      const records = await new Promise<Message[]>((resolve, reject) => {
        consumer.consume(count - values.length, (error: LibrdKafkaError | null, batch: Message[]) =>
          error ? reject(error) : resolve(batch),
        )
      })
      for (const { value } of records) values.push(String(value))
    }
    return values
  } finally {
    consumer.unsubscribe()
    await settled((done) => consumer.disconnect(done))
  }
}

function settled(start: (done: (error?: LibrdKafkaError | null) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(new Error(error.message, { cause: error })) : resolve()))
  })
}
