/** Decides whether a failed record is tried again, and when. Pure: randomness is handed in. */
import type { RetrySettings } from '../model/settings.ts'
import type { HandlerFailure } from '../model/work.ts'

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
  if (failure.retryAfterMs !== undefined) return { kind: 'retry', delayMs: failure.retryAfterMs }
  return { kind: 'retry', delayMs: backoffMs(settings, attempt, random) }
}

/** `min * 2^(attempt - 1)`, at most `max`; with jitter a random value from its upper half ("equal jitter"). */
function backoffMs(settings: RetrySettings, attempt: number, random: () => number): number {
  const factor = settings.backoff === 'exponential' ? 2 ** Math.min(attempt - 1, 52) : 1
  const full = Math.min(settings.minMs * factor, settings.maxMs)
  return settings.jitter ? full / 2 + (full / 2) * random() : full
}
