/** Records that were received when nobody could take them, kept in the order received until they can be returned. Bounded by its user. */
import type { KafkaRecord, TopicPartition } from '../../model/record.ts'

export class RecordStash {
  #records: KafkaRecord[] = []

  get size(): number {
    return this.#records.length
  }

  push(record: KafkaRecord): void {
    this.#records.push(record)
  }

  /** At most `maxRecords` of those whose partition is not paused, oldest first. */
  take(maxRecords: number, isPaused: (partition: TopicPartition) => boolean): KafkaRecord[] {
    if (this.#records.length === 0) return []
    const taken: KafkaRecord[] = []
    this.#records = this.#records.filter((record) => {
      if (taken.length >= maxRecords || isPaused(record)) return true
      taken.push(record)
      return false
    })
    return taken
  }

  has({ topic, partition }: TopicPartition): boolean {
    return this.#records.some((record) => record.partition === partition && record.topic === topic)
  }

  forget(partitions: readonly TopicPartition[]): void {
    this.#records = this.#records.filter(
      (record) => !partitions.some((each) => each.partition === record.partition && each.topic === record.topic),
    )
  }
}
