/** A consumer group in words: how this member stands, and what became of partitions. */
import { partitionPlace } from '../../../model/record.ts'
import type { GroupAnswer, RebalanceRow } from '../../protocol-groups.ts'
import { digits, plural } from './numbers.ts'

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
