/** What a failed simulation says: what is wrong, the shortest schedule in which it is, what happened then, and how to see it again. */
import type { HistoryLine } from './history.ts'
import type { Failure } from './play.ts'
import { describeStep, type Schedule } from './schedule.ts'

export interface ReportParts {
  /** The one that plays it again. */
  readonly seed: number
  readonly shortest: Schedule
  readonly failure: Failure
  readonly lines: readonly HistoryLine[]
  readonly isExactlyOnce: boolean
}

/** The first ones tell how it began, the last ones how it ended. */
const MOST_LINES = 60

export function reportOf({ seed, shortest, failure, lines, isExactlyOnce }: ReportParts): string {
  const again = seed === 0 ? [] : ['', `To play it again: simulate({ ..., seeds: [${seed}] })`]
  return [
    `${titles[failure.kind]}${firstParagraph(failure.error.message)}`,
    '',
    ...shortestLines(shortest, isExactlyOnce),
    '',
    'What happened:',
    ...cut(lines).map(lineOf),
    ...again,
  ].join('\n')
}

/** Assertions show the two values behind it: they are in the cause. */
function firstParagraph(message: string): string {
  return message.split('\n\n')[0]?.trim() ?? message
}

const titles: Readonly<Record<Failure['kind'], string>> = {
  check: 'The check fails: ',
  hang: '',
  stuck: '',
  broken: 'A process could not go on: ',
}

function shortestLines({ steps, processes, partitions }: Schedule, isExactlyOnce: boolean): readonly string[] {
  const where = `${count(processes, 'process', 'processes')}, ${count(partitions, 'partition', 'partitions')}`
  if (steps.length === 0) return [`It fails though nothing is disturbed, with ${where}.`]
  return [
    `The shortest schedule in which it fails, ${count(steps.length, 'step', 'steps')} with ${where}:`,
    ...steps.map((step) => `${time(step.atMs)}  ${describeStep(step, isExactlyOnce)}`),
  ]
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`
}

function cut(lines: readonly HistoryLine[]): readonly (HistoryLine | number)[] {
  if (lines.length <= MOST_LINES) return lines
  const half = MOST_LINES / 2
  return [...lines.slice(0, half), lines.length - MOST_LINES, ...lines.slice(-half)]
}

function lineOf(line: HistoryLine | number): string {
  if (typeof line === 'number') return `${' '.repeat(11)}… ${line} more`
  return `${time(line.atMs)}  process ${line.process}  ${line.text}`
}

function time(ms: number): string {
  return `${String(Math.round(ms)).padStart(7)} ms`
}
