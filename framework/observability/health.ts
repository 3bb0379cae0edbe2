/** Decides from a snapshot whether the process should live, and whether it takes part. Pure. */
import type { GroupMetrics, SystemMetrics } from '../model/snapshot.ts'

export interface Health {
  readonly isWell: boolean
  /** One sentence for each thing that is not well. */
  readonly why: readonly string[]
}

/** False only when nothing but a new process can help. */
export function liveness({ state }: SystemMetrics): Health {
  return health(state === 'failed' ? ['a consumer cannot go on, see the log'] : [])
}

/**
 * Whether every group has its partitions, or is in the group while others have them all, and still polls.
 * @param stallAfterMs a group whose client has not been polled for so long is stalled
 */
export function readiness({ state, groups }: SystemMetrics, stallAfterMs: number): Health {
  if (state !== 'running') return health([`the runtime is ${state}`])
  return health(groups.flatMap((group) => whyNotReady(group, stallAfterMs)))
}

function whyNotReady({ group, membership, sincePollMs }: GroupMetrics, stallAfterMs: number): string[] {
  if (membership !== 'assigned' && membership !== 'idle') return [`group ${group} is ${membership}`]
  if (sincePollMs !== null && sincePollMs > stallAfterMs) {
    return [`group ${group} has not polled for ${Math.round(sincePollMs / 1_000)} s`]
  }
  return []
}

function health(why: readonly string[]): Health {
  return { isWell: why.length === 0, why }
}
