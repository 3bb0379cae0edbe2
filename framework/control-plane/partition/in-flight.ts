/** What engines are at work on, found by its unique id. Knows neither order nor outcomes. */
import type { WorkItem } from '../../model/work.ts'
import type { PartitionState } from './partition-state.ts'
import type { Pending } from './shard-queue.ts'

/** A work item that an engine has and the records it stands for. Found by its unique id, never by offset. */
export interface InFlight {
  readonly item: WorkItem
  readonly state: PartitionState
  readonly pendings: readonly Pending[]
}

const FIRST_CAPACITY = 256

/** Work ids are unique in the process, not only here: a second check beside the epoch. */
let lastWorkId = 0

/**
 * Slots, by the lowest bits of the id: an id whose slot is taken is passed over, so none is ever looked for. It is no `Map` for the reason that
 * `DeadlineQueue` gives: at the rate at which entries come and go here, a `Map` makes them live too long.
 */
export class InFlightTable {
  #slots: (InFlight | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined)
  #size = 0

  /** The id of the next item: `add` it before asking again. */
  nextId(): number {
    if (this.#size * 2 >= this.#slots.length) this.#grow()
    const mask = this.#slots.length - 1
    do lastWorkId += 1
    while (this.#slots[lastWorkId & mask] !== undefined)
    return lastWorkId
  }

  add(entry: InFlight): void {
    this.#slots[entry.item.id & (this.#slots.length - 1)] = entry
    this.#size += 1
  }

  /** Undefined when no such item is in flight. */
  take(workId: number): InFlight | undefined {
    const slot = workId & (this.#slots.length - 1)
    const entry = this.#slots[slot]
    if (entry?.item.id !== workId) return undefined
    this.#slots[slot] = undefined
    this.#size -= 1
    return entry
  }

  *[Symbol.iterator](): Iterator<InFlight> {
    for (const entry of this.#slots) if (entry !== undefined) yield entry
  }

  /** Ids that differ in their lowest bits differ in one bit more, too, so nothing collides. */
  #grow(): void {
    const larger: (InFlight | undefined)[] = new Array(this.#slots.length * 2).fill(undefined)
    for (const entry of this.#slots) if (entry !== undefined) larger[entry.item.id & (larger.length - 1)] = entry
    this.#slots = larger
  }
}
