/** Checks a value against its topic's schema, and produces it. Prints nothing, and finds no cluster. */
import type { Format } from '../../framework/api/format.ts'
import type { TopicDefinition } from '../../framework/api/topic.ts'
import { suggestion } from '../../framework/config/nearest-name.ts'
import { encodeFormat, encodeKey } from '../../framework/formats/format-encoder.ts'
import { keyWords } from '../../framework/formats/key-words.ts'
import { typedValue } from '../../framework/formats/typed-value.ts'
import { loadCodec } from '../../framework/formats/value-codec.ts'
import type { FormattedPart } from '../../framework/formats/value-frame.ts'
import type { KafkaConnection } from '../../framework/kafka/kafka-client.ts'
import { Closers } from '../../framework/model/closers.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import type { OutgoingRecord, RecordHeader } from '../../framework/model/record.ts'
import { isTopicName, matcherOf, patternOf } from '../../framework/model/topic-pattern.ts'
import { exactText, readExact } from '../../framework/validation/exact-json.ts'
import { ValueCheck } from '../../framework/validation/value-check.ts'
import { bytesOf, type WrittenValue } from '../records/payload.ts'

export interface SendRequest {
  readonly topic: string
  readonly written: WrittenValue
  /** A text, or JSON where the topic has a format for keys. `undefined`: what the topic's own `key` says of the value. */
  readonly key: string | undefined
  readonly headers: readonly RecordHeader[]
  readonly count: number
  /** The topics that handlers of the project read. */
  readonly declared: readonly TopicDefinition<unknown>[]
}

/** A record, and its key as it is shown: the text, or the JSON of one that has a format. */
export interface TypedRecord {
  readonly record: OutgoingRecord
  readonly key: string | null
}

export interface SentRecord {
  readonly topic: string
  readonly key: string | null
  readonly count: number
  /** What acknowledged it. */
  readonly broker: string
  readonly tookMs: number
}

const CHECK_TIMEOUT_MS = 5_000
const CLOSE_TIMEOUT_MS = 5_000

/** @throws PyrallelError PYR_SCHEMA when the value or the key is not what the topic's schema allows */
export async function recordOf({ topic, written, key, headers, declared }: SendRequest): Promise<TypedRecord> {
  const definition = declaredOf(topic, declared)
  const payload = await payloadOf(definition, written, headers)
  await loadKeys(definition)
  return recordWith(topic, definition, payload, key)
}

/** What `recordWith` needs of a topic whose keys have a format. */
export async function loadKeys(definition: TopicDefinition<unknown> | undefined): Promise<void> {
  if (definition?.keyFormat !== undefined) await loadCodec(definition.keyFormat.schema)
}

/**
 * Wait for `loadKeys` first.
 * @param key as it was typed; `undefined`: what the topic's own `key` says of the value
 * @throws PyrallelError PYR_SCHEMA when the key is not what the topic's format for keys allows
 */
export function recordWith(
  topic: string,
  definition: TopicDefinition<unknown> | undefined,
  { value, bytes, headers }: Payload,
  key: string | undefined,
): TypedRecord {
  const keyFormat: Format<unknown> | undefined = definition?.keyFormat
  if (keyFormat === undefined) {
    const chosen = key ?? ownKey(definition, value)
    return {
      record: { topic, key: chosen === null ? null : Buffer.from(chosen), value: bytes, headers },
      key: chosen,
    }
  }
  const typed = typedKey(topic, keyFormat, key, () => valueKey(definition, value))
  const encoded = refusing(topic, keyFormat, 'key', () => encodeKey(keyFormat, topic, typed, { headers }))
  return {
    record: { topic, value: bytes, ...encoded },
    key: typed === null || typed === undefined ? null : exactText(typed),
  }
}

/** A text that is no JSON is one without its quotes: many keys are texts. */
function typedKey(
  topic: string,
  { schema }: Format<unknown>,
  written: string | undefined,
  ofValue: () => unknown,
): unknown {
  if (written === undefined) return ofValue()
  let json: unknown = written
  try {
    json = readExact(written)
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown
  }
  return refusing(topic, { schema }, 'key', () => typedValue(schema, json))
}

/** What a record has for what was written. */
export interface Payload {
  /** As a handler gets it. */
  readonly value: unknown
  /** `null`: a tombstone. */
  readonly bytes: Buffer | null
  /** A schema may be named in them. */
  readonly headers: readonly RecordHeader[]
}

/** @throws PyrallelError PYR_SCHEMA with the first mistakes */
export async function payloadOf(
  topic: TopicDefinition<unknown> | undefined,
  written: WrittenValue,
  headers: readonly RecordHeader[],
): Promise<Payload> {
  if (topic?.format !== undefined) return formatted({ ...topic, format: topic.format }, written, headers)
  if (topic !== undefined) await refuseInvalid(topic, written)
  const bytes = bytesOf(written)
  return { value: topic?.values === 'bytes' ? bytes : written.value, bytes, headers }
}

async function formatted(
  { name, format }: Pick<TopicDefinition<unknown>, 'name'> & Pick<Required<TopicDefinition<unknown>>, 'format'>,
  { text }: WrittenValue,
  headers: readonly RecordHeader[] = [],
): Promise<Payload> {
  const { schema } = format
  await loadCodec(schema)
  return refusing(name, format, 'value', () => {
    const value = typedValue(schema, readExact(text))
    const encoded = encodeFormat(format, name, value, { headers })
    return { value, bytes: encoded.value, headers: encoded.headers }
  })
}

/** @throws PyrallelError PYR_SCHEMA for whatever `act` throws */
function refusing<Result>(
  topic: string,
  { schema }: Pick<Format<unknown>, 'schema'>,
  part: FormattedPart,
  act: () => Result,
): Result {
  try {
    return act()
  } catch (thrown) {
    const { message, cause } = toError(thrown)
    const isPublishing = thrown instanceof PyrallelError && cause instanceof Error
    const why = thrown instanceof RangeError ? 'it is nested too deeply' : isPublishing ? cause.message : message
    throw new PyrallelError(
      'PYR_SCHEMA',
      `The ${part} does not satisfy schema ${schema.subject} of ${topic}; nothing was sent.\n  ${part === 'key' ? keyWords(why) : why}`,
      { cause: toError(thrown) },
    )
  }
}

/**
 * Produces `record` as often as the request says.
 * @throws PyrallelError PYR_BROKER_UNREACHABLE, PYR_TOPIC_UNKNOWN, PYR_PRODUCE_FAILED
 */
export async function sendRecord(
  { record, key }: TypedRecord,
  { topic, count, declared }: SendRequest,
  connection: KafkaConnection,
): Promise<SentRecord> {
  await connection.check(CHECK_TIMEOUT_MS)
  await refuseUnknown(connection, topic, declared)
  const tookMs = await produce(connection, record, count)
  return { topic, key, count, broker: connection.description, tookMs }
}

/** @throws PyrallelError PYR_SCHEMA with the first mistakes; nothing without a schema */
export async function refuseInvalid(topic: TopicDefinition<unknown>, { value, text }: WrittenValue): Promise<void> {
  if (topic.format !== undefined) {
    await formatted({ ...topic, format: topic.format }, { value, text })
    return
  }
  if (topic.schema === undefined) return
  const check = await ValueCheck.of(topic.schema)
  if (check.accepts(value)) return
  const mistakes = check
    .misfits(value, text.length)
    .map(({ instancePath, message }) => `  ${instancePath === '' ? 'the value' : instancePath}: ${message}`)
  throw new PyrallelError(
    'PYR_SCHEMA',
    `The value does not satisfy the schema of ${topic.name}; nothing was sent.\n${[...new Set(mistakes)].join('\n')}`,
  )
}

/** The topic of that name, or else what a pattern says of all topics that it matches. */
export function declaredOf(
  topic: string,
  declared: readonly TopicDefinition<unknown>[],
): TopicDefinition<unknown> | undefined {
  const named = declared.find(({ name }) => name === topic)
  return named ?? declared.find(({ name }) => isMatchedBy(name, topic))
}

function isMatchedBy(text: string, topic: string): boolean {
  const pattern = patternOf(text)
  return pattern !== undefined && matcherOf(pattern)(topic)
}

/** What the topic's own `key` says, as it is typed. A value that it cannot read has no key: without a schema, nothing says that it must. */
export function ownKey(topic: TopicDefinition<unknown> | undefined, value: unknown): string | null {
  const key = valueKey(topic, value)
  if (topic?.keyFormat !== undefined) return key === null || key === undefined ? null : exactText(key)
  return typeof key === 'string' ? key : null
}

function valueKey(topic: TopicDefinition<unknown> | undefined, value: unknown): unknown {
  if (topic?.key === undefined || value === null) return null
  try {
    return topic.key(value)
  } catch {
    return null
  }
}

/** @throws PyrallelError PYR_TOPIC_UNKNOWN with what was probably meant */
export async function refuseUnknown(
  connection: KafkaConnection,
  topic: string,
  declared: readonly TopicDefinition<unknown>[],
): Promise<void> {
  const missing = await connection.missingTopics([topic])
  if (missing.length === 0) return
  const known = declared.map(({ name }) => name).filter(isTopicName)
  const pattern = declaredOf(topic, declared)?.name
  const next = known.includes(topic)
    ? ' The project has it, the cluster does not: where a handler reads it, `pyrallel topics --create` makes it; else make it by hand.'
    : pattern === undefined
      ? suggestion(topic, known)
      : ` A handler reads what ${pattern} matches, and so this one as soon as it is there: create it first.`
  throw new PyrallelError(
    'PYR_TOPIC_UNKNOWN',
    `There is no topic '${topic}' at ${connection.description}.${next} Nothing was sent.`,
  )
}

async function produce(connection: KafkaConnection, record: OutgoingRecord, count: number): Promise<number> {
  const producer = await connection.producer()
  const startedAt = performance.now()
  return new Closers().around(async (closers) => {
    closers.add('the producer', () => producer.close(CLOSE_TIMEOUT_MS))
    await Promise.all(Array.from({ length: count }, () => producer.produce(record)))
    return Math.round(performance.now() - startedAt)
  })
}
