/** Looks at a cluster through librdkafka, as operators do. Joins no group and changes nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { PyrallelError } from '../model/errors.ts'
import { partitionId, type TopicPartition } from '../model/record.ts'
import type { ClusterView, GroupOffset, LogBounds, TopicFacts } from './kafka-client.ts'
import type {
  Librdkafka,
  NativeAdmin,
  NativeConsumer,
  NativeError,
  NativeGroupOffsets,
  NativeMetadata,
  NativePartition,
  NativeProducer,
  NativeWatermarks,
} from './librdkafka-binding.ts'
import { isRetriable, nativeError } from './librdkafka-errors.ts'

const TIMEOUT_MS = 10_000
const RETRY_MS = 200
/** More are asked for in several requests: each partition may bring 4 kB of metadata back. */
const PARTITIONS_AT_ONCE = 1_000

export interface LibrdkafkaViewOptions {
  readonly library: Librdkafka
  /** A client that is connected; asked for when one is needed. */
  readonly client: (timeoutMs: number) => Promise<NativeProducer>
  /** A new consumer of that group, connected, which does not join it. */
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
    const committed = await this.#committed(group, all)
    const found = await Promise.all(committed.map((each) => this.#withLog(each)))
    const order = new Map(all.map((each, index) => [partitionId(each), index]))
    return found.sort((a, b) => (order.get(partitionId(a)) ?? 0) - (order.get(partitionId(b)) ?? 0))
  }

  async #committed(group: string, all: readonly TopicPartition[]): Promise<readonly NativePartition[]> {
    // A consumer's, although any client could ask: librdkafka 2.15 reads the answer of a broker that does not coordinate the group (any more,
    // or yet) as a consumer would, and crashes the process where there is none.
    const outsider = await this.#options.outsider(group, TIMEOUT_MS)
    try {
      const admin = this.#options.library.AdminClient.createFrom(outsider)
      const found: NativePartition[] = []
      for (let from = 0; from < all.length; from += PARTITIONS_AT_ONCE) {
        found.push(...(await this.#ask(admin, group, all.slice(from, from + PARTITIONS_AT_ONCE))))
      }
      return found.filter(({ offset = -1 }) => offset >= 0)
    } finally {
      await new Promise<void>((resolve) => outsider.disconnect(resolve))
    }
  }

  /** A cluster that has just started, or lost a broker, is still finding out who coordinates a group: it is asked again. */
  async #ask(
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

  async #withLog({ topic, partition, offset = 0, metadata }: NativePartition): Promise<GroupOffset> {
    const bounds = await this.#boundsOf({ topic, partition })
    return { ...bounds, position: offset, metadata: metadata ?? '' }
  }

  async #boundsOf({ topic, partition }: TopicPartition): Promise<LogBounds> {
    const client = await this.#options.client(TIMEOUT_MS)
    const { lowOffset, highOffset } = await new Promise<NativeWatermarks>((resolve, reject) => {
      client.queryWatermarkOffsets(topic, partition, TIMEOUT_MS, (error, watermarks) => {
        if (error) reject(failure(`The log of ${topic}[${partition}] could not be looked at`, error))
        else resolve(watermarks)
      })
    })
    return { topic, partition, logStart: lowOffset, logEnd: highOffset }
  }
}

function isNativeError(answer: readonly NativeGroupOffsets[] | NativeError): answer is NativeError {
  return 'code' in answer
}

function failure(what: string, thrown: unknown): PyrallelError {
  const { message, code } = nativeError(thrown)
  return new PyrallelError('PYR_KAFKA', `${what}: ${message} (${code}).`, { cause: thrown })
}
