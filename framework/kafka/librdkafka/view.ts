/** Looks at a cluster through librdkafka, as operators do. Joins no group and changes nothing. */

import { setTimeout as sleep } from 'node:timers/promises'
import { PyrallelError } from '../../model/errors.ts'
import { type PartitionId, partitionId, partitionPlace, type TopicPartition } from '../../model/record.ts'
import { isRetriable } from '../faults/codes.ts'
import type { ClusterView, GroupOffset, LogBounds, TopicFacts } from '../kafka-client.ts'
import type {
  Librdkafka,
  NativeAdmin,
  NativeConsumer,
  NativeError,
  NativeGroupDescription,
  NativeGroupOffsets,
  NativeMetadata,
  NativePartition,
  NativeProducer,
  NativeWatermarks,
} from './binding.ts'
import { nativeError } from './errors.ts'
import type { DescribedMember } from './own-assignment.ts'

const TIMEOUT_MS = 10_000
const RETRY_MS = 200
/** Below the time that a consumer's `close` waits for it: on a connection that is closed meanwhile, the answer would crash the process. */
const MEMBERS_TIMEOUT_MS = 4_000
/** More are asked for in several requests: each partition may bring 4 kB of metadata back. */
const PARTITIONS_AT_ONCE = 1_000
/** A group that commits all the time is asked so often. */
const MAX_ROUNDS = 3

export interface LibrdkafkaViewOptions {
  readonly library: Librdkafka
  /** A client that is connected; asked for when one is needed. Its logs end where an open transaction begins, as for those who read. */
  readonly client: (timeoutMs: number) => Promise<NativeProducer>
  /** A new consumer of that group, connected, which does not join it and reads uncommitted. */
  readonly outsider: (group: string, timeoutMs: number) => Promise<NativeConsumer>
  readonly metadata: () => Promise<NativeMetadata>
}

export class LibrdkafkaView implements ClusterView {
  readonly #options: LibrdkafkaViewOptions

  constructor(options: LibrdkafkaViewOptions) {
    this.#options = options
  }

  async topics(): Promise<readonly TopicFacts[]> {
    const { topics } = await this.#options.metadata()
    return topics
      .filter(({ name, partitions }) => partitions.length > 0 && !name.startsWith('__'))
      .map(({ name, partitions }) => ({ name, partitions: partitions.length }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async logs(topic: string): Promise<readonly LogBounds[]> {
    const partitions = (await this.topics()).find(({ name }) => name === topic)?.partitions ?? 0
    return Promise.all(Array.from({ length: partitions }, (_, partition) => this.#boundsOf({ topic, partition })))
  }

  async groupOffsets(group: string): Promise<readonly GroupOffset[]> {
    // Each partition by name: the embedded broker answers nothing when all are asked for at once.
    const all = (await this.topics()).flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
    )
    // A consumer's, although any client could ask: librdkafka 2.15 reads the answer of a broker that does not coordinate the group (any more,
    // or yet) as a consumer would, and crashes the process where there is none.
    const outsider = await this.#options.outsider(group, TIMEOUT_MS)
    try {
      const { whole, changing } = await this.#committed(outsider, group, all)
      const found = await Promise.all([...whole, ...changing].map((each) => withLog(outsider, each)))
      const order = new Map(all.map((each, index) => [partitionId(each), index]))
      return found.sort((a, b) => (order.get(partitionId(a)) ?? 0) - (order.get(partitionId(b)) ?? 0))
    } finally {
      await new Promise<void>((resolve) => outsider.disconnect(resolve))
    }
  }

  /** What a group has committed for these, with the metadata whole whoever has written it. What it commits meanwhile is left out. */
  async wholeCommits(group: string, partitions: readonly TopicPartition[]): Promise<readonly Committed[]> {
    const outsider = await this.#options.outsider(group, TIMEOUT_MS)
    try {
      return (await this.#committed(outsider, group, partitions)).whole
    } finally {
      await new Promise<void>((resolve) => outsider.disconnect(resolve))
    }
  }

  /** What a group of the new protocol says that its members have. Rejects with the error of the broker, or of librdkafka. */
  async members(group: string): Promise<readonly DescribedMember[]> {
    const client = await this.#options.client(MEMBERS_TIMEOUT_MS)
    if (!client.isConnected()) throw new PyrallelError('PYR_CLIENT_CLOSED', 'The Kafka connection is closed.')
    const admin = this.#options.library.AdminClient.createFrom(client)
    const { groups } = await new Promise<{ readonly groups: readonly NativeGroupDescription[] }>((resolve, reject) => {
      admin.describeGroups([group], { timeout: MEMBERS_TIMEOUT_MS }, (error, described) =>
        error ? reject(error) : resolve(described),
      )
    })
    return groups.flatMap(({ error, members }) => {
      if (error) throw error
      return members.map(({ clientId, assignment, targetAssignment = assignment }) => ({
        clientId,
        assigned: assignment.topicPartitions,
        target: targetAssignment.topicPartitions,
      }))
    })
  }

  /** @returns `changing`: the group commits these all the time, and their metadata may lack its end */
  async #committed(
    outsider: NativeConsumer,
    group: string,
    all: readonly TopicPartition[],
  ): Promise<{ readonly whole: readonly Committed[]; readonly changing: readonly Committed[] }> {
    const admin = this.#options.library.AdminClient.createFrom(outsider)
    const whole: Committed[] = []
    const changing: Committed[] = []
    for (let from = 0; from < all.length; from += PARTITIONS_AT_ONCE) {
      let open = all.slice(from, from + PARTITIONS_AT_ONCE)
      for (let round = 1; open.length > 0; round++) {
        const [listed, cut] = [await list(admin, group, open), await askCommitted(outsider, group, open)]
        const joined = listed.map((each) => join(each, cut.get(partitionId(each))))
        whole.push(...joined.flatMap((each) => each ?? []))
        open = listed
          .filter((_, index) => joined[index] === undefined)
          .map(({ topic, partition }) => ({ topic, partition }))
        if (round < MAX_ROUNDS) continue
        changing.push(...open.map((each) => committedOf(each, cut.get(partitionId(each)))))
        break
      }
    }
    return { whole: whole.filter(isCommitted), changing: changing.filter(isCommitted) }
  }

  async #boundsOf({ topic, partition }: TopicPartition): Promise<LogBounds> {
    const client = await this.#options.client(TIMEOUT_MS)
    const { lowOffset, highOffset } = await new Promise<NativeWatermarks>((resolve, reject) => {
      client.queryWatermarkOffsets(topic, partition, TIMEOUT_MS, (error, watermarks) => {
        if (error) reject(failure(`The log of ${partitionPlace({ topic, partition })} could not be looked at`, error))
        else resolve(watermarks)
      })
    })
    return { topic, partition, logStart: lowOffset, logEnd: highOffset }
  }
}

export interface Committed extends TopicPartition {
  readonly position: number
  readonly metadata: string
}

/**
 * The two answers know different things. The list's metadata is read up to a NUL, which only this library writes at the end: behind another's text stands
 * what happened to be in memory. The consumer's is without its last byte, whatever that is. So the text is the list's, up to one character
 * behind the consumer's.
 * @returns undefined when the group has committed between the two
 */
function join(listed: NativePartition, cut: NativePartition | undefined): Committed | undefined {
  const { topic, partition, offset = -1, metadata } = listed
  const whole = cut?.offset === listed.offset || offset < 0 ? wholeMetadata(metadata ?? '', cut?.metadata) : undefined
  return whole === undefined ? undefined : { topic, partition, position: offset, metadata: whole }
}

/** As the consumer was told it. */
function committedOf({ topic, partition }: TopicPartition, cut: NativePartition | undefined): Committed {
  return { topic, partition, position: cut?.offset ?? -1, metadata: cut?.metadata ?? '' }
}

function isCommitted({ position }: Committed): boolean {
  return position >= 0
}

/** @returns undefined when the two are not of one text */
export function wholeMetadata(listed: string, cut: string | null | undefined): string | undefined {
  if (cut === null || cut === undefined) return ''
  // Half a character that was left of a longer one.
  const known = listed.startsWith(cut) ? cut : cut.replace(/\ufffd+$/, '')
  if (!listed.startsWith(known)) return undefined
  const [last = ''] = listed.slice(known.length)
  return known + last
}

/** A cluster that has just started, or lost a broker, is still finding out who coordinates a group: it is asked again. */
async function list(
  admin: NativeAdmin,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<readonly NativePartition[]> {
  const until = performance.now() + TIMEOUT_MS
  for (;;) {
    const answer = await new Promise<readonly NativeGroupOffsets[] | NativeError>((resolve) => {
      admin.listConsumerGroupOffsets([{ groupId: group, partitions }], { timeout: TIMEOUT_MS }, (error, groups) =>
        resolve(error ? nativeError(error) : groups),
      )
    })
    if (!isNativeError(answer)) return answer.flatMap((each) => each.partitions)
    if (!isRetriable(answer) || performance.now() > until) {
      throw failure(`The offsets of group ${group} could not be read`, answer)
    }
    await sleep(RETRY_MS)
  }
}

async function askCommitted(
  outsider: NativeConsumer,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<PartitionId, NativePartition>> {
  const answer = await new Promise<readonly (NativePartition | Error)[]>((resolve, reject) => {
    outsider.committed(partitions, TIMEOUT_MS, (error, found) => {
      if (error) reject(failure(`The offsets of group ${group} could not be read`, error))
      else resolve(found)
    })
  })
  return new Map(answer.flatMap((each) => (each instanceof Error ? [] : [[partitionId(each), each] as const])))
}

/** The outsider reads uncommitted, so the end is that of the log, and not where an open transaction begins. */
async function withLog(outsider: NativeConsumer, committed: Committed): Promise<GroupOffset> {
  const { topic, partition } = committed
  const { lowOffset, highOffset } = await new Promise<NativeWatermarks>((resolve, reject) => {
    outsider.queryWatermarkOffsets(topic, partition, TIMEOUT_MS, (error, watermarks) => {
      if (error) reject(failure(`The log of ${partitionPlace({ topic, partition })} could not be looked at`, error))
      else resolve(watermarks)
    })
  })
  return { ...committed, logStart: lowOffset, logEnd: highOffset }
}

function isNativeError(answer: readonly NativeGroupOffsets[] | NativeError): answer is NativeError {
  return 'code' in answer
}

function failure(what: string, thrown: unknown): PyrallelError {
  const { message, code } = nativeError(thrown)
  return new PyrallelError('PYR_KAFKA', `${what}: ${message} (${code}).`, { cause: thrown })
}
