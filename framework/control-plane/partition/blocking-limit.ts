/** Decides when a record that has failed has held its partition's commit back for too long. Pure. */
import type { HandlerFailure } from '../../model/work.ts'
import type { PartitionState } from './partition-state.ts'
import type { Pending } from './shard-queue.ts'
import { delayedUntil } from './start-time.ts'

/**
 * The record whose time is over and that can be given up now; undefined when there is none. One that runs may still succeed, and one that was never
 * tried is not at fault: it waits for a slot, or its handler is paused. Nor is one whose batch has failed, before it has run in smaller ones.
 */
export function overdue(state: PartitionState, now: number): Pending | undefined {
  const blocking = state.tracker.blocking
  if (blocking === undefined || !isOverdue(state, blocking, now)) return undefined
  return blocking.state !== 'in-flight' && blocking.state !== 'dead' && hasFailed(blocking) ? blocking : undefined
}

/** In this assignment, and by itself, not only as one of a batch. */
function hasFailed({ attempt, interruptions, lastFailure }: Pending): boolean {
  return lastFailure !== undefined && (attempt > 1 || interruptions > 0)
}

/** Whether this record is what holds the position, and has for too long. */
export function isOverdue(state: PartitionState, pending: Pending, now: number): boolean {
  const { maxBlockingMs } = state.route
  if (maxBlockingMs === undefined || state.isDraining || state.tracker.blocking !== pending) return false
  return now - blocksSince(state) >= maxBlockingMs
}

/** When a record that is parked or waits for its retry will be overdue. Undefined when there is none: whatever else blocks is looked at as soon as it changes. */
export function overdueAt(state: PartitionState): number | undefined {
  const { maxBlockingMs } = state.route
  if (maxBlockingMs === undefined || state.isDraining) return undefined
  const since = blocksSince(state)
  const { blocking } = state.tracker
  const isIdle = blocking?.state === 'waiting' || blocking?.state === 'parked'
  const waits = isIdle && hasFailed(blocking)
  return waits && since < Number.POSITIVE_INFINITY ? since + maxBlockingMs : undefined
}

/**
 * Whoever pauses a handler, because what it calls is down, does not want its records to be given up meanwhile, nor as soon as it goes on. And a record
 * that had to wait for its time has not failed in that time.
 */
export function blocksSince({ blockedSince, pausedUntil, tracker }: PartitionState): number {
  return Math.max(blockedSince, pausedUntil, delayedUntil(tracker.blocking))
}

/** The last attempt that ran; 0 when none did. An interrupted one has its number still; else, the number is that of the next. */
export function lastAttempt({ attempt, lastFailure }: Pending): number {
  return lastFailure?.reason === 'interrupted' ? attempt : attempt - 1
}

export function byHandFailure(last: HandlerFailure | undefined): HandlerFailure {
  const why = 'somebody has given it up by hand'
  const rest = { reason: 'by-hand', retryable: false } as const
  if (last === undefined) return { name: 'GivenUpByHand', message: `${why} before it ran`, ...rest }
  return { ...last, ...rest, message: `${why}; its last attempt: ${last.message}` }
}

export function blockedFailure(last: HandlerFailure, maxBlockingMs: number): HandlerFailure {
  return {
    ...last,
    reason: 'blocked',
    message: `it has held back its partition for ${maxBlockingMs} ms; its last attempt: ${last.message}`,
    retryable: false,
  }
}
