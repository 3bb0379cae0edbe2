/** Makes the topics that the app reads and writes, each when it is first needed. Never changes or deletes one. */
import type {
  ClusterView,
  ConsumerOptions,
  KafkaClient,
  KafkaConnection,
  RecordProducer,
  ViewedConnection,
} from '../../../framework/kafka/kafka-client.ts'
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

/** The same connection, whose producers make a topic before they write to it: handlers publish to topics that nobody reads. Its consumers can be made to have faults. */
export class MakingConnection implements KafkaConnection {
  readonly description: string
  readonly sessionTimeoutMs: number
  readonly view: ClusterView
  readonly makesTopics = true
  readonly #inner: KafkaConnection
  readonly #topics: TopicMaker
  readonly #around: (client: KafkaClient) => KafkaClient

  /** @param around what its consumers are handed out as */
  constructor(inner: ViewedConnection, topics: TopicMaker, around: (client: KafkaClient) => KafkaClient) {
    this.description = inner.description
    this.view = inner.view
    this.sessionTimeoutMs = inner.sessionTimeoutMs
    this.#inner = inner
    this.#topics = topics
    this.#around = around
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
    return this.#around(await this.#inner.consumer(options))
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
