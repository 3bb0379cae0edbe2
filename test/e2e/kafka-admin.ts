/** Changes topics and reads groups of a test cluster as an administrator does, over the Kafka library's own AdminClient. */
import kafka, {
  type DeleteRecordsResult,
  type GroupResults,
  type IAdminClient,
  type KafkaConsumer,
  type LibrdKafkaError,
  type Metadata,
  type Producer,
} from '@confluentinc/kafka-javascript'

const timeoutMs = 20_000

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
  #reader: Producer | undefined
  /** By group. */
  readonly #outsiders = new Map<string, Outsider>()

  constructor(brokers: string) {
    this.#brokers = brokers
  }

  async createTopic(name: string, options: TopicOptions = {}): Promise<void> {
    await this.#call<void>((done) =>
      this.#admin().createTopic(
        {
          topic: name,
          num_partitions: options.partitions ?? 1,
          replication_factor: options.replication ?? 1,
          config: { ...options.configs },
        },
        timeoutMs,
        done,
      ),
    )
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#call<void>((done) => this.#admin().deleteTopic(name, timeoutMs, done))
  }

  /** Raises the number of partitions to `total`. */
  async addPartitions(name: string, total: number): Promise<void> {
    await this.#call<void>((done) => this.#admin().createPartitions(name, total, timeoutMs, done))
  }

  /** Cuts the log: the first offset of the partition becomes `before`. */
  async deleteRecords(topic: string, partition: number, before: number): Promise<void> {
    const options = { timeout: timeoutMs, operationTimeout: timeoutMs }
    const results = await this.#call<DeleteRecordsResult[]>((done) =>
      this.#admin().deleteRecords([{ topic, partition, offset: before }], options, done),
    )
    const failed = results.find((result) => result.error !== undefined)
    if (failed?.error !== undefined) throw failed.error
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

  /**
   * The broker that coordinates a group now: the one that leads the group's partition of Kafka's own topic, as any broker tells. The
   * administrator cannot be asked: librdkafka crashes when a group is described while its coordinator changes, and describes topics by one
   * certain broker only. Rejects while there is none.
   */
  async coordinatorOf(group: string): Promise<number> {
    const reader = await this.#connectedReader()
    const { topics } = await this.#call<Metadata>((done) =>
      reader.getMetadata({ topic: '__consumer_offsets', timeout: timeoutMs }, done),
    )
    const partitions = topics[0]?.partitions ?? []
    const own = partitions.find(({ id }) => id === Math.abs(javaHash(group)) % partitions.length)
    if (own === undefined || own.leader < 0) throw new Error(`nobody coordinates ${group}`)
    return own.leader
  }

  close(): void {
    for (const { consumer } of this.#outsiders.values()) consumer.disconnect()
    this.#outsiders.clear()
    this.#client?.disconnect()
    this.#client = undefined
    this.#reader?.disconnect()
    this.#reader = undefined
  }

  async #connectedReader(): Promise<Producer> {
    if (this.#reader === undefined) {
      const reader = new kafka.Producer({ 'bootstrap.servers': this.#brokers, log_level: 0 })
      await this.#call<unknown>((done) => reader.connect({ timeout: timeoutMs }, done))
      this.#reader = reader
    }
    return this.#reader
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
