/** What the control plane says of partitions, records and keys, as the console answers it: masked. Pure. */
import type { KeyRow as KnownKey, OpenBreaker, ParkedRow, RecordExplanation, RetryRow } from '../model/explanation.ts'
import type { PartitionView as KnownPartition } from '../model/partition-view.ts'
import type { KafkaRecord } from '../model/record.ts'
import type { PartitionMetrics } from '../model/snapshot.ts'
import type { HandlerFailure } from '../model/work.ts'
import type { FailurePlaces } from './failure-places.ts'
import type { Mask } from './mask.ts'
import type { FailureView, KeyRow, PartitionView, RecordView, RetriesAnswer, Timeline } from './protocol-records.ts'
import type { ReadKeys } from './read-keys.ts'

const MAX_VALUE_BYTES = 65_536
const MAX_HEADER_BYTES = 1_024

export function partitionView(group: string, of: KnownPartition, metrics: PartitionMetrics | undefined): PartitionView {
  const { topic, partition, handlerId, epoch, position, committedPosition, nextOffset, logEnd, runsAgain } = of
  return {
    group,
    topic,
    partition,
    handlerId,
    epoch,
    position,
    committedPosition,
    nextOffset,
    logEnd,
    logEndAgeMs: metrics?.logEndAgeMs ?? null,
    runsAgain,
    metadata: { used: of.metadataUsed, limit: of.metadataLimit },
    pausedBecause: metrics?.pausedBecause ?? null,
    isDraining: metrics?.isDraining ?? false,
    isTight: of.isTight,
    runs: of.runs.map(({ state, from, to, dueAt }) =>
      dueAt === undefined ? ([state, from, to] as const) : ([state, from, to, dueAt] as const),
    ),
    cutAt: of.cutAt,
    isSampled: of.isSampled,
  }
}

/** How failures, keys and bytes are shown. */
export interface Shown {
  readonly mask: Mask
  readonly keys: ReadKeys
  readonly places: FailurePlaces
}

/** What is known of a record beside its explanation. */
export interface RecordContext {
  readonly group: string
  /** Without one, to give it up would lose it. */
  readonly hasDeadLetterTopic: boolean
  readonly timeline: Timeline | null
}

export function recordView(
  of: RecordExplanation,
  { group, hasDeadLetterTopic, timeline }: RecordContext,
  shown: Shown,
): RecordView {
  const { topic, partition, offset, state, waitsFor, record, lastFailure, attempt } = of
  const isFirst = !waitsFor.some(({ kind }) => kind === 'record' || kind === 'earlier-assignment')
  const isIdle = state === 'waiting' || state === 'delayed' || state === 'parked'
  const canGiveUp = isIdle || (state === 'queued' && isFirst)
  return {
    group,
    handlerId: of.handlerId,
    place: { topic, partition, offset },
    state,
    epoch: of.epoch,
    attempt,
    attempts: of.attempts,
    waitsFor,
    isBlocking: of.isBlocking,
    blocksSince: of.blocksSince,
    ...(record === null ? {} : bytesOf(record, shown)),
    failures: lastFailure === null ? [] : [failureView(topic, lastFailure, attempt - 1, shown)],
    timeline,
    can: {
      retryNow: isIdle,
      giveUp: canGiveUp && hasDeadLetterTopic,
      discard: state === 'parked',
      copy: record !== null && shown.mask.shows(topic),
    },
  }
}

function bytesOf(record: KafkaRecord, { mask, keys }: Shown) {
  const { topic, value, headers, timestamp } = record
  return {
    key: keys.view(record),
    value: mask.bytes(topic, value, MAX_VALUE_BYTES),
    headers: headers.map(([name, bytes]) => [name, mask.bytes(topic, bytes, MAX_HEADER_BYTES)] as const),
    timestampAt: timestamp,
  }
}

export function failureView(topic: string, of: HandlerFailure, attempt: number, { mask, places }: Shown): FailureView {
  const { reason, name, message, stack } = of
  const isShown = stack !== undefined && mask.shows(topic)
  const source = isShown ? places.of(of) : null
  return { reason, name, message: mask.text(topic, message), stack: isShown ? stack : null, attempt, source }
}

export function keyRow(of: KnownKey, open: readonly OpenBreaker[], { keys }: Pick<Shown, 'keys'>): KeyRow {
  const { topic, partition, epoch, depth, offset, state, attempt, timestamp } = of
  const breaker = open.find(({ id }) => id === of.breaker)
  return {
    topic,
    partition,
    epoch,
    key: keys.view(of),
    depth,
    offset,
    state,
    attempt,
    timestampAt: timestamp < 0 ? null : timestamp,
    breaker: breaker === undefined ? null : breakerView(breaker),
  }
}

export function breakerView({ id, until }: OpenBreaker): NonNullable<KeyRow['breaker']> {
  return { id, untilAt: until }
}

export function retryRow(of: RetryRow, shown: Shown): RetriesAnswer['rows'][number] {
  const { topic, partition, offset, handlerId, attempt, dueAt, epoch, lastFailure } = of
  return {
    place: { topic, partition, offset },
    handlerId,
    key: shown.keys.view(of),
    attempt,
    dueAt,
    epoch,
    failure: lastFailure === null ? null : failureView(topic, lastFailure, attempt - 1, shown),
  }
}

export function parkedRow(of: ParkedRow, shown: Shown): RetriesAnswer['parked'][number] {
  const { topic, partition, offset, handlerId, attempt, since, holdsKey, epoch, lastFailure } = of
  return {
    place: { topic, partition, offset },
    handlerId,
    key: shown.keys.view(of),
    attempt,
    sinceAt: since,
    holdsKey,
    epoch,
    failure: lastFailure === null ? null : failureView(topic, lastFailure, attempt - 1, shown),
  }
}
