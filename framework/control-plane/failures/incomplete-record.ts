/** A record that is not done, and where. Plain data. */
import type { PartitionState } from '../partition/partition-state.ts'
import type { Pending } from '../partition/shard-queue.ts'

/** A record and the assignment that it is incomplete in. */
export interface IncompleteRecord {
  readonly state: PartitionState
  readonly pending: Pending
}
