/** Keeps the records that wait for their time, or until they can be read. Each holds its shard and takes no slot. Decides nothing. */
import { keepApart } from '../partition/kept-records.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import { RetryQueue } from '../partition/retry-queue.ts'
import { waitsToBeReady } from '../partition/start-time.ts'
import type { IncompleteRecord } from './incomplete-record.ts'

export class DelayedRecords {
  readonly #queue = new RetryQueue<IncompleteRecord>()
  #notReady = 0

  /** Those that cannot be read yet. */
  get notReady(): number {
    return this.#notReady
  }

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
    if (waitsToBeReady(pending)) this.#notReady += 1
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
    this.#queue.removeWhere((entry) => {
      if (entry.state !== state) return false
      if (waitsToBeReady(entry.pending)) this.#notReady -= 1
      return true
    })
  }

  #forgetWait({ state, pending }: IncompleteRecord): void {
    if (waitsToBeReady(pending)) this.#notReady -= 1
    pending.retry = undefined
    state.load.delayEnded()
  }
}
