/** What became of one record, as steps in the order of their times. */
import type { Timeline, TimelineAttempt } from '../../protocol-records.ts'

export interface Step {
  readonly at: number
  /** Since the step before; `null` for the first. Milliseconds. */
  readonly afterMs: number | null
  readonly says: string
  readonly isBad: boolean
}

const outcomeWords: { readonly [Outcome in NonNullable<TimelineAttempt['outcome']>]: string } = {
  succeeded: 'succeeded',
  filtered: 'left out by its filter',
  failed: 'failed',
  'timed-out': 'ran into its timeout',
  interrupted: 'was interrupted',
}

export function timelineSteps({
  writtenAt,
  fetchedAt,
  attempts,
  doneAt,
  committedAt,
  leftAt,
}: Timeline): readonly Step[] {
  const steps: Omit<Step, 'afterMs'>[] = []
  const add = (at: number | null, says: string, isBad = false) => {
    if (at !== null) steps.push({ at, says, isBad })
  }
  add(writtenAt, 'written')
  add(fetchedAt, 'fetched and queued')
  for (const { attempt, startedAt, endedAt, outcome, error, published } of attempts) {
    add(startedAt, `attempt ${attempt} started`)
    for (const { at, topic } of published) add(at, `published to ${topic}`)
    if (outcome === null) continue
    const isBad = outcome !== 'succeeded' && outcome !== 'filtered'
    add(endedAt, `attempt ${attempt} ${outcomeWords[outcome]}${error === null ? '' : `: ${error}`}`, isBad)
  }
  add(doneAt, 'done')
  add(committedAt, 'committed')
  add(leftAt, 'left with its partition: it comes again, here or elsewhere', true)
  // Stable: steps of one millisecond stay in the order in which they happen.
  steps.sort((a, b) => a.at - b.at)
  return steps.map((step, index) => ({ ...step, afterMs: index === 0 ? null : step.at - (steps[index - 1]?.at ?? 0) }))
}
