/** Decides when a failure is a record's last although its retry policy has attempts left. Pure. */
import type { HandlerFailure } from '../../model/work.ts'
import { blockedFailure, isOverdue } from './blocking-limit.ts'
import type { PartitionState } from './partition-state.ts'
import type { Pending } from './shard-queue.ts'
import { delayedUntil } from './start-time.ts'

/** A first failure may be chance. So neither age nor want of room ends a record before it has been tried twice. */
const ATTEMPTS_ALWAYS = 2

/** The failure that it is given up with; undefined where it may be tried again. The attempt that has just failed is `pending.attempt`. */
export function lastFailure(
  state: PartitionState,
  pending: Pending,
  failure: HandlerFailure,
  now: number,
): HandlerFailure | undefined {
  const { maxBlockingMs } = state.route
  const { maxAgeMs = 0 } = state.route.retry
  if (maxBlockingMs !== undefined && isOverdue(state, pending, now)) return blockedFailure(failure, maxBlockingMs)
  if (pending.attempt < ATTEMPTS_ALWAYS) return undefined
  if (maxAgeMs > 0 && isOlder(pending, maxAgeMs, now)) {
    return givenUp(failure, 'expired', `it is older than ${maxAgeMs} ms`)
  }
  return isInTheWay(state, pending)
    ? givenUp(failure, 'in-the-way', 'others of its handler succeed, and its partition has no room left behind it')
    : undefined
}

/** Kafka's timestamp is -1 where the producer set none: nobody knows how old such a record is. One that had to wait for its time ages from then on. */
function isOlder(pending: Pending, maxAgeMs: number, now: number): boolean {
  const { timestamp } = pending.record
  return timestamp >= 0 && now - Math.max(timestamp, delayedUntil(pending)) >= maxAgeMs
}

/**
 * It holds the position, and what was completed above leaves no room for more: its partition stands still until it is done. If others have
 * succeeded since it was first tried, it is to blame. If none has, all wait for the same thing, and it keeps its attempts.
 */
function isInTheWay({ commits, tracker, tally }: PartitionState, pending: Pending): boolean {
  const isBefore = tracker.blocking === pending && tracker.highestCompleted > pending.record.offset
  return commits.isTight && isBefore && tally.successes > pending.successesBefore
}

function givenUp(last: HandlerFailure, reason: 'expired' | 'in-the-way', why: string): HandlerFailure {
  return { ...last, reason, message: `${why}; its last attempt: ${last.message}`, retryable: false }
}
