/**
 * What somebody asks for by hand of one record or one key. Each goes the way that retries, given-up records and breakers go by themselves: none moves an
 * offset, starts anything itself, or touches what runs.
 */
import type { ActionResult, BreakerAction, RecordAction, Refusal } from '../model/action.ts'
import type { EventSink } from '../model/events.ts'
import type { Epoch } from '../model/work.ts'
import type { Explainer, Surroundings } from './explainer.ts'
import type { IncompleteRecord } from './failures/incomplete-record.ts'
import type { Settlement } from './failures/settlement.ts'
import type { Scheduler } from './flow/scheduler.ts'
import { shortKey } from './partition/partition-snapshot.ts'
import type { PartitionLookup } from './partition/partition-table.ts'

export interface ActionsOptions {
  readonly table: PartitionLookup
  readonly settlement: Settlement
  readonly scheduler: Scheduler
  readonly explainer: Explainer
  readonly onEvent?: EventSink | undefined
}

type Found = IncompleteRecord | Refusal

export class ActionsByHand {
  readonly #parts: ActionsOptions

  constructor(parts: ActionsOptions) {
    this.#parts = parts
  }

  /** The record waits no longer for its next attempt, or gets one more after it was parked. */
  retryNow(of: RecordAction, around: Surroundings): ActionResult {
    const found = this.#find(of)
    if (typeof found === 'string') return this.#refuse(found, of, around)
    const { state, pending } = found
    if (pending.state !== 'waiting' && pending.state !== 'parked') return this.#refuse('other-state', of, around)
    const isPoisoned = state.route.poison !== undefined && state.breakers.isOpen(pending.record.key, around.now)
    if (isPoisoned) return this.#refuse('poisoned', of, around)
    this.#parts.settlement.retryNow(found)
    this.#tell('record.hurried', found)
    return { isDone: true }
  }

  /** The record gets no further attempt. */
  giveUp(of: RecordAction, around: Surroundings): ActionResult {
    const found = this.#find(of)
    if (typeof found === 'string') return this.#refuse(found, of, around)
    const { state, pending } = found
    if (pending.state === 'dead') return this.#refuse('other-state', of, around)
    if (state.route.deadLetterTopic === null) return this.#refuse('no-dead-letter-topic', of, around)
    if (!this.#parts.settlement.giveUpByHand(found, around.now)) return this.#refuse('not-first', of, around)
    this.#tell('record.given-up', found)
    return { isDone: true }
  }

  /** A parked record is done, and no dead letter is written of it. */
  discard(of: RecordAction, around: Surroundings): ActionResult {
    const found = this.#find(of)
    if (typeof found === 'string') return this.#refuse(found, of, around)
    if (found.pending.state !== 'parked') return this.#refuse('other-state', of, around)
    this.#parts.settlement.discard(found, around.now)
    this.#tell('record.discarded', found)
    return { isDone: true }
  }

  /** The records of the key run again. */
  closeBreaker({ topic, partition, epoch, breaker }: BreakerAction, now: number): ActionResult {
    const { table, scheduler, onEvent } = this.#parts
    const state = table.find(topic, partition)
    if (state === undefined) return { isDone: false, why: 'not-assigned', now: null }
    if (!table.isCurrent({ topic, partition, epoch: epoch as Epoch }))
      return { isDone: false, why: 'other-epoch', now: null }
    const key = state.breakers.close(breaker, now)
    if (key === undefined) return { isDone: false, why: 'no-breaker', now: null }
    scheduler.list(state)
    const { handlerId } = state.route
    const of = { topic, partition, epoch: state.epoch, handlerId, key: shortKey(key) }
    onEvent?.({ kind: 'breaker.closed', ...of, isByHand: true })
    return { isDone: true }
  }

  /** Incomplete, not running, and as it was seen. */
  #find({ topic, partition, offset, epoch, attempt }: RecordAction): Found {
    const { table } = this.#parts
    const state = table.find(topic, partition)
    if (state === undefined) return 'not-assigned'
    if (!table.isCurrent({ topic, partition, epoch: epoch as Epoch })) return 'other-epoch'
    const pending = state.tracker.find(offset) ?? undefined
    if (pending === undefined) return 'other-state'
    if (pending.state === 'in-flight') return 'in-flight'
    if (pending.attempt !== attempt) return 'other-attempt'
    return state.isDraining ? 'draining' : { state, pending }
  }

  #refuse(why: Refusal, of: RecordAction, around: Surroundings): ActionResult {
    return { isDone: false, why, now: this.#parts.explainer.explain(of, around) ?? null }
  }

  #tell(kind: 'record.hurried' | 'record.given-up' | 'record.discarded', { state, pending }: IncompleteRecord): void {
    const { record, attempt } = pending
    this.#parts.onEvent?.({ kind, handlerId: state.route.handlerId, record, attempt })
  }
}
