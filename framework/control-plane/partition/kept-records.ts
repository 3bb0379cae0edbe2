/**
 * Copies the records of one partition that are kept long: limits count the bytes of records, and a client may have handed out views, each of which
 * keeps a whole block. Each record is looked at once.
 */
import { inOwnMemory } from '../../model/record.ts'
import type { OffsetTicket, OffsetTracker } from '../offsets/offset-tracker.ts'
import type { Pending } from './shard-queue.ts'

/** A record is copied when it is incomplete after that time, and before twice of it. Most are done by then, and cost nothing. */
const KEPT_LONG_MS = 1_000

export class KeptRecords {
  readonly #tracker: OffsetTracker<Pending>
  #dueAt = 0
  /** Behind the last one that was looked at. */
  #looked: OffsetTicket = 0
  /** Behind the last one that had arrived at the last look. */
  #arrived: OffsetTicket = 0

  constructor(tracker: OffsetTracker<Pending>) {
    this.#tracker = tracker
  }

  copyThose(now: number): void {
    if (now < this.#dueAt) return
    this.#dueAt = now + KEPT_LONG_MS
    this.#tracker.showIncomplete(this.#looked, this.#arrived, keepApart)
    this.#looked = this.#arrived
    this.#arrived = this.#tracker.nextTicket
  }
}

/** What is in flight goes on with the record as it was handed out. */
export function keepApart(pending: Pending): void {
  pending.record = inOwnMemory(pending.record)
}
