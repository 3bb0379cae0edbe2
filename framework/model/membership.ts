/** What is known of a group, seen from one of its members: who is in it, what its last rebalances have cost, what became of commits. Plain data, safe for JSON. */
import type { TopicPartition } from './record.ts'

/** What a client knows of its own membership, without asking anybody. */
export interface Membership {
  /** `null` before it has joined, and where the client does not tell. */
  readonly memberId: string | null
  /** The member epoch, or the generation of the classic protocol; `null` where the client does not tell. */
  readonly generation: number | null
  /** How many the group has; `null` where the client does not know. */
  readonly members: number | null
}

/** Partitions that have come or gone together. */
export interface Rebalance {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly kind: 'assigned' | 'revoked' | 'lost'
  readonly partitions: number
  /** At most 5 of them. */
  readonly first: readonly TopicPartition[]
  /** Of `assigned`: completions above the positions that the commits brought back. */
  readonly restored: number
  /** Of `revoked` and `lost`: records that the next owner runs again. */
  readonly runsAgain: number
}

export interface CommitCounts {
  /** Requests that the coordinator has acknowledged, and when the last one was. */
  readonly acknowledged: number
  readonly acknowledgedAt: number | null
  /** Requests that were refused or not answered, and of the last one when and why. */
  readonly failed: number
  readonly lastFailure: { readonly at: number; readonly code: string; readonly message: string } | null
}

export interface GroupStanding extends Membership {
  readonly group: string
  /** Of the last hour, the newest first; at most 100. */
  readonly rebalances: readonly Rebalance[]
  /** Older ones of that hour were left out. */
  readonly isCut: boolean
  readonly commits: CommitCounts
}
