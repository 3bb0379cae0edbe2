/** The end of partitions that are revoked: drain, signals, last commit, in this order and each bounded. Polls nothing. */
import type { ExecutionEngine } from '../../execution-plane/execution-engine.ts'
import type { KafkaClient } from '../../kafka/kafka-client.ts'
import type { Logger } from '../../model/logger.ts'
import { partitionId, partitionPlace, type TopicPartition } from '../../model/record.ts'
import type { WorkItem } from '../../model/work.ts'
import type { WorkManager } from '../work-manager.ts'
import type { Committer } from './committer.ts'
import type { Drain } from './drain.ts'
import type { IntakeValve } from './intake-valve.ts'
import { revokeTimes } from './shutdown.ts'

export interface RevokeParts {
  readonly client: KafkaClient
  /** By handler id. */
  readonly engines: ReadonlyMap<string, ExecutionEngine>
  readonly manager: WorkManager
  readonly drain: Drain
  readonly committer: Committer
  readonly valve: IntakeValve
  readonly revokeGraceMs: number
  readonly log: Logger
}

/** Bounded, as the whole group waits for the answer. What has not ended by then is delivered again to the next owner of its partition. */
export async function giveUpRevoked(partitions: readonly TopicPartition[], parts: RevokeParts): Promise<void> {
  const { client, engines, manager, drain, committer, valve, revokeGraceMs, log } = parts
  const { graceMs, unwindMs, commitMs } = revokeTimes(revokeGraceMs, client.revokeLimitMs)
  const assignments = manager.startDraining(partitions)
  // Their next owner runs what has not begun: there is no need to wait for it.
  const isOfThem = isOf(partitions)
  for (const engine of engines.values()) engine.recall(isOfThem)
  const leftBehind = await drain.until(partitions, graceMs)
  if (leftBehind > 0) {
    log.warn(
      { partitions: partitions.map(partitionPlace), leftBehind, waitedMs: graceMs },
      'partitions are given up with records in flight; their next owner gets them again',
    )
    // Before the commit and not after it: then the next owner may have begun with the same keys. What ends by itself in this moment is committed.
    abortWorkOf(manager.present(assignments), engines)
    await drain.until(partitions, unwindMs)
  }
  const isCommitted = await committer.flush(partitions, commitMs)
  if (!isCommitted) {
    log.warn({ partitions: partitions.map(partitionPlace) }, 'the last commit before a revoke was not acknowledged')
  }
  // A partition that was lost during the drain may have been assigned again by now. This revoke must not end the new assignment.
  const given = manager.present(assignments)
  valve.onGone(given)
  manager.onRevoked(given)
}

export function abortWorkOf(
  partitions: readonly TopicPartition[],
  engines: ReadonlyMap<string, ExecutionEngine>,
): void {
  const isOfThem = isOf(partitions)
  for (const engine of engines.values()) engine.abort(isOfThem)
}

function isOf(partitions: readonly TopicPartition[]): (item: WorkItem) => boolean {
  const ids = new Set(partitions.map(partitionId))
  return ({ records: [record] }) => record !== undefined && ids.has(partitionId(record))
}
