/** Says in which state an offset of one partition is. Pure. */
import type { RecordState } from '../../model/explanation.ts'
import type { PartitionState } from './partition-state.ts'
import type { Pending } from './shard-queue.ts'

export function recordState(
  { tracker, commits }: PartitionState,
  offset: number,
  pending: Pending | null | undefined,
  logEnd: number | undefined,
): RecordState {
  if (pending !== undefined && pending !== null) return pending.state
  if (offset < (commits.committedPosition ?? 0)) return 'committed'
  if (offset < (tracker.position ?? 0)) return 'done'
  if (pending === null || tracker.restored.has(offset)) return 'done-above-gap'
  if (offset < (tracker.next ?? 0)) return 'hole'
  return logEnd !== undefined && offset >= logEnd ? 'not-written' : 'not-fetched'
}
