/** The offsets of one partition as stretches of one state each, for whoever draws them. Plain data, safe for JSON. */
import type { TopicPartition } from './record.ts'
import type { Epoch } from './work.ts'

export type RunState =
  | 'committed'
  | 'done'
  | 'done-above-gap'
  | 'in-flight'
  | 'delayed'
  | 'waiting'
  | 'parked'
  | 'dead'
  | 'queued'
  | 'hole'
  | 'not-fetched'

/** Neighbouring offsets in one state. Half open: `to` is not part of it. */
export interface OffsetRun {
  readonly from: number
  readonly to: number
  readonly state: RunState
  /** Of `waiting`: when the first of them is due. Milliseconds since the Unix epoch. */
  readonly dueAt?: number
}

export interface RunsLimits {
  /** Offsets that are looked at: where more are tracked, every so manieth. */
  readonly looks: number
  readonly runs: number
}

export interface PartitionView extends TopicPartition {
  readonly handlerId: string
  readonly epoch: Epoch
  /** The next offset to commit; `null` while there is none. */
  readonly position: number | null
  readonly committedPosition: number | null
  /** The lowest offset that has not arrived yet. */
  readonly nextOffset: number | null
  /** As last heard; `null` while that may be old. */
  readonly logEnd: number | null
  /** UTF-16 units of the commit metadata when it was last measured, and how many it may have; 0 when only the position is stored. */
  readonly metadataUsed: number
  readonly metadataLimit: number
  readonly isTight: boolean
  /**
   * Records that a crash at this moment would run again: done and not told by an acknowledged commit, in flight, or given up and not acknowledged by the
   * dead-letter topic. An upper bound where an earlier owner's completions no longer fit into the metadata, and offsets among them do not exist.
   */
  readonly runsAgain: number
  /** Ascending, without gaps. */
  readonly runs: readonly OffsetRun[]
  /** Where the list ends because it is full; `null` when it is whole. */
  readonly cutAt: number | null
  /** Not every offset was looked at: what is between two looks counts as the first. */
  readonly isSampled: boolean
  /** Offsets that were looked at. */
  readonly looked: number
}
