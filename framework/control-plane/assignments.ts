/** Begins and ends the assignments of partitions: what each starts from, and what is forgotten with it. Starts no record, commits no offset. */
import type { AssignedPartition } from '../kafka/kafka-client.ts'
import type { StoredOffset } from '../kafka/transactional-producer.ts'
import { PyrallelError } from '../model/errors.ts'
import type { EventSink } from '../model/events.ts'
import { partitionPlace, type TopicPartition } from '../model/record.ts'
import type { Predecessor, RecoveryStrategy } from '../model/settings.ts'
import type { FailedRecords } from './failures/failed-records.ts'
import type { IntakeGate } from './flow/backpressure.ts'
import type { Scheduler } from './flow/scheduler.ts'
import { type DecodedMetadata, decodeMetadata, isForeign } from './offsets/metadata-encoder.ts'
import { decodePredecessor } from './offsets/predecessor-metadata.ts'
import { RangeList } from './offsets/range-list.ts'
import type { PartitionSettings } from './partition/commit-budget.ts'
import type { InFlight } from './partition/in-flight.ts'
import { PartitionState } from './partition/partition-state.ts'
import { nextEpoch, type PartitionLookup, PartitionTable } from './partition/partition-table.ts'

export interface AssignmentsOptions {
  readonly scheduler: Scheduler
  readonly intake: IntakeGate
  readonly failed: FailedRecords
  readonly recovery: RecoveryStrategy
  /** Whose metadata is believed beside our own. */
  readonly takeOver?: Predecessor | 'none' | undefined
  readonly partitionSettings: PartitionSettings
  /** Ranges of completed offsets that are restored of one partition. */
  readonly maxRestored: number
  /** Of an exactly-once group: what waits for its transaction. */
  readonly cuts?: { forget(state: PartitionState): void } | undefined
  readonly onEvent?: EventSink | undefined
}

export class Assignments {
  readonly #table = new PartitionTable()
  readonly #scheduler: Scheduler
  readonly #intake: IntakeGate
  readonly #failed: FailedRecords
  readonly #recovery: RecoveryStrategy
  readonly #takeOver: Predecessor | undefined
  readonly #partitionSettings: PartitionSettings
  readonly #maxRestored: number
  readonly #cuts: AssignmentsOptions['cuts']
  readonly #emit: EventSink | undefined

  constructor(options: AssignmentsOptions) {
    const { scheduler, intake, failed, recovery, takeOver, partitionSettings, maxRestored, onEvent } = options
    this.#scheduler = scheduler
    this.#intake = intake
    this.#failed = failed
    this.#recovery = recovery
    this.#takeOver = takeOver === 'none' ? undefined : takeOver
    this.#partitionSettings = partitionSettings
    this.#maxRestored = maxRestored
    this.#cuts = options.cuts
    this.#emit = onEvent
  }

  /** The present assignments, to look up: none is added or removed but here. */
  get table(): PartitionLookup {
    return this.#table
  }

  /**
   * At the position and the completions that the group has stored, as far as they can be believed.
   * @param stored what is stored, where that is not the position and the metadata
   * @throws PyrallelError PYR_METADATA_UNREADABLE of an exactly-once group, where not all can be
   */
  begin(of: AssignedPartition, stored?: StoredOffset): PartitionState {
    const { decoded, takenOverFrom } = this.#decode(of)
    if (this.#cuts !== undefined) requireReadable(of, decoded)
    const told = decoded.kind === 'completed' ? decoded.ranges : RangeList.empty
    // A log that was cut gives those offsets to other records. They are not done.
    const restored = of.logEnd === undefined ? told : told.below(of.logEnd)
    const attempts = decoded.kind === 'completed' ? (decoded.attempts ?? []) : []
    const isTakenOver = takenOverFrom !== undefined
    const start = {
      position: of.position,
      metadata: of.metadata,
      restored,
      isTakenOver,
      stored,
      attempts: attempts.filter(({ offset }) => of.logEnd === undefined || offset < of.logEnd),
    }
    const route = this.#scheduler.routeOf(of.topic)
    const state = new PartitionState(
      of,
      nextEpoch(),
      route,
      start,
      this.#partitionSettings,
      this.#scheduler.tallyOf(of.topic),
    )
    if (this.#scheduler.restraintOf(of.topic).isPaused) state.onHandlerPaused()
    this.#table.add(state)
    this.#intake.onAssigned(state)
    this.#holdShards(state)
    const { topic, partition, epoch } = state
    const count = restored.offsets
    const beyond = told.offsets - count
    const takenOver = takenOverFrom === undefined ? {} : { takenOverFrom }
    this.#emit?.({
      kind: 'partition.assigned',
      topic,
      partition,
      epoch,
      position: of.position,
      restored: count,
      ...takenOver,
    })
    if (decoded.kind === 'rejected') {
      this.#emit?.({ kind: 'metadata.dropped', topic, partition, epoch, why: decoded.why })
    }
    if (decoded.kind === 'completed' && decoded.cutAt !== undefined) {
      const why = `it has more ranges of completed offsets than limits.maxRecordsPerPartition allows, ${this.#maxRestored}: from offset ${decoded.cutAt} on, it is not read`
      this.#emit?.({ kind: 'metadata.dropped', topic, partition, epoch, why })
    }
    if (beyond > 0) {
      state.commits.forgetCommitted()
      const why = `${beyond} offsets that it names as completed lie beyond the end of the log, ${of.logEnd}`
      this.#emit?.({ kind: 'metadata.dropped', topic, partition, epoch, why })
    }
    return state
  }

  /** Forgets the partition. Whatever comes back from this assignment later is stale. */
  end(of: TopicPartition, kind: 'partition.revoked' | 'partition.lost'): void {
    const state = this.#table.find(of.topic, of.partition)
    if (state === undefined) return
    const { topic, partition, epoch, load, runsAgain } = state
    this.#forget(state)
    this.#emit?.({ kind, topic, partition, epoch, leftBehind: load.unsettled, runsAgain })
  }

  /** Begins the assignment afresh. The log was cut, or the topic made anew: what was read is no part of it any more, and the next owner of an offset is another record. */
  rewind(state: PartitionState, from: number, to: number): PartitionState {
    this.#forget(state)
    const { topic, partition } = state
    const fresh = this.begin({ topic, partition, position: to, metadata: '' }, state.commits.stored)
    fresh.setPaused(state.isPaused)
    fresh.commits.forgetCommitted()
    this.#intake.recheck(fresh)
    this.#emit?.({ kind: 'partition.rewound', topic, partition, epoch: fresh.epoch, from, to })
    return fresh
  }

  #decode({ position, metadata, logEnd }: AssignedPartition): {
    readonly decoded: DecodedMetadata
    readonly takenOverFrom?: Predecessor
  } {
    if (this.#recovery !== 'metadata' || position === undefined) return { decoded: { kind: 'none' } }
    const takenOverFrom = this.#takeOver
    if (takenOverFrom !== undefined && isForeign(metadata)) {
      const told = { position, text: metadata, logEnd, maxRanges: this.#maxRestored }
      const decoded = decodePredecessor(takenOverFrom, told)
      if (decoded?.kind === 'rejected') return { decoded }
      if (decoded !== undefined) return { decoded, takenOverFrom }
    }
    return { decoded: decodeMetadata(position, metadata, this.#maxRestored) }
  }

  /** A handler of an earlier assignment has ended: the present assignment may go on with its keys. */
  unholdShards(stale: InFlight): void {
    const present = this.#table.find(stale.state.topic, stale.state.partition)
    if (present === undefined) return
    for (const { shard } of stale.pendings) if (shard.key !== undefined) present.shards.vacate(shard.key)
    this.#scheduler.list(present)
  }

  /** A handler of an earlier assignment may still be at work on a key. Its next record waits, or the two would run side by side. */
  #holdShards(state: PartitionState): void {
    for (const entry of this.#scheduler.inFlightOf(state.topic, state.partition)) {
      for (const { shard } of entry.pendings) if (shard.key !== undefined) state.shards.occupy(shard.key)
    }
  }

  #forget(state: PartitionState): void {
    this.#table.remove(state)
    this.#intake.onDropped(state)
    this.#failed.forget(state)
    this.#cuts?.forget(state)
  }
}

/** What is done, and visible with its outputs, would else run again. */
function requireReadable(of: AssignedPartition, decoded: DecodedMetadata): void {
  const isCut = decoded.kind === 'completed' && decoded.cutAt !== undefined
  if (decoded.kind !== 'rejected' && !isCut) return
  const why = decoded.kind === 'rejected' ? decoded.why : 'of more ranges than limits.maxRecordsPerPartition'
  const facts = `What is stored of ${partitionPlace(of)} says which records are done, and cannot be read: the metadata is ${why}. `
  const next =
    'With commit.exactlyOnce none of them may run again, so the partition is not begun. To begin it at its position all the same, run the group once without.'
  throw new PyrallelError('PYR_METADATA_UNREADABLE', `${facts}${next}`)
}
