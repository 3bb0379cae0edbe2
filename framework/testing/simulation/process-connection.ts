/** The connection of one simulated process to the cluster in memory: commits, productions and transactions go wrong as the schedule says, and nothing passes once it is dead. */
import type {
  CommitRequest,
  KafkaClient,
  KafkaConnection,
  RebalanceListener,
  RecordProducer,
} from '../../kafka/kafka-client.ts'
import { DEFAULT_PARTITIONS, type MemoryCluster } from '../../kafka/memory/client.ts'
import type { TransactionalProducer, TransactionOptions } from '../../kafka/transactional-producer.ts'
import { bug, PyrallelError } from '../../model/errors.ts'
import type { GroupMember } from '../../model/group-member.ts'
import type { KafkaRecord, TopicPartition } from '../../model/record.ts'
import type { Faults } from './faults.ts'
import { forever, type ProcessLife } from './process-life.ts'
import { ProcessTransactions } from './process-transactions.ts'

/** Nothing wakes a poll for its own sake, so idle processes are asked seldom; what comes ends the wait. Below what a member must commit by. Milliseconds. */
const IDLE_MS = 5_000

export class ProcessConnection {
  readonly #life: ProcessLife
  readonly #cluster: MemoryCluster
  readonly #faults: Faults
  readonly #consumers: ProcessConsumer[] = []

  constructor(life: ProcessLife, cluster: MemoryCluster, faults: Faults) {
    this.#life = life
    this.#cluster = cluster
    this.#faults = faults
  }

  get connection(): KafkaConnection {
    const inner = this.#cluster.connection()
    return {
      ...inner,
      // Topics that no handler reads are made by what is published to them.
      makesTopics: true,
      consumer: async (options) => this.#consumer(await inner.consumer(options)),
      producer: async () => this.#producer(await inner.producer()),
      transactionalProducer: (consumer, options) => this.#transactions(inner, consumer, options),
    }
  }

  /** The groups do without it for so long. Milliseconds. */
  expel(forMs: number): void {
    for (const { inner } of this.#consumers) this.#cluster.expel(inner, forMs)
  }

  kill(): void {
    for (const { inner } of this.#consumers) this.#cluster.kill(inner)
  }

  #consumer(inner: KafkaClient): KafkaClient {
    const consumer = new ProcessConsumer(inner, this.#life, this.#faults)
    this.#consumers.push(consumer)
    return consumer
  }

  /** The cluster knows its own consumers only. */
  #transactions(
    { transactionalProducer }: KafkaConnection,
    consumer: KafkaClient,
    options: TransactionOptions,
  ): TransactionalProducer {
    const own = this.#consumers.find((each) => each === consumer)
    const inner = own && transactionalProducer?.(own.inner, options)
    if (inner === undefined) throw bug('ProcessConnection', 'the consumer is of another process')
    return new ProcessTransactions(inner, this.#life, this.#cluster, this.#faults)
  }

  #producer(inner: RecordProducer): RecordProducer {
    return {
      produce: async (record) => {
        if (this.#life.isDead) return forever()
        if (this.#faults.take('refuse-publish') !== undefined)
          throw refused('PYR_PRODUCE_FAILED', 'The record is refused')
        // A topic that no handler reads: its name was read nowhere before.
        this.#cluster.createTopic(record.topic, DEFAULT_PARTITIONS)
        const place = await inner.produce(record)
        this.#life.note(`${record.topic} has a record more`)
        await this.#life.travel()
        if (this.#faults.take('lose-publish-answer') !== undefined) {
          throw refused('PYR_PRODUCE_FAILED', 'The record is written, and the answer is lost')
        }
        return place
      },
      close: (timeoutMs) => inner.close(timeoutMs),
    }
  }
}

class ProcessConsumer implements KafkaClient {
  readonly inner: KafkaClient
  readonly #life: ProcessLife
  readonly #faults: Faults

  constructor(inner: KafkaClient, life: ProcessLife, faults: Faults) {
    this.inner = inner
    this.#life = life
    this.#faults = faults
  }

  get maxMetadataLength(): number {
    return this.inner.maxMetadataLength
  }

  get revokeLimitMs(): number {
    return this.inner.revokeLimitMs
  }

  get pollIntervalMs(): number {
    return this.inner.pollIntervalMs
  }

  subscribe(topics: readonly string[], listener: RebalanceListener): Promise<void> {
    return this.inner.subscribe(topics, listener)
  }

  changeTopics(topics: readonly string[]): Promise<void> {
    return this.#life.isDead ? forever() : this.inner.changeTopics(topics)
  }

  async poll(maxRecords: number, waitMs: number): Promise<readonly KafkaRecord[]> {
    if (this.#life.isDead) return forever()
    const records = await this.inner.poll(maxRecords, waitMs === 0 ? 0 : Math.max(waitMs, IDLE_MS))
    return this.#life.isDead ? forever() : records
  }

  pause(partitions: readonly TopicPartition[]): void {
    if (!this.#life.isDead) this.inner.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    if (!this.#life.isDead) this.inner.resume(partitions)
  }

  async commit(commits: readonly CommitRequest[]): Promise<void> {
    if (this.#life.isDead) return forever()
    if (this.#faults.take('refuse-commit') !== undefined) throw refused('PYR_COMMIT_FAILED', 'The commit is refused')
    try {
      await this.inner.commit(commits)
    } catch (error) {
      if (!this.#life.isDead) throw error
    }
    if (this.#life.isDead) return forever()
    if (this.#faults.take('lose-commit-answer') === undefined) return
    throw refused('PYR_COMMIT_FAILED', 'The commit is stored, and the answer is lost')
  }

  askCoordinator(timeoutMs: number): Promise<void> {
    return this.#life.isDead ? forever() : this.inner.askCoordinator(timeoutMs)
  }

  nextOffset(partition: TopicPartition): number | undefined {
    return this.inner.nextOffset(partition)
  }

  logEnd(partition: TopicPartition): number | undefined {
    return this.inner.logEnd(partition)
  }

  logEndHeardAt(partition: TopicPartition): number | undefined {
    return this.inner.logEndHeardAt(partition)
  }

  askLogEnds(partitions: readonly TopicPartition[], timeoutMs: number): Promise<void> {
    return this.inner.askLogEnds(partitions, timeoutMs)
  }

  unsettledSince(): number | undefined {
    return this.inner.unsettledSince()
  }

  membership(): GroupMember {
    return this.inner.membership()
  }

  close(): Promise<void> {
    return this.#life.isDead ? forever() : this.inner.close()
  }
}

function refused(code: 'PYR_PRODUCE_FAILED' | 'PYR_COMMIT_FAILED', what: string): PyrallelError {
  return new PyrallelError(code, `${what}, as the simulation wants it.`, { retriable: true })
}
