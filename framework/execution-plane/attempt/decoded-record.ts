/** What a handler sees of a Kafka record. Costs next to nothing until it is asked: text and headers are made on first use. */
import { inspect } from 'node:util'
import type { HandlerRecord, RecordHeaders, UndecodedRecord } from '../../api/handler.ts'
import { firstIdOf } from '../../model/first-id.ts'
import { type KafkaRecord, placeId, type RecordHeader } from '../../model/record.ts'

export class DecodedRecord implements HandlerRecord<unknown> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly value: unknown
  readonly timestamp: number
  readonly attempt: number
  readonly #raw: KafkaRecord

  constructor(raw: KafkaRecord, value: unknown, attempt: number) {
    this.topic = raw.topic
    this.partition = raw.partition
    this.offset = raw.offset
    this.value = value
    this.timestamp = raw.timestamp
    this.attempt = attempt
    this.#raw = raw
  }

  get id(): string {
    return firstIdOf(this.#raw) ?? placeId(this.#raw)
  }

  get key(): string | null {
    return keyText(this.#raw)
  }

  get keyBytes(): Buffer | null {
    return this.#raw.key
  }

  get headers(): RecordHeaders {
    return new DecodedHeaders(this.#raw.headers)
  }

  /** `JSON.stringify` and `console.log` see no getters of a class; these two show them. */
  toJSON(): object {
    const { id, topic, partition, offset, key, value, timestamp, attempt } = this
    const headers = [...this.#raw.headers].map(([name, bytes]) => [name, bytes === null ? null : bytes.toString()])
    return { id, topic, partition, offset, key, value, headers, timestamp, attempt }
  }

  [inspect.custom](): object {
    return this.toJSON()
  }
}

/** One whose key has a format. */
export class KeyedRecord extends DecodedRecord {
  readonly #key: unknown

  constructor(raw: KafkaRecord, key: unknown, value: unknown, attempt: number) {
    super(raw, value, attempt)
    this.#key = key
  }

  /** What it is, the compiler has seen at the topic: from here on, handlers are those of texts. */
  override get key(): string | null {
    return this.#key as string | null
  }
}

/** What `accept` sees. */
export class RecordBeforeDecoding implements UndecodedRecord {
  readonly #raw: KafkaRecord

  constructor(raw: KafkaRecord) {
    this.#raw = raw
  }

  get topic(): string {
    return this.#raw.topic
  }

  get partition(): number {
    return this.#raw.partition
  }

  get offset(): number {
    return this.#raw.offset
  }

  get timestamp(): number {
    return this.#raw.timestamp
  }

  get key(): string | null {
    return keyText(this.#raw)
  }

  get keyBytes(): Buffer | null {
    return this.#raw.key
  }

  get headers(): RecordHeaders {
    return new DecodedHeaders(this.#raw.headers)
  }

  /** Not in the type. In JavaScript it would be undefined, and every record would be left out by what is not there. */
  get value(): never {
    throw new TypeError('accept is asked before the value is decoded. Ask for the value in filter.')
  }
}

class DecodedHeaders implements RecordHeaders {
  readonly #headers: readonly RecordHeader[]

  constructor(headers: readonly RecordHeader[]) {
    this.#headers = headers
  }

  get(name: string): string | undefined {
    const bytes = this.getBytes(name)
    return bytes === undefined || bytes === null ? undefined : headerText(bytes)
  }

  getAll(name: string): readonly string[] {
    const texts: string[] = []
    for (const [of, value] of this.#headers) if (of === name && value !== null) texts.push(value.toString())
    return texts
  }

  getBytes(name: string): Buffer | null | undefined {
    const headers = this.#headers
    // A loop: `findLast` with a function of its own costs twice as much, for each record that `accept` leaves out.
    for (let index = headers.length - 1; index >= 0; index--) {
      const header = headers[index]
      if (header !== undefined && header[0] === name) return header[1]
    }
    return undefined
  }

  [Symbol.iterator](): Iterator<RecordHeader> {
    return this.#headers[Symbol.iterator]()
  }
}

export function keyText(record: KafkaRecord): string | null {
  return record.key === null ? null : record.key.toString()
}

/** Longer texts are seldom those of the record before. Bytes. */
const LONGEST_KEPT = 32
const keptBytes = new Uint8Array(LONGEST_KEPT)
let keptLength = 0
let keptText = ''

/**
 * Headers by which records are chosen (a kind, a tenant) have few values, so the last one is kept: to compare it costs a quarter of decoding it anew, and
 * `accept` asks each record.
 */
function headerText(bytes: Buffer): string {
  const { length } = bytes
  if (length === keptLength) {
    let at = 0
    while (at < length && bytes[at] === keptBytes[at]) at += 1
    if (at === length) return keptText
  }
  const text = bytes.toString()
  if (length <= LONGEST_KEPT) {
    keptBytes.set(bytes)
    keptLength = length
    keptText = text
  }
  return text
}
