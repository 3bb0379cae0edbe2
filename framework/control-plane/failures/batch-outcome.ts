/** What the outcome of a batch means for each of its records. Pure. */
import type { Outcome } from '../../model/work.ts'
import type { Pending } from '../partition/shard-queue.ts'

export type SingleOutcome = Exclude<Outcome, { kind: 'partial' | 'not-ready' }>

/** What an outcome says of the record at `index`. */
export function outcomeOf(outcome: Exclude<Outcome, { kind: 'not-ready' }>, index: number): SingleOutcome {
  if (outcome.kind !== 'partial') return outcome
  const failure = outcome.failures.get(index)
  if (failure !== undefined) return { kind: 'failed', failure }
  return outcome.filtered?.has(index) === true ? { kind: 'succeeded', filtered: true } : { kind: 'succeeded' }
}

/** Whether anything of it was handled. What was filtered, rejected or failed was not. */
export function hasSucceeded(outcome: Outcome, records: number): boolean {
  if (outcome.kind === 'succeeded') return outcome.filtered !== true
  return outcome.kind === 'partial' && outcome.failures.size + (outcome.filtered?.size ?? 0) < records
}

/** Half of it: a bad record is alone after as many failures as the size has bits. */
export function limitAfterFailure(records: number): number {
  return Math.max(1, Math.floor(records / 2))
}

/**
 * Whether an outcome counts though an earlier record of the same shard was in the same batch and is not done. It does not when that one runs
 * again: what came behind it would be done before it. A success does when that one is given up, for nothing will be done of it any more.
 * @param before the last record of the shard in this batch that is not done
 */
export function counts(outcome: SingleOutcome, before: Pending | undefined): boolean {
  return before === undefined || (before.state === 'dead' && outcome.kind === 'succeeded')
}

/** It runs again, or waits for the acknowledgement of its dead letter: its shard goes on with nothing behind it. */
export function isUnfinished({ state }: Pending): boolean {
  return state !== 'in-flight'
}
