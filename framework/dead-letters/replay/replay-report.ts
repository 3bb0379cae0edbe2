/** What a replay is asked for, and what it says at its end. Types only. */
import type { LogBounds } from '../../kafka/kafka-client.ts'
import type { PyrallelError } from '../../model/errors.ts'
import type { Clock } from '../../time/clock.ts'
import type { DeadLetter } from '../dead-letter.ts'
import type { Unread } from '../reading.ts'
import type { IntakeCounts, IntakeOptions } from './replay-intake.ts'
import type { PlaceNotes } from './source-partition.ts'

export interface ReplayOptions extends IntakeOptions {
  readonly topic: string
  /** The logs as they were before the first publish: what comes later is left for another replay, also what dies again. */
  readonly bounds: readonly LogBounds[]
  /** Asked where nothing comes any more. Rejects where no broker answers. */
  readonly logs: () => Promise<readonly LogBounds[]>
  /** The most records to publish. */
  readonly limit: number
  /** Records per second; undefined: as fast as they are acknowledged. */
  readonly rate: number | undefined
  readonly clock: Clock
  /** Of the consumer's connection: partitions of a replay that was killed come so late. Milliseconds. */
  readonly sessionTimeoutMs: number
  /** True once somebody wants it to end: what is published is marked, and the rest is left for the next time. */
  readonly isStopped: () => boolean
  /** Each record whose publish is acknowledged. */
  readonly onReplay: (letter: DeadLetter, target: string) => void
  /** Called once, where some seconds go by with nothing to do but to wait for partitions that the group has not given to it yet. */
  readonly onWaiting: () => void
}

export interface ReplayReport extends IntakeCounts, PlaceNotes {
  /** Published and acknowledged. */
  readonly replayed: number
  /** Of these, not marked: the next replay publishes them again. */
  readonly notMarked: number
  /**
   * Handed to the broker, and not acknowledged: nobody knows whether they were written. With transactions the next replay finds that out, without them it publishes them
   * again.
   */
  readonly onTheirWay: number
  /** Published and marked in transactions: nothing is published twice. */
  readonly isTransactional: boolean
  readonly isStopped: boolean
  /** Partitions that another replay has taken over, or had all the time. */
  readonly unread: readonly Unread[]
  /** Why it ended early. */
  readonly failure: PyrallelError | undefined
}
