/**
 * The records that wait to be written to one partition, in the order of the calls, and the one batch that may be under way. Numbers batches, so that
 * a broker knows a repeat (KIP-98): one that was answered in no way is written again, byte by byte the same. Between two tries nothing but the records
 * is kept: they are their producers', and with a thousand partitions the batches would be a gigabyte beside them. Knows no broker and no time.
 */
import type { RecordPlace } from '../kafka-client.ts'
import { type BatchCompression, type BatchPlace, type StampedRecord, writeBatch } from './batch-writer.ts'
import type { PartitionBatch, ProducerIdentity } from './produce-calls.ts'

/** Below the default of a topic's `max.message.bytes`, 1,048,588. One record alone may be larger. */
const MAX_BATCH_BYTES = 1_000_000
const MAX_BATCH_RECORDS = 10_000
/** Sequences begin anew at zero behind 2^31 - 1. */
const SEQUENCES = 2 ** 31

export interface Production {
  readonly record: StampedRecord
  readonly bytes: number
  /** Given up when it has not been written by then. */
  readonly untilMs: number
  readonly resolve: (place: RecordPlace) => void
  readonly reject: (error: Error) => void
}

interface Batch {
  readonly productions: readonly Production[]
  readonly place: BatchPlace
}

export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly #crc32c: (bytes: Buffer) => number
  readonly #compression: BatchCompression | undefined
  #waiting: Production[] = []
  #batch: Batch | undefined
  #identity: ProducerIdentity | undefined
  #nextSequence = 0
  /** Halved where a topic takes less. */
  #maxBytes = MAX_BATCH_BYTES
  /** Set while a request with the batch is under way. */
  isOut = false
  /** Nothing is sent before. */
  notBeforeMs = 0
  /** Refusals in a row. */
  refusals = 0

  constructor(topic: string, partition: number, crc32c: (bytes: Buffer) => number, compression?: BatchCompression) {
    this.topic = topic
    this.partition = partition
    this.#crc32c = crc32c
    this.#compression = compression
  }

  get isEmpty(): boolean {
    return this.#batch === undefined && this.#waiting.length === 0
  }

  get identity(): ProducerIdentity | undefined {
    return this.#identity
  }

  push(production: Production): void {
    this.#waiting.push(production)
  }

  /** The batch that is to be sent next: the one of before, where it was not acknowledged. Call it only when something waits. */
  take(current: ProducerIdentity): PartitionBatch {
    this.#batch ??= this.#next(current)
    this.isOut = true
    const { productions, place } = this.#batch
    const records = productions.map((each) => each.record)
    const bytes = writeBatch(records, place, this.#crc32c, this.#compression)
    return { topic: this.topic, partition: this.partition, bytes }
  }

  acknowledged(baseOffset: number): void {
    const { productions = [] } = this.#batch ?? {}
    this.#settled()
    this.refusals = 0
    for (const [index, { resolve }] of productions.entries()) {
      resolve({ partition: this.partition, offset: baseOffset + index })
    }
  }

  /** It is sent again as it is. */
  kept(notBeforeMs: number): void {
    this.isOut = false
    this.notBeforeMs = notBeforeMs
    this.refusals++
  }

  /** Nothing of it was written. */
  refused(error: Error): void {
    const { productions = [], place } = this.#batch ?? {}
    this.#settled()
    this.#nextSequence = place?.sequence ?? 0
    for (const { reject } of productions) reject(error)
  }

  /** It was written or not. Its numbers are not used again: the broker tells of a gap, and takes another record for a repeat without a word. */
  abandoned(error: Error): void {
    const { productions = [] } = this.#batch ?? {}
    this.#settled()
    for (const { reject } of productions) reject(error)
  }

  /** The broker has lost the place of this producer, or the topic was made anew: the same records go out under a new identity. */
  renumber(): void {
    this.#putBack()
    this.#identity = undefined
  }

  /** The batch is too large for the topic. False when it holds one record only. */
  split(): boolean {
    const { productions = [], place } = this.#batch ?? {}
    if (productions.length <= 1) return false
    const bytes = productions.reduce((sum, each) => sum + each.bytes, 0)
    this.#putBack()
    this.#nextSequence = place?.sequence ?? 0
    this.#maxBytes = Math.max(1, Math.floor(Math.min(this.#maxBytes, bytes) / 2))
    return true
  }

  /** Takes out what has waited too long. What may be written still keeps its numbers. */
  takeOverdue(nowMs: number): readonly Production[] {
    if (this.isOut) return []
    const isOverdue = ({ untilMs }: Production) => untilMs <= nowMs
    // In the order of the calls, so of their times: all that wait are not gone through each time.
    const due = this.#waiting.findIndex((each) => !isOverdue(each))
    const overdue = this.#waiting.splice(0, due < 0 ? this.#waiting.length : due)
    if (this.#batch?.productions.some(isOverdue) === true) {
      overdue.unshift(...this.#batch.productions)
      this.#settled()
    }
    return overdue
  }

  /** Everything, also what is under way. */
  takeAll(): readonly Production[] {
    const all = [...(this.#batch?.productions ?? []), ...this.#waiting]
    this.#batch = undefined
    this.#waiting = []
    return all
  }

  #next(current: ProducerIdentity): Batch {
    if (this.#identity === undefined) {
      this.#identity = current
      this.#nextSequence = 0
    }
    const productions = this.#waiting.splice(0, this.#nextCount())
    const place = { ...this.#identity, sequence: this.#nextSequence }
    this.#nextSequence = (place.sequence + productions.length) % SEQUENCES
    return { productions, place }
  }

  /** At least one, and as many as fit. */
  #nextCount(): number {
    let bytes = 0
    let count = 0
    for (const each of this.#waiting) {
      bytes += each.bytes
      if (count > 0 && (bytes > this.#maxBytes || count === MAX_BATCH_RECORDS)) break
      count++
    }
    return count
  }

  #putBack(): void {
    this.#waiting.unshift(...(this.#batch?.productions ?? []))
    this.#settled()
  }

  #settled(): void {
    this.#batch = undefined
    this.isOut = false
  }
}
