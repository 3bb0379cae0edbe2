/**
 * Copies records that stay while others pass: limits count the bytes of records, and a client may have handed out views, each of which keeps a whole
 * block. So no more is held than what is counted, and the blocks of the last two rounds.
 */
import { inOwnMemory } from '../../model/record.ts'
import type { OffsetTicket, OffsetTracker } from '../offsets/offset-tracker.ts'
import type { Pending } from './shard-queue.ts'

/** Taken in, between two rounds. What has arrived before the last round is copied in this one. Most is done by then, and costs nothing. */
const ROUND_BYTES = 16 * 1_048_576
/** Copied at once, in 1 to 2 ms. */
const SLICE = 256

/** Those of one partition. Each is looked at once. */
export class KeptRecords {
  readonly #tracker: OffsetTracker<Pending>
  /** Behind the last one that was looked at. */
  #looked: OffsetTicket = 0
  /** Those before it are to be looked at. */
  #goal: OffsetTicket = 0
  /** Behind the last one that had arrived when the round began. */
  #arrived: OffsetTicket = 0

  constructor(tracker: OffsetTracker<Pending>) {
    this.#tracker = tracker
  }

  beginRound(): void {
    this.#goal = this.#arrived
    this.#arrived = this.#tracker.nextTicket
  }

  /** @returns how many of `most` were not needed: 0 when there may be more to copy */
  copy(most: number): number {
    let left = most
    this.#looked = this.#tracker.showIncomplete(this.#looked, this.#goal, (pending) => {
      keepApart(pending)
      left -= 1
      return left > 0
    })
    return left
  }
}

export class KeptRounds {
  #bytes = 0
  /** Not done in this round. */
  #left: KeptRecords[] = []

  /** So many bytes were taken in. */
  onTaken(bytes: number, partitions: Iterable<{ readonly kept: KeptRecords }>): void {
    this.#bytes += bytes
    if (this.#bytes >= ROUND_BYTES && this.#left.length === 0) {
      this.#bytes = 0
      this.#left = [...partitions].map(({ kept }) => kept)
      for (const each of this.#left) each.beginRound()
    }
    let budget = SLICE
    for (let next = this.#left.at(-1); next !== undefined && budget > 0; next = this.#left.at(-1)) {
      budget = next.copy(budget)
      if (budget > 0) this.#left.pop()
    }
  }
}

/** What is in flight goes on with the record as it was handed out. */
export function keepApart(pending: Pending): void {
  pending.record = inOwnMemory(pending.record)
}
