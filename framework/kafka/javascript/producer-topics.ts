/** Finds out how many partitions a topic has before a record of it is placed, and who leads them. Asks for each topic once at a time. */
import type { Clock } from '../../time/clock.ts'
import { sleep } from '../../time/wait.ts'
import { faultCodes, isRetriable } from '../faults/codes.ts'
import type { Brokers } from './brokers.ts'
import type { TopicMetadata } from './cluster-calls.ts'
import { answeredFault, toFault } from './errors.ts'

/** How long a topic may not be known: one that was just created is not known to every broker yet. */
const UNKNOWN_LIMIT_MS = 5_000
const RETRY_MS = 100
/** How long brokers may be gone. */
const FIND_LIMIT_MS = 300_000
/** Partitions may have been added. */
const REFRESH_MS = 300_000

export class ProducerTopics {
  readonly #brokers: Brokers
  readonly #clock: Clock
  /** When it was last asked for. */
  readonly #askedAtMs = new Map<string, number>()
  readonly #asking = new Map<string, Promise<TopicMetadata>>()
  #isStopped = false

  constructor(brokers: Brokers, clock: Clock) {
    this.#brokers = brokers
    this.#clock = clock
  }

  /** `undefined`: it must be found first. */
  known(name: string): TopicMetadata | undefined {
    const topic = this.#brokers.topic(name)
    if (topic === undefined || topic.code !== 0 || topic.partitions.length === 0) return undefined
    if (this.#clock.now() - (this.#askedAtMs.get(name) ?? 0) > REFRESH_MS) void this.find(name).catch(() => {})
    return topic
  }

  /** Asks anew. Rejects with a `KafkaFault` when the topic does not exist, may not be seen, or no broker has told of it within `limitMs`. */
  find(name: string, limitMs = FIND_LIMIT_MS): Promise<TopicMetadata> {
    const running = this.#asking.get(name)
    if (running !== undefined) return running
    const asking = this.#find(name, limitMs).finally(() => this.#asking.delete(name))
    this.#asking.set(name, asking)
    return asking
  }

  /** What is being asked is asked no further. */
  stop(): void {
    this.#isStopped = true
  }

  async #find(name: string, limitMs: number): Promise<TopicMetadata> {
    const sinceMs = this.#clock.now()
    this.#askedAtMs.set(name, sinceMs)
    for (;;) {
      const { topic, fault } = await this.#ask(name)
      if (topic !== undefined) return topic
      const passedMs = this.#clock.now() - sinceMs
      const isUnknown = fault.code === faultCodes.UNKNOWN_TOPIC_OR_PART
      const isOver = passedMs >= (isUnknown ? Math.min(UNKNOWN_LIMIT_MS, limitMs) : limitMs)
      if (this.#isStopped || isOver || !(isUnknown || isRetriable(fault))) throw fault
      await sleep(this.#clock, RETRY_MS)
    }
  }

  async #ask(
    name: string,
  ): Promise<{ topic: TopicMetadata; fault?: never } | { topic?: never; fault: ReturnType<typeof toFault> }> {
    try {
      const { topics } = await this.#brokers.metadata([name])
      const topic = topics.find((each) => each.name === name)
      if (topic !== undefined && topic.code === 0 && topic.partitions.length > 0) return { topic }
      return { fault: answeredFault(topic?.code || faultCodes.UNKNOWN_TOPIC_OR_PART) }
    } catch (thrown) {
      return { fault: toFault(thrown) }
    }
  }
}
