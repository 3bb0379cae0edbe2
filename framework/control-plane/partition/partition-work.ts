/** What one partition has to do, for whoever decides how many processes are needed. Pure: it reads the state and changes nothing. */
import type { PartitionReading, PartitionWork } from '../../model/workload.ts'
import type { PartitionState } from './partition-state.ts'

const nothing = { startable: 0, runnable: 0 }

export function partitionReading(state: PartitionState, logEnd: number | undefined): PartitionReading {
  const { partition, epoch, tracker, load } = state
  // What was heard of the end may be older than the records that have come since.
  const end = logEnd === undefined ? undefined : Math.max(logEnd, tracker.next ?? 0)
  const notArrived = end === undefined ? undefined : tracker.notArrived(end)
  return { partition, epoch, logEnd: end ?? null, records: load.records, notArrived: notArrived ?? null }
}

/**
 * @param mostPerKey records of one key that one slot can do in the time in which the backlog is to be done
 * @param isIntakeFull the partition's own limit is reached
 */
export function partitionWork(
  state: PartitionState,
  logEnd: number | undefined,
  mostPerKey: number,
  isIntakeFull: boolean,
): PartitionWork {
  const { load, tracker, commits } = state
  const cannotStart = commits.isTight || state.isRefused
  return {
    ...partitionReading(state, logEnd),
    inFlight: load.inFlight,
    queued: load.queued,
    ...(cannotStart ? nothing : state.shards.waiting(mostPerKey)),
    isFull: isIntakeFull || cannotStart,
    oldestAt: timeOf(tracker.blocking?.record.timestamp),
  }
}

/** Negative where its producer has set none. */
function timeOf(timestamp = -1): number | null {
  return timestamp < 0 ? null : timestamp
}
