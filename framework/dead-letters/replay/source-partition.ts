/** Decides to which partition a dead letter goes back, and notices keys that would go elsewhere today. Knows no client. */
import { crc32 } from 'node:zlib'
import { partitionOfKey } from '../../kafka/murmur2.ts'
import type { DeadLetter } from '../dead-letter.ts'

/** Letters of one topic that go back to a partition that a hash does not give for their key. */
interface Elsewhere {
  murmur2: number
  crc32: number
}

export interface PlaceNotes {
  /** Letters, by topic, that go back to where neither hash puts their key now: newer records of these keys may be in other partitions. */
  readonly movedKeys: ReadonlyMap<string, number>
  /** Letters whose partition is not there any more: they go where their key says. */
  readonly withoutPartition: number
}

/**
 * A key's records are in order within one partition only, and which one that is was its producer's choice: Java's clients take murmur2,
 * librdkafka's CRC-32. So a record goes back to where it was, as its headers tell it.
 */
export class SourcePartitions {
  readonly #partitions: ReadonlyMap<string, number>
  readonly #elsewhere = new Map<string, Elsewhere>()
  #withoutPartition = 0

  /** @param partitions of each topic that exists */
  constructor(partitions: ReadonlyMap<string, number>) {
    this.#partitions = partitions
  }

  /** Undefined: by its key. */
  partitionFor({ topic, partition, record }: DeadLetter, target: string): number | undefined {
    const partitions = this.#partitions.get(target)
    if (target !== topic || partition === null || partitions === undefined) return undefined
    if (partition >= partitions) {
      this.#withoutPartition += 1
      return undefined
    }
    if (record.key !== null && record.key.length > 0) this.#compare(topic, record.key, partition, partitions)
    return partition
  }

  notes(): PlaceNotes {
    // Whichever of the two explains more of them is taken for the producers'.
    const moved = [...this.#elsewhere].map(([topic, by]) => [topic, Math.min(by.murmur2, by.crc32)] as const)
    return { movedKeys: new Map(moved.filter(([, count]) => count > 0)), withoutPartition: this.#withoutPartition }
  }

  #compare(topic: string, key: Buffer, partition: number, partitions: number): void {
    const counts = this.#elsewhere.get(topic) ?? { murmur2: 0, crc32: 0 }
    this.#elsewhere.set(topic, counts)
    if (partitionOfKey(key, partitions) !== partition) counts.murmur2 += 1
    if (crc32(key) % partitions !== partition) counts.crc32 += 1
  }
}
