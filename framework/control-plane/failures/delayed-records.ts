/** Keeps the records that wait for their time. Each holds its shard and takes no slot. Decides nothing. */
import { keepApart } from '../partition/kept-records.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import { RetryQueue } from '../partition/retry-queue.ts'
import type { IncompleteRecord } from './incomplete-record.ts'

export class DelayedRecords {
  readonly #queue = new RetryQueue<IncompleteRecord>()

  get size(): number {
    return this.#queue.size
  }

  /** When the earliest may start; undefined when none waits. */
  get nextDueAt(): number | undefined {
    return this.#queue.nextDueAt
  }

  /** It was taken from its shard, which stays busy. */
  wait(at: number, entry: IncompleteRecord): void {
    const { state, pending } = entry
    pending.state = 'delayed'
    keepApart(pending)
    state.load.delayBegan()
    pending.retry = this.#queue.push(at, entry)
  }

  takeDue(now: number): IncompleteRecord | undefined {
    const entry = this.#queue.takeDue(now)
    if (entry !== undefined) this.#forgetWait(entry)
    return entry
  }

  /** It will not start. */
  cancel(entry: IncompleteRecord): void {
    if (entry.pending.retry !== undefined) this.#queue.remove(entry.pending.retry)
    this.#forgetWait(entry)
  }

  /** The partition is given up: its next owner asks for the time of each again. */
  forget(state: PartitionState): void {
    this.#queue.removeWhere((entry) => entry.state === state)
  }

  #forgetWait({ state, pending }: IncompleteRecord): void {
    pending.retry = undefined
    state.load.delayEnded()
  }
}
