/** Faults on demand in words, and the account that shows whether anything was lost. */
import type { ChaosAccount, ChaosKind } from '../../protocol-dev.ts'
import { digits, plural } from './numbers.ts'

export interface FaultText {
  readonly what: ChaosKind
  readonly button: string
  readonly says: string
}

export const faultTexts: readonly FaultText[] = [
  { what: 'rebalance', button: 'Rebalance', says: 'another member joins the group for a moment, and partitions move' },
  { what: 'kill-thread', button: 'Kill a thread', says: 'a worker thread dies in the middle of its records' },
  { what: 'slow-commits', button: 'Slow commits', says: 'for ten seconds, each commit takes a second longer' },
  { what: 'log-hole', button: 'Hole in the log', says: 'ten offsets of a topic that no consumer is ever given' },
  { what: 'fail-attempts', button: 'Fail attempts', says: 'the next ten attempts fail, whatever their handlers say' },
]

export interface AccountText {
  /** `Lost 0` */
  readonly headline: string
  readonly isBad: boolean
  readonly sum: string
  readonly lines: readonly string[]
}

export function accountText(account: ChaosAccount): AccountText {
  const { written, done, dead, doneAgain, left, lost, lostPlaces } = account
  return {
    headline: `Lost ${digits(lost)}`,
    isBad: lost > 0,
    sum: `${plural(written, 'record')} written: ${digits(done)} done, ${plural(dead, 'dead letter')}, ${digits(left)} not done yet`,
    lines: [
      ...(doneAgain > 0 ? [`${digits(doneAgain)} done more than once: delivery is at least once`] : []),
      ...(lost > 0 ? [`lost: ${lostPlaces.join(', ')}`] : []),
    ],
  }
}
