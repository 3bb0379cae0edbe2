/** All that is known of one partition during one assignment. Dropping this object is the revoke. Synchronous; knows no time. */
import type { CommitRequest } from '../../kafka/kafka-client.ts'
import {
  type KafkaRecord,
  type PartitionId,
  partitionId,
  recordBytes,
  type TopicPartition,
} from '../../model/record.ts'
import type { BatchSettings, Route } from '../../model/settings.ts'
import type { Epoch } from '../../model/work.ts'
import { type EncodedMetadata, encodeCompleted } from '../offsets/metadata-encoder.ts'
import { OffsetTracker } from '../offsets/offset-tracker.ts'
import type { RangeList } from '../offsets/range-list.ts'
import { BatchBuilder } from './batch-builder.ts'
import type { HandlerTally } from './handler-tally.ts'
import { KeyBreakers } from './key-breakers.ts'
import { type Pending, ShardQueue } from './shard-queue.ts'

/** Above this part of the metadata limit, only records below the highest completed offset may start. */
const METADATA_TIGHT_AT = 0.75
/** A span of this many offsets per character always fits (a bitset in a 15-bit alphabet), apart from the frame, so it is not measured. */
const OFFSETS_PER_CHARACTER = 14
const FRAME_CHARACTERS = 16
/** Beyond that span, the metadata is measured again after so many completions, or sooner when the limit is small. Each adds some bits. */
const MEASURE_EVERY = 2_048
/** Completions per character of the limit that leave room between 75 % and 100 %. */
const MEASURE_PER_CHARACTER = 0.5
/** While tight, after so many completions that moved the position: room may be back. */
const REMEASURE_TIGHT_EVERY = 64

/** One partition's position and the metadata that belongs to it, taken at one moment and never changed. */
export interface CommitSnapshot extends CommitRequest {
  readonly epoch: Epoch
  /** Completions of this assignment that it tells of. */
  readonly carries: number
}

export interface PartitionSettings {
  /** 0: nothing but the position is stored. */
  readonly maxMetadataLength: number
  readonly maxOffsetSpan: number
}

/** What may start beyond order and room. */
export interface StartGate {
  /** Changes nothing. */
  mayRun(state: PartitionState, pending: Pending): boolean
  /** Takes over a record that was taken and may not run. */
  refuse(state: PartitionState, pending: Pending): void
}

export class PartitionState implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly id: PartitionId
  readonly epoch: Epoch
  route: Route
  readonly tracker: OffsetTracker<Pending>
  readonly shards = new ShardQueue()
  /** Its handler's, shared with the other partitions. */
  readonly tally: HandlerTally
  /** Keys whose records were given up one after the other. */
  readonly breakers = new KeyBreakers()
  /** Nothing may start any more: revoke or shutdown. */
  isDraining = false
  /** Its commits are refused, though others' are not: nothing more is done that cannot be committed. Kept by the manager. */
  isRefused = false
  /** Intake is stopped by this partition's own limit. */
  isPaused = false
  /** It has a place in the manager's ring of partitions that may have ready work. */
  isListed = false
  /** Incomplete records in memory, and their bytes. */
  records = 0
  bytes = 0
  /** Records that an engine is at work on. */
  inFlight = 0
  /** Records whose dead letter is not acknowledged yet. */
  deadLetters = 0
  /** Records that wait for their next attempt. */
  retriesWaiting = 0
  /** When the position came to its record, or the record arrived, if that was later. Kept by the manager. Milliseconds since the Unix epoch. */
  blockedSince = 0
  /** Until when its handler was paused; infinity while it is. Kept by the manager, like `blockedSince`. */
  pausedUntil = 0
  #settings: PartitionSettings
  #committed: { readonly position: number | undefined; readonly metadata: string }
  #mayHaveChanged = false
  /** Records that are done, and how many of those were cut from the metadata for want of room. */
  #completed = 0
  #cut = 0
  /** Completions that an acknowledged commit tells of. */
  #acknowledged = 0
  #isTight = false
  #completedSinceMeasured = 0
  #metadataLength = 0
  readonly #batches = new BatchBuilder()
  readonly #mayStart = (pending: Pending): boolean =>
    !this.#isTight || pending.record.offset < this.tracker.highestCompleted

  constructor(
    of: TopicPartition,
    epoch: Epoch,
    route: Route,
    start: {
      readonly position: number | undefined
      readonly metadata: string
      readonly restored: RangeList
    },
    settings: PartitionSettings,
    tally: HandlerTally,
  ) {
    this.topic = of.topic
    this.partition = of.partition
    this.id = partitionId(of)
    this.epoch = epoch
    this.route = route
    this.tally = tally
    this.tracker = new OffsetTracker(start.position, start.restored)
    this.#settings = settings
    this.#committed = { position: start.position, metadata: start.metadata }
    this.#metadataLength = start.metadata.length
    // Metadata that was dropped as unreadable must not stay with the group: the next commit replaces it.
    this.#mayHaveChanged = start.metadata !== '' && start.restored.length === 0
    // What is restored may leave no room. Found out at the first commit only, records above it would have started by then. Its text says how
    // much it takes, or more where not all of it is believed; to encode it anew for each of a thousand partitions would take seconds.
    if (start.restored.length > 0) this.#isTight = this.#leavesNoRoom(start.metadata.length)
  }

  /** True while the metadata, or the span, leaves no room for completions above the highest one. */
  get isTight(): boolean {
    return this.#isTight
  }

  /** Records that an engine is at work on, or whose dead letter is not acknowledged yet. */
  get unsettled(): number {
    return this.inFlight + this.deadLetters
  }

  /** UTF-16 units of the metadata when it was last measured. */
  get metadataLength(): number {
    return this.#metadataLength
  }

  /** UTF-16 units that the metadata may have; 0 when nothing but the position is stored. */
  get metadataLimit(): number {
    return this.#settings.maxMetadataLength
  }

  /** Takes a record in. Undefined when an earlier owner has completed it. */
  receive(record: KafkaRecord): Pending | undefined {
    if (this.tracker.skipRestored(record.offset)) {
      this.#mayHaveChanged = true
      return undefined
    }
    // A start without a committed position is worth a commit of its own: should the process be started again with `latest` before anything is
    // done, the topic would else be new to the group, and begin at its end.
    if (this.tracker.next === undefined) this.#mayHaveChanged = true
    const bytes = recordBytes(record)
    const pending = this.shards.enqueue(record, bytes, this.route.ordering)
    pending.ticket = this.tracker.track(record.offset, pending)
    this.records += 1
    this.bytes += bytes
    // The position has come to this record, maybe from far below, if the log was compacted: nothing else would tell that there is room.
    if (this.#isTight && this.records === 1) this.#watchBudget(true)
    return pending
  }

  /** The record that may start next: the blocking one if it can, else in rotation over the shards. */
  take(): Pending | undefined {
    if (this.isDraining || this.isRefused) return undefined
    const taken = this.#takeBlocking() ?? this.shards.take(this.#mayStart)
    if (taken === undefined) return undefined
    taken.state = 'in-flight'
    this.inFlight += 1
    return taken
  }

  /** The records of the next batch; none while they wait for others. */
  takeBatch(settings: BatchSettings, now: number, gate: StartGate): readonly Pending[] {
    return this.#batches.take(settings, now, {
      queued: this.records - this.inFlight - this.retriesWaiting - this.deadLetters,
      take: () => this.take(),
      takeFollower: (of) => this.#takeFollower(of),
      putBack: (pending) => this.#putBack(pending),
      mayRun: (pending) => gate.mayRun(this, pending),
      refuse: (pending) => gate.refuse(this, pending),
    })
  }

  /** The record has failed in a larger batch: from now on it runs in those of at most `limit` records. */
  limitBatch(pending: Pending, limit: number): void {
    this.#batches.limit(pending, limit)
  }

  /** When the records that wait for others to make a batch start without them; undefined when none waits. */
  get batchDueAt(): number | undefined {
    const { batch } = this.route
    return batch === undefined ? undefined : this.#batches.dueAt(batch)
  }

  /**
   * The record is done, for whatever reason: its offset may be passed, and the next of its shard may start.
   * @returns whether the position has moved
   */
  complete(pending: Pending): boolean {
    const before = this.tracker.position
    this.tracker.complete(pending.ticket)
    this.shards.release(pending)
    this.records -= 1
    this.bytes -= pending.bytes
    this.#batches.onCompleted(pending)
    this.#mayHaveChanged = true
    this.#completed += 1
    this.#completedSinceMeasured += 1
    const hasMoved = this.tracker.position !== before
    this.#watchBudget(hasMoved)
    return hasMoved
  }

  /** What a commit would carry now; undefined when the group has it already. */
  commitSnapshot(): CommitSnapshot | undefined {
    if (!this.#mayHaveChanged) return undefined
    const position = this.tracker.position
    if (position === undefined) return undefined
    const metadata = this.#measure().text
    if (position === this.#committed.position && metadata === this.#committed.metadata) {
      this.#mayHaveChanged = false
      this.#acknowledged = this.#carriable
      return undefined
    }
    return this.#snapshot(position, metadata)
  }

  /** The same, whether the group has it already or not; undefined while there is no position. */
  renewal(): CommitSnapshot | undefined {
    const { position } = this.tracker
    return position === undefined ? undefined : this.#snapshot(position, this.#measure().text)
  }

  /** The coordinator has acknowledged this snapshot. */
  committed(snapshot: CommitSnapshot): void {
    // Its answer has come after that of a later one: what is stored now may be either.
    if (snapshot.carries < this.#acknowledged) this.#mayHaveChanged = true
    this.#committed = { position: snapshot.position, metadata: snapshot.metadata }
    this.#acknowledged = snapshot.carries
  }

  /** Completions that a commit would carry now, and that no acknowledged one does. */
  get uncommitted(): number {
    return Math.max(0, this.#carriable - this.#acknowledged)
  }

  /**
   * What the group has stored is of a log that is gone, or of a part of it that is, so it is replaced by the next commit, even if nothing is
   * done until then. Kept, and come back to once the new log has grown beyond it, it would hide records of that log.
   */
  forgetCommitted(): void {
    this.#committed = { position: undefined, metadata: '' }
    this.#mayHaveChanged = true
  }

  /** @param refused the broker accepts less metadata than so many UTF-16 units: half of that at most, from now on */
  halveMetadata(refused: number): void {
    const { maxMetadataLength } = this.#settings
    this.#settings = { ...this.#settings, maxMetadataLength: Math.floor(Math.min(maxMetadataLength, refused) / 2) }
    this.#mayHaveChanged = true
    this.#measure()
  }

  /** The position that the group has stored. */
  get committedPosition(): number | undefined {
    return this.#committed.position
  }

  #snapshot(position: number, metadata: string): CommitSnapshot {
    const { topic, partition, epoch } = this
    return { topic, partition, epoch, position, metadata, carries: this.#carriable }
  }

  /** Where nothing but the position is stored, what lies above it cannot be told; nor can what was cut. */
  get #carriable(): number {
    const { passed } = this.tracker
    return this.#settings.maxMetadataLength === 0 ? passed : Math.max(passed, this.#completed - this.#cut)
  }

  /** Completions that no commit could carry now, and a later one may. */
  get untellable(): number {
    return Math.max(0, this.#completed - this.#carriable)
  }

  #takeFollower({ next }: Pending): Pending | undefined {
    if (next === undefined || !this.#mayStart(next)) return undefined
    next.state = 'in-flight'
    this.inFlight += 1
    return next
  }

  #putBack(pending: Pending): void {
    pending.state = 'queued'
    this.inFlight -= 1
    this.shards.requeue(pending)
  }

  #takeBlocking(): Pending | undefined {
    const blocking = this.tracker.blocking
    return blocking?.state === 'queued' && this.shards.takeNow(blocking) ? blocking : undefined
  }

  /** Keeps `isTight` true to the state without encoding at every completion. Commits measure too, but one may take a minute. */
  #watchBudget(hasMoved: boolean): void {
    const { maxMetadataLength, maxOffsetSpan } = this.#settings
    const { span } = this.tracker
    const alwaysFits = (maxMetadataLength * METADATA_TIGHT_AT - FRAME_CHARACTERS) * OFFSETS_PER_CHARACTER
    if (span < maxOffsetSpan && (maxMetadataLength === 0 || span <= alwaysFits)) {
      this.#isTight = false
      return
    }
    if (span >= maxOffsetSpan) this.#isTight = true
    const seldom = Math.min(MEASURE_EVERY, maxMetadataLength * MEASURE_PER_CHARACTER)
    const every = this.#isTight && hasMoved ? Math.min(REMEASURE_TIGHT_EVERY, seldom) : seldom
    if (this.#completedSinceMeasured >= every) this.#measure()
  }

  #measure(): EncodedMetadata {
    const { maxMetadataLength } = this.#settings
    const encoded = this.#encode(maxMetadataLength)
    this.#completedSinceMeasured = 0
    this.#metadataLength = encoded.text.length
    this.#isTight = encoded.truncated || this.#leavesNoRoom(encoded.text.length)
    return encoded
  }

  #leavesNoRoom(length: number): boolean {
    const { maxMetadataLength, maxOffsetSpan } = this.#settings
    const isMetadataTight = maxMetadataLength > 0 && length > maxMetadataLength * METADATA_TIGHT_AT
    return isMetadataTight || this.tracker.span >= maxOffsetSpan
  }

  #encode(maxLength: number): EncodedMetadata {
    const position = this.tracker.position
    this.#cut = 0
    if (position === undefined || maxLength === 0 || this.tracker.span === 0) {
      return { text: '', truncated: false, coveredTo: position ?? 0 }
    }
    const ranges = this.tracker.completedRanges()
    const encoded = encodeCompleted(position, ranges, maxLength)
    if (encoded.truncated)
      for (const { start, end } of ranges) this.#cut += Math.max(0, end - Math.max(start, encoded.coveredTo))
    return encoded
  }
}
