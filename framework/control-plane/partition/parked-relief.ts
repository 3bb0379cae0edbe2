/** Decides when a parked record must go, because its partition would stand still for it. Pure. */
import type { HandlerFailure } from '../../model/work.ts'
import type { PartitionState } from './partition-state.ts'
import type { Pending } from './shard-queue.ts'

/** A record, and why it must go. */
export interface Relief {
  readonly pending: Pending
  readonly why: string
}

const NO_ROOM = 'it was parked, and its partition has no room left behind it'
const FULL = 'it was parked, and memory for records is full'

/** Undefined where nothing must go now. At most one of a partition: what comes behind it is looked at when it is gone. */
export function relief(state: PartitionState): Relief | undefined {
  const pending = parkedFirst(state)
  if (pending === undefined) return undefined
  if (isWithoutRoom(state)) return { pending, why: NO_ROOM }
  return state.isPaused && isStill(state) ? { pending, why: FULL } : undefined
}

/** Intake is stopped as a whole, and nothing of any partition moves by itself: one record goes. */
export function reliefOfAll(
  states: Iterable<PartitionState>,
): (Relief & { readonly state: PartitionState }) | undefined {
  let found: { readonly state: PartitionState; readonly pending: Pending } | undefined
  for (const state of states) {
    if (state.load.records === 0) continue
    if (!isStill(state)) return undefined
    const pending = parkedFirst(state)
    if (pending === undefined) continue
    if (found === undefined || state.load.bytes > found.state.load.bytes) found = { state, pending }
  }
  return found === undefined ? undefined : { ...found, why: FULL }
}

/** What holds the position, if that is parked and may go. A handler that is paused by hand starts nothing, so nothing is in its records' way. */
function parkedFirst({ tracker, load, isDraining, isRefused, pausedUntil }: PartitionState): Pending | undefined {
  const { blocking } = tracker
  if (load.parked === 0 || blocking?.state !== 'parked') return undefined
  return isDraining || isRefused || pausedUntil === Number.POSITIVE_INFINITY ? undefined : blocking
}

/** There are records whose turn it is, and none of them may start before the position moves. */
function isWithoutRoom({ commits, shards }: PartitionState): boolean {
  if (!commits.isTight) return false
  let isWanted = false
  for (const { record } of shards.startable()) {
    if (commits.hasRoomFor(record.offset)) return false
    isWanted = true
  }
  return isWanted
}

/** All that is in memory is parked, or waits behind what is. */
function isStill({ load, shards }: PartitionState): boolean {
  const moving = load.inFlight + load.retriesWaiting + load.delayed + load.deadLetters
  if (load.parked === 0 || moving > 0 || shards.isOccupied) return false
  for (const _ of shards.startable()) return false
  return true
}

/** @param last undefined where it was never tried here */
export function reliefFailure(last: HandlerFailure | undefined, why: string): HandlerFailure {
  const rest = { reason: 'in-the-way', retryable: false } as const
  if (last === undefined) return { name: 'Error', message: why, ...rest }
  return { ...last, ...rest, message: `${why}; its last attempt: ${last.message}` }
}
