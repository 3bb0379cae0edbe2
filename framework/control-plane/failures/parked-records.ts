/** Keeps the records that are parked: out of attempts and incomplete, until somebody or a limit decides. Decides nothing. */
import type { RetrySettings } from '../../model/settings.ts'
import type { HandlerFailure } from '../../model/work.ts'
import { keepApart } from '../partition/kept-records.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import type { Pending } from '../partition/shard-queue.ts'

/** A record that is parked, and since when. Milliseconds since the Unix epoch. */
export interface ParkedRecord {
  readonly state: PartitionState
  readonly pending: Pending
  readonly since: number
}

/**
 * Whether a record with this last failure is parked. `DeadLetter` asks for the dead-letter topic by its name, no further attempt makes a value readable, and
 * what a guard gives up is in the way where it is: all of these go there at once.
 */
export function parks({ then }: RetrySettings, { reason }: HandlerFailure): boolean {
  if (then !== 'park' && then !== 'park-alone') return false
  return reason === 'handler' || reason === 'timeout' || reason === 'interrupted' || reason === 'expired'
}

export class ParkedRecords {
  /** In the order in which they were parked. */
  readonly #records = new Map<Pending, ParkedRecord>()

  get count(): number {
    return this.#records.size
  }

  /** Since when the first of them is; undefined when there is none. Milliseconds since the Unix epoch. */
  get oldestSince(): number | undefined {
    for (const { since } of this.#records.values()) return since
    return undefined
  }

  sinceOf(pending: Pending): number | undefined {
    return this.#records.get(pending)?.since
  }

  park(state: PartitionState, pending: Pending, now: number): void {
    pending.state = 'parked'
    keepApart(pending)
    state.load.parkBegan()
    this.#records.set(pending, { state, pending, since: now })
  }

  /** It runs again, or is given up: the caller's to say. */
  end({ state, pending }: Pick<ParkedRecord, 'state' | 'pending'>): void {
    if (this.#records.delete(pending)) state.load.parkEnded()
  }

  /** Those that have been parked for longest first. */
  *[Symbol.iterator](): Iterator<ParkedRecord> {
    yield* this.#records.values()
  }

  /** The partition is given up: its next owner comes to all of these again. */
  forget(state: PartitionState): void {
    for (const [pending, record] of this.#records) if (record.state === state) this.#records.delete(pending)
  }
}
