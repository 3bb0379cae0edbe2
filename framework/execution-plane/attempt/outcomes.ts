/** The outcomes an attempt can have, worded once for every engine. Pure. */
import { UnreadyValue } from '../../formats/format-decoder.ts'
import type { HandlerFailure, Outcome, Recalled } from '../../model/work.ts'
import { failureOf } from './handler-failure.ts'

/** Shared by all records, as most of them end so. */
export const succeeded: Outcome = Object.freeze({ kind: 'succeeded' })
export const filtered: Outcome = Object.freeze({ kind: 'succeeded', filtered: true })

/** @param checked of each record of the work item, in its order; at least one cannot be read yet */
export function notReady(checked: readonly unknown[]): Outcome {
  const waiting = new Set(checked.flatMap((each, index) => (each instanceof UnreadyValue ? [index] : [])))
  const why = checked.find((each) => each instanceof UnreadyValue)?.why ?? ''
  return waiting.size === checked.length ? { kind: 'not-ready', why } : { kind: 'not-ready', why, waiting }
}

/** An engine's answer for what it has not begun. */
export const recalled: Recalled = Object.freeze({ kind: 'recalled' })

export function failed(failure: HandlerFailure): Outcome {
  return { kind: 'failed', failure }
}

/** @param ending how the handler ended after all, if it did; its stack shows where the time was lost */
export function timedOut(timeoutMs: number, ending?: Outcome): Outcome {
  const stack = ending !== undefined && 'failure' in ending ? ending.failure.stack : undefined
  return {
    kind: 'timed-out',
    failure: {
      reason: 'timeout',
      name: 'TimeoutError',
      message: `the handler took longer than its timeout of ${timeoutMs} ms`,
      ...(stack === undefined ? {} : { stack }),
      retryable: true,
    },
  }
}

export function interrupted(message: string): Outcome {
  return { kind: 'interrupted', failure: { reason: 'interrupted', name: 'AbortError', message, retryable: true } }
}

/** What a throw means. An attempt that was told to stop and then throws has obeyed; only `DeadLetter` is still its own decision. */
export function outcomeOfThrow(thrown: unknown, wasAborted: boolean): Outcome {
  const failure = failureOf(thrown)
  if (!wasAborted || failure.reason === 'dead-letter') return failed(failure)
  return { kind: 'interrupted', failure: { ...failure, reason: 'interrupted' } }
}

/** Says what a handler's own `try` around what it awaits did not see. */
export function strayed(outcome: Outcome): Outcome {
  // Told to stop, it has stopped.
  if (outcome.kind !== 'failed') return outcome
  const { failure } = outcome
  return failed({ ...failure, message: `${failure.message} (the handler does not await what threw this)` })
}
