/** Decides what may run and what may be committed. Owns all state of one group member. Synchronous: no timer, no clock, no I/O. */
import type { AssignedPartition } from '../kafka/kafka-client.ts'
import type { EventSink } from '../model/events.ts'
import type { KafkaRecord, TopicPartition } from '../model/record.ts'
import { type RecordWatch, unwatched, type WatchedBy } from '../model/record-watch.ts'
import type { Limits, Predecessor, RecoveryStrategy, Route } from '../model/settings.ts'
import type { LimitReached } from '../model/snapshot.ts'
import type { CompletionEvent, WorkItem } from '../model/work.ts'
import { ActionsByHand } from './actions-by-hand.ts'
import { Assignments } from './assignments.ts'
import { type BuiltCut, Cuts } from './cuts/cuts.ts'
import { Explainer } from './explainer.ts'
import { type DeadLetterRequest, FailedRecords } from './failures/failed-records.ts'
import { Settlement } from './failures/settlement.ts'
import { type IntakeChange, IntakeGate, type Load } from './flow/backpressure.ts'
import { type Restraint, Scheduler } from './flow/scheduler.ts'
import { StartPermit } from './flow/start-permit.ts'
import { overdueAt } from './partition/blocking-limit.ts'
import type { CommitSnapshot } from './partition/commit-budget.ts'
import type { InFlight } from './partition/in-flight.ts'
import { KeptRounds } from './partition/kept-records.ts'
import { LeftOutRecords } from './partition/left-out-records.ts'
import type { StartGate } from './partition/partition-state.ts'
import type { Assignment, PartitionLookup } from './partition/partition-table.ts'
import { isItsTime, mayBeReady } from './partition/start-time.ts'
import { PartitionReadings } from './partition-readings.ts'

export interface WorkManagerOptions {
  /** One for each topic. */
  readonly routes: readonly Route[]
  readonly limits: Limits
  readonly recovery: RecoveryStrategy
  readonly takeOver?: Predecessor | 'none' | undefined
  /** UTF-16 units that the client can commit. */
  readonly maxMetadataLength: number
  /** After so long without a word of a member, its group gives its partitions to others. Milliseconds. */
  readonly sessionTimeoutMs: number
  /** 0 up to, not including, 1: for jitter. */
  readonly random: () => number
  readonly onEvent?: EventSink | undefined
  /** Whether `onEvent` is told of `record.done` too, which comes for every record. Default true. */
  readonly tellsDone?: boolean | undefined
  /** Default: nobody looks on. */
  readonly watchedBy?: WatchedBy | undefined
  /** Of a group whose outputs and offsets become visible together: its name. Left out: handlers publish by themselves. */
  readonly exactlyOnce?: { readonly group: string } | undefined
}

/** Handlers that do nothing have not used that up before the next poll comes. More would only wait, and what waits is garbage that has grown old. */
const PLENTY_PER_SLOT = 8
/** Of an exactly-once group's metadata, in UTF-16 units: what is done and visible has room beyond what is new. */
const VISIBLE_RESERVE = 8

/** All are 0 when everything is done. `records` and `bytes`: incomplete and in memory. */
export interface Gauges extends Load {
  readonly inFlight: number
  readonly retriesWaiting: number
  readonly delayed: number
  /** Out of attempts, until somebody or a limit decides. */
  readonly parked: number
  readonly deadLetters: number
}

/**
 * The verbs, in the order of a record's way: `onAssigned`, `onPolled`, `onReadTo`, `takeReady`, `onCompletion`, (`takeDeadLetters`, `onDeadLettered`),
 * `collectCommits`, `onCommitted`, `onRevoked`. Nothing can interleave inside a verb, so there is no lock.
 */
export class WorkManager {
  readonly #scheduler: Scheduler
  readonly #intake: IntakeGate
  readonly #failed = new FailedRecords()
  readonly #assignments: Assignments
  readonly #table: PartitionLookup
  readonly #settlement: Settlement
  /** Whether anything may start at all. */
  readonly permit: StartPermit
  readonly kept = new KeptRounds()
  /** Answers questions about records, and changes nothing. */
  readonly explainer: Explainer
  /** How the partitions stand, for operators; changes nothing. */
  readonly readings: PartitionReadings
  readonly byHand: ActionsByHand
  /** Of an exactly-once group: what its transactions carry. */
  readonly cuts: Cuts | undefined
  /** The partition whose commit was last asked for again. */
  #renewed = 0
  readonly #emit: EventSink | undefined
  readonly #watchedBy: WatchedBy
  /** The latest time that a verb was told. */
  #now = 0
  /** Whether any handler gives records up that do not run: they block for too long, or are parked and in the way. */
  #limitsBlocking: boolean
  readonly #gate: StartGate = {
    mayRun: ({ route: { poison, delay }, breakers }, pending) =>
      (poison === undefined || !breakers.isOpen(pending.record.key, this.#now)) &&
      (delay === undefined || isItsTime(pending, delay, this.#now)) &&
      mayBeReady(pending, this.#now),
    refuse: (state, pending) => this.#settlement.refuse(state, pending, this.#now),
  }

  constructor(options: WorkManagerOptions) {
    const { routes, limits, recovery, takeOver, maxMetadataLength, random, onEvent, tellsDone } = options
    this.#scheduler = new Scheduler(routes)
    this.#intake = new IntakeGate(limits)
    this.#emit = onEvent
    this.#watchedBy = options.watchedBy ?? unwatched
    this.#limitsBlocking = routes.some(givesUpIdle)
    const { exactlyOnce } = options
    const reservedLength = exactlyOnce === undefined ? 0 : VISIBLE_RESERVE
    const partitionSettings = {
      maxMetadataLength: recovery === 'metadata' ? Math.max(0, maxMetadataLength - reservedLength) : 0,
      reservedLength,
      maxOffsetSpan: limits.maxOffsetSpan,
    }
    // Each range begins above a record that was incomplete, and in memory: no member with these limits stores more.
    const maxRestored = limits.maxRecordsPerPartition
    const { sessionTimeoutMs } = options
    const { maxBytes, maxUncommitted } = limits
    const cuts =
      exactlyOnce === undefined ? undefined : new Cuts({ ...exactlyOnce, maxBytes, table: () => this.#table, onEvent })
    this.cuts = cuts
    this.permit = new StartPermit({ sessionTimeoutMs, maxUncommitted, outputs: cuts, onEvent })
    const parts = { scheduler: this.#scheduler, intake: this.#intake, failed: this.#failed, cuts, onEvent }
    this.#assignments = new Assignments({ ...parts, recovery, takeOver, partitionSettings, maxRestored })
    this.#table = this.#assignments.table
    const [table, permit] = [this.#table, this.permit]
    const settlement = new Settlement({ ...parts, permit, random, tellsDone })
    this.#settlement = settlement
    this.explainer = new Explainer({ ...parts, table, permit })
    this.readings = new PartitionReadings({ ...parts, table })
    this.byHand = new ActionsByHand({ ...parts, table, settlement, explainer: this.explainer })
  }

  // --- assignment ---

  onAssigned(assigned: readonly AssignedPartition[], now = this.#now): void {
    // To one that had none, this is as good as an answer: only a member gets partitions.
    if (this.#table.isEmpty) this.permit.clock.heard(now)
    for (const partition of assigned) this.#assignments.begin(partition)
  }

  /** Starts nothing more of these partitions; what is in flight goes on. @returns their present assignments */
  startDraining(partitions: readonly TopicPartition[]): readonly Assignment[] {
    const states = partitions.flatMap(({ topic, partition }) => this.#table.find(topic, partition) ?? [])
    for (const state of states) state.startDraining()
    return states
  }

  /** Those that are present still: the others are lost, and if their partitions have come back, then with another assignment. */
  present(assignments: readonly Assignment[]): readonly Assignment[] {
    return assignments.filter((each) => this.#table.isCurrent(each))
  }

  /** Records of these partitions that are in flight, or wait for a dead letter's acknowledgement. */
  unsettled(partitions: readonly TopicPartition[]): number {
    let count = 0
    for (const { topic, partition } of partitions) count += this.#table.find(topic, partition)?.load.unsettled ?? 0
    return count
  }

  get hasPartitions(): boolean {
    return !this.#table.isEmpty
  }

  assigned(): readonly TopicPartition[] {
    return [...this.#table].map(({ topic, partition }) => ({ topic, partition }))
  }

  /** Forgets these partitions. Whatever comes back from this assignment later is stale. */
  onRevoked(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#assignments.end(partition, 'partition.revoked')
    this.permit.count(this.#table)
  }

  onLost(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#assignments.end(partition, 'partition.lost')
    this.permit.count(this.#table)
  }

  // --- intake ---

  /** The most records that the next poll may bring; 0 while intake is held. */
  pollSize(): number {
    return this.#intake.pollSize()
  }

  /** Whether records could start now in all of so many slots, with enough in line behind them that there is no hurry to take more in. */
  hasPlenty(slots: number): boolean {
    const queued = this.#intake.load.records - this.#scheduler.recordsInFlight
    if (queued < PLENTY_PER_SLOT * slots) return false
    let ready = 0
    for (const state of this.#table) {
      ready += state.shards.ready
      if (ready >= slots) return true
    }
    return false
  }

  /** Partitions that are full keep the records of others behind them in the client, and a handler has nothing else to do. */
  get isStarvedByFull(): boolean {
    return this.#intake.hasOpenPartition && this.#scheduler.isStarving
  }

  /** Takes records in. Those of partitions that are not assigned any more are dropped: their next owner gets them. */
  onPolled(records: readonly KafkaRecord[], now = this.#now): void {
    this.#now = now
    const { watch } = this.#watchedBy
    let bytes = 0
    let leftOut: LeftOutRecords | undefined
    for (const record of records) {
      let state = this.#table.find(record.topic, record.partition)
      if (state === undefined || state.isDraining) continue
      const lowest = state.tracker.next
      if (lowest !== undefined && record.offset < lowest) state = this.#assignments.rewind(state, lowest, record.offset)
      const pending = state.receive(record, now)
      if (pending === 'done-before') continue
      if (pending === 'left-out') {
        leftOut ??= new LeftOutRecords(this.#emit)
        leftOut.add(state.route.handlerId, record)
        continue
      }
      bytes += pending.bytes
      this.#intake.onTaken(state, pending.bytes)
      this.#scheduler.list(state)
      watch?.onTaken(state.route.handlerId, state.epoch, record, now)
    }
    this.kept.onTaken(bytes, this.#table)
    leftOut?.tell()
  }

  /**
   * The client has read its log up to `offset`, and has returned every record below it. With nothing incomplete the position goes there: over the markers of
   * transactions and whatever else no consumer is given.
   */
  onReadTo({ topic, partition }: TopicPartition, offset: number): void {
    this.#table.find(topic, partition)?.readTo(offset)
  }

  /** Partitions whose own limit was reached, or left, since the last call. */
  takeIntakeChange(): IntakeChange {
    return this.#intake.takeChange()
  }

  /** Partitions that their own limit keeps paused, whatever else pauses and resumes. */
  pausedPartitions(): readonly TopicPartition[] {
    return [...this.#table].filter((state) => state.isPaused).map(({ topic, partition }) => ({ topic, partition }))
  }

  // --- work ---

  /**
   * Everything that may start now.
   * @param capacityOf how many items the engine of a handler can hold at this moment
   * @param setAsideOf how many of its items in flight take no slot
   */
  takeReady(
    now: number,
    capacityOf: (handlerId: string) => number,
    setAsideOf?: (handlerId: string) => number,
  ): WorkItem[] {
    this.#now = now
    this.#settlement.wakeRetries(now)
    if (!this.permit.mayStart(now, this.#table)) return []
    if (this.#limitsBlocking) this.#settlement.giveUpOverdue(this.#table, now)
    const items = this.#scheduler.start(now, this.#table, capacityOf, this.#gate, setAsideOf)
    const { watch } = this.#watchedBy
    if (watch !== undefined) for (const item of items) watch.onStarted(item, now)
    return items
  }

  /** A topic more, before a partition of it is assigned. One that was there before, and went, has its route still. */
  addRoute(route: Route): void {
    if (this.#scheduler.hasRoute(route.topic)) this.replaceRoute(route)
    else this.#scheduler.addRoute(route)
    this.#limitsBlocking ||= givesUpIdle(route)
  }

  /** Other rules for the same handler, topic and order: they count from the next outcome on. */
  replaceRoute(route: Route): void {
    this.#scheduler.replaceRoute(route)
    this.#limitsBlocking ||= givesUpIdle(route)
    for (const state of this.#table) {
      if (state.topic !== route.topic) continue
      state.changeRoute(route)
      this.#settlement.retryParked(state, this.#now)
    }
  }

  /** Starts nothing more of this handler. Records are taken in until the limits are reached, and what is in flight goes on. */
  pause(handlerId: string): void {
    this.#scheduler.pause(handlerId)
    for (const state of this.#table) if (state.route.handlerId === handlerId) state.onHandlerPaused()
  }

  resume(handlerId: string): void {
    this.#scheduler.resume(handlerId)
    for (const state of this.#table) if (state.route.handlerId === handlerId) state.onHandlerResumed(this.#now)
  }

  /**
   * When something is due next that no completion and no poll brings: a retry, a delayed record, a start that a rate holds back, records that have waited long
   * enough for a whole batch, a record that blocks for too long.
   */
  get nextWakeAt(): number | undefined {
    // An acknowledged commit wakes, and nothing before it.
    if (this.permit.stoppedBecause !== null) return undefined
    const { nextDueAt, delayed } = this.#failed
    let next = earliest(nextDueAt, delayed.nextDueAt)
    next = earliest(next, earliest(this.#scheduler.nextStartAt, this.#scheduler.nextBatchAt))
    if (this.#limitsBlocking) for (const state of this.#table) next = earliest(next, overdueAt(state))
    return next
  }

  /** When nothing starts any more, unless a commit is acknowledged before: what may start is to be asked then, too, so that it is told. */
  get stopsAt(): number | undefined {
    return this.#table.isEmpty || this.permit.stoppedBecause !== null ? undefined : this.permit.clock.stopsAt
  }

  onCompletion(completion: CompletionEvent, now: number): void {
    this.#now = now
    const entry = this.#scheduler.finish(completion.workId)
    // Also of an earlier assignment: the rate is the handler's.
    if (entry !== undefined && !hasRun(completion)) this.#scheduler.onTakenBack(entry)
    if (entry === undefined || !this.#table.isCurrent(entry.state)) {
      this.#emit?.({ kind: 'stale.dropped', what: 'completion' })
      if (entry !== undefined) this.#assignments.unholdShards(entry)
      return
    }
    this.#settlement.settle(entry, completion, now)
    const { watch } = this.#watchedBy
    if (watch !== undefined) tellEnded(watch, entry, completion, now)
  }

  // --- dead letters ---

  /** Records given up since the last call: publish each, then call `onDeadLettered`. None while nothing may start. */
  takeDeadLetters(now = this.#now): readonly DeadLetterRequest[] {
    return this.permit.mayStart(now, this.#table) ? this.#failed.takeRequests() : []
  }

  /** Whether it still matters: false once the partition was given up. */
  isWanted(request: DeadLetterRequest): boolean {
    return this.#failed.isWanted(request)
  }

  /** The dead-letter topic has acknowledged it. */
  onDeadLettered(request: DeadLetterRequest, now = this.#now): void {
    this.#now = now
    const entry = this.#failed.acknowledge(request)
    if (entry === undefined || !this.#table.isCurrent(entry.state)) {
      this.#emit?.({ kind: 'stale.dropped', what: 'dead-letter' })
      return
    }
    this.#settlement.onDeadLettered(entry, request, now)
  }

  // --- commits ---

  /** What has changed since the last commit. Each snapshot's position and metadata are of this moment. */
  collectCommits(only?: readonly TopicPartition[]): CommitSnapshot[] {
    const states = only?.map(({ topic, partition }) => this.#table.find(topic, partition)) ?? this.#table
    const commits: CommitSnapshot[] = []
    for (const state of states) {
      if (state === undefined) continue
      const wasTight = state.commits.isTight
      const snapshot = state.commits.snapshot()
      if (snapshot !== undefined) commits.push(snapshot)
      // The commit has measured anew and found room: what the brake held back would else wait for the next completion, which may be an hour away.
      if (wasTight && !state.commits.isTight) this.#scheduler.list(state)
    }
    return commits
  }

  /**
   * For a group that has had nothing to commit for a while: one partition's commit again, each time another's, because one may be refused for reasons of its own.
   * Empty before it is due.
   */
  collectRenewal(now: number): readonly CommitSnapshot[] {
    if (now < this.permit.clock.renewAt) return []
    const renewals = [...this.#table].flatMap((state) => (state.tracker.position === undefined ? [] : state))
    this.#renewed += 1
    const renewal = renewals[this.#renewed % renewals.length]?.commits.renewal()
    if (renewal !== undefined) return [renewal]
    // Without a position there is nothing to commit, and nothing was taken in that could run.
    if (!this.#table.isEmpty) this.permit.clock.heard(now)
    return []
  }

  /** Of an exactly-once group: what its next transaction carries, or what is stored once more, so that the member hears of itself. */
  nextCut(now: number): BuiltCut | undefined {
    const cut = this.cuts?.build(now)
    if (cut !== undefined || now < this.permit.clock.renewAt) return cut
    const renewal = this.cuts?.renewal()
    // Without anything stored there is nothing to store again, and nothing was taken in that could run.
    if (renewal === undefined && !this.#table.isEmpty) this.permit.clock.heard(now)
    return renewal
  }

  /** @param sentAt when they were sent */
  onCommitted(commits: readonly CommitSnapshot[], sentAt = this.#now): void {
    this.permit.clock.heard(sentAt)
    for (const commit of commits) {
      const state = this.#table.isCurrent(commit) ? this.#table.find(commit.topic, commit.partition) : undefined
      state?.commits.onAcknowledged(commit)
      if (state !== undefined) this.#watchedBy.watch?.onAcknowledged(state, commit.position, this.#now)
      if (state?.onCommitAccepted() === true) this.#scheduler.list(state)
      if (state === undefined) this.#emit?.({ kind: 'stale.dropped', what: 'commit' })
    }
    this.permit.count(this.#table)
  }

  /** Alone, and without metadata: it is about this partition. */
  onCommitRefused(commit: CommitSnapshot): void {
    const state = this.#table.isCurrent(commit) ? this.#table.find(commit.topic, commit.partition) : undefined
    state?.onCommitRefused()
    this.permit.count(this.#table)
  }

  /** The broker's limit is lower than ours: this partition's metadata is kept shorter from now on. */
  onMetadataTooLarge(commit: CommitSnapshot): void {
    if (this.#table.isCurrent(commit))
      this.#table.find(commit.topic, commit.partition)?.commits.halveMetadata(commit.metadata.length)
  }

  // --- observation ---

  countUncommitted(): number {
    return this.permit.count(this.#table)
  }

  gauges(): Gauges {
    const inFlight = this.#scheduler.recordsInFlight
    const { retriesWaiting, delayed, deadLetters, parked } = this.#failed
    const waiting = { retriesWaiting, delayed: delayed.size, parked: parked.count }
    return { ...this.#intake.load, inFlight, ...waiting, deadLetters }
  }

  /** Of the delayed records, those that cannot be read yet. */
  get notReady(): number {
    return this.#failed.delayed.notReady
  }

  /** Since when the first parked record is; undefined when none is. Milliseconds since the Unix epoch. */
  get parkedSince(): number | undefined {
    return this.#failed.parked.oldestSince
  }

  /** Attempts of this topic's handler in flight at most, at this moment. */
  limitOf(topic: string): number {
    return this.#scheduler.limitOf(topic)
  }

  /** What keeps this topic's handler from starting more, beyond order and room. */
  restraintOf(topic: string): Restraint {
    return this.#scheduler.restraintOf(topic)
  }

  /** Why intake is stopped as a whole; null while it is not. */
  get heldBecause(): LimitReached | null {
    return this.#intake.heldBecause
  }
}

/** Else it is no attempt, and costs nothing of the rate. */
function hasRun({ outcome }: CompletionEvent): boolean {
  return outcome.kind !== 'recalled' && outcome.kind !== 'not-ready'
}

function tellEnded(watch: RecordWatch, { item, state }: InFlight, completion: CompletionEvent, now: number): void {
  const isDone = item.records.map(({ offset }) => (state.tracker.find(offset) ?? null) === null)
  watch.onEnded(item, completion, isDone, now)
}

function givesUpIdle({ maxBlockingMs, retry: { then = 'dead-letter' } }: Route): boolean {
  return maxBlockingMs !== undefined || then !== 'dead-letter'
}

/** Undefined is never. */
function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.min(a, b)
}
