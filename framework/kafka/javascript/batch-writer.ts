/** Writes records as one batch of Kafka's format 2 (`DefaultRecordBatch.java`, KIP-98). Pure. */
import type { OutgoingRecord } from '../../model/record.ts'
import type { Compression } from './binding.ts'
import type { ProducerIdentity } from './produce-calls.ts'

const HEADER_BYTES = 61
/** Behind the length: it does not count itself, nor the offset before it. */
const LENGTH_FROM = 12
const CRC_AT = 17
const CRC_FROM = 21
const MAGIC = 2
const ATTRIBUTES_AT = 21
const TRANSACTIONAL = 16

/** How the records of a batch are compressed. */
export type BatchCompression = Pick<Compression, 'bitmask' | 'compressSync'>

/** What is written of a record, with its time: both are kept for a repeat, which must be the same. */
export interface StampedRecord extends Omit<OutgoingRecord, 'timestamp'> {
  readonly timestamp: number
}

export interface BatchPlace extends ProducerIdentity {
  /** The number of the first record in the producer's sequence of this partition. */
  readonly sequence: number
  /** Of a transaction. Default: false. */
  readonly isTransactional?: boolean
}

/** @param records at least one */
export function writeBatch(
  records: readonly StampedRecord[],
  { id, epoch, sequence, isTransactional = false }: BatchPlace,
  crc32c: (bytes: Buffer) => number,
  compression?: BatchCompression,
): Buffer {
  const first = records[0]?.timestamp ?? 0
  let latest = first
  let total = HEADER_BYTES
  const sizes = records.map((record, index) => {
    latest = Math.max(latest, record.timestamp)
    const size = bodySize(record, index, first)
    total += varintSize(size) + size
    return size
  })
  const bytes = Buffer.allocUnsafe(total)
  bytes.writeBigInt64BE(0n, 0)
  bytes.writeInt32BE(total - LENGTH_FROM, 8)
  bytes.writeInt32BE(-1, 12)
  bytes.writeInt8(MAGIC, 16)
  bytes.writeInt16BE(isTransactional ? TRANSACTIONAL : 0, ATTRIBUTES_AT)
  bytes.writeInt32BE(records.length - 1, 23)
  bytes.writeBigInt64BE(BigInt(first), 27)
  bytes.writeBigInt64BE(BigInt(latest), 35)
  bytes.writeBigInt64BE(id, 43)
  bytes.writeInt16BE(epoch, 51)
  bytes.writeInt32BE(sequence, 53)
  bytes.writeInt32BE(records.length, 57)
  const cursor = new Cursor(bytes, HEADER_BYTES)
  for (const [index, record] of records.entries()) {
    cursor.varint(sizes[index] ?? 0)
    writeBody(cursor, record, index, first)
  }
  const batch = compression === undefined ? bytes : compressed(bytes, compression)
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)) >>> 0, CRC_AT)
  return batch
}

/** The header stays readable. What would not be smaller is left as it is, as whoever reads it would have the work for nothing. */
function compressed(batch: Buffer, { bitmask, compressSync }: BatchCompression): Buffer {
  const records = compressSync(batch.subarray(HEADER_BYTES))
  if (HEADER_BYTES + records.length >= batch.length) return batch
  const bytes = Buffer.concat([batch.subarray(0, HEADER_BYTES), records])
  bytes.writeInt32BE(bytes.length - LENGTH_FROM, 8)
  bytes.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | bitmask, ATTRIBUTES_AT)
  return bytes
}

/** At most; the batch's own header is not in it. */
export function recordSize(record: OutgoingRecord): number {
  return bodySize({ ...record, timestamp: 0 }, 0, 0) + 20
}

function bodySize(record: StampedRecord, index: number, first: number): number {
  const { key, value, headers, timestamp } = record
  let size = 1 + varintSize(timestamp - first) + varintSize(index) + sized(key) + sized(value)
  size += varintSize(headers.length)
  for (const [name, bytes] of headers) {
    const length = Buffer.byteLength(name)
    size += varintSize(length) + length + sized(bytes)
  }
  return size
}

function writeBody(cursor: Cursor, record: StampedRecord, index: number, first: number): void {
  cursor.byte(0)
  cursor.varint(record.timestamp - first)
  cursor.varint(index)
  cursor.bytes(record.key)
  cursor.bytes(record.value)
  cursor.varint(record.headers.length)
  for (const [name, bytes] of record.headers) {
    cursor.text(name)
    cursor.bytes(bytes)
  }
}

function sized(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length
}

/** Zigzag, as differences can be negative. In doubles, as times are beyond 32 bits. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}

function varintSize(value: number): number {
  let rest = zigzag(value)
  let size = 1
  while (rest >= 128) {
    rest = Math.floor(rest / 128)
    size++
  }
  return size
}

class Cursor {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  byte(value: number): void {
    this.#bytes[this.#at++] = value
  }

  varint(value: number): void {
    let rest = zigzag(value)
    while (rest >= 128) {
      this.#bytes[this.#at++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#at++] = rest
  }

  /** `null` is written as a length of -1. */
  bytes(value: Uint8Array | null): void {
    if (value === null) {
      this.varint(-1)
      return
    }
    this.varint(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.varint(length)
    this.#at += this.#bytes.write(value, this.#at)
  }
}
