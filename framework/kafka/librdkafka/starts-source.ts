/** Asks librdkafka where partitions begin. Each look-up holds a thread of libuv's pool while it runs. */
import { toError } from '../../model/errors.ts'
import { type PartitionId, partitionId, type TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import { type ClientFault, faultCodes } from '../faults/codes.ts'
import type { CommitRequest } from '../kafka-client.ts'
import type { CommittedStart, LogRange, StartsSource } from '../starts/partition-starts.ts'
import type { NativeConsumer, NativePartition } from './binding.ts'
import { nativeError } from './errors.ts'
import { askLogs } from './logs.ts'

/** How long one look-up may take. */
const LOOK_UP_TIMEOUT_MS = 5_000

/** What other tools have committed. */
export interface ForeignCommits {
  readonly isForeign: (metadata: string) => boolean
  /** With the metadata whole. What is not told is left out. Rejects when nothing is. */
  readonly ask: (partitions: readonly TopicPartition[]) => Promise<readonly (TopicPartition & CommittedStart)[]>
}

export class NativeStartsSource implements StartsSource {
  readonly #native: NativeConsumer
  readonly #clock: Clock
  readonly #pin: StartsSource['pin']
  readonly #foreign: ForeignCommits | undefined

  constructor(native: NativeConsumer, clock: Clock, pin: StartsSource['pin'], foreign?: ForeignCommits) {
    this.#native = native
    this.#clock = clock
    this.#pin = pin
    this.#foreign = foreign
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly (CommittedStart | ClientFault)[]> {
    const found = await this.#committed(partitions)
    const foreign = this.#foreign
    if (foreign === undefined) return found
    // Without its last character, another's metadata may still mean something, and something else.
    const isCut = (each: CommittedStart | ClientFault | undefined) =>
      each !== undefined && !('code' in each) && foreign.isForeign(each.metadata)
    const cut = partitions.filter((_, index) => isCut(found[index]))
    if (cut.length === 0) return found
    let why = 'the group has committed meanwhile'
    const answer = await foreign.ask(cut).catch((thrown: unknown) => {
      why = toError(thrown).message
      return []
    })
    const whole = new Map(answer.map((each) => [partitionId(each), each]))
    // Asked for again.
    const untold = { code: faultCodes.TIMED_OUT, message: `the metadata of another tool was not told whole: ${why}` }
    return found.map((each, index) => {
      const { topic, partition } = partitions[index] ?? { topic: '', partition: -1 }
      return isCut(each) ? (whole.get(partitionId({ topic, partition })) ?? untold) : each
    })
  }

  #committed(partitions: readonly TopicPartition[]): Promise<readonly (CommittedStart | ClientFault)[]> {
    return new Promise((resolve, reject) => {
      try {
        const asked = partitions.map(({ topic, partition }) => ({ topic, partition }))
        this.#native.committed(asked, LOOK_UP_TIMEOUT_MS, (error, found) => {
          if (error) reject(nativeError(error))
          else resolve(found.map((each) => (each instanceof Error ? nativeError(each) : toStart(each))))
        })
      } catch (thrown) {
        reject(nativeError(thrown))
      }
    })
  }

  partitionsOf(topic: string): Promise<number> {
    return new Promise((resolve, reject) => {
      try {
        this.#native.getMetadata({ topic, timeout: LOOK_UP_TIMEOUT_MS }, (error, metadata) => {
          if (error) reject(nativeError(error))
          else resolve(metadata.topics.find(({ name }) => name === topic)?.partitions.length ?? 0)
        })
      } catch (thrown) {
        reject(nativeError(thrown))
      }
    })
  }

  async logs(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<PartitionId, LogRange>> {
    const found = await askLogs(this.#native, this.#clock, partitions)
    return new Map([...found].map(([id, { lowOffset, highOffset }]) => [id, { start: lowOffset, end: highOffset }]))
  }

  async pin(commits: readonly CommitRequest[]): Promise<void> {
    try {
      await this.#pin(commits)
    } catch (thrown) {
      throw nativeError(thrown)
    }
  }
}

function toStart({ offset, metadata }: NativePartition): CommittedStart {
  return { position: offset !== undefined && offset >= 0 ? offset : undefined, metadata: metadata ?? '' }
}
