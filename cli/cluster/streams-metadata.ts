/**
 * Reads what Kafka Streams commits with a position: Base64 of a version (1 byte), the partition's time (8 bytes) and, in version 2, times that processors
 * keep: how many (4 bytes), then of each the length of its name (4), its name and its time (8); nothing where there are none. It says nothing about what is
 * done above the position. Source: `TopicPartitionMetadata` and `ProcessorMetadata` of Apache Kafka. No check sum.
 */

export interface StreamsMetadata {
  /** The highest timestamp that was read of the partition, in milliseconds since 1970; `null` where none is known. */
  readonly partitionTime: number | null
  /** Of windowed aggregations: up to which time each has emitted, in milliseconds since 1970. */
  readonly processors: readonly { readonly name: string; readonly time: number }[]
}

const HEAD = 9
/** What brokers store at most by default, in UTF-16 units. */
const MAX_LENGTH = 4_096
/** The last time that a Date can be. */
const LAST_MS = 8_640_000_000_000_000
const UNKNOWN = -1
const LONGEST_NAME = 1_024

/** Never throws. @returns undefined for what is not written to the letter as Kafka Streams writes it */
export function readStreamsMetadata(text: string): StreamsMetadata | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const bytes = Buffer.from(text, 'base64')
  const version = bytes[0]
  if (bytes.length < HEAD || (version !== 1 && version !== 2) || bytes.toString('base64') !== text) return undefined
  const time = timeAt(bytes, 1)
  if (time === undefined) return undefined
  const processors = bytes.length === HEAD ? [] : version === 2 ? readProcessors(bytes) : undefined
  return processors && { partitionTime: time === UNKNOWN ? null : time, processors }
}

function readProcessors(bytes: Buffer): StreamsMetadata['processors'] | undefined {
  let at = HEAD + 4
  const count = bytes.length < at ? 0 : bytes.readInt32BE(HEAD)
  const found: { readonly name: string; readonly time: number }[] = []
  while (found.length < count) {
    const length = at + 4 > bytes.length ? 0 : bytes.readInt32BE(at)
    const [from, end] = [at + 4, at + 4 + length]
    if (length < 1 || length > LONGEST_NAME || end + 8 > bytes.length) return undefined
    const [name, time] = [bytes.toString('utf8', from, end), timeAt(bytes, end)]
    if (time === undefined || Buffer.byteLength(name) !== length) return undefined
    found.push({ name, time })
    at = end + 8
  }
  return count > 0 && at === bytes.length ? found : undefined
}

function timeAt(bytes: Buffer, at: number): number | undefined {
  const time = Number(bytes.readBigInt64BE(at))
  return time >= UNKNOWN && time <= LAST_MS ? time : undefined
}
