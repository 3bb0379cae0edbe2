/** Looks at a partition's log, and writes to it in transactions, with the Kafka library alone: what is really there, whatever our client says. */
import { setTimeout as delay } from 'node:timers/promises'
import kafka, { type LibrdKafkaError, type Message } from '@confluentinc/kafka-javascript'
import { int32, int64, request, text } from './kafka-request.ts'

const timeoutMs = 30_000

/** The offsets that exist in a partition, aborted records and transaction markers left out. */
export async function offsetsIn(brokers: string, topic: string, partition: number): Promise<readonly number[]> {
  return (await readAll(brokers, topic, partition, 'read_committed')).records.map(({ offset }) => offset)
}

export interface RawRecord {
  readonly offset: number
  readonly key: string
  readonly value: string
}

/** What readers of committed records see of a partition, in its order; waits until no transaction is open in it, so that nothing more can come of one. */
export async function committedIn(brokers: string, topic: string, partition: number): Promise<readonly RawRecord[]> {
  for (const until = performance.now() + 2 * timeoutMs; ; await delay(200)) {
    const { end } = await readAll(brokers, topic, partition, 'read_uncommitted')
    const read = await readAll(brokers, topic, partition, 'read_committed')
    if (read.end >= end) return read.records
    if (performance.now() > until) throw new Error(`a transaction stays open in ${topic}:${partition}`)
  }
}

async function readAll(
  brokers: string,
  topic: string,
  partition: number,
  isolation: 'read_committed' | 'read_uncommitted',
): Promise<{ readonly records: readonly RawRecord[]; readonly end: number }> {
  const own = { 'enable.auto.commit': false, 'enable.partition.eof': true, 'isolation.level': isolation }
  const consumer = new kafka.KafkaConsumer(
    { 'bootstrap.servers': brokers, 'group.id': 'raw-log', ...own },
    { 'auto.offset.reset': 'earliest' },
  )
  await settled((done) => consumer.connect({ timeout: timeoutMs }, done))
  const all: RawRecord[] = []
  let end: number | undefined
  consumer.on('partition.eof', ({ offset }) => {
    end = offset
  })
  try {
    consumer.setDefaultConsumeTimeout(100)
    // -2: from the beginning.
    consumer.assign([{ topic, partition, offset: -2 }])
    const until = performance.now() + timeoutMs
    while (end === undefined) {
      if (performance.now() > until) throw new Error(`the end of ${topic}:${partition} was not reached`)
      const records = await new Promise<Message[]>((resolve, reject) => {
        consumer.consume(1_000, (error: LibrdKafkaError | null, batch: Message[]) =>
          error ? reject(error) : resolve(batch),
        )
      })
      for (const { offset, key, value } of records) all.push({ offset, key: String(key), value: String(value) })
    }
    return { records: all, end }
  } finally {
    await settled((done) => consumer.disconnect(done))
  }
}

export interface KeyedValue {
  readonly key: string
  readonly value: string
}

/** Writes one transaction after another to one partition, and commits or aborts each. */
export async function writeInTransactions(
  brokers: string,
  topic: string,
  transactions: readonly { readonly commits: boolean; readonly records: readonly KeyedValue[] }[],
): Promise<void> {
  const producer = new kafka.Producer({ 'bootstrap.servers': brokers, 'transactional.id': `${topic}-writer` })
  await settled((done) => producer.connect({ timeout: timeoutMs }, done))
  try {
    await settled((done) => producer.initTransactions(timeoutMs, done))
    for (const { commits, records } of transactions) {
      await settled((done) => producer.beginTransaction(done))
      for (const { key, value } of records) producer.produce(topic, 0, Buffer.from(value), Buffer.from(key))
      // An abort would throw away what was not sent yet, and with it the hole that it should leave.
      await settled((done) => producer.flush(timeoutMs, done))
      await settled((done) =>
        commits ? producer.commitTransaction(timeoutMs, done) : producer.abortTransaction(timeoutMs, done),
      )
    }
  } finally {
    await settled((done) => producer.disconnect(timeoutMs, done))
  }
}

/** Does something while a transaction is open that has one record in partition 0. It is aborted then, unless `work` has had another producer take its id. */
export async function insideTransaction(
  brokers: string,
  { topic, id = `${topic}-open` }: { readonly topic: string; readonly id?: string },
  work: () => Promise<void>,
): Promise<void> {
  const producer = new kafka.Producer({ 'bootstrap.servers': brokers, 'transactional.id': id })
  await settled((done) => producer.connect({ timeout: timeoutMs }, done))
  try {
    await settled((done) => producer.initTransactions(timeoutMs, done))
    await settled((done) => producer.beginTransaction(done))
    producer.produce(topic, 0, Buffer.from('open'))
    await settled((done) => producer.flush(timeoutMs, done))
    await work()
    await settled((done) => producer.abortTransaction(timeoutMs, done)).catch((error: Error) => {
      if (!/fenced/i.test(error.message)) throw error
    })
  } finally {
    await settled((done) => producer.disconnect(timeoutMs, done))
  }
}

export interface ForeignCommit {
  readonly partition: number
  readonly offset: number
  readonly metadata?: string
}

/** Commits as another tool would: a plain consumer, which is no member of the group. */
export async function commitAsAnother(
  brokers: string,
  group: string,
  topic: string,
  commits: readonly ForeignCommit[],
): Promise<void> {
  let answer = (_error: LibrdKafkaError | null): void => {}
  const answered = new Promise<void>((resolve, reject) => {
    answer = (error) => (error ? reject(new Error(error.message, { cause: error })) : resolve())
  })
  const consumer = new kafka.KafkaConsumer(
    {
      'bootstrap.servers': brokers,
      'group.id': group,
      'enable.auto.commit': false,
      offset_commit_cb: (error: LibrdKafkaError | null) => answer(error),
    },
    {},
  )
  await settled((done) => consumer.connect({ timeout: timeoutMs }, done))
  try {
    consumer.setDefaultConsumeTimeout(50)
    consumer.assign(commits.map(({ partition }) => ({ topic, partition })))
    consumer.commit(commits.map((commit) => ({ topic, ...commit })))
    let isAnswered = false
    const onAnswer = () => {
      isAnswered = true
    }
    answered.then(onAnswer, onAnswer)
    while (!isAnswered) {
      await new Promise<void>((resolve) => {
        consumer.consume(1, () => resolve())
      })
    }
    await answered
  } finally {
    await settled((done) => consumer.disconnect(done))
  }
}

/**
 * Joins a group of the classic protocol as another tool would, which shares partitions in another way; settles once it holds some. Commits nothing.
 * @returns leaves the group; may be called twice
 */
export async function joinAsAnother(brokers: string, group: string, topic: string): Promise<() => Promise<void>> {
  const consumer = new kafka.KafkaConsumer(
    {
      'bootstrap.servers': brokers,
      'group.id': group,
      'group.protocol': 'classic',
      'partition.assignment.strategy': 'range',
      'enable.auto.commit': false,
    },
    {},
  )
  await settled((done) => consumer.connect({ timeout: timeoutMs }, done))
  consumer.setDefaultConsumeTimeout(50)
  consumer.subscribe([topic])
  let isLeaving = false
  const polled = () => new Promise<void>((resolve) => consumer.consume(1, () => resolve()))
  while (consumer.assignments().length === 0) await polled()
  // A member that does not poll is expelled.
  const polling = (async () => {
    while (!isLeaving) await polled()
  })()
  let left: Promise<void> | undefined
  return () => {
    isLeaving = true
    left ??= polling.then(() => settled((done) => consumer.disconnect(done)))
    return left
  }
}

function settled(start: (done: (error?: LibrdKafkaError | null) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(new Error(error.message, { cause: error })) : resolve()))
  })
}

/** Commits as clients of other libraries do: metadata as it is, and nothing behind it. This library's own always writes a NUL there. */
export async function commitWithoutNul(
  broker: string,
  group: string,
  topic: string,
  commits: readonly ForeignCommit[],
): Promise<void> {
  const partitions = commits.flatMap(({ partition, offset, metadata = '' }) => [
    ...[int32(partition), int64(offset), text(metadata)],
  ])
  // Of no generation and no member, kept for as long as the broker says.
  const head = [text(group), int32(-1), text(''), int64(-1), int32(1), text(topic), int32(commits.length)]
  const firstCode = 4 + 2 + Buffer.byteLength(topic) + 4 + 4
  for (const until = performance.now() + timeoutMs; ; await delay(100)) {
    const answer = await request(broker, { key: 8, version: 2 }, [...head, ...partitions])
    const codes = commits.map((_, index) => answer.readInt16BE(firstCode + index * 6))
    const code = codes.find((each) => each !== 0)
    if (code === undefined) return
    // No coordinator yet: with the first group, Kafka makes the topic of the offsets.
    if (![14, 15, 16].includes(code) || performance.now() > until)
      throw new Error(`a commit was refused with code ${code}`)
  }
}
