/** What the console answers about consumer groups and about other processes. Types only; times as in `protocol.ts`. */
import type { TopicPartition } from '../model/record.ts'
import type { GroupMetrics } from '../model/snapshot.ts'
import type { AboutAnswer, Verdict } from './protocol.ts'

/** GET `/api/groups/{g}` */
export interface GroupAnswer {
  readonly group: string
  readonly state: GroupMetrics['membership']
  /** This process, as the group knows it; `null` in each: not known to the client, or not yet. */
  readonly member: {
    readonly memberId: string | null
    /** The group's generation (classic protocol), or this member's epoch (KIP-848). */
    readonly generation: number | null
    readonly protocol: 'consumer' | 'classic' | 'memory' | null
  }
  /** All members of the group; `null` where the client is not told. */
  readonly members: readonly { readonly memberId: string; readonly partitions: number }[] | null
  /** 1,000 at most. */
  readonly assigned: readonly AssignedRow[]
  /** In all. */
  readonly assignedPartitions: number
  /** Of the last hour, the newest first; 200 at most. */
  readonly rebalances: readonly RebalanceRow[]
  /** With `commit.exactlyOnce`, each is a transaction. */
  readonly commits: CommitsView
  /** With `commit.exactlyOnce`; `null` without. */
  readonly transactions: TransactionsView | null
}

/** What readers of committed records do not see yet, and why. */
export interface TransactionsView {
  /** For how long one is under way; `null`: none is. */
  readonly openMs: number | null
  /** Records that are done. */
  readonly waitingRecords: number
  /** Of them and what their handlers have published. */
  readonly waitingBytes: number
  /** `limits.maxBytes`: with so many, nothing starts. */
  readonly maxBytes: number
  /** Partitions that stand, as what they publish or commit is refused. The first 50. */
  readonly refused: readonly TopicPartition[]
  /** How many in all, of those that the snapshot has. */
  readonly refusedCount: number
}

export interface AssignedRow extends TopicPartition {
  readonly epoch: number
  readonly position: number | null
  readonly committedPosition: number | null
}

export interface RebalanceRow {
  readonly at: number
  readonly kind: 'assigned' | 'revoked' | 'lost'
  /** The first 50. */
  readonly partitions: readonly TopicPartition[]
  /** How many in all. */
  readonly count: number
  /** Of `revoked` and `lost`: records that run again, because no commit tells of them, or because they were in flight. */
  readonly runsAgain: number
  /** Of `assigned`: records above the positions that do not run again. */
  readonly restored: number
}

export interface CommitsView {
  /** Of the last hour. */
  readonly acknowledged: number
  readonly failed: number
  readonly lastAcknowledgedAt: number | null
  readonly lastTookMs: number | null
  /** The newest first; 50 at most. */
  readonly failures: readonly CommitFailureRow[]
}

export interface CommitFailureRow {
  readonly at: number
  readonly code: string
  readonly message: string
  readonly willRetry: boolean
}

/** GET `/api/instances`: this process first, then those of `http.console.instances`. */
export interface InstancesAnswer {
  readonly instances: readonly InstanceRow[]
}

export interface InstanceRow {
  /** For `/api/instances/{id}/…`: what stands behind is asked of that process, below its own `/api/`. Of this process: `self`. */
  readonly id: string
  /** `host:port`; `null` for this process. */
  readonly address: string | null
  /** `dead`: no answer within two seconds. `refused`: it answers, and not this: another token, no console, another version. */
  readonly state: 'answers' | 'dead' | 'refused'
  /** Why it does not answer, one sentence. */
  readonly why: string | null
  readonly about: AboutAnswer | null
  readonly verdict: Verdict | null
}
