/**
 * Finds violations of order by watching handlers start and end, and nothing else. Keeps its own books: it numbers the records
 * of each key as they are produced, and never asks the control plane.
 */
import { harmless } from '../../../framework/model/plain-text.ts'
import { recordPlace } from '../../../framework/model/record.ts'
import type { Ordering } from '../../../framework/model/work.ts'

/** One record on its way to one handler. */
export interface Delivery {
  readonly handlerId: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  /** The number that `numberOf` gave when the record was produced; from 1, counted per topic and key. */
  readonly number: number
}

export type Settlement = 'done' | 'done in a batch' | 'dead'

interface Shard {
  /** The record whose handler runs now. */
  running: number | undefined
  /** The record that has started and is not settled: it runs, or waits for its retry. */
  open: number | undefined
  /** The highest record that is settled; 0 before the first. */
  settled: number
  /** Records that others were settled before: each must turn out to be dead. */
  readonly overtaken: Set<number>
  /** Records above `settled` that are left out: they never start, and nothing waits for them. */
  readonly leftOut: Set<number>
  /** Parked while those behind them go on: they may start again at any time. */
  readonly apart: Set<number>
}

/** Violations that are kept as texts; all are counted. */
const MAX_TEXTS = 20

export class OrderChecker {
  readonly #orderings: ReadonlyMap<string, Ordering>
  readonly #numbers = new Map<string, number>()
  readonly #shards = new Map<string, Shard>()
  readonly #violations: string[] = []
  #violationCount = 0
  #starts = 0
  #repeats = 0

  constructor(orderings: ReadonlyMap<string, Ordering>) {
    this.#orderings = orderings
  }

  /** The number of the next record of this key. Call it once per record, in the order in which they are produced. */
  numberOf(topic: string, key: string | null): number {
    // Records without a key have no order among themselves, and must not count among those of the empty key.
    const id = key === null ? topic : `${topic} key ${key}`
    const number = (this.#numbers.get(id) ?? 0) + 1
    this.#numbers.set(id, number)
    return number
  }

  /** A handler begins an attempt. */
  started(delivery: Delivery): void {
    this.#starts++
    const shard = this.#shardOf(delivery)
    if (shard === undefined) return
    const rank = this.#rankOf(delivery)
    if (shard.running !== undefined) this.#violation(delivery, `started while #${shard.running} was running`)
    else if (shard.open !== undefined && shard.open !== rank) {
      this.#violation(delivery, `started before #${shard.open} was done`)
    } else this.#expectNext(delivery, shard, rank)
    shard.running = rank
    shard.open = rank
  }

  /** A handler ends an attempt. */
  ended(delivery: Delivery, hasSucceeded: boolean): void {
    const shard = this.#shardOf(delivery)
    if (shard === undefined) return
    if (shard.running === this.#rankOf(delivery)) shard.running = undefined
    if (hasSucceeded) this.#settle(shard, this.#rankOf(delivery))
  }

  /**
   * The record is done, filtered or dead: nothing of it runs any more. Records that no handler may see settle without a start. What is done in a batch
   * may settle before those of its key that were given up in it: their dead letters are on their way.
   */
  settled(delivery: Delivery, how: Settlement = 'done'): void {
    const shard = this.#shardOf(delivery)
    if (shard === undefined) return
    const rank = this.#rankOf(delivery)
    if (shard.apart.delete(rank)) {
      this.#settle(shard, rank)
      return
    }
    if (shard.overtaken.delete(rank)) {
      if (how !== 'dead') this.#violation(delivery, `was done after #${shard.settled}, which is behind it`)
      return
    }
    if (how === 'done in a batch' && this.#orderings.get(delivery.handlerId) === 'key') {
      for (let passed = shard.settled + 1; passed < rank; passed++) shard.overtaken.add(passed)
      this.#settle(shard, rank)
      return
    }
    if (shard.open === rank || rank <= shard.settled) {
      this.#settle(shard, rank)
      return
    }
    if (shard.open !== undefined) this.#violation(delivery, `was settled before #${shard.open} was done`)
    else this.#expectNext(delivery, shard, rank)
    this.#settle(shard, rank)
  }

  /** It is out of attempts, and the records of its key go on without it. */
  parkedAlone(delivery: Delivery): void {
    const shard = this.#shardOf(delivery)
    if (shard === undefined) return
    const rank = this.#rankOf(delivery)
    this.#settle(shard, rank)
    shard.apart.add(rank)
  }

  /** It is done as it arrives, whatever is before it. */
  leftOut(delivery: Delivery): void {
    const shard = this.#shardOf(delivery)
    const rank = this.#rankOf(delivery)
    if (shard !== undefined && rank > shard.settled) shard.leftOut.add(rank)
  }

  get violationCount(): number {
    return this.#violationCount
  }

  /** The first ones, as sentences. */
  get violations(): readonly string[] {
    return this.#violations
  }

  /** Attempts that were watched. */
  get starts(): number {
    return this.#starts
  }

  /** Records that ran again after they were done: allowed by at-least-once, but not to be expected on a calm day. */
  get repeats(): number {
    return this.#repeats
  }

  /** How many sequences were watched: keys of key order, partitions of partition order. */
  get sequences(): number {
    return this.#shards.size
  }

  #expectNext(delivery: Delivery, shard: Shard, rank: number): void {
    if (shard.apart.has(rank)) return
    if (rank <= shard.settled) this.#repeats++
    else if (this.#orderings.get(delivery.handlerId) === 'key' && rank !== nextOf(shard)) {
      this.#violation(delivery, `came after #${shard.settled}: those between were passed over`)
    }
  }

  #settle(shard: Shard, rank: number): void {
    if (shard.open === rank) shard.open = undefined
    if (shard.running === rank) shard.running = undefined
    shard.settled = Math.max(shard.settled, rank)
    for (const each of shard.leftOut) if (each <= shard.settled) shard.leftOut.delete(each)
  }

  /** Records that may run in any order are not compared. */
  #shardOf({ handlerId, topic, partition, key }: Delivery): Shard | undefined {
    const ordering = this.#orderings.get(handlerId)
    if (ordering === undefined || ordering === 'unordered' || (ordering === 'key' && key === null)) return undefined
    const id = ordering === 'key' ? `${handlerId} ${topic} key ${key}` : `${handlerId} ${topic} partition ${partition}`
    const shard = this.#shards.get(id) ?? {
      running: undefined,
      open: undefined,
      settled: 0,
      overtaken: new Set(),
      leftOut: new Set(),
      apart: new Set(),
    }
    this.#shards.set(id, shard)
    return shard
  }

  /** Within a key, the number of its production; within a partition, the offset (from 1, so that 0 is before the first). */
  #rankOf({ handlerId, number, offset }: Delivery): number {
    return this.#orderings.get(handlerId) === 'key' ? number : offset + 1
  }

  #violation(delivery: Delivery, what: string): void {
    this.#violationCount++
    if (this.#violations.length >= MAX_TEXTS) return
    const { handlerId, topic, partition, offset, key } = delivery
    const rank = this.#rankOf(delivery)
    this.#violations.push(
      `${handlerId}: ${recordPlace({ topic, partition, offset })} (key ${keyText(key)}, #${rank}) ${what}`,
    )
  }
}

function nextOf({ settled, leftOut }: Shard): number {
  let next = settled + 1
  while (leftOut.has(next)) next++
  return next
}

function keyText(key: string | null): string {
  if (key === null) return 'none'
  return key === '' ? "''" : harmless(key)
}
