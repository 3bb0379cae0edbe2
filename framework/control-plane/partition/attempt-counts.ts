/** How often the incomplete records of one partition were tried, an earlier owner's attempts included. For its commits; decides nothing. */
import { type CarriedAttempts, MAX_CARRIED } from '../offsets/carried-attempts.ts'
import type { Pending } from './shard-queue.ts'

export class AttemptCounts {
  /** Told by an earlier owner, of records that have not arrived: by offset. */
  readonly #told = new Map<number, number>()
  /** Those that have arrived and are not done. */
  readonly #tried = new Set<Pending>()

  constructor(told: readonly CarriedAttempts[]) {
    for (const { offset, tried } of told) this.#told.set(offset, tried)
  }

  /**
   * The record has arrived: its attempts go on where an earlier owner has stopped.
   * @param attempts the limit of its handler. One that had used up all of them, and whose dead letter nobody has acknowledged, has its last one again
   */
  onArrived(pending: Pending, attempts: number): void {
    if (this.#told.size === 0) return
    const { offset } = pending.record
    const tried = this.#told.get(offset)
    if (tried === undefined) return
    this.#told.delete(offset)
    pending.attempt = Math.min(tried + 1, attempts)
    if (pending.attempt > 1) this.#tried.add(pending)
  }

  /** An attempt of it has ended, and it is not done. */
  onTried(pending: Pending): void {
    this.#tried.add(pending)
  }

  onDone(pending: Pending): void {
    if (this.#tried.size > 0) this.#tried.delete(pending)
  }

  /** The lowest offsets from `position` on, ascending. Not counted: an attempt that runs, and the last one of a record that waits for its dead letter's acknowledgement. */
  from(position: number): readonly CarriedAttempts[] {
    if (this.#told.size + this.#tried.size === 0) return []
    const lowest = new Lowest()
    for (const [offset, tried] of this.#told) {
      if (offset < position) this.#told.delete(offset)
      else lowest.take(offset, tried)
    }
    for (const { attempt, record } of this.#tried) if (attempt > 1) lowest.take(record.offset, attempt - 1)
    return lowest.sorted()
  }
}

/** Keeps those of the lowest offsets. In an outage all records of a partition have been tried, and each commit asks: so only a few are ever sorted. */
class Lowest {
  #kept: CarriedAttempts[] = []
  /** From here on as many are kept that are lower. */
  #end = Number.POSITIVE_INFINITY

  take(offset: number, tried: number): void {
    if (offset >= this.#end) return
    this.#kept.push({ offset, tried })
    if (this.#kept.length < 2 * MAX_CARRIED) return
    this.#kept = [...this.sorted()]
    this.#end = this.#kept.at(-1)?.offset ?? this.#end
  }

  sorted(): readonly CarriedAttempts[] {
    return this.#kept.sort((a, b) => a.offset - b.offset).slice(0, MAX_CARRIED)
  }
}
