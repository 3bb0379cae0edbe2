/** A Kafka cluster inside this process: for tests, and for `pyrallel dev` where the native client is missing. Keeps nothing on disk. */
import { bug, PyrallelError } from '../../model/errors.ts'
import { refuseUncarryable } from '../../model/outgoing-check.ts'
import { type KafkaRecord, type OutgoingRecord, partitionId, type TopicPartition } from '../../model/record.ts'
import { type Clock, systemClock } from '../../time/clock.ts'
import { sleep } from '../../time/wait.ts'
import type {
  ConsumerOptions,
  GroupOffset,
  KafkaClient,
  LogBounds,
  RecordProducer,
  TopicFacts,
  ViewedConnection,
} from '../kafka-client.ts'
import { partitionOfKey } from '../murmur2.ts'
import { MemoryConsumer } from './consumer.ts'
import { MemoryGroup } from './group.ts'
import { MemoryLog } from './log.ts'
import { MemoryTransactionalProducer } from './transactional-producer.ts'
import { MemoryTransactions } from './transactions.ts'

export interface MemoryClusterOptions {
  /** Default the system's. With a manual clock, polls that find nothing wait until it moves. */
  readonly clock?: Clock
  /** Default 45 s. Nobody is expelled here: it says when members stop by themselves. Milliseconds. */
  readonly sessionTimeoutMs?: number
}

/** The port's connection, and the verbs with which a test makes things happen to the cluster. */
export interface MemoryCluster {
  /** All connections are to the same cluster. */
  connection(): ViewedConnection
  /** Default 4 partitions, as on the embedded broker. Left as it is when it exists. */
  createTopic(topic: string, partitions?: number): void
  /** Adds partitions up to `total`; members are given them in a rebalance. Keys move, as in Kafka. */
  addPartitions(topic: string, total: number): void
  /** Appends at once, as a producer would. Throws where a producer would reject. */
  append(record: OutgoingRecord): KafkaRecord
  /** The log of one partition, to read, cut, or make holes in. Throws for one that does not exist. */
  log(topic: string, partition: number): MemoryLog
  /** The coordinator of a group: what is committed, and taking partitions away. */
  group(name: string): MemoryGroup
  /** The next `count` commits are refused. */
  failCommits(count: number, error?: PyrallelError): void
  /** The next `count` look-ups of what is committed are refused. */
  failLookUps(count: number): void
  /** Every commit from now on takes so long. */
  delayCommits(delayMs: number): void
  /**
   * The next `count` commits of transactions have no answer. `unanswered`: they are done. `lost`: they have not arrived, and the transaction stays open until its producer, another
   * one of its id or its time-out ends it.
   */
  failTransactions(count: number, how: 'unanswered' | 'lost'): void
  /** The next `count` productions are refused. */
  failProductions(count: number, error?: PyrallelError): void
  /** The group of this consumer has not heard of it for too long: its partitions go to others. It joins again after `forMs` milliseconds. Nothing happens to a closed one. */
  expel(consumer: KafkaClient, forMs: number): void
  /** The process of this consumer is gone, without a word. Nothing happens to a closed one. */
  kill(consumer: KafkaClient): void
}

export const DEFAULT_PARTITIONS = 4

export function memoryCluster(options: MemoryClusterOptions = {}): MemoryCluster {
  return new InProcessCluster(options.clock ?? systemClock(), options.sessionTimeoutMs ?? 45_000)
}

/** What a test has asked for. */
class ClusterFaults {
  readonly commits: PyrallelError[] = []
  readonly productions: PyrallelError[] = []
  commitDelayMs = 0
  lookUps = 0
}

class InProcessCluster implements MemoryCluster {
  readonly #clock: Clock
  readonly #sessionTimeoutMs: number
  readonly #topics = new Map<string, MemoryLog[]>()
  readonly #groups = new Map<string, MemoryGroup>()
  readonly #consumers = new Set<MemoryConsumer>()
  readonly #faults = new ClusterFaults()
  readonly #transactions: MemoryTransactions
  /** Records without a key go round. */
  #keyless = 0

  constructor(clock: Clock, sessionTimeoutMs: number) {
    this.#clock = clock
    this.#transactions = new MemoryTransactions(clock)
    this.#sessionTimeoutMs = sessionTimeoutMs
  }

  connection(): ViewedConnection {
    return {
      description: 'memory',
      sessionTimeoutMs: this.#sessionTimeoutMs,
      check: async () => {},
      missingTopics: async (topics) => topics.filter((each) => !this.#topics.has(each)),
      createTopics: async (topics, partitions) => {
        for (const topic of topics) this.createTopic(topic, partitions)
      },
      consumer: async (options) => this.#consumer(options),
      producer: async () => this.#producer(),
      transactionalProducer: (consumer, transaction) => {
        if (!(consumer instanceof MemoryConsumer)) {
          throw bug('KafkaConnection.transactionalProducer', 'the consumer is of another connection')
        }
        const write = (within: object, record: OutgoingRecord) => this.#write(within, record)
        return new MemoryTransactionalProducer({ ...transaction, consumer, write, coordinator: this.#transactions })
      },
      close: async () => {},
      view: {
        topics: async () => this.#topicFacts(),
        logs: async (topic) => (this.#topics.get(topic) ?? []).map(boundsOf),
        groupOffsets: async (group) => this.#groupOffsets(this.group(group)),
        shareGroup: async () => undefined,
      },
    }
  }

  createTopic(topic: string, partitions = DEFAULT_PARTITIONS): void {
    if (!this.#topics.has(topic)) this.addPartitions(topic, partitions)
  }

  addPartitions(topic: string, total: number): void {
    const logs = this.#topics.get(topic) ?? []
    this.#topics.set(topic, logs)
    for (let partition = logs.length; partition < total; partition++) {
      logs.push(new MemoryLog(topic, partition, () => this.#wakeAll()))
    }
    for (const group of this.#groups.values()) group.rebalance()
  }

  append(record: OutgoingRecord): KafkaRecord {
    return this.#logFor(record).append(record, this.#timeOf(record))
  }

  #write(transaction: object, record: OutgoingRecord): MemoryLog {
    const fault = this.#faults.productions.shift()
    if (fault !== undefined) throw fault
    const log = this.#logFor(record)
    log.appendIn(transaction, copyOf(record), this.#timeOf(record))
    return log
  }

  #timeOf(record: OutgoingRecord): number {
    return record.timestamp ?? Math.floor(this.#clock.now())
  }

  #logFor(record: OutgoingRecord): MemoryLog {
    const logs = this.#topics.get(record.topic)
    if (logs === undefined) throw unknownTopic(record.topic)
    const log = logs[record.partition ?? this.#choosePartition(record, logs.length)]
    if (log === undefined) {
      const facts = `The record was not produced: ${record.topic} has no partition ${record.partition}.`
      throw new PyrallelError('PYR_PRODUCE_FAILED', facts)
    }
    return log
  }

  log(topic: string, partition: number): MemoryLog {
    const log = this.#topics.get(topic)?.[partition]
    if (log === undefined) throw unknownTopic(partitionId({ topic, partition }))
    return log
  }

  group(name: string): MemoryGroup {
    const group = this.#groups.get(name) ?? new MemoryGroup((topic) => this.#partitionsOf(topic))
    this.#groups.set(name, group)
    return group
  }

  failCommits(count: number, error = injected('PYR_COMMIT_FAILED')): void {
    this.#faults.commits.push(...Array.from({ length: count }, () => error))
  }

  failLookUps(count: number): void {
    this.#faults.lookUps += count
  }

  delayCommits(delayMs: number): void {
    this.#faults.commitDelayMs = delayMs
  }

  failTransactions(count: number, how: 'unanswered' | 'lost'): void {
    this.#transactions.fail(count, how)
  }

  failProductions(count: number, error = injected('PYR_PRODUCE_FAILED')): void {
    this.#faults.productions.push(...Array.from({ length: count }, () => error))
  }

  expel(consumer: KafkaClient, forMs: number): void {
    this.#memberOf(consumer)?.expel(forMs)
  }

  kill(consumer: KafkaClient): void {
    this.#memberOf(consumer)?.die()
  }

  #memberOf(consumer: KafkaClient): MemoryConsumer | undefined {
    return [...this.#consumers].find((member) => member === consumer)
  }

  #consumer(options: ConsumerOptions): KafkaClient {
    const cluster = {
      clock: this.#clock,
      group: this.group(options.group),
      log: ({ topic, partition }: TopicPartition) => this.#topics.get(topic)?.[partition],
      logsOf: (topic: string) => this.#topics.get(topic) ?? [],
      refusesLookUp: () => this.#faults.lookUps > 0 && this.#faults.lookUps-- > 0,
      disturbCommit: () => this.#disturbCommit(),
      forget: (closed: MemoryConsumer) => {
        this.#consumers.delete(closed)
      },
    }
    const consumer = new MemoryConsumer(cluster, options)
    this.#consumers.add(consumer)
    return consumer
  }

  #producer(): RecordProducer {
    let isClosed = false
    return {
      produce: async (record) => {
        if (isClosed) throw new PyrallelError('PYR_CLIENT_CLOSED', 'The Kafka producer is closed.')
        refuseUncarryable(record)
        const fault = this.#faults.productions.shift()
        if (fault !== undefined) throw fault
        const { partition, offset } = this.append(copyOf(record))
        return { partition, offset }
      },
      close: async () => {
        isClosed = true
      },
    }
  }

  async #disturbCommit(): Promise<void> {
    const fault = this.#faults.commits.shift()
    if (this.#faults.commitDelayMs > 0) await sleep(this.#clock, this.#faults.commitDelayMs)
    if (fault !== undefined) throw fault
  }

  #choosePartition(record: OutgoingRecord, partitions: number): number {
    return record.key === null ? this.#keyless++ % partitions : partitionOfKey(record.key, partitions)
  }

  #topicFacts(): readonly TopicFacts[] {
    const names = [...this.#topics.keys()].sort()
    return names.map((name) => ({ name, partitions: this.#partitionsOf(name).length }))
  }

  #groupOffsets(group: MemoryGroup): readonly GroupOffset[] {
    const logs = this.#topicFacts().flatMap(({ name }) => this.#topics.get(name) ?? [])
    return logs.flatMap((log) => {
      const committed = group.committed(log)
      return committed === undefined ? [] : [{ ...boundsOf(log), ...committed }]
    })
  }

  #partitionsOf(topic: string): readonly TopicPartition[] {
    return (this.#topics.get(topic) ?? []).map(({ partition }) => ({ topic, partition }))
  }

  #wakeAll(): void {
    for (const consumer of this.#consumers) consumer.wake()
  }
}

function boundsOf({ topic, partition, start, end }: MemoryLog): LogBounds {
  return { topic, partition, logStart: start, logEnd: end }
}

/** A producer may use its buffers again once `produce` has returned. */
function copyOf(record: OutgoingRecord): OutgoingRecord {
  const copy = (bytes: Buffer | null) => (bytes === null ? null : Buffer.from(bytes))
  const headers = record.headers.map(([name, value]) => [name, copy(value)] as const)
  return { ...record, key: copy(record.key), value: copy(record.value), headers }
}

function unknownTopic(topic: string): PyrallelError {
  return new PyrallelError('PYR_TOPIC_UNKNOWN', `${topic} does not exist on the in-memory cluster. Create it first.`)
}

function injected(code: 'PYR_COMMIT_FAILED' | 'PYR_PRODUCE_FAILED'): PyrallelError {
  return new PyrallelError(code, 'The in-memory cluster was told to refuse this.', { retriable: true })
}
