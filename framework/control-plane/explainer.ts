/**
 * Says why a record is where it is, and all that it waits for; and which keys and retries there are. Pure and synchronous: it changes nothing, a record
 * costs nothing for it, and no question looks at more than it says.
 */
import type {
  KeyExplanation,
  KeyRows,
  OpenBreaker,
  ParkedRow,
  RecordAt,
  RecordExplanation,
  RetryRows,
  Wait,
} from '../model/explanation.ts'
import type { PartitionView, RunsLimits } from '../model/partition-view.ts'
import type { TopicPartition } from '../model/record.ts'
import type { FailedRecords } from './failures/failed-records.ts'
import type { ParkedRecord } from './failures/parked-records.ts'
import type { IntakeGate } from './flow/backpressure.ts'
import type { Scheduler } from './flow/scheduler.ts'
import type { StartPermit } from './flow/start-permit.ts'
import { overdueAt } from './partition/blocking-limit.ts'
import { keyRows } from './partition/key-rows.ts'
import type { PartitionState } from './partition/partition-state.ts'
import type { PartitionLookup } from './partition/partition-table.ts'
import { partitionView } from './partition/partition-view.ts'
import { recordState } from './partition/record-state.ts'
import { type Pending, shardKeyOf } from './partition/shard-queue.ts'
import { waitsToBeReady } from './partition/start-time.ts'

export interface ExplainerOptions {
  readonly table: PartitionLookup
  readonly scheduler: Scheduler
  readonly intake: IntakeGate
  readonly failed: FailedRecords
  readonly permit: Pick<StartPermit, 'stoppedBecause'>
}

/** What the manager does not know: it is asked for, not kept. */
export interface Surroundings {
  readonly now: number
  /** How many items the engine of a handler can hold at this moment. */
  capacityOf(handlerId: string): number
  logEnd(of: TopicPartition): number | undefined
}

const MAX_AHEAD = 1_000
/** For one question about keys. */
export const KEY_LOOKS = 100_000

export class Explainer {
  readonly #parts: ExplainerOptions

  constructor(parts: ExplainerOptions) {
    this.#parts = parts
  }

  /** Undefined: the partition is not assigned here. */
  explain({ topic, partition, offset }: RecordAt, around: Surroundings): RecordExplanation | undefined {
    const state = this.#parts.table.find(topic, partition)
    return state === undefined ? undefined : this.#explain(state, offset, around)
  }

  #explain(state: PartitionState, offset: number, around: Surroundings): RecordExplanation {
    const { topic, partition, epoch, tracker, route } = state
    const found = tracker.find(offset)
    const pending = found ?? undefined
    const recordIs = recordState(state, offset, found, around.logEnd(state))
    const isBlocking = pending !== undefined && tracker.blocking === pending
    return {
      topic,
      partition,
      offset,
      epoch,
      handlerId: route.handlerId,
      state: recordIs,
      isBlocking,
      blocksSince: isBlocking ? state.blockedSince : null,
      attempt: pending?.attempt ?? 0,
      attempts: route.retry.attempts,
      lastFailure: pending?.lastFailure ?? null,
      record: pending?.record ?? null,
      waitsFor:
        pending === undefined
          ? this.#waitsUnfetched(state, recordIs === 'not-fetched')
          : this.#waitsOf(state, pending, around),
    }
  }

  #waitsUnfetched(state: PartitionState, isInLog: boolean): readonly Wait[] {
    if (!isInLog) return []
    const { intake } = this.#parts
    const waits: Wait[] = []
    if (intake.heldBecause !== null) waits.push({ kind: 'memory', limit: intake.heldBecause, isHeld: true })
    const own = intake.reasonFor(state)
    if (own !== null) waits.push({ kind: 'memory', limit: own, isHeld: false })
    if (state.isDraining) waits.push({ kind: 'draining' })
    return waits.length > 0 ? waits : [{ kind: 'fetch' }]
  }

  #waitsOf(state: PartitionState, pending: Pending, around: Surroundings): readonly Wait[] {
    switch (pending.state) {
      case 'in-flight':
        return []
      case 'dead':
        return this.#waitsDead(state, pending)
      case 'parked':
        return [this.#waitsParked(state, pending, around)]
      case 'waiting': {
        const isPause = this.#parts.failed.isPaused(pending)
        const dueAt = pending.retry?.dueAt ?? around.now
        return [{ kind: 'retry', dueAt, isPause }, ...this.#waitsGeneral(state, pending, around)]
      }
      case 'delayed': {
        const at = pending.retry?.dueAt ?? around.now
        const why = waitsToBeReady(pending) ? pending.unready?.why : undefined
        const own: Wait = why === undefined ? { kind: 'not-before', at } : { kind: 'not-ready', dueAt: at, why }
        return [own, ...this.#waitsGeneral(state, pending, around)]
      }
      case 'queued': {
        const general = this.#waitsGeneral(state, pending, around)
        const before = behind(pending)
        if (before !== undefined) return [before, ...general]
        if (general.length > 0) return general
        return this.#waitsForSlot(state, pending, around)
      }
    }
  }

  #waitsDead(state: PartitionState, pending: Pending): readonly Wait[] {
    const { failed, permit } = this.#parts
    const isSent = failed.isHandedOut({ state, pending })
    const letter: Wait = { kind: 'dead-letter', topic: state.route.deadLetterTopic ?? '', isSent }
    const why = permit.stoppedBecause
    return why === null ? [letter] : [letter, { kind: 'starts-stopped', why }]
  }

  #waitsParked(state: PartitionState, pending: Pending, { now }: Surroundings): Wait {
    const since = this.#parts.failed.parked.sinceOf(pending) ?? now
    const holdsKey = pending.shard.key !== undefined
    const until = state.tracker.blocking === pending ? (overdueAt(state) ?? null) : null
    return { kind: 'parked', since, holdsKey, until }
  }

  /** What holds every record of its handler, its partition or its key. */
  #waitsGeneral(state: PartitionState, { record }: Pending, { now }: Surroundings): Wait[] {
    const { permit, scheduler } = this.#parts
    const waits: Wait[] = []
    if (state.isDraining) waits.push({ kind: 'draining' })
    if (scheduler.startsOf(state.topic, now).isPaused) waits.push({ kind: 'handler-paused' })
    if (permit.stoppedBecause !== null) waits.push({ kind: 'starts-stopped', why: permit.stoppedBecause })
    if (state.isRefused) waits.push({ kind: 'commits-refused' })
    const breaker = state.route.poison === undefined ? undefined : state.breakers.find(record.key, now)
    if (breaker !== undefined) waits.push({ kind: 'poisoned', breaker: breaker.id, until: breaker.until })
    return waits
  }

  /** It is the next of its shard, and its partition could start it. */
  #waitsForSlot(state: PartitionState, pending: Pending, { now, capacityOf }: Surroundings): readonly Wait[] {
    const { commits, tracker, route } = state
    const waits: Wait[] = []
    if (tracker.blocking !== pending && !commits.hasRoomFor(pending.record.offset)) {
      const { metadataLength: used, metadataLimit: limit } = commits
      waits.push({ kind: 'metadata', used, limit, span: tracker.span })
    }
    const { concurrency, inFlight, adaptiveLimit, rate } = this.#parts.scheduler.startsOf(state.topic, now)
    const capacity = Math.min(concurrency, capacityOf(route.handlerId))
    if (inFlight >= capacity) waits.push({ kind: 'slots', inFlight, capacity })
    else if (inFlight >= adaptiveLimit) waits.push({ kind: 'adaptive-limit', inFlight, limit: adaptiveLimit })
    if (rate !== undefined) waits.push({ kind: 'rate', ...rate })
    const dueAt = state.batchDueAt
    if (route.batch !== undefined && dueAt !== undefined && dueAt > now)
      waits.push({ kind: 'batch', size: route.batch.size, dueAt })
    return waits.length > 0 ? waits : [{ kind: 'turn' }]
  }

  /** Undefined: there is no record and no open breaker of the key here. */
  explainKey(topic: string, key: Buffer, around: Surroundings): KeyExplanation | undefined {
    let looks = KEY_LOOKS
    let poisoned: PartitionState | undefined
    let isCut = false
    for (const state of this.#parts.table) {
      if (state.topic !== topic) continue
      if (looks <= 0) isCut = true
      const found = this.#withParked(state, key, recordsOf(state, key, looks))
      looks -= found.looked
      if (found.first !== undefined)
        return this.#explainKey(state, key, { ...found, isCut: isCut || found.isCut }, around)
      isCut ||= found.isCut
      poisoned ??= state.breakers.find(key, around.now) === undefined ? undefined : state
    }
    return poisoned === undefined ? undefined : this.#explainKey(poisoned, key, { depth: 0, isCut }, around)
  }

  /** Those of the key that are set apart are in no queue; the oldest of them is its first record. */
  #withParked(state: PartitionState, key: Buffer, found: ReturnType<typeof recordsOf>): ReturnType<typeof recordsOf> {
    if (state.load.parked === 0 || state.route.ordering !== 'key') return found
    let { first, depth } = found
    for (const { state: of, pending } of this.#parts.failed.parked) {
      const isApart = of === state && pending.shard.key === undefined && pending.record.key?.equals(key) === true
      if (!isApart) continue
      depth += 1
      if (first === undefined || pending.record.offset < first.record.offset) first = pending
    }
    return { ...found, first, depth }
  }

  #explainKey(
    state: PartitionState,
    key: Buffer,
    { first, depth, isCut }: { readonly first?: Pending | undefined; readonly depth: number; readonly isCut: boolean },
    around: Surroundings,
  ): KeyExplanation {
    const { topic, partition, epoch, route } = state
    const breaker = state.breakers.find(key, around.now)
    return {
      ...{ topic, partition, epoch, handlerId: route.handlerId, ordering: route.ordering, depth, isCut },
      breaker: breaker === undefined ? null : breakerOf(state, breaker),
      first: first === undefined ? null : this.#explain(state, first.record.offset, around),
    }
  }

  /** Undefined: the partition is not assigned here. */
  view(of: TopicPartition, around: Surroundings, limits: RunsLimits): PartitionView | undefined {
    const state = this.#parts.table.find(of.topic, of.partition)
    return state === undefined ? undefined : partitionView(state, around.logEnd(state), limits)
  }

  /** Of these partitions, those that are assigned here; all of them when none is named. */
  keys(by: 'depth' | 'age', of: Partial<TopicPartition>, now: number, most: number): KeyRows {
    const states = [...this.#parts.table].filter(
      ({ topic, partition }) => topic === (of.topic ?? topic) && partition === (of.partition ?? partition),
    )
    return keyRows(states, by, { most, now, looks: KEY_LOOKS })
  }

  openBreakers(now: number, most: number): readonly OpenBreaker[] {
    const found: OpenBreaker[] = []
    for (const state of this.#parts.table) {
      if (found.length >= most) break
      for (const open of state.breakers.list(now, most - found.length)) found.push(breakerOf(state, open))
    }
    return found
  }

  retries(most: number): RetryRows {
    const { failed } = this.#parts
    const rows = failed.earliest(most).map(({ dueAt, item: { state, pending } }) => {
      const { topic, partition, epoch, route } = state
      const { record, attempt, lastFailure = null } = pending
      const { offset, key, headers } = record
      const of = { topic, partition, offset, epoch, key, headers, handlerId: route.handlerId }
      return { ...of, dueAt, isPause: failed.isPaused(pending), attempt, attempts: route.retry.attempts, lastFailure }
    })
    const parked: ParkedRow[] = []
    for (const each of failed.parked) {
      if (parked.length >= most) break
      parked.push(parkedRow(each))
    }
    const { retriesWaiting: waiting } = failed
    return { rows, waiting, parked, parkedCount: failed.parked.count, looked: rows.length + parked.length }
  }
}

function parkedRow({ state: { topic, partition, epoch, route }, pending, since }: ParkedRecord): ParkedRow {
  const { record, attempt, lastFailure = null, shard } = pending
  const { offset, key, headers } = record
  const of = { topic, partition, offset, epoch, key, headers, handlerId: route.handlerId }
  return { ...of, since, holdsKey: shard.key !== undefined, attempt, lastFailure }
}

/** What must be done before it, of its own shard. */
function behind(pending: Pending): Wait | undefined {
  const { shard } = pending
  const { head } = shard
  if (head === undefined || head === pending) return shard.isBusy ? { kind: 'earlier-assignment' } : undefined
  let ahead = 0
  for (
    let each: Pending | undefined = head;
    each !== undefined && each !== pending && ahead < MAX_AHEAD;
    each = each.next
  )
    ahead += 1
  // Occupied, and nothing of its own runs: what is first waits for that.
  const isOccupied = shard.isBusy && head.state === 'queued'
  if (isOccupied) return { kind: 'earlier-assignment' }
  return { kind: 'record', offset: head.record.offset, state: head.state, attempt: head.attempt, ahead }
}

/** The records of one key, in whatever order its handler keeps. */
function recordsOf(state: PartitionState, key: Buffer, looks: number) {
  const { ordering } = state.route
  const name = ordering === 'key' ? shardKeyOf({ ...nothing, key }, ordering) : undefined
  let first: Pending | undefined
  let [depth, looked] = [0, 0]
  if (name !== undefined) {
    first = state.shards.find(name)?.head
    for (let each = first; each !== undefined && looked < looks; each = each.next) looked += 1
    return { first, depth: looked, looked, isCut: first !== undefined && looked >= looks }
  }
  const isOver = () => looked >= looks
  state.tracker.showIncomplete(0, state.tracker.nextTicket, (pending) => {
    if (isOver()) return false
    looked += 1
    if (pending.record.key?.equals(key) !== true) return true
    first ??= pending
    depth += 1
    return true
  })
  return { first, depth, looked, isCut: isOver() }
}

const nothing = { topic: '', partition: 0, offset: 0, value: null, headers: [], timestamp: 0 }

function breakerOf(
  { topic, partition, epoch, route }: PartitionState,
  open: { readonly id: number; readonly key: Buffer; readonly givenUp: number; readonly until: number },
): OpenBreaker {
  return { topic, partition, epoch, handlerId: route.handlerId, ...open }
}
