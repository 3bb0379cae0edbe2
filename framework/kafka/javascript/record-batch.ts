/**
 * Turns what a broker has sent of one partition into records, when they are handed out: batches of format 2 (`DefaultRecordBatch.java`, KIP-98).
 * Their check sum is looked at before anything of them is believed, and records of aborted transactions and markers are left out.
 */
import { PyrallelError } from '../../model/errors.ts'
import { type KafkaRecord, partitionPlace, type RecordHeader, type TopicPartition } from '../../model/record.ts'
import type { JavascriptLibrary } from './binding.ts'
import type { BlockBytes } from './block-memory.ts'
import type { FetchedBlock } from './fetch-steps.ts'

const HEADER_BYTES = 61
/** Up to the length, which counts what stands behind it. */
const LENGTH_END = 12
const CRC_FROM = 21
const MAGIC = 2
const COMPRESSION_BITS = 0b111
const LOG_APPEND_TIME_BIT = 8
const TRANSACTIONAL_BIT = 16
const CONTROL_BIT = 32
/** Of a length, and of the shortest record. */
const LENGTH_BYTES = 5
/** Records are views of copies of so much, where the memory of their block is used again. Who keeps one keeps no more than this, or a record that is longer. */
const COPIED_BYTES = 16 * 1_024
const noBytes = Buffer.alloc(0)
const noHeaders: readonly RecordHeader[] = []

/** From here on, what this producer has written was taken back, up to its marker. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** What the library is needed for. */
export type BatchTools = Pick<JavascriptLibrary, 'crc32c' | 'compressionsAlgorithmsByBitmask'>

interface BatchPart {
  readonly base: number
  /** Behind its last offset. */
  readonly end: number
  /** Within the block. */
  readonly from: number
  readonly to: number
  readonly isLeftOut: boolean
}

/**
 * @param block bytes of whole batches, and a part of one at their end where they were cut
 * @param aborted those that touch what was sent, in any order
 * @returns `partial`: not one whole batch
 */
export function toBlock(
  place: TopicPartition,
  block: BlockBytes,
  aborted: readonly AbortedTransaction[],
  tools: BatchTools,
): RecordBlock | 'partial' {
  const { bytes } = block
  const batches: BatchPart[] = []
  const open = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  const abortedNow = new Set<bigint>()
  let leaderEpoch = -1
  for (let from = 0; bytes.length - from >= HEADER_BYTES; ) {
    const to = from + LENGTH_END + bytes.readInt32BE(from + 8)
    if (to > bytes.length || to < from + HEADER_BYTES) break
    const base = Number(bytes.readBigInt64BE(from))
    const end = base + bytes.readInt32BE(from + 23) + 1
    const attributes = bytes.readInt16BE(from + CRC_FROM)
    const isControl = (attributes & CONTROL_BIT) !== 0
    let isAborted = false
    if ((attributes & TRANSACTIONAL_BIT) !== 0) {
      while (open[0] !== undefined && open[0].firstOffset < end) abortedNow.add(open.shift()?.producerId ?? -1n)
      const producerId = bytes.readBigInt64BE(from + 43)
      // Its marker is the end of the transaction. What it writes later is another one, with an entry of its own.
      if (isControl) abortedNow.delete(producerId)
      else isAborted = abortedNow.has(producerId)
    }
    batches.push({ base, end, from, to, isLeftOut: isControl || isAborted })
    leaderEpoch = bytes.readInt32BE(from + LENGTH_END)
    from = to
  }
  if (batches.length > 0) return new RecordBlock(place, block, batches, leaderEpoch, tools)
  block.release?.()
  return 'partial'
}

export class RecordBlock implements FetchedBlock<KafkaRecord> {
  readonly bytes: number
  readonly end: number
  readonly leaderEpoch: number
  readonly #place: TopicPartition
  #block: BlockBytes | undefined
  readonly #batches: readonly BatchPart[]
  readonly #tools: BatchTools
  /** Of the batch that is being read. */
  #index = 0
  #reader: BatchReader | undefined
  #corruptAt: number | undefined

  constructor(
    place: TopicPartition,
    block: BlockBytes,
    batches: readonly BatchPart[],
    leaderEpoch: number,
    tools: BatchTools,
  ) {
    this.bytes = block.bytes.length
    this.end = batches.at(-1)?.end ?? 0
    this.leaderEpoch = leaderEpoch
    this.#place = place
    this.#block = block
    this.#batches = batches
    this.#tools = tools
  }

  /** Known once reading has come to it. */
  get corruptAt(): number | undefined {
    return this.#corruptAt
  }

  /**
   * Offsets must not be asked for again once they were passed. A batch that cannot be read throws, and is met again by the next call.
   * @throws PyrallelError PYR_KAFKA where it is compressed in a way, or has a format, that this process cannot read
   */
  read(from: number, max: number, into: KafkaRecord[]): number {
    const until = into.length + max
    let next = from
    for (let batch = this.#batches[this.#index]; batch !== undefined; batch = this.#batches[this.#index]) {
      if (!batch.isLeftOut && batch.end > next) {
        this.#reader ??= this.#open(batch)
        if (this.#reader === undefined) {
          this.#corruptAt = batch.base
          return next
        }
        next = this.#reader.read(next, until, into)
        if (!this.#reader.isOver) return next
      }
      next = Math.max(next, batch.end)
      this.#reader = undefined
      this.#index++
    }
    this.#block?.release?.()
    this.#block = undefined
    return this.end
  }

  /** `undefined`: it is damaged. */
  #open({ base, from, to }: BatchPart): BatchReader | undefined {
    const { bytes, release } = this.#block ?? { bytes: noBytes }
    const batch = bytes.subarray(from, to)
    const magic = batch.readInt8(16)
    if (magic !== MAGIC) throw this.#unreadable(base, `it has format ${magic}, which no Kafka since 0.11 writes`)
    if (this.#tools.crc32c(batch.subarray(CRC_FROM)) >>> 0 !== batch.readUInt32BE(17)) return undefined
    const attributes = batch.readInt16BE(CRC_FROM)
    const records = this.#decompressed(base, attributes & COMPRESSION_BITS, batch.subarray(HEADER_BYTES))
    if (records === undefined) return undefined
    // What was compressed is in memory of its own.
    const isLent = release !== undefined && (attributes & COMPRESSION_BITS) === 0
    return new BatchReader(this.#place, records, {
      isLent,
      base,
      count: batch.readInt32BE(57),
      firstTime: Number(batch.readBigInt64BE(27)),
      // Of the batch as a whole, where the log gives the time.
      appendTime: (attributes & LOG_APPEND_TIME_BIT) === 0 ? undefined : Number(batch.readBigInt64BE(35)),
    })
  }

  #decompressed(base: number, algorithm: number, bytes: Buffer): Buffer | undefined {
    if (algorithm === 0) return bytes
    const compression = this.#tools.compressionsAlgorithmsByBitmask[algorithm]
    if (compression === undefined) throw this.#unreadable(base, `its compression has number ${algorithm}`)
    if (!compression.available) {
      throw this.#unreadable(
        base,
        "it is compressed by zstd, which Node reads from 22.15 on: update Node, or write kafka.client: 'librdkafka'",
      )
    }
    try {
      return compression.decompressSync(bytes)
    } catch {
      return undefined
    }
  }

  #unreadable(base: number, why: string): PyrallelError {
    const place = `${partitionPlace(this.#place)}@${base}`
    return new PyrallelError('PYR_KAFKA', `The batch at ${place} cannot be read by the client in JavaScript: ${why}.`)
  }
}

interface BatchFacts {
  /** The bytes will be others: no view of them may be handed out. */
  readonly isLent: boolean
  readonly base: number
  readonly count: number
  readonly firstTime: number
  readonly appendTime: number | undefined
}

/** Reads the records of one batch, one after the other. */
class BatchReader {
  readonly #place: TopicPartition
  readonly #source: Buffer
  readonly #facts: BatchFacts
  /** What is read: the source, or a copy of it from `#copiedFrom` on. */
  #bytes: Buffer
  #copiedFrom = 0
  #at = 0
  #done = 0

  constructor(place: TopicPartition, bytes: Buffer, facts: BatchFacts) {
    this.#place = place
    this.#source = bytes
    this.#facts = facts
    this.#bytes = facts.isLent ? noBytes : bytes
  }

  get isOver(): boolean {
    return this.#done >= this.#facts.count
  }

  /** @returns behind the last record that was read, or passed because it lies below `from` */
  read(from: number, until: number, into: KafkaRecord[]): number {
    const { topic, partition } = this.#place
    const { base, count, firstTime, appendTime } = this.#facts
    let next = from
    while (this.#done < count && into.length < until) {
      const end = this.#length() + this.#at
      this.#at++
      const timestamp = firstTime + this.#varint()
      const offset = base + this.#varint()
      if (offset >= from) {
        const key = this.#view()
        const value = this.#view()
        const headers = this.#headers()
        into.push({ topic, partition, offset, key, value, headers, timestamp: appendTime ?? timestamp })
        next = offset + 1
      }
      this.#at = end
      this.#done++
    }
    return next
  }

  /** Of the next record, which is whole in `#bytes` then. */
  #length(): number {
    if (!this.#facts.isLent) return this.#varint()
    const start = this.#at
    if (this.#bytes.length - start >= LENGTH_BYTES) {
      const length = this.#varint()
      if (this.#at + length <= this.#bytes.length) return length
    }
    this.#copiedFrom += start
    this.#bytes = this.#source.subarray(this.#copiedFrom)
    this.#at = 0
    const length = this.#varint()
    this.#bytes = Buffer.from(this.#bytes.subarray(0, Math.max(this.#at + length, COPIED_BYTES)))
    return length
  }

  #headers(): readonly RecordHeader[] {
    let count = this.#varint()
    if (count <= 0) return noHeaders
    const headers: RecordHeader[] = []
    while (count-- > 0) {
      const length = this.#varint()
      const name = this.#bytes.toString('utf8', this.#at, this.#at + length)
      this.#at += length
      headers.push([name, this.#view()])
    }
    return headers
  }

  /** Not copied: it keeps all of `#bytes`. */
  #view(): Buffer | null {
    const length = this.#varint()
    if (length < 0) return null
    const from = this.#at
    this.#at = from + length
    return this.#bytes.subarray(from, from + length)
  }

  /** Zigzag. Most are of one byte, and times are beyond 32 bits. */
  #varint(): number {
    const bytes = this.#bytes
    let byte = bytes[this.#at++] ?? 0
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 127
    let scale = 128
    do {
      byte = bytes[this.#at++] ?? 0
      value += (byte & 127) * scale
      scale *= 128
    } while (byte >= 128)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}
