/** What the fetch plan and whoever fetches for it say to each other. Plain data: no type of a library. `R` is a record as it is handed out. */
import type { GroupPartition } from './membership-steps.ts'

/** Where a partition begins: `undefined` is its first record, wherever that is. */
export interface FetchStart extends GroupPartition {
  readonly position: number | undefined
}

/** As metadata, or the answer of a broker that is not the leader, tells it. */
export interface PartitionLeader extends GroupPartition {
  /** `undefined`: there is none now. */
  readonly leaderId: number | undefined
  readonly leaderEpoch: number
}

export interface AskedPartition extends GroupPartition {
  readonly fetchOffset: number
  /** Always sent, so that a broker that is not the leader says so, with the leader's address (KIP-320). */
  readonly currentLeaderEpoch: number
  /** Of the last batch that was fetched, -1 for none: the broker tells with it where its log is another one (KIP-320). */
  readonly lastFetchedEpoch: number
  readonly partitionMaxBytes: number
}

/** One Fetch v17 (or v16) without a session, at one broker, with isolation level read committed and `minBytes` 1. */
export interface FetchRequest {
  /** To be given back with the outcome. */
  readonly id: number
  readonly brokerId: number
  /** Milliseconds. */
  readonly maxWaitMs: number
  readonly maxBytes: number
  /** Whether the answer may name replicas that are nearer, where this client has a rack. */
  readonly asksNearest: boolean
  /** To be sent in this order: a broker serves the first ones until `maxBytes` is used up. */
  readonly partitions: readonly AskedPartition[]
}

/**
 * What one response has brought of one partition, raw. Its records are made when they are handed out. A batch may begin below the offset that was asked for,
 * and a part of a batch may stand at the end: neither shows.
 */
export interface FetchedBlock<R> {
  /** Of the whole block, for as long as a view into it may live. */
  readonly bytes: number
  /** Base offset + last offset delta + 1 of its last whole batch: never last record + 1, as batches lose records, and markers have none. */
  readonly end: number
  /** `partitionLeaderEpoch` of its last whole batch. */
  readonly leaderEpoch: number
  /** Base offset of a batch that turned out to be damaged. What stands before it can be read. */
  readonly corruptAt: number | undefined
  /**
   * Appends at most `max` records from offset `from` on, in order. Records of aborted transactions and markers are left out.
   * @returns the offset from which to go on: `end` when there is nothing more, `from` when nothing could be read
   */
  read(from: number, max: number, into: R[]): number
}

export interface FetchedPartition<R> extends GroupPartition {
  /** Kafka's, 0 for none. */
  readonly errorCode: number
  /** -1 where it is not told. */
  readonly lastStableOffset: number
  /** The position lies beyond the end of the epoch that was last fetched. */
  readonly divergingEpoch?: { readonly epoch: number; readonly endOffset: number }
  /** A nearer replica, named by the leader, which hands out nothing then (KIP-392). */
  readonly preferredReplica?: number
  /** With errors 6 and 74. */
  readonly currentLeader?: { readonly leaderId: number; readonly leaderEpoch: number }
  /** `partial`: bytes came, but no whole batch. */
  readonly block?: FetchedBlock<R> | 'partial'
}

export interface FetchAnswer<R> {
  /** Of the whole response. */
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition<R>[]
}

/** A question to a partition's leader, ListOffsets with isolation level 0: its first offset, and where its log ends. */
export interface BoundsLookUp extends GroupPartition {
  /** To be given back with the outcome. */
  readonly id: number
  readonly brokerId: number
  readonly currentLeaderEpoch: number
}

export type FetchEvent =
  /** To be counted and told. The plan goes on. */
  | ({ readonly kind: 'refused'; readonly code: number } & GroupPartition)
  /** A whole response was refused. */
  | { readonly kind: 'broker-refused'; readonly brokerId: number; readonly code: number }
  /** The position lay outside the log; the partition goes on at `position`. */
  | ({ readonly kind: 'out-of-range'; readonly from: number; readonly position: number } & GroupPartition)
  /** The log was cut by an election; the partition goes on at `position`. */
  | ({ readonly kind: 'truncated'; readonly from: number; readonly position: number } & GroupPartition)
  /** A batch is damaged: it is fetched again, and nothing after it is handed out before. */
  | ({ readonly kind: 'corrupt'; readonly position: number } & GroupPartition)

export interface FetchStep {
  readonly events: readonly FetchEvent[]
  /** Each MUST end with exactly one of `answered` and `failed`, within a bound. */
  readonly requests: readonly FetchRequest[]
  /** Each MUST end with exactly one of `boundsTold` and `boundsRefused`. */
  readonly lookUps: readonly BoundsLookUp[]
  /** Leaders are wanted of all that is fetched. MUST end with `leadersTold` or `leadersNotTold`. */
  readonly asksLeaders: boolean
}
