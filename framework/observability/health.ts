/** Decides from a snapshot whether the process should live, and whether it takes part. Pure. */
import { partitionPlace } from '../model/record.ts'
import type { GroupMetrics, SystemMetrics } from '../model/snapshot.ts'

export interface Health {
  readonly isWell: boolean
  /** One sentence for each thing that is not well. */
  readonly why: readonly string[]
}

/** So long a password that was changed may take to be the same everywhere. */
const REFUSED_LIMIT_MS = 300_000

/** So many partitions are named. */
const MOST_PLACES = 5

/** False only when nothing but a new process can help: an outage of whatever else would have everybody restarted at once. */
export function liveness({ state, groups }: SystemMetrics): Health {
  if (state === 'failed') return health(['a consumer cannot go on, see the log'])
  return health(groups.flatMap(whyNotLive))
}

function whyNotLive({ group, refusedMs, unsettledMs, unsettledLimitMs }: GroupMetrics): string[] {
  const why: string[] = []
  if (refusedMs !== null && refusedMs >= REFUSED_LIMIT_MS)
    why.push(`the brokers have refused the credentials of group ${group} for 5 minutes`)
  if (unsettledMs !== null && unsettledMs > unsettledLimitMs)
    why.push(`the member of group ${group} has hung in a rebalance for ${Math.round(unsettledMs / 1_000)} s`)
  return why
}

/**
 * Whether every group has its partitions, or is in the group while others have them all, still polls, and hears of its coordinator.
 * @param stallAfterMs a group whose client has not been polled for so long is stalled
 */
export function readiness({ state, groups }: SystemMetrics, stallAfterMs: number): Health {
  if (state !== 'running') return health([`the runtime is ${state}`])
  return health(groups.flatMap((group) => whyNotReady(group, stallAfterMs)))
}

function whyNotReady(of: GroupMetrics, stallAfterMs: number): string[] {
  const { group, membership, sincePollMs, sinceAnswerMs, isCutOff } = of
  if (membership !== 'assigned' && membership !== 'idle') return [`group ${group} is ${membership}`]
  if (sincePollMs !== null && sincePollMs > stallAfterMs) {
    return [`group ${group} has not polled for ${Math.round(sincePollMs / 1_000)} s`]
  }
  if (isCutOff && sinceAnswerMs !== null) {
    return [`the coordinator of group ${group} has not answered for ${Math.round(sinceAnswerMs / 1_000)} s`]
  }
  // Without transactions, records go on while commits of their partition are refused.
  const standing = of.transactions === null ? [] : of.partitions.filter(({ isRefused }) => isRefused)
  if (standing.length > 0) {
    const places = standing.slice(0, MOST_PLACES).map(partitionPlace).join(', ')
    const more = standing.length > MOST_PLACES ? `, and ${standing.length - MOST_PLACES} more` : ''
    return [`partitions of group ${group} stand, as brokers refuse their transactions: ${places}${more}`]
  }
  return []
}

function health(why: readonly string[]): Health {
  return { isWell: why.length === 0, why }
}
