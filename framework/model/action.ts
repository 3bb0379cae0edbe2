/** What somebody may ask for by hand of one record or one key, and what becomes of that. Plain data. None of them moves an offset. */
import type { RecordAt, RecordExplanation } from './explanation.ts'
import type { TopicPartition } from './record.ts'

/** The record as it was seen: an action is refused once it is another attempt of it, or another assignment. */
export interface RecordAction extends RecordAt {
  readonly epoch: number
  readonly attempt: number
}

export interface BreakerAction extends TopicPartition {
  readonly epoch: number
  /** `OpenBreaker.id`. */
  readonly breaker: number
}

export type Refusal =
  /** The partition is not assigned to this process. */
  | 'not-assigned'
  /** It was assigned anew since. */
  | 'other-epoch'
  /** Another attempt has begun or ended since. */
  | 'other-attempt'
  /** It runs. */
  | 'in-flight'
  /** Retry now: it waits for no retry and is not parked. Discard: it is not parked. Give up: it is not in memory, done, or given up already. */
  | 'other-state'
  /** Another record of its key comes first, or an attempt of an earlier assignment is at work on it. */
  | 'not-first'
  /** Its partition is being given up, or the process stops. */
  | 'draining'
  /** Its handler has no dead-letter topic: to give it up would lose it. */
  | 'no-dead-letter-topic'
  /** The breaker of its key is open: to start it would give it up. */
  | 'poisoned'
  /** There is no such breaker, or it is not open. */
  | 'no-breaker'

export type ActionResult =
  | { readonly isDone: true }
  | {
      readonly isDone: false
      readonly why: Refusal
      /** How it stands now; `null` when the partition is not here, or for a breaker. */
      readonly now: RecordExplanation | null
    }
