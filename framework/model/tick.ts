/** What runs of a handler again and again, without a record: how often, what it is told, and how it ended. Plain data. */
import type { TopicPartition } from './record.ts'
import type { HandlerFailure } from './work.ts'

export interface TickSettings {
  /** From the beginning of a tick to that of the next. Milliseconds. */
  readonly everyMs: number
  /** `process`: one at a time, where the handler runs; in threads, one in each. `partition`: one at a time for each partition that is assigned. */
  readonly everyPer: 'process' | 'partition'
}

/** One tick. */
export interface TickOrder {
  /** `null`: it is the process's. */
  readonly of: TopicPartition | null
  /** Partitions are being given up, or the process stops: what is held back would run again elsewhere. */
  readonly isDraining: boolean
  /** Fires when the partition is gone. */
  readonly signal: AbortSignal
}

export type TickOutcome =
  /** It returned in time, and what it published was acknowledged. */
  | { readonly kind: 'done'; readonly durationMs: number }
  /** It threw, took longer than the handler's timeout, or was cut off by the end of its engine. */
  | { readonly kind: 'failed'; readonly durationMs: number; readonly failure: HandlerFailure }

/** Of one tick that ran in several places: the first that failed, or the one that took longest. At least one. */
export function worstOf(outcomes: readonly TickOutcome[]): TickOutcome {
  const failed = outcomes.find(({ kind }) => kind === 'failed')
  const durationMs = Math.max(0, ...outcomes.map((each) => each.durationMs))
  return failed === undefined ? { kind: 'done', durationMs } : { ...failed, durationMs }
}
