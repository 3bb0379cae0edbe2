/** Which partitions a consumer holds right now, and how each one stands. Decides nothing; looked up once per record, so it is quick. */
import type { TopicPartition } from '../model/record.ts'

export interface OwnedPartition extends TopicPartition {
  /** False once a revoke has begun: no record is returned any more, while commits are still accepted. */
  delivers: boolean
  /** The caller asked for it. */
  paused: boolean
  /** We paused it ourselves, because nobody takes records while polling goes on. */
  held: boolean
}

export class OwnedPartitions implements Iterable<OwnedPartition> {
  readonly #topics = new Map<string, Map<number, OwnedPartition>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const ofTopic = this.#topics.get(topic) ?? new Map<number, OwnedPartition>()
      this.#topics.set(topic, ofTopic)
      if (!ofTopic.has(partition)) this.#size++
      ofTopic.set(partition, { topic, partition, delivers: true, paused: false, held: false })
    }
  }

  drop(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const ofTopic = this.#topics.get(topic)
      if (ofTopic?.delete(partition) !== true) continue
      this.#size--
      if (ofTopic.size === 0) this.#topics.delete(topic)
    }
  }

  get(topic: string, partition: number): OwnedPartition | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  has(partition: TopicPartition): boolean {
    return this.get(partition.topic, partition.partition) !== undefined
  }

  *[Symbol.iterator](): Iterator<OwnedPartition> {
    for (const ofTopic of this.#topics.values()) yield* ofTopic.values()
  }
}
