/** The endpoint that shows a consumer group: this member, what it has, and what has become of it in the last hour. */
import { PyrallelError } from '../model/errors.ts'
import type { GroupMetrics } from '../model/snapshot.ts'
import { type Asked, type Endpoint, textParam } from './http/endpoint.ts'
import { notFound } from './http/fault.ts'
import type { Looks } from './looks.ts'
import type { GroupAnswer, TransactionsView } from './protocol-groups.ts'

const MOST_REFUSED = 50

export function groupEndpoints(looks: Looks): readonly Endpoint[] {
  return [{ method: 'GET', path: '/api/groups/{group}', run: (asked) => group(asked, looks) }]
}

function group(asked: Asked, looks: Looks): GroupAnswer {
  const name = textParam(asked, 'group')
  const { members, ...member } = memberOf(name, looks)
  const found = looks.now().metrics.groups.find((each) => each.group === name)
  if (found === undefined) throw notFound(`There is no group '${name}' in this process.`)
  return {
    group: name,
    state: found.membership,
    member,
    members,
    assigned: found.partitions.map(({ topic, partition, epoch, position, committedPosition }) => {
      return { topic, partition, epoch, position, committedPosition }
    }),
    assignedPartitions: found.assignedPartitions,
    rebalances: looks.groups.rebalances(name),
    commits: looks.groups.commits(name),
    transactions: transactionsOf(found),
  }
}

function transactionsOf({ transactions, uncommitted, limits, partitions }: GroupMetrics): TransactionsView | null {
  if (transactions === null) return null
  const refused = partitions.filter(({ isRefused }) => isRefused)
  return {
    openMs: transactions.openMs,
    waitingRecords: uncommitted,
    waitingBytes: transactions.waitingBytes,
    maxBytes: limits.maxBytes,
    refused: refused.slice(0, MOST_REFUSED).map(({ topic, partition }) => ({ topic, partition })),
    refusedCount: refused.length,
  }
}

function memberOf(name: string, looks: Looks) {
  try {
    return looks.runtime().inspection.member(name)
  } catch (thrown) {
    if (thrown instanceof PyrallelError && thrown.code === 'PYR_USAGE') throw notFound(thrown.message)
    throw thrown
  }
}
