/** A consumer group in words: how this member stands, and what became of partitions. */
import { LONG_TRANSACTION_MS } from '../../../model/long-transaction.ts'
import { partitionPlace } from '../../../model/record.ts'
import type { GroupAnswer, RebalanceRow, TransactionsView } from '../../protocol-groups.ts'
import { bytes, digits, plural, span } from './numbers.ts'

const stateWords: Readonly<Record<GroupAnswer['state'], string>> = {
  joining: 'joins the group',
  assigned: 'has partitions',
  idle: 'is in the group, and the others have all partitions',
  leaving: 'leaves the group',
  left: 'has left the group',
}

export function memberText({ state }: Pick<GroupAnswer, 'state'>): string {
  return `This process ${stateWords[state]}.`
}

const protocolWords = { consumer: 'consumer (KIP-848)', classic: 'classic', memory: 'in memory' } as const

export function protocolText(protocol: GroupAnswer['member']['protocol']): string {
  return protocol === null ? 'not known' : protocolWords[protocol]
}

const kindWords: Readonly<Record<RebalanceRow['kind'], string>> = {
  assigned: 'came here',
  revoked: 'given up in order',
  lost: 'taken away',
}

/** What it has cost; empty: nothing. */
export function rebalanceCost({ kind, runsAgain, restored }: RebalanceRow): string {
  if (kind === 'assigned') {
    return restored === 0 ? '' : `${plural(restored, 'record')} done above their positions do not run again`
  }
  return runsAgain === 0 ? 'nothing runs again' : `${plural(runsAgain, 'record')} run again`
}

/** `3 partitions came here: orders[0], orders[1] and 1 more` */
export function rebalanceText({ kind, partitions, count }: RebalanceRow, most = 6): string {
  const named = partitions.slice(0, most).map(partitionPlace)
  const more = count - named.length
  return `${plural(count, 'partition')} ${kindWords[kind]}: ${named.join(', ')}${more > 0 ? ` and ${digits(more)} more` : ''}`
}

/** What readers of committed records do not see yet. */
export function waitingText({ waitingRecords, waitingBytes, maxBytes }: TransactionsView): string {
  if (waitingRecords === 0 && waitingBytes === 0) return 'nothing'
  return `${plural(waitingRecords, 'record')}, ${bytes(waitingBytes)} of ${bytes(maxBytes)}`
}

/** Why less becomes visible than should, a paragraph each; the cause before what follows from it. */
export function transactionTroubles(view: TransactionsView, most = 3): readonly string[] {
  const { refused, refusedCount, openMs, waitingBytes, maxBytes } = view
  const found: string[] = []
  if (refusedCount > 0) {
    const named = refused.slice(0, most).map(partitionPlace)
    const more = refusedCount - named.length
    const [stand, publish, commit] =
      refusedCount === 1 ? ['stands', 'it publishes', 'commits'] : ['stand', 'they publish', 'commit']
    const which = `${named.join(', ')}${more > 0 ? ` and ${digits(more)} more` : ''}`
    found.push(
      `${plural(refusedCount, 'partition')} ${stand}: what ${publish} or ${commit} is refused. ${which}. A topic is gone or forbidden, or the brokers refuse the offsets: the failures below say which. It is tried again by itself, and the others go on.`,
    )
  }
  if (openMs !== null && openMs >= LONG_TRANSACTION_MS) {
    found.push(
      `A transaction has been open for ${span(openMs)}: readers of committed records wait behind it. See whether the brokers answer; nothing else is sent until it is known what has become of it.`,
    )
  }
  if (waitingBytes >= maxBytes) {
    found.push(
      'Nothing starts: what waits to become visible has reached limits.maxBytes. It goes on once a transaction is committed.',
    )
  }
  return found
}
