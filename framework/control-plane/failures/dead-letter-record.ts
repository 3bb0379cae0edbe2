/** Makes the record that a dead-letter topic gets: what it was, and in headers where it came from and why. Pure: the time is handed in. */
import { FIRST_FAILED_AT, historyOf, withoutFailure } from '../../model/failure-headers.ts'
import type { OutgoingRecord, RecordHeader } from '../../model/record.ts'
import type { HandlerFailure } from '../../model/work.ts'
import type { DeadLetterRequest } from './failed-records.ts'

type Letter = Omit<DeadLetterRequest, 'id'>

/** Headers are part of the record's size, which brokers limit; the whole text is in the log. Bytes of UTF-8. */
const MAX_MESSAGE_BYTES = 2_048
const MAX_STACK_BYTES = 8_192
const MAX_NAME_BYTES = 256
/** Where there was no room for more: enough to know the failure again. */
const SHORT_MESSAGE_BYTES = 256
/** Numbers and ids differ from record to record; without them, failures of one kind have one fingerprint. */
const VARIABLE_PARTS = /[0-9a-f]{8,}(-[0-9a-f]{4,})*|\d+/gi

/**
 * What of the record itself goes along, the value of the header `pyrallel-payload`: all of it; all but the value; only its key; nothing. In the
 * last two, our own headers are short, too, and without a stack.
 */
export type DeadLetterPayload = 'full' | 'metadata' | 'key' | 'none'

/** The next smaller one. Undefined below the smallest, which is about 3 kB whatever the record was. */
export function smallerPayload(payload: DeadLetterPayload): DeadLetterPayload | undefined {
  switch (payload) {
    case 'full':
      return 'metadata'
    case 'metadata':
      return 'key'
    case 'key':
      return 'none'
    case 'none':
      return undefined
  }
}

export interface DeadLetterContext {
  readonly group: string
  readonly payload: DeadLetterPayload
  /** Milliseconds since the Unix epoch. */
  readonly now: number
}

/**
 * Spring Kafka's header names, in Spring's binary encodings, and Kafka Connect's, because operators' tools read these; and ours, as text.
 * The record's own timestamp is a header and not the timestamp: the dead-letter topic's retention would else remove an old record at once.
 */
export function deadLetterRecord(whole: Letter, context: DeadLetterContext): OutgoingRecord {
  const isShort = context.payload === 'key' || context.payload === 'none'
  const request = isShort ? { ...whole, failure: shortened(whole.failure) } : whole
  const { record, topic } = request
  const history = historyOf(record.headers)
  // Those of an earlier failure, whoever wrote them, are replaced, never stacked.
  const kept = isShort ? history : [...withoutFailure(record.headers), ...history]
  const added = [
    ...springHeaders(request, context.group),
    ...connectHeaders(request),
    ...ourHeaders(request, context, fingerprint(request.handlerId, whole.failure)),
  ]
  const isFirst = !history.some(([name]) => name === FIRST_FAILED_AT)
  const first = isFirst ? [textHeader(FIRST_FAILED_AT, new Date(context.now).toISOString())] : []
  const value = context.payload === 'full' ? record.value : null
  const key = context.payload === 'none' ? null : record.key
  return { topic, key, value, headers: [...kept, ...first, ...added] }
}

function shortened({ stack: _, ...failure }: HandlerFailure): HandlerFailure {
  return { ...failure, message: textOf(failure.message, SHORT_MESSAGE_BYTES).toString() }
}

/** `KafkaHeaders.DLT_*` of Spring Kafka 3: partition is a 32-bit and offset and timestamp are 64-bit big-endian integers, the rest is text. */
function springHeaders({ record, failure }: Letter, group: string): RecordHeader[] {
  const headers: RecordHeader[] = [
    textHeader('kafka_dlt-original-topic', record.topic),
    ['kafka_dlt-original-partition', int32(record.partition)],
    ['kafka_dlt-original-offset', int64(record.offset)],
    ['kafka_dlt-original-timestamp', int64(record.timestamp)],
    // The client does not tell which it is; this is Kafka's default.
    textHeader('kafka_dlt-original-timestamp-type', 'CreateTime'),
    textHeader('kafka_dlt-original-consumer-group', group),
    textHeader('kafka_dlt-exception-fqcn', failure.name, MAX_NAME_BYTES),
    textHeader('kafka_dlt-exception-message', failure.message, MAX_MESSAGE_BYTES),
  ]
  const { stack } = failure
  return stack === undefined
    ? headers
    : [...headers, textHeader('kafka_dlt-exception-stacktrace', stack, MAX_STACK_BYTES)]
}

/** As `errors.deadletterqueue.context.headers.enable` has Connect write them (KIP-298), without what only a connector has. */
function connectHeaders({ record, failure }: Letter): RecordHeader[] {
  const headers: RecordHeader[] = [
    textHeader('__connect.errors.topic', record.topic),
    textHeader('__connect.errors.partition', String(record.partition)),
    textHeader('__connect.errors.offset', String(record.offset)),
    textHeader('__connect.errors.exception.class.name', failure.name, MAX_NAME_BYTES),
    textHeader('__connect.errors.exception.message', failure.message, MAX_MESSAGE_BYTES),
  ]
  const { stack } = failure
  return stack === undefined
    ? headers
    : [...headers, textHeader('__connect.errors.exception.stacktrace', stack, MAX_STACK_BYTES)]
}

function ourHeaders(request: Letter, { group, payload }: DeadLetterContext, fingerprint: string): RecordHeader[] {
  const { record, failure, handlerId } = request
  return [
    textHeader('pyrallel-topic', record.topic),
    textHeader('pyrallel-partition', String(record.partition)),
    textHeader('pyrallel-offset', String(record.offset)),
    textHeader('pyrallel-epoch', String(request.epoch)),
    textHeader('pyrallel-timestamp', String(record.timestamp)),
    textHeader('pyrallel-group', group),
    textHeader('pyrallel-handler', handlerId),
    textHeader('pyrallel-attempts', String(request.attempt)),
    textHeader('pyrallel-reason', failure.reason),
    textHeader('pyrallel-error-name', failure.name, MAX_NAME_BYTES),
    textHeader('pyrallel-error-message', failure.message, MAX_MESSAGE_BYTES),
    textHeader('pyrallel-error-fingerprint', fingerprint),
    textHeader('pyrallel-payload', payload),
  ]
}

/** The same for failures of one handler that differ in numbers and ids only. */
function fingerprint(handlerId: string, { reason, name, message }: HandlerFailure): string {
  const kind = [handlerId, reason, name, message.replaceAll(VARIABLE_PARTS, '#')].join('\n')
  return fnv1a(Buffer.from(kind))
}

/** FNV-1a, 64 bits, as 16 hexadecimal digits (Fowler, Noll, Vo). Tells failures apart; protects nothing. */
function fnv1a(bytes: Buffer): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash.toString(16).padStart(16, '0')
}

function textHeader(name: string, text: string, maxBytes = Number.POSITIVE_INFINITY): RecordHeader {
  return [name, textOf(text, maxBytes)]
}

function textOf(text: string, maxBytes: number): Buffer {
  const bytes = Buffer.from(text)
  return bytes.length <= maxBytes ? bytes : bytes.subarray(0, wholeCharacters(bytes, maxBytes))
}

/** At most so many bytes, and no character cut in two: continuation bytes of UTF-8 begin with the bits 10. */
function wholeCharacters(bytes: Buffer, maxBytes: number): number {
  let end = maxBytes
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return end
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(Math.trunc(value)))
  return bytes
}
