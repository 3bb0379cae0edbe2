/**
 * How far each partition was read, and where its log ends, as far as librdkafka knows. What it remembers of an earlier assignment says nothing about
 * the present one.
 */
import { type PartitionId, partitionId, type TopicPartition } from '../../model/record.ts'
import type { Clock } from '../../time/clock.ts'
import type { NativeConsumer, NativeWatermarks } from './binding.ts'

interface Known {
  /** What `position` has told before the assignment. */
  positionBefore: number | undefined
  /** The end as fetched, when it was last looked at. */
  fetchedEnd: number | undefined
  end: { readonly offset: number; readonly heardAt: number } | undefined
}

export class LogPlaces {
  readonly #native: Pick<NativeConsumer, 'position' | 'getWatermarkOffsets' | 'isConnected'>
  readonly #clock: Clock
  readonly #known = new Map<PartitionId, Known>()

  constructor(native: Pick<NativeConsumer, 'position' | 'getWatermarkOffsets' | 'isConnected'>, clock: Clock) {
    this.#native = native
    this.#clock = clock
  }

  /** Call before librdkafka is told to fetch these. */
  begin(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) {
      const fetchedEnd = this.#watermarks(each)?.highOffset
      this.#known.set(partitionId(each), { positionBefore: this.#position(each), fetchedEnd, end: undefined })
    }
  }

  /** @param isDry nothing that was fetched waits to be consumed */
  nextOffset(of: TopicPartition, isDry: boolean): number | undefined {
    const known = this.#known.get(partitionId(of))
    if (known === undefined) return undefined
    const position = this.#position(of)
    if (position !== known.positionBefore) known.positionBefore = undefined
    const own = known.positionBefore === undefined ? position : undefined
    return isDry ? (this.#emptyLogAt(of) ?? own) : own
  }

  /** Fetches tell it, and nobody tells when: it is known to be new when it has changed. */
  logEnd(of: TopicPartition): { readonly offset: number; readonly heardAt: number } | undefined {
    const known = this.#known.get(partitionId(of))
    const fetchedEnd = known === undefined ? undefined : this.#watermarks(of)?.highOffset
    if (known !== undefined && fetchedEnd !== undefined && fetchedEnd !== known.fetchedEnd) {
      known.fetchedEnd = fetchedEnd
      known.end = { offset: fetchedEnd, heardAt: this.#clock.now() }
    }
    return known?.end
  }

  /** Its leader was asked. Newer than what was fetched; and where a transaction is open, the end for who reads committed records. */
  heard(of: TopicPartition, offset: number): void {
    const known = this.#known.get(partitionId(of))
    if (known === undefined) return
    known.fetchedEnd = this.#watermarks(of)?.highOffset
    known.end = { offset, heardAt: this.#clock.now() }
  }

  /** Retention has left nothing: librdkafka has gone on at its end, and tells no position before a record comes. */
  #emptyLogAt(of: TopicPartition): number | undefined {
    const marks = this.#watermarks(of)
    const isEmpty = marks !== undefined && marks.lowOffset === marks.highOffset
    return isEmpty && this.logEnd(of)?.offset === marks.highOffset ? marks.highOffset : undefined
  }

  #position({ topic, partition }: TopicPartition): number | undefined {
    if (!this.#native.isConnected()) return undefined
    try {
      const [found] = this.#native.position([{ topic, partition }])
      return found?.offset !== undefined && found.offset >= 0 ? found.offset : undefined
    } catch {
      return undefined
    }
  }

  #watermarks({ topic, partition }: TopicPartition): NativeWatermarks | undefined {
    if (!this.#native.isConnected()) return undefined
    try {
      const marks = this.#native.getWatermarkOffsets(topic, partition)
      return marks.highOffset >= 0 ? marks : undefined
    } catch {
      // Nothing was fetched yet, so nothing is known: the binding throws then.
      return undefined
    }
  }
}
