/** Publishing dead letters again, in words: which are meant, what a plan leaves out and why, and how a replay stands. */
import type { AboutAnswer } from '../../protocol.ts'
import type { LetterSelection, PlanAnswer, RefusedWhy, ReplayAnswer } from '../../protocol-actions.ts'
import { digits, plural, span } from './numbers.ts'

/** What is typed before a plan is made. All are texts, as they are typed. */
export interface ReplayForm {
  /** Empty: the topics that the letters name. */
  readonly to: string
  readonly limit: string
  readonly maxReplays: string
  /** Empty: of every handler. */
  readonly handlerId: string
  /** `2026-11-28T14:30`, in the time zone of who looks; empty: without this end. */
  readonly since: string
  readonly until: string
}

export const emptyForm: ReplayForm = { to: '', limit: '1000', maxReplays: '3', handlerId: '', since: '', until: '' }

/** The body of a plan. `of` is what was chosen before: a letter, a kind, or nothing. */
export function planBody(form: ReplayForm, of: LetterSelection) {
  const { to, limit, maxReplays, handlerId, since, until } = form
  const select: LetterSelection = {
    ...of,
    ...(handlerId === '' ? {} : { handlerId }),
    ...(since === '' ? {} : { sinceAt: new Date(since).getTime() }),
    ...(until === '' ? {} : { untilAt: new Date(until).getTime() }),
  }
  return { select, ...(to === '' ? {} : { to }), limit: Number(limit), maxReplays: Number(maxReplays) }
}

const refusedWords: Readonly<Record<RefusedWhy, string>> = {
  'replayed-too-often': 'published again too often already, and failed each time',
  'no-payload': 'without a value, or without the record',
  'no-target': 'the topic it came from is not told',
  'target-not-allowed': 'it names a topic that no handler of this process reads',
  'target-unknown': 'it names a topic that does not exist',
  'replayed-already': 'published again already',
}

/** One line for each reason. */
export function refusedLines(refused: PlanAnswer['refused']): readonly string[] {
  return refused.map(({ why, records }) => `${digits(records)} left out: ${refusedWords[why]}`)
}

export function countOf(rows: readonly { readonly records: number }[]): number {
  return rows.reduce((sum, { records }) => sum + records, 0)
}

/** `3 to orders.created, 1 to payments` */
export function targetText(counts: PlanAnswer['counts']): string {
  return counts.map(({ target, records }) => `${digits(records)} to ${target}`).join(', ')
}

/** What else is true of a plan; one line each. */
export function planLines({ left, isCut }: PlanAnswer): readonly string[] {
  return [
    ...(left > 0 ? [`${digits(left)} more could be published, and are above the limit`] : []),
    ...(isCut ? ['the time was over before the end of the topic: there may be more'] : []),
  ]
}

const stateWords: Readonly<Record<ReplayAnswer['state'], string>> = {
  running: 'Publishing',
  stopping: 'Stopping',
  done: 'Published',
  stopped: 'Stopped',
  failed: 'Failed',
}

export interface ReplayText {
  readonly headline: string
  readonly lines: readonly string[]
  readonly isBad: boolean
}

/** @param now by the clock of the process */
export function replayText(replay: ReplayAnswer, now: number): ReplayText {
  const { state, isWaiting, planned, published, startedAt, endedAt, notMarked, unknown, skipped, error } = replay
  const took = `${endedAt === null ? 'for' : 'in'} ${span(Math.max(0, (endedAt ?? now) - startedAt))}`
  return {
    headline: `${stateWords[state]}: ${digits(countOf(published))} of ${plural(planned, 'letter')} ${took}`,
    lines: [
      ...(isWaiting ? ['waits for partitions: another replay has them, or one that was killed'] : []),
      ...(published.length > 0 ? [targetText(published)] : []),
      ...refusedLines(skipped),
      ...(notMarked > 0 ? [`${digits(notMarked)} published and not marked: another replay publishes them again`] : []),
      ...(unknown > 0 ? [`${digits(unknown)} on their way, and nobody knows whether they were written`] : []),
      ...(error === null ? [] : [`${error.name}: ${error.message}`]),
    ],
    isBad: state === 'failed' || notMarked > 0 || unknown > 0,
  }
}

/** Whether values and messages of letters are masked: they are, unless each topic that their handlers read is shown. */
export function areMasked(about: AboutAnswer | undefined, handlerIds: readonly string[]): boolean {
  const shown = about?.shownTopics ?? null
  if (about === undefined || shown === null) return false
  const handlers = about.groups.flatMap((group) => group.handlers)
  return handlers.some(({ handlerId, topic }) => handlerIds.includes(handlerId) && !shown.includes(topic))
}
