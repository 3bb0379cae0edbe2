/** The shutdown list of one group, in one place: each step bounded, and logged with what it left behind. */
import type { ExecutionEngine } from '../../execution-plane/execution-engine.ts'
import type { KafkaClient } from '../../kafka/kafka-client.ts'
import { toError } from '../../model/errors.ts'
import { inOrder } from '../../model/in-order.ts'
import type { Logger } from '../../model/logger.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import type { WorkManager } from '../work-manager.ts'
import type { Committer } from './committer.ts'
import type { DeadLetterPublisher } from './dead-letters.ts'
import type { Drain } from './drain.ts'
import type { Ticks } from './ticks.ts'

/** How long the last commit of a revoke or of a shutdown may take. */
export const LAST_COMMIT_MS = 5_000
/** The part of the client's limit for a revoke that is made use of: timers may come late. */
const REVOKE_LIMIT_USED = 0.9
/** What handlers get to unwind once their signals have fired: of a revoke and of a shutdown. */
export const UNWIND_MS = 1_000

export interface ShutdownParts {
  readonly client: Pick<KafkaClient, 'close'>
  readonly engines: ReadonlyMap<string, ExecutionEngine>
  readonly manager: WorkManager
  readonly drain: Drain
  readonly deadLetters: DeadLetterPublisher
  readonly committer: Committer
  readonly ticks: Pick<Ticks, 'stop'>
  readonly drainMs: number
  readonly clock: Clock
  readonly log: Logger
}

/** How long a revoke may wait for what is in flight, then for what was aborted, then for its last commit, so that it has ended before the client ends it. */
export function revokeTimes(
  revokeGraceMs: number,
  limitMs: number,
): { readonly graceMs: number; readonly unwindMs: number; readonly commitMs: number } {
  const usableMs = limitMs * REVOKE_LIMIT_USED
  const commitMs = Math.min(LAST_COMMIT_MS, usableMs / 2)
  const unwindMs = Math.min(UNWIND_MS, (usableMs - commitMs) / 2)
  return { graceMs: Math.min(revokeGraceMs, usableMs - commitMs - unwindMs), unwindMs, commitMs }
}

/** Of a group that was never joined, nothing is in flight and there is nothing to commit. */
export async function shutDown(parts: ShutdownParts, hadJoined: boolean): Promise<void> {
  const { client, manager, drain, deadLetters, committer, clock, log } = parts
  const startedAt = clock.now()
  const partitions = manager.assigned()
  manager.startDraining(partitions)
  // Only what has begun is waited for.
  for (const engine of parts.engines.values()) engine.recall(() => true)
  await inOrder([
    () => (hadJoined ? drainAll(parts) : undefined),
    // Until here they have helped to end what waits in memory.
    () => parts.ticks.stop(),
    () => closeEngines(parts, startedAt + parts.drainMs),
    () => deadLetters.close(),
    // Nothing can settle any more, so the revoke that closing the client brings has nothing to wait for.
    () => drain.giveUp(),
    () => (hadJoined ? commitLast(parts, partitions) : undefined),
    () => committer.close(),
    () => client.close(),
  ])
  log.info({ tookMs: Math.round(clock.now() - startedAt) }, 'the group is left')
}

async function drainAll({ manager, engines, drain, drainMs, clock, log }: ShutdownParts): Promise<void> {
  const partitions = manager.assigned()
  const { inFlight, records } = manager.gauges()
  log.info({ partitionCount: partitions.length, inFlight, recordCount: records }, 'draining: nothing more is started')
  const startedAt = clock.now()
  const leftBehind = await drain.until(partitions, drainMs)
  const waitedMs = Math.round(clock.now() - startedAt)
  if (leftBehind === 0) {
    log.info({ waitedMs }, 'drained: nothing is in flight')
    return
  }
  log.warn({ leftBehind, waitedMs }, 'drain time is over with records in flight; they will be delivered again')
  // Closing gives them the time to unwind, and is over as soon as they have.
  for (const engine of engines.values()) engine.abort(() => true)
}

async function commitLast({ committer, log }: ShutdownParts, partitions: readonly TopicPartition[]): Promise<void> {
  const facts = { partitionCount: partitions.length }
  if (await committer.flush(partitions, LAST_COMMIT_MS)) log.info(facts, 'all that is done is committed')
  else log.warn(facts, 'the last commit was not acknowledged; what it carried may run again')
}

/**
 * What is left of the drain's time is for the handlers' `teardown`.
 * An engine that cannot be closed keeps neither the last commit nor the leaving of the group from happening.
 */
async function closeEngines({ engines, drain, clock, log }: ShutdownParts, drainEndAt: number): Promise<void> {
  const graceMs = drain.isGivenUp ? UNWIND_MS : Math.max(UNWIND_MS, drainEndAt - clock.now())
  const close = async (handler: string, engine: ExecutionEngine): Promise<void> => {
    try {
      await engine.close(graceMs)
    } catch (thrown) {
      log.warn({ err: toError(thrown), handler }, 'an engine could not be closed')
    }
  }
  await Promise.all([...engines].map(([handler, engine]) => close(handler, engine)))
  const abandoned = [...engines.values()].reduce((sum, engine) => sum + engine.abandoned, 0)
  log.info({ engines: engines.size, abandoned }, 'the engines are closed')
}
