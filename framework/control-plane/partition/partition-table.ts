/** The one map of assigned partitions, the epoch counter, and the check of the epoch that every way back goes through. */
import { bug } from '../../model/errors.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { Epoch } from '../../model/work.ts'
import type { PartitionState } from './partition-state.ts'

/**
 * One for the whole process, and it never resets: an epoch that were counted per partition or per consumer would repeat, and a
 * completion of an earlier assignment would pass for one of the present.
 */
let lastEpoch = 0

export function nextEpoch(): Epoch {
  lastEpoch += 1
  return lastEpoch as Epoch
}

/** One assignment of one partition. */
export type Assignment = TopicPartition & { readonly epoch: Epoch }

/** A partition as it is assigned now. */
export type AssignedNow = Assignment & { readonly isDraining: boolean }

/** The table for those who may not change it. */
export type PartitionLookup = Omit<PartitionTable, 'add' | 'remove'>

export class PartitionTable {
  /** Topic, then partition number. Nested, because a lookup happens for every record and must not build a key. */
  #states = new Map<string, Map<number, PartitionState>>()

  find(topic: string, partition: number): PartitionState | undefined {
    return this.#states.get(topic)?.get(partition)
  }

  /** True while this very assignment is the present one. The one place where epochs are compared. */
  isCurrent(of: Assignment): boolean {
    return this.find(of.topic, of.partition)?.epoch === of.epoch
  }

  get isEmpty(): boolean {
    return this.#states.size === 0
  }

  add(state: PartitionState): void {
    let ofTopic = this.#states.get(state.topic)
    if (ofTopic === undefined) {
      ofTopic = new Map()
      this.#states.set(state.topic, ofTopic)
    }
    if (ofTopic.has(state.partition)) throw bug('partition-table/add', `${state.id} is assigned already`)
    ofTopic.set(state.partition, state)
  }

  remove({ topic, partition }: TopicPartition): void {
    const ofTopic = this.#states.get(topic)
    ofTopic?.delete(partition)
    if (ofTopic?.size === 0) this.#states.delete(topic)
  }

  *[Symbol.iterator](): Iterator<PartitionState> {
    for (const ofTopic of this.#states.values()) yield* ofTopic.values()
  }
}
