/** To which partition each record goes. Records of a topic whose partitions are not known yet wait here, in the order of the calls. */
import type { Clock } from '../../time/clock.ts'
import { faultCodes } from '../faults/codes.ts'
import { produceError } from '../faults/produce-error.ts'
import { partitionOfKey } from '../murmur2.ts'
import { KafkaFault, toFault } from './errors.ts'
import type { Production } from './partition-queue.ts'
import type { ProducerTopics } from './producer-topics.ts'

export interface PlacementOptions {
  readonly topics: ProducerTopics
  readonly clock: Clock
  /** How long a record may wait for its topic to be found. Milliseconds. */
  readonly limitMs: number
  readonly onPlaced: (production: Production, partition: number) => void
}

export class Placement {
  readonly #options: PlacementOptions
  /** By topic. */
  readonly #waiting = new Map<string, Production[]>()

  constructor(options: PlacementOptions) {
    this.#options = options
  }

  place(production: Production): void {
    const { topic } = production.record
    const waiting = this.#waiting.get(topic)
    // A record that overtook one that waits could break the order of their key.
    if (waiting !== undefined) waiting.push(production)
    else if (!this.#place(production)) {
      this.#waiting.set(topic, [production])
      void this.#findAndPlace(topic)
    }
  }

  /** All that wait. */
  takeAll(): readonly Production[] {
    const all = [...this.#waiting.values()].flat()
    this.#waiting.clear()
    return all
  }

  /** False when the topic, or the partition that is asked for, is not known. */
  #place(production: Production): boolean {
    const { topic, partition: asked, key } = production.record
    const count = this.#options.topics.known(topic)?.partitions.length ?? 0
    if (count === 0 || (asked !== undefined && asked >= count)) return false
    this.#options.onPlaced(production, asked ?? (key === null ? this.#anyOf(count) : partitionOfKey(key, count)))
    return true
  }

  /** Records without a key: one partition for a while, so that they fill batches, and another one in the next millisecond. */
  #anyOf(count: number): number {
    return Math.floor(this.#options.clock.now()) % count
  }

  async #findAndPlace(topic: string): Promise<void> {
    const { topics, limitMs } = this.#options
    const fault = await topics.find(topic, limitMs).then(() => undefined, toFault)
    const waiting = this.#waiting.get(topic) ?? []
    this.#waiting.delete(topic)
    for (const each of waiting) {
      if (fault !== undefined) each.reject(produceError(fault, topic))
      else if (!this.#place(each)) each.reject(produceError(unknownPartition(each), topic))
    }
  }
}

function unknownPartition({ record }: Production): KafkaFault {
  return new KafkaFault(faultCodes.UNKNOWN_PARTITION, `the topic has no partition ${record.partition}`)
}
