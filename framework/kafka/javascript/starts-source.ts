/** Asks brokers where partitions begin, each question within a bound. */
import { type PartitionId, partitionId, type TopicPartition } from '../../model/record.ts'
import { faultCodes } from '../faults/codes.ts'
import type { CommitRequest } from '../kafka-client.ts'
import type { CommittedStart, LogRange, StartsSource } from '../starts/partition-starts.ts'
import type { Brokers } from './brokers.ts'
import { byTopic } from './cluster-calls.ts'
import { answeredFault, type KafkaFault } from './errors.ts'
import type { CommittedPosition, OffsetsOf } from './group-calls.ts'
import type { GroupSession } from './group-session.ts'
import { askLogs } from './logs.ts'
import type { TopicNames } from './topic-names.ts'

const LIMIT_MS = 5_000
/** Positions without metadata in one request, which the coordinator stores as one batch of limited size. */
const PINNED_AT_ONCE = 1_000

export class BrokerStartsSource implements StartsSource {
  readonly #brokers: Brokers
  readonly #names: TopicNames
  readonly #session: () => GroupSession

  constructor(brokers: Brokers, names: TopicNames, session: () => GroupSession) {
    this.#brokers = brokers
    this.#names = names
    this.#session = session
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly (CommittedStart | KafkaFault)[]> {
    const topics = byTopic(partitions).map(([topic, of]) => ({
      topic,
      topicId: this.#names.idOf(topic) ?? '',
      partitions: of.map(({ partition }) => partition),
    }))
    const replies = await this.#session().offsets(topics, LIMIT_MS)
    return partitions.map(({ topic, partition }) => {
      const id = this.#names.idOf(topic)
      const reply = replies.find((each) => each.partition === partition && (each.topic === id || each.topic === topic))
      if (reply === undefined) return answeredFault(faultCodes.UNKNOWN_TOPIC_OR_PART)
      if (reply.code !== 0) return answeredFault(reply.code)
      return { position: reply.position >= 0 ? reply.position : undefined, metadata: reply.metadata }
    })
  }

  async partitionsOf(topic: string): Promise<number> {
    const { topics } = await this.#brokers.retried(LIMIT_MS, () => this.#brokers.metadata([topic]))
    const found = topics.find(({ name }) => name === topic)
    if (found === undefined || found.code !== 0) throw answeredFault(found?.code ?? faultCodes.UNKNOWN_TOPIC_OR_PART)
    return found.partitions.length
  }

  /** All of a topic, or nothing of it. */
  async logs(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<PartitionId, LogRange>> {
    const found = new Map<PartitionId, LogRange>()
    const ask = async (topic: string, of: readonly TopicPartition[]) => {
      await this.#brokers.metadata([topic])
      const [starts, ends] = await Promise.all([
        askLogs(this.#brokers, of, { edge: 'start', isCommittedOnly: true }),
        askLogs(this.#brokers, of, { edge: 'end', isCommittedOnly: true }),
      ])
      for (const [index, each] of of.entries()) {
        found.set(partitionId(each), { start: starts[index] ?? 0, end: ends[index] ?? 0 })
      }
    }
    // What is not told is left out: the link has told of it.
    await Promise.all(
      byTopic(partitions).map(([topic, of]) => this.#brokers.retried(LIMIT_MS, () => ask(topic, of)).catch(() => {})),
    )
    return found
  }

  async pin(commits: readonly CommitRequest[]): Promise<void> {
    for (let from = 0; from < commits.length; from += PINNED_AT_ONCE) {
      const some = commits.slice(from, from + PINNED_AT_ONCE)
      await this.#session().commit(commitTopics(some, this.#names), LIMIT_MS, () => {})
    }
  }
}

export function commitTopics(
  commits: readonly CommitRequest[],
  names: TopicNames,
): readonly OffsetsOf<CommittedPosition>[] {
  return byTopic(commits).map(([topic, partitions]) => ({ topic, topicId: names.idOf(topic) ?? '', partitions }))
}
