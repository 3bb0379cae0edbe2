/** Decides whether a failed record is tried again, and when. Pure: randomness is handed in. */
import type { RetrySettings } from '../../model/settings.ts'
import type { HandlerFailure } from '../../model/work.ts'

export type RetryDecision = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'give-up' }

/**
 * A record whose thread died, or whose engine closed, was perhaps not at fault, so these do not count as attempts. They have a small
 * cap of their own: without one, a record that kills its thread would be tried for ever.
 */
export const MAX_INTERRUPTIONS = 3

/**
 * @param attempt the attempt that has just failed; the first is 1
 * @param random 0 up to, not including, 1
 */
export function decideRetry(
  settings: RetrySettings,
  attempt: number,
  failure: HandlerFailure,
  random: () => number,
): RetryDecision {
  if (!failure.retryable || attempt >= settings.attempts) return { kind: 'give-up' }
  return { kind: 'retry', delayMs: failure.retryAfterMs ?? delayMs(settings, attempt, failure, random) }
}

/**
 * How long the records of a batch that has failed as a whole wait before they run again in smaller ones. The first failure after a success splits
 * at once: there is perhaps one bad record, and the others should not wait for it. Each further one waits longer, like a retry: else a database
 * that is down would be asked once for every part of every batch.
 * @param inARow how many batches of the handler have failed as a whole since its last success, this one included
 */
export function pauseBeforeSplitMs(
  settings: RetrySettings,
  inARow: number,
  failure: HandlerFailure,
  random: () => number,
): number {
  return inARow <= 1 ? 0 : delayMs(settings, inARow - 1, failure, random)
}

function delayMs(settings: RetrySettings, attempt: number, failure: HandlerFailure, random: () => number): number {
  if (failure.retryDelayMs !== undefined) return failure.retryDelayMs
  const longest = longestDelayMs(settings, attempt)
  return settings.jitter ? longest / 2 + (longest / 2) * random() : longest
}

/** The first wait of a record that cannot be read yet is at most so long. What it waits for is mostly one request away. Milliseconds. */
const NOT_READY_MS = 20
/** A registry that is down is looked at again so often, by each key. Milliseconds. */
const NOT_READY_MOST_MS = 5_000

/**
 * How long a record waits that cannot be read yet: no attempt, so its handler's policy has no say.
 * @param times how often it could not in a row, this time included
 */
export function notReadyDelayMs(times: number, random: () => number): number {
  const longest = Math.min(NOT_READY_MS * 2 ** Math.min(times - 1, 52), NOT_READY_MOST_MS)
  return longest / 2 + (longest / 2) * random()
}

/** `min * 2^(attempt - 1)`, at most `max`. With jitter, the delay is a random value from its upper half ("equal jitter"). */
function longestDelayMs({ backoff, minMs, maxMs }: Omit<RetrySettings, 'attempts'>, attempt: number): number {
  const factor = backoff === 'exponential' ? 2 ** Math.min(attempt - 1, 52) : 1
  return Math.min(minMs * factor, maxMs)
}

/**
 * How long a record waits in all, if each of its attempts fails at once: all its delays together, from the shortest to the longest that jitter allows.
 * So long an outage may last before it is given up. What attempts take, `RetryAfter` and `retry.delay` come on top, or in place.
 */
export function totalDelayMs(settings: RetrySettings): { readonly least: number; readonly most: number } {
  let most = 0
  for (let attempt = 1; attempt < settings.attempts; attempt += 1) most += longestDelayMs(settings, attempt)
  return { least: settings.jitter ? most / 2 : most, most }
}
