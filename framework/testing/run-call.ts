/** One call of a handler for a test: its records made, its publishes and log lines collected. Needs no broker; publishes nothing anywhere. */

import type { Format, PulledSchema } from '../api/format.ts'
import type { HandlerDefinition, Services } from '../api/handler.ts'
import type { TopicDefinition } from '../api/topic.ts'
import { AsyncEngine } from '../execution-plane/engines/async-engine.ts'
import { FormatDecoder } from '../formats/format-decoder.ts'
import { encodeFormat, encodeKey } from '../formats/format-encoder.ts'
import type { SchemaAnswer } from '../formats/known-schemas.ts'
import { namedText } from '../formats/named-text.ts'
import { loadCodec } from '../formats/value-codec.ts'
import type { FormattedPart } from '../formats/value-frame.ts'
import { type Duration, durationMs } from '../model/duration.ts'
import { bug } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { ownProperty } from '../model/own-property.ts'
import type { KafkaRecord, OutgoingRecord, RecordHeader } from '../model/record.ts'
import { matcherOf, type TopicPattern } from '../model/topic-pattern.ts'
import type { CompletionEvent, Epoch, Outcome } from '../model/work.ts'
import { publisher } from '../publishing/publisher.ts'
import { type FormatTable, joinFormats, type TopicFormats } from '../publishing/topic-formats.ts'
import { type Clock, systemClock } from '../time/clock.ts'

export interface PublishedValue {
  readonly topic: string
  /** A text, or what the topic's `keyFormat` says; `null` where there is none. */
  readonly key: unknown
  readonly value: unknown
  readonly headers: Readonly<Record<string, string>>
}

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

export interface RecordInput<T, K = string> {
  readonly value: T
  /** One of the topics that the handler reads. Default the first; there is none where a pattern says which it reads. */
  readonly topic?: string
  readonly key?: K | null
  readonly headers?: Readonly<Record<string, string>>
}

export interface Call {
  readonly outcome: Outcome
  readonly published: readonly PublishedValue[]
  readonly logged: readonly LoggedLine[]
}

/** What is the same for a call with one record and one with many. */
export interface CallOptions {
  /** Default the handler's own `timeout`, else 30 s. */
  readonly timeout?: Duration
  /** Default the system's. With a manual clock, time stands still until the test moves it. */
  readonly clock?: Clock
  /** What the handler gets as `context.services`. Default: none, and to ask for them fails the attempt. */
  readonly services?: Services
}

const STANDARD_TIMEOUT = '30s'
const CLOSE_MS = 1_000

/** @param declared what topics are written in that the handler may only name */
export async function runCall<T, K>(
  handler: HandlerDefinition<T, K>,
  records: readonly KafkaRecord[],
  attempts: readonly number[],
  { timeout, clock, services }: CallOptions,
  declared: FormatTable = {},
): Promise<Call> {
  const { options } = handler
  const published: PublishedValue[] = []
  const logged: LoggedLine[] = []
  const handlerId = options.id ?? 'handler'
  const read: readonly (TopicFormats & { readonly name: string })[] = handler.topics ?? [handler.topic]
  const used = new Map<string, TopicFormats>()
  const formatsOf = (name: string) =>
    joinFormats(
      read.find((each) => each.name === name),
      ownProperty(declared, name),
    )
  const produce = async (record: OutgoingRecord) => {
    const { topic } = record
    published.push(publishedValue(record, joinFormats(used.get(topic), formatsOf(topic))))
  }
  const producer = { produce, close: async () => {} }
  const publish = publisher(producer, undefined, undefined, undefined, formatsOf)
  const engine = new AsyncEngine({
    handlerId,
    concurrency: 1,
    timeoutMs: durationMs(timeout ?? options.timeout ?? STANDARD_TIMEOUT, 'option timeout'),
    abandonAfterMs: 0,
    // The value that it is given is checked against its schema before it is called, as with every engine.
    definition: handler as HandlerDefinition<unknown, unknown> as HandlerDefinition<unknown>,
    publish: (to, value, publishOptions) => {
      if (typeof to !== 'string') used.set(to.name, to)
      return publish(to, value, publishOptions)
    },
    services,
    schemas: { find: (_ref, part) => ownSchema(handler, part, records) },
    log: collectingLog(logged),
    clock: clock ?? systemClock(),
  })
  const completion = new Promise<CompletionEvent>((resolve, reject) => {
    const item = { id: 1, handlerId, epoch: 1 as Epoch, records, attempts }
    engine.start(resolve).then(() => engine.submit(item), reject)
  })
  try {
    const { outcome } = await completion
    if (outcome.kind === 'recalled') throw bug('runCall', 'the attempt was taken back')
    return { outcome, published, logged }
  } finally {
    await engine.close(CLOSE_MS)
  }
}

/** @throws TypeError when the handler does not read the topic that is named */
export async function recordOf<T, K>(
  handler: HandlerDefinition<T, K>,
  input: RecordInput<T, K>,
  offset: number,
): Promise<KafkaRecord> {
  const topics = handler.topics ?? [handler.topic]
  const named = input.topic === undefined ? handler.topic : topics.find(({ name }) => name === input.topic)
  const topic = handler.pattern === undefined ? named : matched(handler.topic, handler.pattern, input.topic)
  if (topic === undefined) {
    const known = topics.map(({ name }) => name).join(', ')
    throw new TypeError(`The handler does not read '${input.topic}'. It reads: ${known}.`)
  }
  const { value, headers = {} } = input
  await loadFormats(topic)
  const key = input.key === undefined ? (topic.key?.(value) ?? null) : input.key
  const sent = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const)
  return { topic: topic.name, partition: 0, offset, ...written(topic, key, value, sent), timestamp: 0 }
}

/** What `written` needs. */
export async function loadFormats({ format, keyFormat }: TopicFormats): Promise<void> {
  if (format !== undefined) await loadCodec(format.schema)
  if (keyFormat !== undefined) await loadCodec(keyFormat.schema)
}

/**
 * Key, value and headers as a producer would write them. Wait for `loadFormats` first.
 * @throws PyrallelError PYR_SCHEMA where a format has no such value, or no such key
 */
export function written(
  { name, keyFormat, format, values }: TopicFormats & { readonly name: string },
  key: unknown,
  value: unknown,
  headers: readonly RecordHeader[],
): Pick<KafkaRecord, 'key' | 'value' | 'headers'> {
  const payload = encoded(
    { name, ...(values !== undefined && { values }), ...(format !== undefined && { format }) },
    value,
    headers,
  )
  if (keyFormat !== undefined) return { ...payload, ...encodeKey(keyFormat, name, key, { headers: payload.headers }) }
  return { key: key === null ? null : Buffer.from(key as string), ...payload }
}

function encoded(
  { name, format, values }: TopicFormats & { readonly name: string },
  value: unknown,
  headers: readonly RecordHeader[],
): Pick<KafkaRecord, 'value' | 'headers'> {
  if (value === null) return { value: null, headers }
  if (format !== undefined) return encodeFormat(format, name, value, { headers })
  if (values === 'bytes') return { value: Buffer.from(value as Uint8Array), headers }
  return { value: Buffer.from(JSON.stringify(value) ?? ''), headers }
}

/** No registry is asked: what `written` writes has the pulled schemas. */
function ownSchema<T, K>(
  handler: HandlerDefinition<T, K>,
  part: FormattedPart,
  [record]: readonly KafkaRecord[],
): SchemaAnswer {
  const { topic, topics = [topic] } = handler
  const of = part === 'key' ? 'keyFormat' : 'format'
  const format = topics.find(({ name }) => name === record?.topic)?.[of] ?? topic[of]
  return format === undefined ? { kind: 'unanswered', why: 'the topic has no format' } : pulledAnswer(format.schema)
}

/** As a registry would give it. */
export function pulledAnswer({ format, text, references = [] }: PulledSchema<unknown>): SchemaAnswer {
  return { kind: 'found', schema: { format, text, references: references.map(namedText) } }
}

/** @throws TypeError where none is named: a pattern has no first one */
function matched<T, K>(
  all: TopicDefinition<T, string, K>,
  pattern: TopicPattern,
  name: string | undefined,
): TopicDefinition<T, string, K> | undefined {
  if (name === undefined)
    throw new TypeError(`The handler reads what ${all.name} matches. Say which topic: { topic, value }.`)
  return matcherOf(pattern)(name) ? { ...all, name } : undefined
}

/** What was written by its own pulled schema. */
function readBack(
  bytes: Buffer,
  headers: readonly RecordHeader[],
  format: Format<unknown>,
  part: FormattedPart,
): unknown {
  return FormatDecoder.of(format, '', { find: () => pulledAnswer(format.schema) }, undefined, part).decode(
    bytes,
    headers,
  )
}

function publishedValue(
  { topic, key, value, headers }: OutgoingRecord,
  { format, keyFormat, values }: TopicFormats = {},
): PublishedValue {
  const readKey = (bytes: Buffer) =>
    keyFormat === undefined ? bytes.toString() : readBack(bytes, headers, keyFormat, 'key')
  const readValue = (bytes: Buffer) => {
    if (format !== undefined) return readBack(bytes, headers, format, 'value')
    return values === 'bytes' ? bytes : JSON.parse(bytes.toString())
  }
  return {
    topic,
    key: key === null ? null : readKey(key),
    value: value === null ? null : readValue(value),
    headers: Object.fromEntries(headers.map(([name, bytes]) => [name, bytes?.toString() ?? ''])),
  }
}

function collectingLog(lines: LoggedLine[]): Logger {
  const at = (level: LoggedLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields, message })
  }
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  return log
}
