/** Decides what becomes of a record after an attempt: done, tried again, parked, or given up. Starts nothing and commits nothing. */
import { bug } from '../../model/errors.ts'
import type { EventSink } from '../../model/events.ts'
import type { Route } from '../../model/settings.ts'
import type { CompletionEvent, HandlerFailure, KeptOutput, Outcome } from '../../model/work.ts'
import type { IntakeGate } from '../flow/backpressure.ts'
import type { Scheduler } from '../flow/scheduler.ts'
import type { StartPermit } from '../flow/start-permit.ts'
import { blockedFailure, byHandFailure, lastAttempt, overdue } from '../partition/blocking-limit.ts'
import type { InFlight } from '../partition/in-flight.ts'
import { poisonedFailure, saysSomethingOfKey } from '../partition/key-breakers.ts'
import { lastFailure } from '../partition/last-failure.ts'
import { type Relief, relief, reliefFailure, reliefOfAll } from '../partition/parked-relief.ts'
import { shortKey } from '../partition/partition-snapshot.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import type { Pending, Shard } from '../partition/shard-queue.ts'
import { mayBeReady, notBeforeFailure, waitOf } from '../partition/start-time.ts'
import {
  counts,
  hasSucceeded,
  isUnfinished,
  limitAfterFailure,
  outcomeOf,
  type SingleOutcome,
} from './batch-outcome.ts'
import { type DeadLetterRequest, type FailedRecords, letterOf } from './failed-records.ts'
import type { IncompleteRecord } from './incomplete-record.ts'
import { parks } from './parked-records.ts'
import { decideRetry, MAX_INTERRUPTIONS, notReadyDelayMs, pauseBeforeSplitMs } from './retry-policy.ts'

export interface SettlementOptions {
  readonly scheduler: Scheduler
  readonly intake: IntakeGate
  readonly failed: FailedRecords
  readonly permit: Pick<StartPermit, 'onCompleted'>
  /** 0 up to, not including, 1: for jitter. */
  readonly random: () => number
  readonly onEvent?: EventSink | undefined
  /** Whether `onEvent` is told of `record.done` too, which comes for every record. Default true. */
  readonly tellsDone?: boolean | undefined
  /** Of an exactly-once group: keeps what was published for its transaction. Left out: handlers publish by themselves. */
  readonly cuts?: KeepsOutputs | undefined
}

export interface KeepsOutputs {
  /** @param done complete, and visible no earlier than the outputs */
  keep(state: PartitionState, done: readonly Pending[], outputs: readonly KeptOutput[], durationMs: number): void
  /** @param key of its shard */
  keepLetter(state: PartitionState, letter: Omit<DeadLetterRequest, 'id'>, key: string | undefined, now: number): void
}

type Failed = Extract<Outcome, { readonly failure: HandlerFailure }>
type NotReady = Extract<Outcome, { readonly kind: 'not-ready' }>
type Ran = Exclude<Outcome, NotReady>

export class Settlement {
  readonly #scheduler: Scheduler
  readonly #intake: IntakeGate
  readonly #failed: FailedRecords
  readonly #permit: Pick<StartPermit, 'onCompleted'>
  readonly #random: () => number
  readonly #emit: EventSink | undefined
  /** `#emit`, if it wants to hear of it. */
  readonly #emitDone: EventSink | undefined
  readonly #cuts: KeepsOutputs | undefined

  constructor({ scheduler, intake, failed, permit, random, onEvent, tellsDone, cuts }: SettlementOptions) {
    this.#scheduler = scheduler
    this.#intake = intake
    this.#failed = failed
    this.#permit = permit
    this.#random = random
    this.#cuts = cuts
    this.#emit = onEvent
    this.#emitDone = tellsDone === false ? undefined : onEvent
  }

  /** The dead-letter topic has acknowledged it. */
  onDeadLettered(entry: IncompleteRecord, request: DeadLetterRequest, now: number): void {
    this.#complete(entry, now)
    this.#emit?.({ ...ofRecord(entry, request), kind: 'record.dead', ...deadOf(request.failure, request.topic) })
  }

  /** Those whose delay is over may start, or start again. */
  wakeRetries(now: number): void {
    for (;;) {
      const entry = this.#failed.takeDue(now)
      if (entry === undefined) break
      this.#runAgain(entry)
    }
    const { delayed } = this.#failed
    for (let entry = delayed.takeDue(now); entry !== undefined; entry = delayed.takeDue(now)) this.#runAgain(entry)
  }

  #runAgain({ state, pending }: IncompleteRecord): void {
    pending.state = 'queued'
    state.shards.requeue(pending)
    this.#scheduler.list(state)
  }

  /** Records that have failed and hold back the commit for longer than their handler allows, and parked ones that others have no room behind. */
  giveUpOverdue(states: Iterable<PartitionState>, now: number): void {
    for (const state of states) {
      for (let found = relief(state); found !== undefined; found = relief(state)) this.#relieve(state, found, now)
      const pending = overdue(state, now)
      const { maxBlockingMs } = state.route
      if (pending?.lastFailure === undefined || maxBlockingMs === undefined) continue
      const entry = { state, pending }
      if (pending.state === 'parked') {
        this.#endPark(entry, blockedFailure(pending.lastFailure, maxBlockingMs), now)
        continue
      }
      if (pending.state === 'waiting') this.#failed.cancelRetry(entry)
      // A handler of an earlier assignment still runs on its key: it cannot go before that ends.
      else if (!state.shards.takeNow(pending)) continue
      pending.attempt = lastAttempt(pending)
      this.#fail(entry, blockedFailure(pending.lastFailure, maxBlockingMs), 0, now)
    }
    if (!this.#intake.isHeld) return
    for (let last = reliefOfAll(states); last !== undefined; last = reliefOfAll(states))
      this.#relieve(last.state, last, now)
  }

  #relieve(state: PartitionState, { pending, why }: Relief, now: number): void {
    this.#endPark({ state, pending }, reliefFailure(pending.lastFailure, why), now)
  }

  /** It is given up. For the breaker of its key it counted when it was parked. */
  #endPark(entry: IncompleteRecord, failure: HandlerFailure, now: number): void {
    this.#failed.parked.end(entry)
    entry.pending.attempt = lastAttempt(entry.pending)
    this.#giveUp(entry, failure, 0, now)
  }

  /** It waits no longer. */
  retryNow(entry: IncompleteRecord): void {
    const { state, pending } = entry
    if (pending.state !== 'parked') {
      this.#failed.cancelRetry(entry)
      this.#runAgain(entry)
      return
    }
    this.#failed.parked.end(entry)
    pending.state = 'queued'
    state.shards.takeBack(pending, state.route.ordering)
    this.#scheduler.list(state)
  }

  /** The handler of the partition has other code or other rules: what it could not do before is tried once more. */
  retryParked(state: PartitionState, now: number): void {
    if (state.load.parked === 0 || state.isDraining) return
    for (const entry of [...this.#failed.parked]) {
      // Its start would give it up.
      const isPoisoned = state.route.poison !== undefined && state.breakers.isOpen(entry.pending.record.key, now)
      if (entry.state === state && !isPoisoned) this.retryNow(entry)
    }
  }

  /** A parked record is done, and nothing is left of it: somebody has asked for that. */
  discard(entry: IncompleteRecord, now: number): void {
    const { pending } = entry
    this.#failed.parked.end(entry)
    pending.attempt = lastAttempt(pending)
    this.#drop(entry, byHandFailure(pending.lastFailure), 0, now)
  }

  /** Somebody has asked for it: a decision about one record, so it counts for no breaker. @returns false when it cannot go now */
  giveUpByHand(entry: IncompleteRecord, now: number): boolean {
    const { state, pending } = entry
    if (pending.state === 'parked') this.#failed.parked.end(entry)
    else if (pending.state === 'waiting') this.#failed.cancelRetry(entry)
    else if (pending.state === 'delayed') this.#failed.delayed.cancel(entry)
    else if (pending.state !== 'queued' || !state.shards.takeNow(pending)) return false
    pending.attempt = lastAttempt(pending)
    this.#giveUp(entry, byHandFailure(pending.lastFailure), 0, now)
    return true
  }

  /** It was taken from its shard and does not start: the breaker of its key is open, its time has not come, or it cannot be read yet. */
  refuse(state: PartitionState, pending: Pending, now: number): void {
    state.load.ended(1)
    const { poison, delay } = state.route
    const isPoisoned = poison !== undefined && state.breakers.isOpen(pending.record.key, now)
    if (!isPoisoned && pending.unready !== undefined && !mayBeReady(pending, now)) {
      this.#failed.delayed.wait(pending.unready.until, { state, pending })
      return
    }
    const wait = isPoisoned || delay === undefined ? undefined : waitOf(pending, delay, now)
    if (typeof wait === 'number') {
      this.#failed.delayed.wait(wait, { state, pending })
      return
    }
    pending.attempt = lastAttempt(pending)
    const failure = wait === undefined ? poisonedFailure(poison?.threshold ?? 0) : notBeforeFailure(wait)
    this.#giveUp({ state, pending }, failure, 0, now)
  }

  /** Counts for the breaker of its key. */
  #countGivenUp({ state, pending }: IncompleteRecord, failure: HandlerFailure, now: number): void {
    const { handlerId, poison } = state.route
    const { key } = pending.record
    if (poison === undefined || key === null || !saysSomethingOfKey(failure)) return
    if (!state.breakers.onGivenUp(key, poison, now)) return
    const { topic, partition, epoch } = state
    const { cooldownMs } = poison
    this.#emit?.({ kind: 'breaker.opened', topic, partition, epoch, handlerId, key: shortKey(key), cooldownMs })
  }

  /** It was handled, and not filtered: that says nothing. */
  #countSucceeded({ state, pending }: IncompleteRecord): void {
    const { handlerId, poison } = state.route
    state.tally.successes += 1
    if (state.tally.wholeFailures > 0) this.#endPauses(state)
    const { key } = pending.record
    if (poison === undefined || key === null || !state.breakers.onSucceeded(key)) return
    const { topic, partition, epoch } = state
    const of = { topic, partition, epoch, handlerId, key: shortKey(key) }
    this.#emit?.({ kind: 'breaker.closed', ...of, isByHand: false })
  }

  /** What the attempt says about how many may run at once. */
  #learn(route: Route, outcome: Outcome, durationMs: number, records: number, now: number): void {
    const { handlerId, topic, adaptive } = route
    if (adaptive === undefined || !tellsDuration(outcome, records)) return
    const limit = this.#scheduler.onEnded(topic, durationMs, outcome.kind === 'timed-out', now)
    if (limit !== undefined) this.#emit?.({ kind: 'concurrency.changed', handlerId, limit })
  }

  /** The attempt of these records has ended, and their assignment is the present one. */
  settle(entry: InFlight, completion: CompletionEvent, now: number): void {
    const { state, pendings } = entry
    const { outcome, durationMs } = completion
    state.load.ended(pendings.length)
    if (outcome.kind === 'recalled') {
      this.#requeue(entry)
      return
    }
    if (outcome.kind === 'not-ready') {
      this.#holdUnready(entry, outcome, now)
      this.#requeue(entry)
      return
    }
    state.tally.busyMs += durationMs
    this.#learn(state.route, outcome, durationMs, pendings.length, now)
    const [pending] = pendings
    if (pendings.length > 1) this.#settleBatch(entry, outcome, durationMs, now)
    else if (pending !== undefined) {
      const single = outcomeOf(outcome, 0)
      this.#settleOne({ state, pending }, single, durationMs, now)
      if (single.kind === 'succeeded' && single.outputs !== undefined)
        this.#keepOutputs(state, [pending], single.outputs, durationMs)
    }
  }

  /** Of these, which are done: they and what was published of them become visible together. */
  #keepOutputs(
    state: PartitionState,
    done: readonly (Pending | undefined)[],
    outputs: readonly KeptOutput[],
    durationMs: number,
  ): void {
    if (outputs.length === 0) return
    if (this.#cuts === undefined)
      throw bug('settlement', 'an attempt has kept outputs, and its group has no transactions')
    const isOfCall = outputs.some(({ of }) => of === undefined)
    const own = outputs.filter(({ of }) => of === undefined || done[of] !== undefined)
    const named = new Set(own.map(({ of }) => of))
    const records = done.flatMap((each, index) => (each !== undefined && (isOfCall || named.has(index)) ? [each] : []))
    if (records.length > 0) this.#cuts.keep(state, records, own, durationMs)
  }

  /** No attempt: their turn refuses them until then. Those behind them in their shards wait, too, and all others run at once. */
  #holdUnready({ state, pendings }: InFlight, { why, waiting }: NotReady, now: number): void {
    for (const [index, pending] of pendings.entries()) {
      if (waiting !== undefined && !waiting.has(index)) continue
      const times = (pending.unready?.times ?? 0) + 1
      const delayMs = notReadyDelayMs(times, this.#random)
      pending.unready = { times, until: now + delayMs, why }
      const { record, attempt } = pending
      const { handlerId } = state.route
      this.#emit?.({ kind: 'record.not-ready', handlerId, record, attempt, times, delayMs, why })
    }
  }

  #settleBatch(entry: InFlight, outcome: Ran, durationMs: number, now: number): void {
    if ('failure' in outcome) {
      this.#split(entry, outcome, now)
      return
    }
    const { state, pendings } = entry
    const isPause = outcome.kind === 'partial' && outcome.pause !== undefined
    // Of each shard, the last record of this batch that was looked at and is not done.
    const unfinished = new Map<Shard, Pending>()
    // By index: those that succeeded, and that the handler has seen.
    const { outputs } = outcome
    const done: (Pending | undefined)[] | undefined = outputs === undefined ? undefined : []
    for (const [index, pending] of pendings.entries()) {
      const single = outcomeOf(outcome, index)
      const isCounted = counts(single, unfinished.get(pending.shard))
      if (isCounted) this.#settleOne({ state, pending }, single, durationMs, now, pendings.length)
      else this.#waitBehind(state, pending, isPause ? single : undefined)
      if (isUnfinished(pending)) unfinished.set(pending.shard, pending)
      done?.push(isCounted && single.kind === 'succeeded' && single.filtered !== true ? pending : undefined)
    }
    if (outputs !== undefined && done !== undefined) this.#keepOutputs(state, done, outputs, durationMs)
  }

  /**
   * It runs again when its shard comes to it. That was an attempt of its own where the batch has asked for a pause; but the last one is not used
   * up behind another record of its shard: it would be given up before that one is done.
   */
  #waitBehind(state: PartitionState, pending: Pending, paused: SingleOutcome | undefined): void {
    const { route } = state
    pending.state = 'queued'
    if (paused?.kind !== 'failed' || !paused.failure.retryable || pending.attempt >= route.retry.attempts) return
    pending.lastFailure = paused.failure
    pending.attempt += 1
    state.onTried(pending)
  }

  /** It has not begun: no attempt, and its turn is where it was. */
  #requeue({ state, pendings }: InFlight): void {
    for (const pending of pendings) this.#runAgain({ state, pending })
  }

  /** Runs them again in smaller batches: those that are not to blame succeed, and the one that is will be alone. */
  #split({ state, pendings }: InFlight, outcome: Failed, now: number): void {
    const { failure } = outcome
    const records = pendings.length
    const delayMs = this.#pauseBeforeSplit(state, outcome)
    const heads = new Set<Shard>()
    for (const pending of pendings) {
      pending.lastFailure = failure
      state.limitBatch(pending, limitAfterFailure(records))
      if (heads.has(pending.shard)) pending.state = 'queued'
      else if (delayMs > 0) this.#failed.pauseUntil(now + delayMs, { state, pending })
      else this.#runAgain({ state, pending })
      heads.add(pending.shard)
    }
    const { topic, partition, epoch } = state
    const { handlerId } = state.route
    this.#emit?.({ kind: 'batch.split', handlerId, topic, partition, epoch, records, delayMs, failure })
  }

  /** None where the handler is not at fault, or has said that another attempt is not worth it. Milliseconds. */
  #pauseBeforeSplit({ route, tally }: PartitionState, { kind, failure }: Failed): number {
    if (kind === 'interrupted' || !failure.retryable) return 0
    tally.wholeFailures += 1
    return pauseBeforeSplitMs(route.retry, tally.wholeFailures, failure, this.#random)
  }

  /** The handler succeeds again: what it failed at may run. */
  #endPauses({ route, tally }: PartitionState): void {
    tally.wholeFailures = 0
    for (const entry of this.#failed.endPauses(route.handlerId)) this.#runAgain(entry)
  }

  #settleOne(entry: IncompleteRecord, outcome: SingleOutcome, durationMs: number, now: number, records?: number): void {
    const { pending } = entry
    if (outcome.kind === 'succeeded') {
      const filtered = outcome.filtered === true
      if (!filtered) this.#countSucceeded(entry)
      this.#complete(entry, now)
      if (this.#emitDone !== undefined) {
        const { state, pending } = entry
        const { handlerId } = state.route
        const { record, attempt } = pending
        // Written out: it comes for every record, and to put it together from parts takes some microseconds.
        this.#emitDone(
          records === undefined
            ? { kind: 'record.done', handlerId, record, attempt, durationMs, filtered }
            : { kind: 'record.done', handlerId, record, attempt, durationMs, filtered, batch: records },
        )
      }
      return
    }
    const { failure } = outcome
    pending.lastFailure = failure
    if (pending.unready !== undefined) pending.unready = { ...pending.unready, times: 0 }
    if (outcome.kind === 'interrupted') {
      pending.interruptions += 1
      if (pending.interruptions <= MAX_INTERRUPTIONS) this.#runAgain(entry)
      else this.#fail(entry, failure, durationMs, now, records)
      return
    }
    const { retry } = entry.state.route
    const decision = decideRetry(retry, pending.attempt, failure, this.#random)
    if (decision.kind === 'give-up') {
      this.#fail(entry, failure, durationMs, now, records)
      return
    }
    const last = lastFailure(entry.state, pending, failure, now)
    if (last !== undefined) {
      this.#fail(entry, last, durationMs, now, records)
      return
    }
    const { delayMs } = decision
    this.#emit?.({
      ...ofRecord(entry, { durationMs }),
      ...ofBatch(records),
      kind: 'record.retry',
      attempts: retry.attempts,
      delayMs,
      failure,
    })
    this.#failed.retryAt(now + delayMs, entry)
  }

  /** No further attempt, of one that has run. */
  #fail(entry: IncompleteRecord, failure: HandlerFailure, durationMs: number, now: number, records?: number): void {
    this.#countGivenUp(entry, failure, now)
    if (parks(entry.state.route.retry, failure)) this.#park(entry, failure, durationMs, now, records)
    else this.#giveUp(entry, failure, durationMs, now)
  }

  /** Incomplete, without a slot, and, as its handler has chosen, with its key or without it. */
  #park(entry: IncompleteRecord, failure: HandlerFailure, durationMs: number, now: number, records?: number): void {
    const { state, pending } = entry
    const { attempts, then } = state.route.retry
    const isAlone = then === 'park-alone'
    const told = { ...ofRecord(entry, { durationMs }), ...ofBatch(records) }
    pending.lastFailure = failure
    if (failure.reason !== 'interrupted') pending.attempt += 1
    this.#failed.parked.park(state, pending, now)
    state.onTried(pending)
    if (isAlone) state.shards.setApart(pending)
    this.#scheduler.list(state)
    this.#emit?.({ ...told, kind: 'record.parked', attempts, isAlone, failure })
  }

  #giveUp(entry: IncompleteRecord, failure: HandlerFailure, durationMs: number, now: number): void {
    const topic = entry.state.route.deadLetterTopic
    if (topic !== null && this.#cuts !== undefined) {
      this.#keepLetter(this.#cuts, entry, letterOf(entry, topic, failure, durationMs), now)
      return
    }
    if (topic !== null) {
      this.#failed.bury(entry, topic, failure, durationMs)
      return
    }
    this.#drop(entry, failure, durationMs, now)
  }

  /** At once, so that what was published behind it in its batch is not visible without it. Its key goes on: both become visible together. */
  #keepLetter(cuts: KeepsOutputs, entry: IncompleteRecord, letter: Omit<DeadLetterRequest, 'id'>, now: number): void {
    const { state, pending } = entry
    const { key } = pending.shard
    this.#complete(entry, now)
    cuts.keepLetter(state, letter, key, now)
  }

  #drop(entry: IncompleteRecord, failure: HandlerFailure, durationMs: number, now: number): void {
    this.#complete(entry, now)
    this.#emit?.({ ...ofRecord(entry, { durationMs }), kind: 'record.dead', ...deadOf(failure, null) })
  }

  /** The one place where a record is done, for whatever reason: the next of its shard may start. */
  #complete({ state, pending }: IncompleteRecord, now: number): void {
    state.complete(pending, now)
    this.#permit.onCompleted()
    this.#intake.onDone(state, pending.bytes)
    this.#scheduler.list(state)
  }
}

/** What was cut short, refused or filtered says nothing about how long an attempt takes: a service that is down may answer faster than ever. */
function tellsDuration(outcome: Outcome, records: number): boolean {
  return outcome.kind === 'timed-out' || hasSucceeded(outcome, records)
}

function ofRecord({ state, pending }: IncompleteRecord, { durationMs }: { readonly durationMs: number }) {
  return { handlerId: state.route.handlerId, record: pending.record, attempt: pending.attempt, durationMs }
}

function ofBatch(records: number | undefined): { readonly batch?: number } {
  return records === undefined ? {} : { batch: records }
}

function deadOf(failure: HandlerFailure, deadLetterTopic: string | null) {
  return { failure, deadLetterTopic }
}
