/** All that is known of one partition during one assignment. Dropping this object is the revoke. Synchronous; knows no time. */
import type { StoredOffset } from '../../kafka/transactional-producer.ts'
import {
  type KafkaRecord,
  type PartitionId,
  partitionId,
  recordBytes,
  type TopicPartition,
} from '../../model/record.ts'
import type { BatchSettings, Route } from '../../model/settings.ts'
import type { Epoch } from '../../model/work.ts'
import type { CarriedAttempts } from '../offsets/carried-attempts.ts'
import { OffsetTracker } from '../offsets/offset-tracker.ts'
import type { RangeList } from '../offsets/range-list.ts'
import { AttemptCounts } from './attempt-counts.ts'
import { BatchBuilder } from './batch-builder.ts'
import { CommitBudget, type PartitionSettings } from './commit-budget.ts'
import type { HandlerTally } from './handler-tally.ts'
import { KeptRecords } from './kept-records.ts'
import { KeyBreakers } from './key-breakers.ts'
import { PartitionLoad } from './partition-load.ts'
import { type Pending, ShardQueue } from './shard-queue.ts'

/** What may start beyond order and room. */
export interface StartGate {
  /** Changes nothing, but that a record's time is asked for once. */
  mayRun(state: PartitionState, pending: Pending): boolean
  /** A record was taken from its shard, and `mayRun` says no: it waits for its time, or is given up without an attempt. */
  refuse(state: PartitionState, pending: Pending): void
}

export class PartitionState implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly id: PartitionId
  readonly epoch: Epoch
  readonly tracker: OffsetTracker<Pending>
  readonly shards = new ShardQueue()
  readonly load = new PartitionLoad()
  /** What a commit carries, and how much room it has. */
  readonly commits: CommitBudget
  /** Of its records that are not done. */
  readonly attempts: AttemptCounts
  readonly kept: KeptRecords
  /** Its handler's, shared with the other partitions. */
  readonly tally: HandlerTally
  /** Keys whose records were given up one after the other. */
  readonly breakers = new KeyBreakers()
  #route: Route
  #isDraining = false
  #isRefused = false
  #isPaused = false
  #isListed = false
  #blockedSince = 0
  #pausedUntil = 0
  readonly #batches = new BatchBuilder()
  readonly #mayStart = (pending: Pending): boolean => this.commits.hasRoomFor(pending.record.offset)

  constructor(
    of: TopicPartition,
    epoch: Epoch,
    route: Route,
    start: {
      readonly position: number | undefined
      readonly metadata: string
      readonly restored: RangeList
      /** What another tool had stored. */
      readonly isTakenOver?: boolean
      /** Of records that an earlier owner has tried. */
      readonly attempts?: readonly CarriedAttempts[]
      /** What the group has stored, where that is not the position and the metadata. */
      readonly stored?: StoredOffset | undefined
    },
    settings: PartitionSettings,
    tally: HandlerTally,
  ) {
    this.topic = of.topic
    this.partition = of.partition
    this.id = partitionId(of)
    this.epoch = epoch
    this.#route = route
    this.tally = tally
    this.tracker = new OffsetTracker(start.position, start.restored)
    this.kept = new KeptRecords(this.tracker)
    const { position, metadata, isTakenOver = false, attempts = [], stored: inStore } = start
    this.attempts = new AttemptCounts(attempts)
    const stored = { position, metadata, isRestored: start.restored.length > 0, isTakenOver, stored: inStore }
    this.commits = new CommitBudget(this, this.tracker, stored, settings)
  }

  get route(): Route {
    return this.#route
  }

  /** The handler has other settings from now on. */
  changeRoute(route: Route): void {
    this.#route = route
  }

  /** Nothing may start any more: revoke or shutdown. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  startDraining(): void {
    this.#isDraining = true
  }

  /** Its commits are refused, though others' are not: nothing more is done that cannot be committed. */
  get isRefused(): boolean {
    return this.#isRefused
  }

  onCommitRefused(): void {
    this.#isRefused = true
  }

  /** @returns whether its commits were refused before */
  onCommitAccepted(): boolean {
    const wasRefused = this.#isRefused
    this.#isRefused = false
    return wasRefused
  }

  /** Intake is stopped by this partition's own limit. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused
  }

  /**
   * Records that a crash at this moment would run again: done and not told by an acknowledged commit, in flight, or given up and not acknowledged.
   * An upper bound where an earlier owner's completions were cut from the metadata: offsets among them may not exist.
   */
  get runsAgain(): number {
    return this.commits.untold + this.load.unsettled
  }

  /** It has a place in the ring of partitions that may have ready work. */
  get isListed(): boolean {
    return this.#isListed
  }

  setListed(isListed: boolean): void {
    this.#isListed = isListed
  }

  /** When the position came to its record, or the record arrived, if that was later. Milliseconds since the Unix epoch. */
  get blockedSince(): number {
    return this.#blockedSince
  }

  /** Until when its handler was paused; infinity while it is. Milliseconds since the Unix epoch. */
  get pausedUntil(): number {
    return this.#pausedUntil
  }

  onHandlerPaused(): void {
    this.#pausedUntil = Number.POSITIVE_INFINITY
  }

  onHandlerResumed(now: number): void {
    if (this.#pausedUntil === Number.POSITIVE_INFINITY) this.#pausedUntil = now
  }

  /** Takes a record in, unless an earlier owner has completed it, or its handler leaves it out: then it is done as it arrives. */
  receive(record: KafkaRecord, now: number): Pending | 'done-before' | 'left-out' {
    if (this.tracker.skipRestored(record.offset)) {
      this.commits.touch()
      return 'done-before'
    }
    if (this.#isLeftOut(record)) return 'left-out'
    // A start without a committed position is worth a commit of its own: should the process be started again with `latest` before anything is
    // done, the topic would else be new to the group, and begin at its end.
    if (this.tracker.next === undefined) this.commits.touch()
    const bytes = recordBytes(record)
    const pending = this.shards.enqueue(record, bytes, this.#route.ordering)
    pending.ticket = this.tracker.track(record.offset, pending)
    this.attempts.onArrived(pending, this.#route.retry.attempts)
    this.load.received(bytes)
    if (this.load.records === 1) {
      this.#blockedSince = now
      this.commits.onPositionReached()
    }
    return pending
  }

  /** The client has read up to this offset: nothing that has not arrived lies below it. */
  readTo(offset: number): void {
    if (this.tracker.readTo(offset)) this.commits.touch()
  }

  /** The record that may start next: the blocking one if it can, else in rotation over the shards. */
  take(): Pending | undefined {
    if (this.#isDraining || this.#isRefused) return undefined
    const taken = this.#takeBlocking() ?? this.shards.take(this.#mayStart)
    if (taken === undefined) return undefined
    taken.state = 'in-flight'
    this.load.started()
    return taken
  }

  /** The records of the next batch; none while they wait for others. */
  takeBatch(settings: BatchSettings, now: number, gate: StartGate): readonly Pending[] {
    return this.#batches.take(settings, now, {
      queued: this.load.queued,
      take: () => this.take(),
      takeFollower: (of) => this.#takeFollower(of),
      putBack: (pending) => this.#putBack(pending),
      mayRun: (pending) => gate.mayRun(this, pending),
      refuse: (pending) => gate.refuse(this, pending),
    })
  }

  /** An attempt of it has ended, and it is not done. Its `attempt` and `state` are what they are from now on. */
  onTried(pending: Pending): void {
    this.attempts.onTried(pending)
    this.commits.touch()
  }

  /** The record has failed in a larger batch: from now on it runs in those of at most `limit` records. */
  limitBatch(pending: Pending, limit: number): void {
    this.#batches.limit(pending, limit)
  }

  /** When the records that wait for others to make a batch start without them; undefined when none waits. */
  get batchDueAt(): number | undefined {
    const { batch } = this.#route
    return batch === undefined ? undefined : this.#batches.dueAt(batch)
  }

  /** The record is done, for whatever reason: its offset may be passed, and the next of its shard may start. */
  complete(pending: Pending, now: number): void {
    const before = this.tracker.position
    this.tracker.complete(pending.ticket)
    this.shards.release(pending)
    this.attempts.onDone(pending)
    this.load.completed(pending.bytes)
    this.#batches.onCompleted(pending)
    const hasMoved = this.tracker.position !== before
    this.commits.onCompleted(hasMoved)
    if (hasMoved) this.#blockedSince = now
  }

  #isLeftOut(record: KafkaRecord): boolean {
    if (this.#route.leavesOut?.(record) !== true) return false
    this.commits.onLeftOut(this.tracker.leaveOut(record.offset))
    return true
  }

  #takeFollower({ next }: Pending): Pending | undefined {
    if (next === undefined || !this.#mayStart(next)) return undefined
    next.state = 'in-flight'
    this.load.started()
    return next
  }

  #putBack(pending: Pending): void {
    pending.state = 'queued'
    this.load.ended(1)
    this.shards.requeue(pending)
  }

  #takeBlocking(): Pending | undefined {
    const blocking = this.tracker.blocking
    return blocking?.state === 'queued' && this.shards.takeNow(blocking) ? blocking : undefined
  }
}
