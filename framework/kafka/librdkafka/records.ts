/** Converts records between the native binding's shape and ours, without copying a byte. Pure. */
import type { KafkaRecord, RecordHeader } from '../../model/record.ts'
import type { CommitRequest } from '../kafka-client.ts'
import type { NativeHeader, NativeMessage, NativePartition } from './binding.ts'

const noHeaders: readonly RecordHeader[] = []

/** @param topic the same name as the message's, as one shared string: each message brings a new copy of it */
export function toRecord(message: NativeMessage, topic: string): KafkaRecord {
  return {
    topic,
    partition: message.partition,
    offset: message.offset,
    key: message.key,
    value: message.value,
    headers: message.headers === undefined ? noHeaders : message.headers.map(toHeader),
    timestamp: message.timestamp,
  }
}

/** The binding reads a null value as an empty one; nothing here can tell them apart. */
function toHeader(header: NativeHeader): RecordHeader {
  const [name] = Object.keys(header)
  // A header that is named `__proto__` has become the object's prototype.
  return name === undefined ? ['__proto__', Object.getPrototypeOf(header)] : [name, header[name] ?? null]
}

export function toNativeHeaders(headers: readonly RecordHeader[]): readonly NativeHeader[] | undefined {
  if (headers.length === 0) return undefined
  return headers.map(([name, value]) => ({ [name]: value === null ? nullBytes : toNativeBytes(value) }))
}

/** An empty metadata would be stored as a lone NUL. */
export function toNativeOffset({ topic, partition, position, metadata }: CommitRequest): NativePartition {
  return metadata === '' ? { topic, partition, offset: position } : { topic, partition, offset: position, metadata }
}

/** The binding takes a buffer without memory for null, so an empty value must be a view of some memory. */
const emptyBytes = Buffer.from([0]).subarray(1)
const nullBytes = Buffer.alloc(0)

export function toNativeBytes<T extends Buffer | null>(bytes: T): T | Buffer {
  return bytes !== null && bytes.length === 0 ? emptyBytes : bytes
}
