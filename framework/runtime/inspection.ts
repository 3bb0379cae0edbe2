/** What tools and pages ask a running process about its records, and what they do about single ones by hand. Every question is answered at once and changes nothing. */
import type { ActionResult, BreakerAction, RecordAction } from '../model/action.ts'
import type {
  KeyExplanation,
  KeyRows,
  OpenBreaker,
  RecordAt,
  RecordExplanation,
  RetryRows,
} from '../model/explanation.ts'
import type { GroupMember } from '../model/group-member.ts'
import type { PartitionView, RunsLimits } from '../model/partition-view.ts'
import type { TopicPartition } from '../model/record.ts'
import type { ThreadView } from '../model/thread-view.ts'

/** Each throws PYR_USAGE for a group that does not run here. */
export interface Inspection {
  /** `null`: the partition is not assigned to this process. */
  explain(group: string, at: RecordAt): RecordExplanation | null
  /** Looks at 100,000 records at most. `null`: no assigned partition of the topic has a record of the key, nor its breaker. */
  explainKey(group: string, topic: string, key: Buffer): KeyExplanation | null
  /** One partition, whole: by default at most 100,000 looks and 2,000 runs. `null`: it is not assigned to this process. */
  partition(group: string, of: TopicPartition, limits?: Partial<RunsLimits>): PartitionView | null
  /** Several at once, at most 60, with 256 looks and runs each by default; those that are not assigned here are left out. */
  partitions(group: string, of: readonly TopicPartition[], limits?: Partial<RunsLimits>): readonly PartitionView[]
  /** Keys with most records, or with the oldest first record; by default at most 50 of them. Looks at 100,000 records at most. */
  keys(group: string, by: 'depth' | 'age', of?: Partial<TopicPartition>, most?: number): KeyRows
  /** Keys whose records are given up without running; of each partition those that failed last first. By default at most 200. */
  openBreakers(group: string, most?: number): readonly OpenBreaker[]
  /** Those that are due first, and those that have been parked for longest. By default at most 200 of each. */
  retries(group: string, most?: number): RetryRows
  /** What the client knows of this process as a member of the group. */
  member(group: string): GroupMember
  /** Worker threads of its handlers, each with the attempts that run on it. */
  threads(group: string): readonly ThreadView[]
}

/**
 * None moves an offset: order, guards and commits stay the control plane's. What was asked for is told as an event and a log line. Each throws PYR_USAGE for
 * a group that does not run here.
 */
export interface RecordActions {
  /** The next attempt of a record that waits for one begins as soon as there is a slot. One that is parked gets one more. */
  retryNow(group: string, of: RecordAction): ActionResult
  /** A record that waits, is parked, or is the next of its key, gets no further attempt: it goes to the dead-letter topic of its handler. */
  giveUp(group: string, of: RecordAction): ActionResult
  /** A parked record is done, and no dead letter is written: nothing but the log and the event tell of it. */
  discard(group: string, of: RecordAction): ActionResult
  /** The records of a poisoned key run again. */
  closeBreaker(group: string, of: BreakerAction): ActionResult
}
