/** What one worker thread has, at the moment it is asked about. Plain data, for pages and tools. */
import type { RecordHeader, TopicPartition } from './record.ts'

/** An attempt that has begun on a thread and has not ended. */
export interface ThreadAttempt extends TopicPartition {
  /** Of its first record. */
  readonly offset: number
  /** Records in it: one, except for batches. At least 1. */
  readonly records: number
  /** Of its first record. At least 1. */
  readonly attempt: number
  /** Of its first record. */
  readonly key: Buffer | null
  /** Of its first record: one of them may name the schema of the key. */
  readonly headers: readonly RecordHeader[]
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
}

export interface ThreadView {
  readonly handlerId: string
  /** Node's number of the thread, unique in the process; -1 once it has ended. */
  readonly threadId: number
  /** `starting`: it loads the handler. `ending`: it takes nothing any more. */
  readonly state: 'starting' | 'open' | 'ending'
  /** Kept for records that run apart, because a thread has died of them or may have. */
  readonly isApart: boolean
  /** Attempts that have begun, those that have run longest first; the first 20. */
  readonly running: readonly ThreadAttempt[]
  /** All that have begun. */
  readonly runningCount: number
  /** Given to the thread, and not come to yet. */
  readonly waiting: number
  /** Of its JavaScript heap, as it was when the thread was last asked about; `null` at first, and before Node 22.16, which does not tell. */
  readonly heapUsedBytes: number | null
}
