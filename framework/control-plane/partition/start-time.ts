/** Decides from when on a record may start: its handler may have `notBefore`, and it may not be readable yet. Pure, but for the answer that it keeps at the record. */
import type { DelaySettings } from '../../model/settings.ts'
import type { HandlerFailure } from '../../model/work.ts'
import type { Pending } from './shard-queue.ts'

/**
 * Whether its time has come. The record is asked once: one that was woken is not put off again by a function that moves with the clock, and a
 * retry has had its time.
 */
export function isItsTime(pending: Pending, { notBefore }: DelaySettings, now: number): boolean {
  pending.notBefore ??= notBefore(pending.record) ?? Number.NEGATIVE_INFINITY
  return typeof pending.notBefore === 'number' && pending.notBefore <= now
}

/** From when on what it does counts against it: a record that waits for its time holds nothing back that it could let go. */
export function delayedUntil(pending: Pending | undefined): number {
  const ownTime = typeof pending?.notBefore === 'number' ? pending.notBefore : Number.NEGATIVE_INFINITY
  return Math.max(ownTime, pending?.unready?.until ?? Number.NEGATIVE_INFINITY)
}

/** Whether it may be tried: it could be read so far, or the wait for what it lacks is over. */
export function mayBeReady({ unready }: Pending, now: number): boolean {
  return unready === undefined || unready.until <= now
}

/** Whether it waits because it cannot be read yet, and not for a time of its own. Asked of delayed records. */
export function waitsToBeReady({ unready, retry }: Pending): boolean {
  return unready !== undefined && unready.until === retry?.dueAt
}

/**
 * Until when a record waits whose turn has come and whose time has not; or why it cannot. Not judged before its turn: what is too far away behind
 * others of its batch may be near enough when they are done.
 */
export function waitOf(pending: Pending, { maxDelayMs }: DelaySettings, now: number): number | string {
  const { notBefore = Number.NEGATIVE_INFINITY } = pending
  if (typeof notBefore === 'string' || notBefore - now <= maxDelayMs) return notBefore
  pending.notBefore = `its time is ${Math.round(notBefore - now)} ms away, and maxDelay is ${maxDelayMs} ms`
  return pending.notBefore
}

export function notBeforeFailure(why: string): HandlerFailure {
  return { reason: 'not-before', name: 'NotBefore', message: `it was given up before it ran: ${why}`, retryable: false }
}
