/** Publishes values of handlers: encodes, validates, and waits for the acknowledgement. */
import type { TSchema } from 'typebox'
import type { Validator } from 'typebox/compile'
import type { Publish, PublishOptions } from '../handler.ts'
import type { RecordPlace, RecordProducer } from '../kafka/kafka-client.ts'
import { PyrallelError } from '../model/errors.ts'
import type { OutgoingRecord, RecordHeader } from '../model/record.ts'
import type { PublishTracer } from '../observability/tracing.ts'
import type { TopicDefinition } from '../topic.ts'

/** A producer whose acknowledgements count, not the places: a thread's has none. */
export type PublishingProducer = Omit<RecordProducer, 'produce'> & {
  // biome-ignore lint/suspicious/noConfusingVoidType: what it resolves with is not looked at.
  produce(record: OutgoingRecord): Promise<RecordPlace | void>
}

/** The schema that was derived for a topic, if there is one. */
export type SchemaOf = (topic: string) => TSchema | undefined

/**
 * @param schemaOf asked for topics that have no schema of their own, or are only named
 * @param trace undefined where nobody traces
 * @throws (the returned function) PyrallelError PYR_SCHEMA when the value does not satisfy its topic's schema or is no JSON,
 * PYR_PRODUCE_FAILED when the broker did not take it
 */
export function publisher(
  producer: PublishingProducer,
  trace?: PublishTracer,
  schemaOf: SchemaOf = () => undefined,
): Publish {
  const produce = async (record: OutgoingRecord): Promise<void> => {
    await producer.produce(record)
  }
  const validators = new WeakMap<TSchema, Validator>()
  return async <T>(to: TopicDefinition<T> | string, value: T, options: PublishOptions = {}) => {
    const topic = typeof to === 'string' ? to : to.name
    const schema = (typeof to === 'string' ? undefined : to.schema) ?? schemaOf(topic)
    if (schema !== undefined) await validate(validators, schema, topic, value)
    const chosen = options.key === undefined && typeof to !== 'string' ? to.key?.(value) : options.key
    const key = chosen === undefined || chosen === null ? null : Buffer.from(chosen)
    const record = { topic, key, value: encode(topic, value), headers: headersOf(options) }
    await (trace === undefined ? produce(record) : trace(record, produce))
  }
}

/** A value of `null` is a tombstone. */
function encode(topic: string, value: unknown): Buffer | null {
  if (value === null) return null
  const text = JSON.stringify(value)
  if (text === undefined) {
    throw new PyrallelError(
      'PYR_SCHEMA',
      `The value published to ${topic} is ${typeof value}, which JSON cannot carry.`,
    )
  }
  return Buffer.from(text)
}

function headersOf({ headers = {} }: PublishOptions): RecordHeader[] {
  return Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? Buffer.from(value) : value])
}

function sent(value: unknown): unknown {
  const text = JSON.stringify(value)
  return text === undefined ? undefined : JSON.parse(text)
}

async function validate(
  validators: WeakMap<TSchema, Validator>,
  schema: TSchema,
  topic: string,
  value: unknown,
): Promise<void> {
  let validator = validators.get(schema)
  if (validator === undefined) {
    const { Compile } = await import('typebox/compile')
    validator = Compile(schema)
    validators.set(schema, validator)
  }
  // What counts is what is sent: JSON leaves out what is undefined, and asks `toJSON`.
  if (validator.Check(value) || validator.Check(sent(value))) return
  const first = validator.Errors(value)[0]
  const where = first === undefined || first.instancePath === '' ? 'the value' : first.instancePath
  throw new PyrallelError(
    'PYR_SCHEMA',
    `The value published to ${topic} does not satisfy its schema: ${where} ${first?.message ?? 'is not allowed'}.`,
  )
}
