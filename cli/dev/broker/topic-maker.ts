/** Makes the topics that the app reads and writes, each when it is first needed. Never changes or deletes one. */
import type {
  ClusterView,
  ConsumerOptions,
  KafkaClient,
  KafkaConnection,
  RecordProducer,
  ViewedConnection,
} from '../../../framework/kafka/kafka-client.ts'
import type { TransactionalProducer, TransactionOptions } from '../../../framework/kafka/transactional-producer.ts'
import { PyrallelError, toError } from '../../../framework/model/errors.ts'
import { isTopicName } from '../../../framework/model/topic-pattern.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import { DEV_PARTITIONS } from './open-broker.ts'

export class TopicMaker {
  readonly #made = new Map<string, Promise<void>>()

  /** Known to be there. */
  add(topics: readonly string[]): void {
    for (const topic of topics) this.#made.set(topic, Promise.resolve())
  }

  has(topic: string): boolean {
    return this.#made.has(topic)
  }

  ensure(connection: KafkaConnection, topic: string): Promise<void> {
    const known = this.#made.get(topic)
    if (known !== undefined) return known
    const made = connection.createTopics([topic], DEV_PARTITIONS)
    this.#made.set(topic, made)
    // The next one who needs it tries again.
    made.catch(() => this.#made.delete(topic))
    return made
  }
}

/** What the handlers read, and where their dead letters go; each once. What a pattern matches is made by whoever writes to it. */
export function topicsOf(handlers: readonly ResolvedHandler[]): readonly string[] {
  const named = handlers.flatMap(({ route }) => [route.topic, route.deadLetterTopic ?? []].flat())
  return [...new Set(named.filter(isTopicName))]
}

/** What the clients of a connection are handed out as. */
export interface AroundClients {
  around(client: KafkaClient): KafkaClient
  aroundTransactions(producer: TransactionalProducer): TransactionalProducer
}

/** The same connection, whose producers make a topic before they write to it: handlers publish to topics that nobody reads. Its clients can be made to have faults. */
export class MakingConnection implements KafkaConnection {
  readonly description: string
  readonly sessionTimeoutMs: number
  readonly view: ClusterView
  readonly makesTopics = true
  readonly maxRecordBytes?: number
  readonly transactionalProducer?: NonNullable<KafkaConnection['transactionalProducer']>
  readonly #inner: KafkaConnection
  readonly #topics: TopicMaker
  readonly #clients: AroundClients
  /** By what it was handed out as. */
  readonly #consumers = new WeakMap<KafkaClient, KafkaClient>()

  constructor(inner: ViewedConnection, topics: TopicMaker, clients: AroundClients) {
    this.description = inner.description
    this.view = inner.view
    this.sessionTimeoutMs = inner.sessionTimeoutMs
    this.#inner = inner
    this.#topics = topics
    this.#clients = clients
    if (inner.maxRecordBytes !== undefined) this.maxRecordBytes = inner.maxRecordBytes
    const transactions = inner.transactionalProducer
    if (transactions !== undefined) {
      this.transactionalProducer = (consumer, options) => this.#transactions(transactions, consumer, options)
    }
  }

  check(timeoutMs: number): Promise<void> {
    return this.#inner.check(timeoutMs)
  }

  missingTopics(topics: readonly string[]): Promise<readonly string[]> {
    return this.#inner.missingTopics(topics)
  }

  createTopics(topics: readonly string[], partitions: number): Promise<void> {
    return this.#inner.createTopics(topics, partitions)
  }

  async consumer(options: ConsumerOptions): Promise<KafkaClient> {
    const consumer = await this.#inner.consumer(options)
    const handedOut = this.#clients.around(consumer)
    this.#consumers.set(handedOut, consumer)
    return handedOut
  }

  #transactions(
    open: NonNullable<KafkaConnection['transactionalProducer']>,
    consumer: KafkaClient,
    options: TransactionOptions,
  ): TransactionalProducer {
    const producer = open(this.#consumers.get(consumer) ?? consumer, options)
    return this.#clients.aroundTransactions({
      open: () => producer.open(),
      transact: async (cut) => {
        const topics = new Set(cut.outputs.map(({ topic }) => topic))
        try {
          await Promise.all([...topics].map((topic) => this.#topics.ensure(this.#inner, topic)))
        } catch (thrown) {
          // Nothing was sent, and the same cut comes again.
          const { message } = toError(thrown)
          const error = new PyrallelError('PYR_TOPIC_UNKNOWN', `A topic cannot be made: ${message}`, { cause: thrown })
          return { kind: 'aborted', blame: { kind: 'nobody' }, error }
        }
        return producer.transact(cut)
      },
      settle: () => producer.settle(),
      close: (timeoutMs) => producer.close(timeoutMs),
    })
  }

  async producer(): Promise<RecordProducer> {
    const producer = await this.#inner.producer()
    return {
      produce: async (record) => {
        await this.#topics.ensure(this.#inner, record.topic)
        return producer.produce(record)
      },
      close: (timeoutMs) => producer.close(timeoutMs),
    }
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}
