/** Publishes values of handlers: encodes, validates, and waits for the acknowledgement. */
import type { TSchema } from 'typebox'
import type { Format } from '../api/format.ts'
import type { Publish, PublishOptions } from '../api/handler.ts'
import type { TopicDefinition } from '../api/topic.ts'
import { encodeFormat, encodeKey } from '../formats/format-encoder.ts'
import { loadCodec } from '../formats/value-codec.ts'
import type { RecordPlace, RecordProducer } from '../kafka/kafka-client.ts'
import { PyrallelError, toError } from '../model/errors.ts'
import { isBytes, kindOf, uncarryable } from '../model/outgoing-check.ts'
import type { OutgoingRecord, RecordHeader } from '../model/record.ts'
import type { PublishTracer } from '../tracing/tracing.ts'
import { expectation } from '../validation/expectation.ts'
import type { PatternRules } from '../validation/guarded-patterns.ts'
import { type RulesOf, untold } from '../validation/slow-patterns.ts'
import { ValueCheck } from '../validation/value-check.ts'
import type { FormatsOf } from './topic-formats.ts'

/** A producer whose acknowledgements count, not the places: a thread's has none. */
export type PublishingProducer = Omit<RecordProducer, 'produce'> & {
  // biome-ignore lint/suspicious/noConfusingVoidType: what it resolves with is not looked at.
  produce(record: OutgoingRecord): Promise<RecordPlace | void>
}

/** Takes a record that is encoded, and known to be right. */
export type RecordSink = (record: OutgoingRecord) => Promise<void>

/** `publish` of whoever has a sink. */
export type PublishInto = (sink: RecordSink) => Publish

/** The schema that was derived for a topic, if there is one. */
export type SchemaOf = (topic: string) => TSchema | undefined

/**
 * What is checked is what is sent: the value's text is made once, and the schema is asked about that text, read again. Nothing is handed to
 * the producer before all of the record is known to be right.
 * @param schemaOf asked for topics that have no schema of their own, or are only named
 * @param trace undefined where nobody traces
 * @param rulesOf who is told of slow patterns
 * @param formatsOf asked for topics that are only named, or have no format of their own
 * @throws (the returned function) PyrallelError PYR_SCHEMA when the value does not satisfy its topic's schema or is no JSON,
 * PYR_RECORD_INVALID when its key or a header is neither text nor bytes, and the topic has no format for keys, PYR_PRODUCE_FAILED when the broker did not take it
 */
export function publisher(
  producer: PublishingProducer,
  trace?: PublishTracer,
  schemaOf?: SchemaOf,
  rulesOf?: RulesOf,
  formatsOf?: FormatsOf,
): Publish {
  return publishInto(
    trace,
    schemaOf,
    rulesOf,
    formatsOf,
  )(async (record) => {
    await producer.produce(record)
  })
}

/** The same for many sinks, which share what is known of the schemas. */
export function publishInto(
  trace?: PublishTracer,
  schemaOf: SchemaOf = () => undefined,
  rulesOf: RulesOf = untold,
  formatsOf: FormatsOf = () => undefined,
): PublishInto {
  const checks = new WeakMap<TSchema, ValueCheck>()
  const line = new LoadingLine()
  const sent = (record: OutgoingRecord, sink: RecordSink) => (trace === undefined ? sink(record) : trace(record, sink))
  const publish = async <T, K>(
    sink: RecordSink,
    to: TopicDefinition<T, string, K> | string,
    value: T,
    options: PublishOptions<K> = {},
  ): Promise<void> => {
    const topic = typeof to === 'string' ? to : to.name
    const schema = (typeof to === 'string' ? undefined : to.schema) ?? schemaOf(topic)
    const read = formatsOf(topic)
    const format = (typeof to === 'string' ? undefined : to.format) ?? read?.format
    const keyFormat = (typeof to === 'string' ? undefined : to.keyFormat) ?? read?.keyFormat
    const areBytes =
      format === undefined && ((typeof to === 'string' ? undefined : to.values) ?? read?.values) === 'bytes'
    const isJson = format === undefined && !areBytes
    const text = isJson ? textOf(topic, value) : null
    if (isJson && schema !== undefined) validate(await checkOf(checks, schema, rulesOf(topic)), topic, text)
    const bytes = areBytes ? bytesOf(topic, value) : text === null ? null : Buffer.from(text)
    const turn = line.join(loadCodecs(format, keyFormat))
    if (turn !== undefined) {
      try {
        await turn
      } finally {
        line.leave()
      }
    }
    const chosen = options.key === undefined && typeof to !== 'string' ? to.key?.(value) : options.key
    const key = keyFormat === undefined ? keyOf(topic, chosen) : null
    const headers = headersOf(topic, options)
    const encoded =
      format === undefined ? { value: bytes, headers } : encodeFormat(format, topic, value, { headers, rulesOf })
    const record = { topic, key, ...encoded }
    if (keyFormat === undefined) return sent(record, sink)
    return sent({ ...record, ...encodeKey(keyFormat, topic, chosen, { headers: encoded.headers, rulesOf }) }, sink)
  }
  return (sink) => (to, value, options) => publish(sink, to, value, options)
}

/** What formats need, while it is being loaded: whoever comes in the very microtask in which it is there waits behind those that wait, and passes nobody. */
class LoadingLine {
  #last: Promise<unknown> | undefined
  #waiting = 0

  /** @returns `undefined` for who need not wait. Whoever waits leaves in the microtask in which he goes on */
  join(loading: Promise<unknown> | undefined): Promise<unknown> | undefined {
    if (loading === undefined && this.#waiting === 0) return undefined
    this.#waiting += 1
    this.#last = this.#inTurn(this.#last, loading)
    return this.#last
  }

  leave(): void {
    this.#waiting -= 1
  }

  async #inTurn(before: Promise<unknown> | undefined, loading: Promise<unknown> | undefined): Promise<void> {
    await before?.catch(() => {})
    await loading
  }
}

function loadCodecs(...formats: readonly (Format<unknown> | undefined)[]): Promise<unknown> | undefined {
  const loading = formats.map((format) => (format === undefined ? undefined : loadCodec(format.schema)))
  return loading.some((each) => each !== undefined) ? Promise.all(loading) : undefined
}

/** A value of `null` is a tombstone. */
function textOf(topic: string, value: unknown): string | null {
  if (value === null) return null
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (thrown) {
    const { message } = toError(thrown)
    const fix = message.includes('BigInt') ? ' Publish it as a text: String(id), say.' : ''
    throw new PyrallelError('PYR_SCHEMA', `The value published to ${topic} cannot be made JSON: ${message}.${fix}`, {
      cause: thrown,
    })
  }
  if (text !== undefined) return text
  throw new PyrallelError('PYR_SCHEMA', `The value published to ${topic} is ${typeof value}, which JSON cannot carry.`)
}

/** A copy: whoever made them may write over them. */
function bytesOf(topic: string, value: unknown): Buffer | null {
  if (value === null) return null
  if (isBytes(value)) return Buffer.from(value)
  const facts = `The value published to ${topic} is ${kindOf(value)}, and its values are bytes`
  throw new PyrallelError('PYR_SCHEMA', `${facts}. Publish a Uint8Array, or null.`)
}

function keyOf(topic: string, key: unknown): Buffer | null {
  if (key === undefined || key === null) return null
  if (typeof key !== 'string') throw uncarryable(topic, `its key is ${kindOf(key)}`)
  return Buffer.from(key)
}

function headersOf(topic: string, { headers = {} }: PublishOptions<unknown>): RecordHeader[] {
  return Object.entries(headers).map(([name, value]: readonly [string, unknown]) => {
    if (typeof value === 'string') return [name, Buffer.from(value)]
    if (!isBytes(value)) throw uncarryable(topic, `its header '${name}' is ${kindOf(value)}`)
    return [name, Buffer.isBuffer(value) ? value : Buffer.from(value)]
  })
}

async function checkOf(known: WeakMap<TSchema, ValueCheck>, schema: TSchema, rules: PatternRules): Promise<ValueCheck> {
  const found = known.get(schema)
  if (found !== undefined) return found
  const check = await ValueCheck.of(schema, rules)
  known.set(schema, check)
  return check
}

function validate(check: ValueCheck, topic: string, text: string | null): void {
  const value: unknown = text === null ? null : JSON.parse(text)
  let why: string
  try {
    if (check.accepts(value)) return
    why = check.explain(value, text?.length ?? 0, (misfits) => expectation(check, value, misfits))
  } catch (thrown) {
    const { message } = toError(thrown)
    throw new PyrallelError('PYR_SCHEMA', `The value published to ${topic} cannot be checked: ${message}.`, {
      cause: thrown,
    })
  }
  throw new PyrallelError('PYR_SCHEMA', `The value published to ${topic} does not satisfy its schema: ${why}.`)
}
