/** What a Kafka record is, and how one is identified. Plain data; knows neither client nor handler. */

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** `topic:partition`. Unambiguous, because a topic name cannot contain a colon. */
export type PartitionId = string

/** A header as Kafka stores it: names may repeat, values are bytes or null. */
export type RecordHeader = readonly [name: string, value: Buffer | null]

/** One record as it came from the broker: nothing decoded, nothing copied. */
export interface KafkaRecord {
  readonly topic: string
  readonly partition: number
  /** 0 to 2^53 - 1. */
  readonly offset: number
  readonly key: Buffer | null
  /** `null` is a tombstone. */
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** Milliseconds since the Unix epoch, as the topic's `message.timestamp.type` defines it. */
  readonly timestamp: number
}

/** A record to be produced. Without `partition` the producer chooses one by the key (murmur2, as the Java client does). */
export interface OutgoingRecord {
  readonly topic: string
  readonly partition?: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** Milliseconds since the Unix epoch; now, when absent. */
  readonly timestamp?: number
}

export function partitionId(of: TopicPartition): PartitionId {
  return `${of.topic}:${of.partition}`
}

/** `orders[2]`: how texts, log lines and tables name a partition. */
export function partitionPlace(of: TopicPartition): string {
  return `${of.topic}[${of.partition}]`
}

/** `orders[2]@18`: how texts, log lines and tables name a record. */
export function recordPlace(of: TopicPartition & { readonly offset: number }): string {
  return `${partitionPlace(of)}@${of.offset}`
}

/** `topic/partition/offset`: what `record.id` is, and the ids of replays. Names one record for as long as its topic is not made anew. */
export function placeId(of: TopicPartition & { readonly offset: number }): string {
  return `${of.topic}/${of.partition}/${of.offset}`
}

/** Bytes that one record is counted with against the limits: payload plus a flat 96 for its objects. */
export function recordBytes(record: KafkaRecord): number {
  let bytes = 96 + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers) bytes += name.length + (value?.length ?? 0)
  return bytes
}

/**
 * The same record in memory of its own. A client may hand out views: one of 100 bytes keeps the whole block of a megabyte in which it was fetched. Where
 * its bytes are most of what they keep, it is returned as it is.
 */
export function inOwnMemory(record: KafkaRecord): KafkaRecord {
  const { key, value, headers } = record
  let [total, kept] = [0, 0]
  const count = (bytes: Buffer | null) => {
    if (bytes === null) return
    total += bytes.length
    kept = Math.max(kept, bytes.buffer.byteLength)
  }
  count(key)
  count(value)
  for (const [, bytes] of headers) count(bytes)
  if (kept <= 2 * total) return record
  const memory = Buffer.allocUnsafeSlow(total)
  let at = 0
  const copy = (bytes: Buffer | null): Buffer | null => {
    if (bytes === null) return null
    const from = at
    at += bytes.copy(memory, from)
    return memory.subarray(from, at)
  }
  const copied = { key: copy(key), value: copy(value) }
  return { ...record, ...copied, headers: headers.map(([name, bytes]) => [name, copy(bytes)] as const) }
}
