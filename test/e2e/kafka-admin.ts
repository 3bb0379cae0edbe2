/** Changes topics and reads groups of a test cluster as an administrator does, over the Kafka library's own AdminClient. */
import { setTimeout } from 'node:timers/promises'
import kafka, {
  type DeleteRecordsResult,
  type GroupResults,
  type IAdminClient,
  type KafkaConsumer,
  type LibrdKafkaError,
  type Metadata,
  type Producer,
} from '@confluentinc/kafka-javascript'
import { AnswerReader, byte, int32, request, text } from './kafka-request.ts'

const timeoutMs = 20_000
const askAgainMs = 5_000

export interface TopicOptions {
  readonly partitions?: number
  readonly replication?: number
  /** The topic's own settings, as Kafka names them: `{ 'cleanup.policy': 'compact' }`. */
  readonly configs?: Readonly<Record<string, string>>
}

export interface CommittedOffset {
  readonly partition: number
  readonly offset: number
  /** Whole: the consumer's own `committed()` cuts the last character. */
  readonly metadata: string
}

/** A consumer that is no member of its group. */
interface Outsider {
  readonly consumer: KafkaConsumer
  readonly admin: IAdminClient
}

export class KafkaAdmin {
  readonly #brokers: string
  #client: IAdminClient | undefined
  /** Reads metadata, and produces nothing. */
  #reader: Promise<Producer> | undefined
  /** By group. */
  readonly #outsiders = new Map<string, Outsider>()

  constructor(brokers: string) {
    this.#brokers = brokers
  }

  /** Settles once a broker shows the topic, which a busy one does some time after the controller has made it. */
  async createTopic(name: string, options: TopicOptions = {}): Promise<void> {
    const { partitions = 1, replication = 1, configs } = options
    const request = {
      topic: name,
      num_partitions: partitions,
      replication_factor: replication,
      config: { ...configs },
    }
    const until = performance.now() + timeoutMs
    await this.#make(request, until)
    while ((await this.#partitionsOf(name)).length < partitions) {
      if (performance.now() > until) throw new Error(`no broker shows ${name} ${timeoutMs} ms after its creation`)
      await setTimeout(20)
    }
  }

  /** A broker that has just started was seen to leave a request without an answer: it is asked again, and may have made the topic by then. */
  async #make(request: Parameters<IAdminClient['createTopic']>[0], until: number): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      try {
        return await this.#call<void>((done) => this.#admin().createTopic(request, askAgainMs, done))
      } catch (thrown) {
        const { code } = (thrown as { readonly cause?: { readonly code?: number } }).cause ?? {}
        if (!isFirst && code === kafka.CODES.ERRORS.ERR_TOPIC_ALREADY_EXISTS) return
        if (code !== kafka.CODES.ERRORS.ERR__TIMED_OUT || performance.now() > until) throw thrown
      }
    }
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#call<void>((done) => this.#admin().deleteTopic(name, timeoutMs, done))
  }

  /** Raises the number of partitions to `total`. */
  async addPartitions(name: string, total: number): Promise<void> {
    await this.#call<void>((done) => this.#admin().createPartitions(name, total, timeoutMs, done))
  }

  /**
   * Cuts the log: the first offset of the partition becomes `before`. Waits until the log has come there: the broker writes the marker of a transaction
   * behind its answer.
   */
  async deleteRecords(topic: string, partition: number, before: number): Promise<void> {
    const options = { timeout: timeoutMs, operationTimeout: timeoutMs }
    const until = performance.now() + timeoutMs
    for (;;) {
      const results = await this.#call<DeleteRecordsResult[]>((done) =>
        this.#admin().deleteRecords([{ topic, partition, offset: before }], options, done),
      )
      const error = results.find((result) => result.error !== undefined)?.error
      if (error === undefined) return
      if (error.code !== kafka.CODES.ERRORS.ERR_OFFSET_OUT_OF_RANGE || performance.now() > until) throw error
      await setTimeout(20)
    }
  }

  /** What a group has committed for one topic, partitions without a commit left out. */
  async committed(group: string, topic: string): Promise<readonly CommittedOffset[]> {
    const { admin } = await this.#outsider(group)
    const results = await this.#call<GroupResults[]>((done) =>
      admin.listConsumerGroupOffsets([{ groupId: group }], { timeout: timeoutMs }, done),
    )
    return results
      .flatMap((result) => result.partitions)
      .filter((partition) => partition.topic === topic && partition.offset >= 0)
      .map(({ partition, offset, metadata }) => ({ partition, offset, metadata: metadata ?? '' }))
      .sort((a, b) => a.partition - b.partition)
  }

  /** The brokers that have the partition, whether they are there or not; none of one that is not known. */
  async replicasOf(topic: string, partition: number): Promise<readonly number[]> {
    return (await this.#partitionsOf(topic)).find(({ id }) => id === partition)?.replicas ?? []
  }

  /** Rejects while there is none. */
  async leaderOf(topic: string, partition: number): Promise<number> {
    const own = (await this.#partitionsOf(topic)).find(({ id }) => id === partition)
    if (own === undefined || own.leader < 0) throw new Error(`nobody leads ${topic}:${partition}`)
    return own.leader
  }

  /** As one broker tells it, whatever state the others are in: a client may ask one that never answers. -1 while there is none. */
  async leaderToldBy(broker: string, topic: string, partition: number): Promise<number> {
    const answer = await request(broker, { key: 3, version: 4 }, [int32(1), text(topic), byte(0)])
    const read = new AnswerReader(answer)
    // Throttle time, then the brokers.
    read.int32()
    read.each(() => [read.int32(), read.text(), read.int32(), read.text()])
    // Cluster and controller, then the topics.
    read.text()
    read.int32()
    const topics = read.each(() => {
      read.int16()
      read.text()
      read.byte()
      return read.each(() => {
        read.int16()
        const own = { id: read.int32(), leader: read.int32() }
        read.each(() => read.int32())
        read.each(() => read.int32())
        return own
      })
    })
    return topics[0]?.find(({ id }) => id === partition)?.leader ?? -1
  }

  /**
   * The broker that coordinates a group now: the one that leads the group's partition of Kafka's own topic, as any broker tells. The
   * administrator cannot be asked: librdkafka crashes when a group is described while its coordinator changes, and describes topics by one
   * certain broker only. Rejects while there is none.
   */
  async coordinatorOf(group: string): Promise<number> {
    const partitions = await this.#partitionsOf('__consumer_offsets')
    const own = partitions.find(({ id }) => id === Math.abs(javaHash(group)) % partitions.length)
    if (own === undefined || own.leader < 0) throw new Error(`nobody coordinates ${group}`)
    return own.leader
  }

  close(): void {
    for (const { consumer } of this.#outsiders.values()) consumer.disconnect()
    this.#outsiders.clear()
    this.#client?.disconnect()
    this.#client = undefined
    this.#reader?.then(
      (reader) => reader.disconnect(),
      () => {},
    )
    this.#reader = undefined
  }

  /** As one broker shows them; none of a topic that it does not know. */
  async #partitionsOf(topic: string): Promise<Metadata['topics'][number]['partitions']> {
    const reader = await this.#connectedReader()
    const { topics } = await this.#call<Metadata>((done) => reader.getMetadata({ topic, timeout: timeoutMs }, done))
    // The answer tells of others too.
    return topics.find(({ name }) => name === topic)?.partitions ?? []
  }

  /** One, even when several ask for it at once: a second would keep the test's process alive. */
  #connectedReader(): Promise<Producer> {
    this.#reader ??= this.#connectReader()
    return this.#reader
  }

  async #connectReader(): Promise<Producer> {
    const reader = new kafka.Producer({ 'bootstrap.servers': this.#brokers, log_level: 0 })
    await this.#call<unknown>((done) => reader.connect({ timeout: timeoutMs }, done))
    return reader
  }

  /** librdkafka crashes on the answer of a broker that does not coordinate the group (any more), unless a consumer has asked. */
  async #outsider(group: string): Promise<Outsider> {
    const known = this.#outsiders.get(group)
    if (known !== undefined) return known
    const config = { 'bootstrap.servers': this.#brokers, 'group.id': group, 'enable.auto.commit': false, log_level: 0 }
    const consumer = new kafka.KafkaConsumer(config, {})
    await this.#call<unknown>((done) => consumer.connect({ timeout: timeoutMs }, done))
    const outsider = { consumer, admin: kafka.AdminClient.createFrom(consumer) }
    this.#outsiders.set(group, outsider)
    return outsider
  }

  #admin(): IAdminClient {
    this.#client ??= kafka.AdminClient.create({ 'bootstrap.servers': this.#brokers, log_level: 0 })
    return this.#client
  }

  #call<T>(start: (done: (error: LibrdKafkaError | null | undefined, result: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      start((error, result) => (error ? reject(new Error(error.message, { cause: error })) : resolve(result)))
    })
  }
}

/** Java's `String.hashCode`, by which Kafka chooses a group's partition. */
function javaHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}
