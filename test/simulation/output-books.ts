/** Knows from the plans of an attempt's records which outputs its outcome must have. Pure. */
import type { HandlerFailure, KeptOutput, Outcome } from '../../framework/model/work.ts'
import { isLeftOut, isOfBatches, nameOf, type Plan, type Told } from './plan.ts'

interface Part {
  readonly told: Told
  readonly attempt: number
  readonly plan: Plan
}

const OF_ALL = ' (the batch has published for all of its records, so it runs again in parts)'

/** Whether its handler publishes for all of a batch: the first record that it is given says so. */
export function isOfAll(parts: readonly Part[]): boolean {
  const first = parts.find(({ told }) => !isLeftOut(told))
  return first?.plan.isOfAll === true && isOfBatches(first.told.seed)
}

/** The failure of one record, as that of a batch whose handler has published for all. */
export function isWholeOf({ told, attempt, plan }: Part, { message, reason, retryAfterMs }: HandlerFailure): boolean {
  const isByHandler = reason === (plan.ending === 'giveUp' ? 'dead-letter' : 'handler')
  return message === `${nameOf(told, attempt)}${OF_ALL}` && isByHandler && retryAfterMs === undefined
}

/** What is wrong with the outputs of this outcome; undefined for nothing. */
export function outputFault(parts: readonly Part[], outcome: Outcome): string | undefined {
  const [wanted, brought] = [outputsOf(parts, outcome), broughtBy(outcome)]
  return brought.join() === wanted.join() ? undefined : `has outputs [${brought.join()}], and should [${wanted.join()}]`
}

function outputsOf(parts: readonly Part[], outcome: Outcome): readonly string[] {
  if (outcome.kind !== 'succeeded' && (outcome.kind !== 'partial' || outcome.pause !== undefined)) return []
  const isFailed = (index: number) => outcome.kind === 'partial' && outcome.failures.has(index)
  const own = parts.flatMap(({ told, attempt, plan }, index) => {
    if (!plan.isTold || isLeftOut(told) || isFailed(index)) return []
    return [nameOfOutput(parts.length > 1 ? index : undefined, told.uid, attempt)]
  })
  const first = parts.find(({ told }) => !isLeftOut(told))
  const isWhole = outcome.kind === 'succeeded' || outcome.failures.size === 0
  return first !== undefined && isOfAll(parts) && isWhole
    ? [nameOfOutput(undefined, first.told.uid, first.attempt), ...own]
    : own
}

function broughtBy(outcome: Outcome): readonly string[] {
  const outputs: readonly KeptOutput[] = ('outputs' in outcome && outcome.outputs) || []
  return outputs.map(({ of, value }) => {
    const { uid, attempt } = JSON.parse(String(value)) as { readonly uid: number; readonly attempt: number }
    return nameOfOutput(of, uid, attempt)
  })
}

function nameOfOutput(of: number | undefined, uid: number, attempt: number): string {
  return `${of ?? 'all'}: ${nameOf({ seed: 0, uid }, attempt)}`
}
