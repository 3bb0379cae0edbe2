/** Warns when one offset holds back its partition for long: with its key, its age and what went wrong, so that nobody has to search. */
import type { Logger } from '../model/logger.ts'
import { partitionId } from '../model/record.ts'
import type { PartitionMetrics, SystemMetrics } from '../model/snapshot.ts'
import type { Clock, Timer } from '../time/clock.ts'

const LOOK_EVERY_MS = 10_000
/** Twice the default deadline of an attempt: what takes longer waits for retries, for a dead letter, or for a handler that hangs. */
export const BLOCKED_AFTER_MS = 60_000

interface Told {
  readonly epoch: number
  readonly offset: number
  /** It is told again when it has blocked for so long. */
  readonly againAtMs: number
}

export interface BlockingWatchOptions {
  readonly snapshot: () => SystemMetrics
  readonly log: Logger
  readonly clock: Clock
}

export class BlockingWatch {
  readonly #options: BlockingWatchOptions
  #told: ReadonlyMap<string, Told> = new Map()
  #timer: Timer | undefined

  constructor(options: BlockingWatchOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = this.#options.clock.setTimer(LOOK_EVERY_MS, () => {
      this.#look()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** What is told is kept for the partitions that still block, and for no others. */
  #look(): void {
    const told = new Map<string, Told>()
    for (const { group, partitions } of this.#options.snapshot().groups) {
      for (const partition of partitions) {
        const id = `${group} ${partitionId(partition)}`
        const now = this.#tell(group, partition, this.#told.get(id))
        if (now !== undefined) told.set(id, now)
      }
    }
    this.#told = told
  }

  /** Once when it has blocked for long, and again whenever that time has doubled. Who pauses a handler knows: that time does not count. */
  #tell(group: string, of: PartitionMetrics, before: Told | undefined): Told | undefined {
    const { blocking, epoch } = of
    if (blocking === null || blocking.unpausedMs < BLOCKED_AFTER_MS) return undefined
    const { offset, key, ageMs, unpausedMs, state, attempt, lastError } = blocking
    const isSame = before?.epoch === epoch && before.offset === offset
    if (isSame && unpausedMs < before.againAtMs) return before
    const { topic, partition } = of
    const behind = { trueLag: of.trueLag, gapOffsets: of.gaps.offsets }
    this.#options.log.warn(
      { group, topic, partition, offset, key, ageMs: Math.round(ageMs), state, attempt, lastError, ...behind },
      'one offset holds back its partition: nothing above it can be committed',
    )
    return { epoch, offset, againAtMs: 2 * unpausedMs }
  }
}
