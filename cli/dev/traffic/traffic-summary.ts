/** The verdict on a run of generated traffic: what happened, and whether anything is wrong. */

import { groupedDigits } from '../../../framework/model/grouped-digits.ts'
import { msText } from '../../records/record-text.ts'
import type { Paint } from '../../terminal/paint.ts'
import type { OrderChecker } from './order-checker.ts'
import type { TrafficTotals } from './traffic-ledger.ts'

export interface TrafficSummary extends TrafficTotals {
  readonly perSecond: number
  readonly violations: number
  /** Attempts, and sequences (keys, or partitions), whose order was watched. */
  readonly watched: { readonly attempts: number; readonly sequences: number }
  /** Records that ran again after they were done. */
  readonly repeats: number
  /** From the start of the process to the first record that was handled. */
  readonly firstRecordMs: number | undefined
  /** How many records were asked for, when the traffic file ended before it had given so many. */
  readonly endedBefore: number | undefined
}

export function summarize(
  totals: TrafficTotals,
  checker: OrderChecker,
  firstRecordMs: number | undefined,
  endedBefore?: number,
): TrafficSummary {
  return {
    ...totals,
    perSecond: totals.tookMs > 0 ? Math.round((totals.done * 1_000) / totals.tookMs) : 0,
    violations: checker.violationCount,
    watched: { attempts: checker.starts, sequences: checker.sequences },
    repeats: checker.repeats,
    firstRecordMs,
    endedBefore,
  }
}

/** Whether every record was handled, and in order. A run of which no handler has read anything proves nothing. */
export function isSound({ sent, unread, lost, refused, violations }: TrafficSummary): boolean {
  return sent > unread && lost === 0 && refused === 0 && violations === 0
}

export function summaryText(summary: TrafficSummary, violations: readonly string[], paint: Paint): string {
  const verdict = (count: number) => (count === 0 ? paint('green', '0') : paint('red', groupedDigits(count)))
  const ms = (value: number | undefined) => (value === undefined ? '-' : msText(value))
  const rows: readonly (readonly [string, string])[] = [
    ['records', `${groupedDigits(summary.done)} of ${groupedDigits(summary.sent)} done`],
    ...(summary.endedBefore === undefined
      ? []
      : [
          [
            '',
            `the traffic file ended after ${groupedDigits(summary.sent)} of ${groupedDigits(summary.endedBefore)}`,
          ] as const,
        ]),
    ...(summary.unread > 0 ? [['read by no handler', paint('yellow', groupedDigits(summary.unread))] as const] : []),
    ['rate', `${groupedDigits(summary.perSecond)} records/s over ${(summary.tookMs / 1_000).toFixed(2)} s`],
    ['latency', `p50 ${ms(summary.p50Ms)}, p99 ${ms(summary.p99Ms)}, from produce to done`],
    ['first record', `done ${ms(summary.firstRecordMs)} after the start of the process`],
    ['retries', groupedDigits(summary.retries)],
    ...(summary.parked > 0 ? [['parked', paint('yellow', groupedDigits(summary.parked))] as const] : []),
    ['dead letters', groupedDigits(summary.deadLetters)],
    ...(summary.dropped > 0 ? [['dropped by policy', groupedDigits(summary.dropped)] as const] : []),
    ['filtered', groupedDigits(summary.filtered)],
    ['done twice', groupedDigits(summary.repeats)],
    ['lost', verdict(summary.lost)],
    ...(summary.refused > 0 ? [['not produced', verdict(summary.refused)] as const] : []),
    [
      'order violations',
      `${verdict(summary.violations)} (${groupedDigits(summary.watched.attempts)} attempts watched in ${groupedDigits(summary.watched.sequences)} keys and partitions, without those in batches)`,
    ],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, value]) => `  ${paint('bold', name.padEnd(width))}  ${value}`)
  const shown = violations.map((violation) => `  ${paint('red', '✗')} ${violation}`)
  return `${['', ...lines, ...shown, ''].join('\n')}\n`
}
