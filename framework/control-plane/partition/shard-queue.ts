/** Keeps the records of one partition in the order they must run in: one queue per shard, and a ring of the shards that may start. */
import type { KafkaRecord } from '../../model/record.ts'
import type { HandlerFailure, Ordering } from '../../model/work.ts'
import type { OffsetTicket } from '../offsets/offset-tracker.ts'
import type { RetryTicket } from './retry-queue.ts'

/**
 * Where an incomplete record stands. `delayed`: for its time, or until it can be read. `waiting`: for its retry. `parked`: out of attempts, until somebody or a limit decides.
 * `dead`: for the dead-letter topic's acknowledgement.
 */
export type PendingState = 'queued' | 'delayed' | 'in-flight' | 'waiting' | 'parked' | 'dead'

export const NOT_TRIED = -1

/** A record could not be read when its turn came. */
export interface Unready {
  /** In a row; 0 once it could. */
  readonly times: number
  /** It is not tried again before. Milliseconds since the Unix epoch. */
  readonly until: number
  readonly why: string
}

/** An incomplete record. Owned by its PartitionState. */
export interface Pending {
  /** A copy, once it has been kept for long. */
  record: KafkaRecord
  readonly bytes: number
  /** Another one while it is set apart. */
  shard: Shard
  /** The tracker's, to complete the offset with; -1 before it is tracked. */
  ticket: OffsetTicket
  state: PendingState
  /** The number of its next attempt, or of the one that is running. */
  attempt: number
  interruptions: number
  lastFailure: HandlerFailure | undefined
  /** Records of the largest batch that it may run in. Falls with each batch that failed as a whole, until the bad record is alone. */
  batchLimit: number
  /** How many records its handler had handled when it was first tried; `NOT_TRIED` before. */
  successesBefore: number
  /**
   * From when on it may start, milliseconds since the Unix epoch; or why there is no such time that it could wait for. Undefined before its turn has
   * come, and with handlers that have no `notBefore`.
   */
  notBefore: number | string | undefined
  /** Since it could not be read; undefined where it always could. */
  unready: Unready | undefined
  /** The retry queue's, or that of delays, while it waits there. */
  retry: RetryTicket | undefined
  /** Since when it waits for others to make a batch; undefined while it does not. Milliseconds since the Unix epoch. */
  waitsSince: number | undefined
  /** The next record of the same shard. */
  next: Pending | undefined
}

/** Records that must run one after the other. `key` is undefined for a record that may run beside any other. */
export interface Shard {
  readonly key: string | undefined
  head: Pending | undefined
  tail: Pending | undefined
  /** Its head is in flight, parked, waits for a retry or for a dead letter, or a handler of an earlier assignment still runs: nothing may start. */
  isBusy: boolean
  /** It has a place in the ready ring; perhaps a stale one, which is skipped when its turn comes. */
  isListed: boolean
}

/** The shard a record belongs to; undefined when it may run beside any other. Keys are compared by their bytes. */
export function shardKeyOf(record: KafkaRecord, ordering: Ordering): string | undefined {
  switch (ordering) {
    case 'key':
      return record.key === null ? undefined : record.key.toString('latin1')
    case 'partition':
      return ''
    case 'unordered':
      return undefined
  }
}

/** The shards of one partition. Records of a shard come out one by one: the next only after `release`. */
export class ShardQueue {
  #shards = new Map<string, Shard>()
  #ready = new Ring<Shard>()
  /** Shard keys whose record of an earlier assignment is still being handled in this process, with how many. */
  #occupied = new Map<string, number>()

  /** Shards that have records. Those without a key are not counted. */
  get size(): number {
    return this.#shards.size
  }

  /** The shard of a key that has records. */
  find(key: string): Shard | undefined {
    return this.#shards.get(key)
  }

  /** Those that have records and are kept in order by a key, or as a whole. */
  [Symbol.iterator](): Iterator<Shard> {
    return this.#shards.values()
  }

  /** Shards that have a place in the ready ring: at most so many records can start now. */
  get ready(): number {
    return this.#ready.size
  }

  enqueue(record: KafkaRecord, bytes: number, ordering: Ordering): Pending {
    const shard = this.#shardFor(shardKeyOf(record, ordering))
    const pending: Pending = {
      record,
      bytes,
      shard,
      ticket: -1,
      state: 'queued',
      attempt: 1,
      successesBefore: NOT_TRIED,
      notBefore: undefined,
      unready: undefined,
      retry: undefined,
      interruptions: 0,
      lastFailure: undefined,
      batchLimit: Number.POSITIVE_INFINITY,
      waitsSince: undefined,
      next: undefined,
    }
    if (shard.tail === undefined) shard.head = pending
    else shard.tail.next = pending
    shard.tail = pending
    this.#list(shard)
    return pending
  }

  /**
   * The next record that may start, in fair rotation over the shards; its shard is busy from now on. Undefined when there is none.
   * @param mayStart a rule on top of the order; shards whose head it refuses keep their turn
   */
  take(mayStart: (pending: Pending) => boolean): Pending | undefined {
    for (let turns = this.#ready.size; turns > 0; turns -= 1) {
      const shard = this.#ready.shift()
      if (shard === undefined) return undefined
      shard.isListed = false
      const head = shard.head
      if (head === undefined || shard.isBusy) continue
      if (!mayStart(head)) {
        this.#list(shard)
        continue
      }
      shard.isBusy = true
      return head
    }
    return undefined
  }

  /** Starts this record out of turn, if it is the head of a shard that is free. */
  takeNow(pending: Pending): boolean {
    const { shard } = pending
    if (shard.isBusy || shard.head !== pending) return false
    shard.isBusy = true
    this.#dropStale()
    return true
  }

  /** The head of the shard runs again when its turn comes. */
  requeue(pending: Pending): void {
    pending.shard.isBusy = false
    this.#list(pending.shard)
  }

  /** The record is done. When it was the head of its shard, the next one may start, unless that is in flight with it, as part of its batch. */
  release(pending: Pending): void {
    const { shard } = pending
    if (shard.head !== pending) {
      unlink(pending)
      return
    }
    shard.head = pending.next
    pending.next = undefined
    if (shard.head !== undefined) {
      if (shard.head.state === 'in-flight') return
      shard.isBusy = false
      this.#list(shard)
      return
    }
    shard.isBusy = false
    shard.tail = undefined
    if (shard.key !== undefined) this.#shards.delete(shard.key)
  }

  /** The others of its shard go on without it. Nothing of it starts before `takeBack`. */
  setApart(pending: Pending): void {
    this.release(pending)
    pending.shard = { key: undefined, head: pending, tail: pending, isBusy: true, isListed: false }
  }

  /** It was parked, and may run: before the later ones of its shard, but for what runs there, or waits for something of its own. */
  takeBack(pending: Pending, ordering: Ordering): void {
    if (pending.shard.key !== undefined) {
      this.requeue(pending)
      return
    }
    pending.shard.head = undefined
    const shard = this.#shardFor(shardKeyOf(pending.record, ordering))
    pending.shard = shard
    let before: Pending | undefined
    // To the end: others that came back may stand behind one that was ahead of them, so the first ones are in no order.
    for (let each = shard.head; each !== undefined; each = each.next) if (mayBeBefore(each, pending)) before = each
    pending.next = before === undefined ? shard.head : before.next
    if (before === undefined) shard.head = pending
    else before.next = pending
    if (shard.tail === undefined || shard.tail === before) shard.tail = pending
    this.#list(shard)
  }

  /** The first records of the shards that order lets start now. */
  *startable(): Iterable<Pending> {
    for (const shard of this.#ready) if (!isStale(shard) && shard.head !== undefined) yield shard.head
  }

  /** A handler of an earlier assignment is at work on some shard. */
  get isOccupied(): boolean {
    return this.#occupied.size > 0
  }

  /**
   * What waits here, seen by who asks whether more slots would help. Costs a look at every record.
   * @param mostPerKey of one key, at most so many count: they run one after the other, and more slots do not make that faster
   */
  waiting(mostPerKey: number): { readonly startable: number; readonly runnable: number } {
    let startable = 0
    let runnable = 0
    for (const shard of this.#ready) {
      if (isStale(shard)) continue
      startable += 1
      if (shard.key === undefined) runnable += 1
    }
    for (const shard of this.#shards.values()) runnable += queuedIn(shard, mostPerKey)
    return { startable, runnable }
  }

  /** Nothing of this shard may start until `vacate`: a handler of an earlier assignment is still at work on it. */
  occupy(key: string): void {
    this.#occupied.set(key, (this.#occupied.get(key) ?? 0) + 1)
  }

  vacate(key: string): void {
    const left = (this.#occupied.get(key) ?? 0) - 1
    if (left > 0) {
      this.#occupied.set(key, left)
      return
    }
    this.#occupied.delete(key)
    const shard = this.#shards.get(key)
    if (shard !== undefined) {
      shard.isBusy = false
      this.#list(shard)
    }
  }

  /**
   * Whoever starts out of turn leaves a place in the ring behind. Only the blocking record does, so these places come to the front in the end;
   * but while nothing else starts, nobody else takes them away, and the ring would grow with every record.
   */
  #dropStale(): void {
    for (let first = this.#ready.first; first !== undefined && isStale(first); first = this.#ready.first) {
      this.#ready.shift()
      first.isListed = false
    }
  }

  #shardFor(key: string | undefined): Shard {
    const known = key === undefined ? undefined : this.#shards.get(key)
    if (known !== undefined) return known
    const isBusy = key !== undefined && this.#occupied.has(key)
    const shard: Shard = { key, head: undefined, tail: undefined, isBusy, isListed: false }
    if (key !== undefined) this.#shards.set(key, shard)
    return shard
  }

  #list(shard: Shard): void {
    if (shard.isListed || shard.isBusy) return
    shard.isListed = true
    this.#ready.push(shard)
  }
}

function mayBeBefore({ state, record }: Pending, { record: { offset } }: Pending): boolean {
  return state !== 'queued' || record.offset < offset
}

/** Takes a record out from behind others of its shard. Only records of its own batch can be before it, so the way is short. */
function unlink(pending: Pending): void {
  const { shard } = pending
  let before = shard.head
  while (before !== undefined && before.next !== pending) before = before.next
  if (before === undefined) return
  before.next = pending.next
  if (shard.tail === pending) shard.tail = before
  pending.next = undefined
}

/** None where the head is parked or waits for its time, its retry or its dead letter, or a handler of an earlier assignment is at work: then nothing of it can run. */
function queuedIn({ head, isBusy }: Shard, most: number): number {
  if (head === undefined || (head.state === 'queued' ? isBusy : head.state !== 'in-flight')) return 0
  let count = 0
  for (let pending: Pending | undefined = head; pending !== undefined && count < most; pending = pending.next) {
    if (pending.state === 'queued') count += 1
  }
  return count
}

function isStale(shard: Shard): boolean {
  return shard.isBusy || shard.head === undefined
}

/** A first-in first-out queue without the cost of `Array.shift`. */
export class Ring<Item> {
  #slots: (Item | undefined)[] = new Array(16).fill(undefined)
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The one that `shift` would give. */
  get first(): Item | undefined {
    return this.#slots[this.#head]
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (let i = 0; i < this.#size; i += 1) {
      const item = this.#slots[(this.#head + i) & (this.#slots.length - 1)]
      if (item !== undefined) yield item
    }
  }

  push(item: Item): void {
    if (this.#size === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = item
    this.#size += 1
  }

  shift(): Item | undefined {
    if (this.#size === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#size -= 1
    return item
  }

  #grow(): void {
    const slots: (Item | undefined)[] = new Array(this.#slots.length * 2).fill(undefined)
    for (let i = 0; i < this.#size; i += 1) slots[i] = this.#slots[(this.#head + i) & (this.#slots.length - 1)]
    this.#slots = slots
    this.#head = 0
  }
}
