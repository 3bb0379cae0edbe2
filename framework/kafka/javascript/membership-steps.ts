/** What the membership and whoever sends for it say to each other. Plain data: no type of a library, no bytes. */

/** One partition as the group names it. A topic that is made anew under its name has another id. */
export interface GroupPartition {
  /** The topic's UUID, as text. */
  readonly topicId: string
  readonly partition: number
}

export interface MembershipOptions {
  readonly topics: readonly string[]
  /** Sent with the join: a member that has not let go by then is thrown out. Milliseconds. */
  readonly rebalanceTimeoutMs: number
  /** Of a static member: how long a name is waited for that another one has. `undefined`: a dynamic member. Milliseconds. */
  readonly nameLimitMs: number | undefined
}

/** What one ConsumerGroupHeartbeat v1 carries, beside group, member id and instance id, which never change (KIP-848). */
export interface HeartbeatRequest {
  /** To be given back with the outcome. */
  readonly id: number
  /** 0 joins, -1 leaves, -2 leaves and keeps the static name's partitions. */
  readonly memberEpoch: number
  /** `null`: unchanged. */
  readonly topics: readonly string[] | null
  /** Milliseconds; -1: unchanged. */
  readonly rebalanceTimeoutMs: number
  /** `null`: unchanged. In the order in which they came. */
  readonly owned: readonly GroupPartition[] | null
  /** Whoever sends it must ask who the coordinator is first: the one that was known has not answered, or says that it is none. */
  readonly findsCoordinator: boolean
}

export interface HeartbeatAnswer {
  readonly memberEpoch: number
  /** Milliseconds; 0 is no schedule. */
  readonly heartbeatIntervalMs: number
  /** `null`: unchanged. */
  readonly assignment: readonly GroupPartition[] | null
}

export type MembershipEvent =
  /** The group has taken this member in. */
  | { readonly kind: 'joined' }
  /** Owned from now on: commits are stored, records may be fetched once positions are known. */
  | { readonly kind: 'assigned'; readonly partitions: readonly GroupPartition[] }
  /**
   * The group wants these back. They stay owned until `revoked` is called with this id, or until a `lost` tells that it took too long.
   * Partitions that have come with one `assigned` may go with several of these.
   */
  | { readonly kind: 'revoke'; readonly revokeId: number; readonly partitions: readonly GroupPartition[] }
  /** Not owned any more, without having been asked for. */
  | { readonly kind: 'lost'; readonly partitions: readonly GroupPartition[]; readonly why: LossReason }
  /** The coordinator has refused a request, and this member goes on. To be counted and told; nothing has to be done. */
  | { readonly kind: 'refused'; readonly code: number; readonly isJoin: boolean }
  /** The static name is in use by another member: tried again until its session is over. Told once for each wait. */
  | { readonly kind: 'name-in-use' }
  /** The end: this member joins no more. `code` is Kafka's. */
  | { readonly kind: 'failed'; readonly code: number }
  /** After `leave`: the coordinator has been told, or `isTold` is false and the group finds out by the session time-out. */
  | { readonly kind: 'left'; readonly isTold: boolean }

/** `overdue`: a revoke that was not settled in time. `fenced`: the group counts this member out, or has given its partitions to others. */
export type LossReason = 'overdue' | 'fenced'

export interface MembershipStep {
  /** To be handled in this order, before `request` is sent. */
  readonly events: readonly MembershipEvent[]
  /** To be sent now. It MUST end with exactly one of `answered`, `refused`, `unanswered`, within a bound. */
  readonly request: HeartbeatRequest | undefined
}

/** With which epoch commits may be sent at this moment. Asked for anew before each sending, repeats included. */
export interface CommitGrant {
  /** For OffsetCommit and OffsetFetch. */
  readonly memberEpoch: number
  /** Counts the times that the group was joined: what was refused in an earlier one says nothing about this. */
  readonly session: number
}

/**
 * What becomes of a commit, or of a look-up of committed offsets, that was refused. `again`: filter, and send again now. `later`: filter, and
 * send again after the next heartbeat's answer. `retry`: filter, and send again after a pause, to the coordinator as then found. `lost`: nothing
 * of it is owned any more. `final`: the code is about the commit, not about the membership.
 */
export type CommitVerdict = 'again' | 'later' | 'retry' | 'lost' | 'final'

/** `orders`' id and partition as one text, to look it up. */
export function groupPartitionKey({ topicId, partition }: GroupPartition): string {
  return `${topicId}:${partition}`
}
