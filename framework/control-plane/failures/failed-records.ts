/** Keeps the records that have failed: those that wait for their retry, are parked, or wait for their dead letter's acknowledgement; and, beside them, the delayed. */
import type { KafkaRecord } from '../../model/record.ts'
import type { Epoch, HandlerFailure } from '../../model/work.ts'
import { keepApart } from '../partition/kept-records.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import { RetryQueue } from '../partition/retry-queue.ts'
import type { Pending } from '../partition/shard-queue.ts'
import { DelayedRecords } from './delayed-records.ts'
import type { IncompleteRecord } from './incomplete-record.ts'
import { ParkedRecords } from './parked-records.ts'

/** A record that is given up, until its dead-letter topic has acknowledged it. */
export interface DeadLetterRequest {
  /** Unique in this manager. */
  readonly id: number
  readonly handlerId: string
  readonly record: KafkaRecord
  readonly epoch: Epoch
  readonly failure: HandlerFailure
  readonly attempt: number
  readonly durationMs: number
  /** The dead-letter topic. */
  readonly topic: string
  /** `metadata`: without the value. */
  readonly payload: 'full' | 'metadata'
}

export class FailedRecords {
  /** They have not failed, and wait with those that have. */
  readonly delayed = new DelayedRecords()
  readonly parked = new ParkedRecords()
  readonly #retries = new RetryQueue<IncompleteRecord>()
  /** Given up and not handed out yet. */
  #requests: DeadLetterRequest[] = []
  /** Given up and not acknowledged yet, by the request's id. */
  readonly #buried = new Map<number, IncompleteRecord>()
  #lastId = 0
  /** Those that wait for nothing of their own: their batch has failed, and runs again in parts. */
  readonly #paused = new Map<Pending, IncompleteRecord>()

  get retriesWaiting(): number {
    return this.#retries.size
  }

  get deadLetters(): number {
    return this.#buried.size
  }

  /** When the earliest retry is due; undefined when none waits. */
  get nextDueAt(): number | undefined {
    return this.#retries.nextDueAt
  }

  retryAt(dueAt: number, entry: IncompleteRecord): void {
    entry.pending.attempt += 1
    this.#wait(dueAt, entry)
    entry.state.onTried(entry.pending)
  }

  /** Its batch has failed, which is no attempt of its own. It waits like a retry, until somebody ends the pause. */
  pauseUntil(dueAt: number, entry: IncompleteRecord): void {
    this.#paused.set(entry.pending, entry)
    this.#wait(dueAt, entry)
  }

  /** Those of this handler whose pause is over before its time. */
  endPauses(handlerId: string): readonly IncompleteRecord[] {
    const ended = [...this.#paused.values()].filter(({ state }) => state.route.handlerId === handlerId)
    for (const entry of ended) this.cancelRetry(entry)
    return ended
  }

  #wait(dueAt: number, entry: IncompleteRecord): void {
    entry.pending.state = 'waiting'
    keepApart(entry.pending)
    entry.state.load.retryBegan()
    entry.pending.retry = this.#retries.push(dueAt, entry)
  }

  takeDue(now: number): IncompleteRecord | undefined {
    const entry = this.#retries.takeDue(now)
    if (entry !== undefined) this.#forgetWait(entry)
    return entry
  }

  /** It will not be tried again. */
  cancelRetry(entry: IncompleteRecord): void {
    if (entry.pending.retry !== undefined) this.#retries.remove(entry.pending.retry)
    this.#forgetWait(entry)
  }

  #forgetWait({ state, pending }: IncompleteRecord): void {
    pending.retry = undefined
    state.load.retryEnded()
    this.#paused.delete(pending)
  }

  // The shard stays busy until the dead letter is acknowledged. Released earlier, the next record of this key could be committed, and a
  // crash before the acknowledgement would lose this one.
  bury(entry: IncompleteRecord, topic: string, failure: HandlerFailure, durationMs: number): void {
    const { state, pending } = entry
    this.#lastId += 1
    pending.state = 'dead'
    keepApart(pending)
    state.load.deadLetterBegan()
    this.#buried.set(this.#lastId, entry)
    this.#requests.push({ ...letterOf(entry, topic, failure, durationMs), id: this.#lastId })
  }

  /** Those whose wait ends first. */
  earliest(most: number): readonly { readonly dueAt: number; readonly item: IncompleteRecord }[] {
    return this.#retries.earliest(most)
  }

  /** Whether it waits because its batch has failed, and not for an attempt of its own. */
  isPaused(pending: Pending): boolean {
    return this.#paused.has(pending)
  }

  /** Whether the dead letter of this record was handed out. */
  isHandedOut({ state, pending }: IncompleteRecord): boolean {
    const { offset } = pending.record
    return !this.#requests.some(({ id, record }) => record.offset === offset && this.#buried.get(id)?.state === state)
  }

  /** Those given up since the last call. */
  takeRequests(): readonly DeadLetterRequest[] {
    if (this.#requests.length === 0) return []
    const requests = this.#requests
    this.#requests = []
    return requests
  }

  isWanted({ id }: DeadLetterRequest): boolean {
    return this.#buried.has(id)
  }

  /** Undefined when its partition was given up meanwhile. */
  acknowledge({ id }: DeadLetterRequest): IncompleteRecord | undefined {
    const entry = this.#buried.get(id)
    if (entry === undefined) return undefined
    this.#buried.delete(id)
    entry.state.load.deadLetterEnded()
    return entry
  }

  /** The partition is given up: its next owner comes to all of these again. */
  forget(state: PartitionState): void {
    this.delayed.forget(state)
    this.parked.forget(state)
    this.#retries.removeWhere((entry) => entry.state === state)
    for (const [pending, entry] of this.#paused) if (entry.state === state) this.#paused.delete(pending)
    this.#requests = this.#requests.filter(({ id }) => this.#buried.get(id)?.state !== state)
    for (const [id, entry] of this.#buried) if (entry.state === state) this.#buried.delete(id)
  }
}

/** What its dead letter is made of. */
export function letterOf(
  { state, pending }: IncompleteRecord,
  topic: string,
  failure: HandlerFailure,
  durationMs: number,
): Omit<DeadLetterRequest, 'id'> {
  return {
    handlerId: state.route.handlerId,
    record: pending.record,
    epoch: state.epoch,
    failure,
    attempt: pending.attempt,
    durationMs,
    topic,
    payload: state.route.deadLetterPayload ?? 'full',
  }
}
