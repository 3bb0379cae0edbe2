/** Keeps the records that have failed: those that wait for their retry, and those that wait for their dead letter's acknowledgement. */
import type { KafkaRecord } from '../../model/record.ts'
import type { Epoch, HandlerFailure } from '../../model/work.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import { RetryQueue } from '../partition/retry-queue.ts'
import type { Pending } from '../partition/shard-queue.ts'

/** A record and the assignment that it is incomplete in. */
export interface Held {
  readonly state: PartitionState
  readonly pending: Pending
}

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
  readonly #retries = new RetryQueue<Held>()
  /** Given up and not handed out yet. */
  #requests: DeadLetterRequest[] = []
  /** Given up and not acknowledged yet, by the request's id. */
  readonly #buried = new Map<number, Held>()
  #lastId = 0
  /** Those that wait for nothing of their own: their batch has failed, and runs again in parts. */
  readonly #paused = new Map<Pending, Held>()

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

  retryAt(dueAt: number, held: Held): void {
    held.pending.attempt += 1
    this.#wait(dueAt, held)
  }

  /** Its batch has failed, which is no attempt of its own. It waits like a retry, until somebody ends the pause. */
  pauseUntil(dueAt: number, held: Held): void {
    this.#paused.set(held.pending, held)
    this.#wait(dueAt, held)
  }

  /** Those of this handler whose pause is over before its time. */
  endPauses(handlerId: string): readonly Held[] {
    const ended = [...this.#paused.values()].filter(({ state }) => state.route.handlerId === handlerId)
    for (const held of ended) this.cancelRetry(held)
    return ended
  }

  #wait(dueAt: number, held: Held): void {
    held.pending.state = 'waiting'
    held.state.load.retryBegan()
    held.pending.retry = this.#retries.push(dueAt, held)
  }

  takeDue(now: number): Held | undefined {
    const held = this.#retries.takeDue(now)
    if (held !== undefined) this.#forgetWait(held)
    return held
  }

  /** It will not be tried again. */
  cancelRetry(held: Held): void {
    if (held.pending.retry !== undefined) this.#retries.remove(held.pending.retry)
    this.#forgetWait(held)
  }

  #forgetWait({ state, pending }: Held): void {
    pending.retry = undefined
    state.load.retryEnded()
    this.#paused.delete(pending)
  }

  // The shard stays busy until the dead letter is acknowledged. Released earlier, the next record of this key could be committed, and a
  // crash before the acknowledgement would lose this one.
  bury(held: Held, topic: string, failure: HandlerFailure, durationMs: number): void {
    const { state, pending } = held
    this.#lastId += 1
    pending.state = 'dead'
    state.load.deadLetterBegan()
    this.#buried.set(this.#lastId, held)
    this.#requests.push({
      id: this.#lastId,
      handlerId: state.route.handlerId,
      record: pending.record,
      epoch: state.epoch,
      failure,
      attempt: pending.attempt,
      durationMs,
      topic,
      payload: state.route.deadLetterPayload ?? 'full',
    })
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
  acknowledge({ id }: DeadLetterRequest): Held | undefined {
    const held = this.#buried.get(id)
    if (held === undefined) return undefined
    this.#buried.delete(id)
    held.state.load.deadLetterEnded()
    return held
  }

  /** The partition is given up: its next owner comes to all of these again. */
  forget(state: PartitionState): void {
    this.#retries.removeWhere((held) => held.state === state)
    for (const [pending, held] of this.#paused) if (held.state === state) this.#paused.delete(pending)
    this.#requests = this.#requests.filter(({ id }) => this.#buried.get(id)?.state !== state)
    for (const [id, held] of this.#buried) if (held.state === state) this.#buried.delete(id)
  }
}
