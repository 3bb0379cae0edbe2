/** Describes one group's membership for operators, out of what its parts say. Pure: changes nothing. */
import type { ExecutionEngine } from '../../execution-plane/execution-engine.ts'
import type { KafkaClient } from '../../kafka/kafka-client.ts'
import { byHandler, topicsText } from '../../model/by-handler.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { Limits, Route } from '../../model/settings.ts'
import type { GroupMetrics, HandlerMetrics, PartitionMetrics, TransactionMetrics } from '../../model/snapshot.ts'
import type { WorkManager } from '../work-manager.ts'
import type { MemberTimes } from './member-past.ts'
import type { Ticks } from './ticks.ts'

const MAX_PARTITIONS = 1_000
/**
 * Kafka does not tell a member that it has joined and got nothing. One that reaches its group's coordinator and has had no partition for this long counts
 * as idle: with more members than partitions, the last ones would else never be ready, and a deployment would wait for ever.
 */
const JOIN_GRACE_MS = 10_000

/** Within one, whoever holds a rebalance up is thrown out; the next one must be enough for everybody. */
const UNSETTLED_INTERVALS = 2

export interface GroupParts extends MemberTimes {
  readonly group: string
  readonly manager: WorkManager
  readonly client: Pick<KafkaClient, 'logEnd' | 'logEndHeardAt' | 'unsettledSince' | 'pollIntervalMs'>
  readonly routes: readonly Route[]
  readonly engines: ReadonlyMap<string, ExecutionEngine>
  readonly ticks: Pick<Ticks, 'metricsOf'>
  readonly limits: Limits
  readonly isPaused: boolean
  readonly state: 'idle' | 'running' | 'draining' | 'closed'
  readonly refusedMs: number | undefined
  /** Of an exactly-once group. Milliseconds since the Unix epoch. */
  readonly transactionSince?: number | undefined
}

export function groupMetrics(parts: GroupParts, now: number): GroupMetrics {
  const { manager, client, polledAt } = parts
  const { records, bytes, inFlight, retriesWaiting, delayed, parked, deadLetters } = manager.gauges()
  const { permit, parkedSince } = manager
  const { heardAt } = permit.clock
  // The client keeps what it has heard of a log's end, and does not say when. Brokers that do not answer have not told it what has come since.
  const isStale = permit.clock.isStale(now)
  const logEnd = (of: TopicPartition) => (isStale ? undefined : client.logEnd(of))
  const partitions = manager.readings.metrics(now, logEnd, MAX_PARTITIONS, (of) => client.logEndHeardAt(of))
  const assignedPartitions = manager.assigned().length
  return {
    group: parts.group,
    membership: membershipOf(parts, assignedPartitions, now),
    sincePollMs: polledAt === undefined ? null : Math.max(0, Math.round(now - polledAt)),
    sinceAnswerMs: heardAt === undefined ? null : Math.max(0, Math.round(now - heardAt)),
    isCutOff: permit.clock.isCutOff(now),
    unsettledMs: unsettledFor(parts, now),
    unsettledLimitMs: UNSETTLED_INTERVALS * client.pollIntervalMs,
    refusedMs: parts.refusedMs === undefined ? null : Math.round(parts.refusedMs),
    uncommitted: manager.countUncommitted(),
    stoppedBecause: permit.stoppedBecause,
    records,
    bytes,
    inFlight,
    queued: partitions.reduce((sum, { queued }) => sum + queued, 0),
    retriesWaiting,
    parked,
    oldestParkedMs: parkedSince === undefined ? null : Math.max(0, Math.round(now - parkedSince)),
    delayed,
    notReady: manager.notReady,
    deadLettersWaiting: deadLetters,
    transactions: transactionMetrics(parts, now),
    limits: parts.limits,
    intake: parts.isPaused ? 'paused' : manager.heldBecause === null ? 'open' : 'held',
    intakeReason: manager.heldBecause,
    handlers: [...byHandler(parts.routes, ({ handlerId }) => handlerId).values()].map((routes) =>
      handlerMetrics(routes, parts, partitions, now),
    ),
    assignedPartitions,
    partitions,
  }
}

function transactionMetrics({ manager, transactionSince }: GroupParts, now: number): TransactionMetrics | null {
  const { cuts } = manager
  if (cuts === undefined) return null
  const openMs = transactionSince === undefined ? null : Math.max(0, Math.round(now - transactionSince))
  return { waiting: cuts.units, waitingBytes: cuts.bytes, openMs }
}

/** What a silent coordinator keeps it from is no fault of the member's: that time does not count. */
function unsettledFor({ manager, client, state }: GroupParts, now: number): number | null {
  const { clock } = manager.permit
  const [since, { answersSince }] = [client.unsettledSince(), clock]
  if (state !== 'running' || since === undefined || answersSince === undefined || clock.isStale(now)) return null
  return Math.max(0, Math.round(now - Math.max(since, answersSince)))
}

function membershipOf(parts: GroupParts, assigned: number, now: number): GroupMetrics['membership'] {
  switch (parts.state) {
    case 'idle':
      return 'joining'
    case 'running': {
      if (assigned > 0) return 'assigned'
      const { subscribedAt = now, lostAt, hadPartitions } = parts
      if (hadPartitions && lostAt === undefined) return 'idle'
      const { heardAt = 0 } = parts.manager.permit.clock
      return heardAt - (lostAt ?? subscribedAt) >= JOIN_GRACE_MS ? 'idle' : 'joining'
    }
    case 'draining':
      return 'leaving'
    case 'closed':
      return 'left'
  }
}

function handlerMetrics(
  routes: readonly [Route, ...Route[]],
  { manager, engines, ticks }: GroupParts,
  partitions: readonly PartitionMetrics[],
  now: number,
): HandlerMetrics {
  const [{ handlerId, topic, concurrency, adaptive, rateLimit }] = routes
  const engine = engines.get(handlerId)
  const limit = manager.limitOf(topic)
  return {
    handlerId,
    topic: topicsText(routes),
    concurrency,
    capacity: Math.min(engine?.capacity ?? 0, limit),
    inFlight: engine?.inFlight ?? 0,
    abandoned: engine?.abandoned ?? 0,
    ...manager.restraintOf(topic),
    adaptiveLimit: adaptive === undefined ? null : limit,
    rateLimit: rateLimit ?? null,
    openBreakers: partitions
      .filter((each) => routes.some((route) => route.topic === each.topic))
      .reduce((sum, each) => sum + each.openBreakers, 0),
    threads: engine?.threads ?? null,
    ticks: ticks.metricsOf(handlerId, now),
  }
}
