/** Looks at a cluster over connections of its own, as operators do. Joins no group and changes nothing. */
import { PyrallelError } from '../../model/errors.ts'
import type { TopicPartition } from '../../model/record.ts'
import { faultCodes } from '../faults/codes.ts'
import type { ClusterView, GroupOffset, LogBounds, ShareGroup, TopicFacts } from '../kafka-client.ts'
import type { Brokers } from './brokers.ts'
import { answeredFault, toFault } from './errors.ts'
import { type OffsetReply, type OffsetsFields, offsetsCall } from './group-calls.ts'
import { askLogs } from './logs.ts'
import {
  isNoShareGroup,
  type ShareGroupReply,
  type ShareOffsetReply,
  shareGroupCall,
  shareOffsetsCall,
} from './share-calls.ts'

const LIMIT_MS = 10_000

export class JavascriptView implements ClusterView {
  readonly #brokers: Brokers

  constructor(brokers: Brokers) {
    this.#brokers = brokers
  }

  async topics(): Promise<readonly TopicFacts[]> {
    const asked = this.#brokers.retried(LIMIT_MS, () => this.#brokers.metadata(null))
    const { topics } = await asked.catch((thrown: unknown) => {
      throw failure('The topics could not be listed', thrown)
    })
    return topics
      .filter(({ name, partitions, isInternal }) => partitions.length > 0 && !isInternal && !name.startsWith('__'))
      .map(({ name, partitions }) => ({ name, partitions: partitions.length }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async logs(topic: string): Promise<readonly LogBounds[]> {
    const count = (await this.topics()).find(({ name }) => name === topic)?.partitions ?? 0
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }))
    return this.#bounds(partitions, true)
  }

  async groupOffsets(group: string): Promise<readonly GroupOffset[]> {
    const topics = new Map((await this.topics()).map(({ name, partitions }) => [name, partitions]))
    const asked = this.#brokers.retried(LIMIT_MS, () => this.#offsets(group, topics))
    const offsets = await asked.catch((thrown: unknown) => {
      throw failure(`The offsets of group ${group} could not be read`, thrown)
    })
    const found = offsets
      .filter(({ topic, partition, position }) => position >= 0 && partition < (topics.get(topic) ?? 0))
      .sort(inOrder)
    const bounds = await this.#bounds(found, false)
    return bounds.map((each, index) => ({ ...each, ...positionOf(found[index]) }))
  }

  async shareGroup(group: string): Promise<ShareGroup | undefined> {
    const topics = new Map((await this.topics()).map(({ name, partitions }) => [name, partitions]))
    const asked = this.#brokers.retried(LIMIT_MS, () => this.#describeShares(group))
    const described = await asked.catch((thrown: unknown) => {
      throw failure(`Whether ${group} is a share group could not be read`, thrown)
    })
    if (described === undefined) return undefined
    const { state, members, partitions } = described
    // Those of topics that are gone stay with the group for a while.
    const found = partitions.filter(({ topic, partition }) => partition < (topics.get(topic) ?? 0)).sort(inOrder)
    const bounds = await this.#bounds(found, false)
    return { state, members, offsets: bounds.map((each, index) => ({ ...each, ...startOf(found[index]) })) }
  }

  async #describeShares(
    group: string,
  ): Promise<(ShareGroupReply & { readonly partitions: readonly ShareOffsetReply[] }) | undefined> {
    const coordinator = await this.#brokers.coordinator(group)
    const described = await coordinator.call(shareGroupCall(group)).catch((thrown: unknown) => {
      // Brokers that know no share groups have none.
      if (toFault(thrown).code === faultCodes.UNSUPPORTED_VERSION) return undefined
      throw thrown
    })
    if (described === undefined || isNoShareGroup(described.code)) return undefined
    if (described.code !== 0) throw answeredFault(described.code, described.message)
    const { code, message, partitions } = await coordinator.call(shareOffsetsCall(group))
    if (code !== 0) throw answeredFault(code, message)
    const refused = partitions.find((each) => each.code !== 0)
    if (refused !== undefined) throw answeredFault(refused.code)
    return { ...described, partitions }
  }

  async #offsets(group: string, topics: ReadonlyMap<string, number>): Promise<readonly OffsetReply[]> {
    const all = await this.#offsetsOf(group, null)
    if (all.length > 0) return all
    // None; or it is librdkafka's mock cluster, which tells those alone that it is asked for by name.
    const named = [...topics].map(([topic, partitions]) => ({
      topic,
      topicId: this.#brokers.topic(topic)?.id ?? '',
      partitions: Array.from({ length: partitions }, (_, partition) => partition),
    }))
    const names = new Map(named.map(({ topic, topicId }) => [topicId, topic]))
    const found = named.length === 0 ? [] : await this.#offsetsOf(group, named)
    return found.map((each) => ({ ...each, topic: names.get(each.topic) ?? each.topic }))
  }

  async #offsetsOf(group: string, topics: OffsetsFields['topics']): Promise<readonly OffsetReply[]> {
    const coordinator = await this.#brokers.coordinator(group)
    const fields = { group, memberId: null, memberEpoch: -1, topics, isStableOnly: false }
    const { code, partitions } = await coordinator.call(offsetsCall(fields))
    if (code !== 0) throw answeredFault(code)
    const refused = partitions.find((each) => each.code !== 0)
    if (refused !== undefined) throw answeredFault(refused.code)
    return partitions
  }

  /** @param isCommittedOnly the end is where an open transaction begins, as for those who read */
  async #bounds(partitions: readonly TopicPartition[], isCommittedOnly: boolean): Promise<readonly LogBounds[]> {
    if (partitions.length === 0) return []
    const names = [...new Set(partitions.map(({ topic }) => topic))]
    const ask = async (edge: 'start' | 'end') => {
      return this.#brokers.retried(LIMIT_MS, async () => {
        try {
          return await askLogs(this.#brokers, partitions, { edge, isCommittedOnly })
        } catch (thrown) {
          // Their leaders may have moved.
          await this.#brokers.metadata(names)
          throw thrown
        }
      })
    }
    const failed = (thrown: unknown) => {
      throw failure(`The logs of ${names.join(', ')} could not be looked at`, thrown)
    }
    const [starts, ends] = await Promise.all([ask('start'), ask('end')]).catch(failed)
    return partitions.map(({ topic, partition }, index) => ({
      topic,
      partition,
      logStart: starts[index] ?? 0,
      logEnd: ends[index] ?? 0,
    }))
  }
}

function positionOf(reply: OffsetReply | undefined): { readonly position: number; readonly metadata: string } {
  return { position: reply?.position ?? 0, metadata: reply?.metadata ?? '' }
}

function startOf(reply: ShareOffsetReply | undefined): Pick<ShareGroup['offsets'][number], 'startOffset' | 'lag'> {
  const known = (value = -1) => (value < 0 ? null : value)
  return { startOffset: known(reply?.startOffset), lag: known(reply?.lag) }
}

function inOrder(a: TopicPartition, b: TopicPartition): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1
}

function failure(what: string, thrown: unknown): PyrallelError {
  const { message, code } = toFault(thrown)
  return new PyrallelError('PYR_KAFKA', `${what}: ${message} (${code}).`, { cause: thrown })
}
