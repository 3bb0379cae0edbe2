/** Asks librdkafka where partitions begin. Each look-up holds a thread of libuv's pool while it runs. */
import type { PartitionId, TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import type { ClientFault } from '../faults/codes.ts'
import type { CommitRequest } from '../kafka-client.ts'
import type { CommittedStart, LogRange, StartsSource } from '../starts/partition-starts.ts'
import type { NativeConsumer, NativePartition } from './binding.ts'
import { nativeError } from './errors.ts'
import { askLogs } from './logs.ts'

/** How long one look-up may take. */
const LOOK_UP_TIMEOUT_MS = 5_000

export class NativeStartsSource implements StartsSource {
  readonly #native: NativeConsumer
  readonly #clock: Clock
  readonly #pin: StartsSource['pin']

  constructor(native: NativeConsumer, clock: Clock, pin: StartsSource['pin']) {
    this.#native = native
    this.#clock = clock
    this.#pin = pin
  }

  committed(partitions: readonly TopicPartition[]): Promise<readonly (CommittedStart | ClientFault)[]> {
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
