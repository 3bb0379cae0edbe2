/** Reads a value, or a key, that names its schema, for somebody who looks at it: with the schema that it was written with, as the registry has it. */
import type { TopicDefinition } from '../api/topic.ts'
import { toError } from '../model/errors.ts'
import type { KafkaRecord } from '../model/record.ts'
import { matcherOf, patternOf } from '../model/topic-pattern.ts'
import type { RegisteredSchema, SchemaRegistry } from '../registry/schema-registry.ts'
import { namedText } from './named-text.ts'
import { protobufJsonReader } from './protobuf/protobuf-json.ts'
import { codecOf, loadCodec } from './value-codec.ts'
import { refText, type SchemaRef, type ValueFrame, valueFrame } from './value-frame.ts'

export type ReadValue =
  /** `by`: where its schema is from, such as `id 7, of http://127.0.0.1:8081`; of Protobuf also which message of it, `id 7, message shop.Order, of ...`. */
  | { readonly kind: 'read'; readonly value: unknown; readonly by: string }
  | { readonly kind: 'unread'; readonly why: string }
  /** It names no schema: its bytes say what it is. */
  | { readonly kind: 'plain' }

export interface SchemaSources {
  /** `undefined` where none is configured: then the pulled schemas of the project's own topics are what there is. */
  readonly registry: Pick<SchemaRegistry, 'url' | 'byId' | 'byGuid'> | undefined
  /** Called when they are needed. */
  readonly topics: () => Promise<readonly TopicDefinition<unknown>[]>
}

/** Never rejects: the bytes are there to be shown all the same. */
export async function readWithSchema(
  { value, headers }: Pick<KafkaRecord, 'value' | 'headers'>,
  sources: SchemaSources,
): Promise<ReadValue> {
  const frame = value === null ? 'is none' : valueFrame(value, headers)
  return value === null || typeof frame === 'string' ? { kind: 'plain' } : readFramed(value, frame, sources)
}

/**
 * The same of a key.
 * @param topic that the record is of, or came from; `null` where nobody knows
 */
export async function readKeyWithSchema(
  record: Pick<KafkaRecord, 'key' | 'headers'>,
  topic: string | null,
  sources: SchemaSources,
): Promise<ReadValue> {
  const { key } = record
  // The project is loaded only for bytes that could name a schema.
  if (key === null || keyFrame(record, true) === undefined) return { kind: 'plain' }
  const frame = keyFrame(record, await hasKeyFormat(topic, sources))
  return frame === undefined ? { kind: 'plain' } : readFramed(key, frame, sources)
}

/**
 * Any bytes may be a key, a number of 8 bytes say, which looks like an id and something behind it: so one names a schema only where its header does, or its topic has
 * a format for keys.
 */
export function keyFrame(
  { key, headers }: Pick<KafkaRecord, 'key' | 'headers'>,
  hasFormat: boolean,
): ValueFrame | undefined {
  const frame = key === null ? 'is none' : valueFrame(key, headers, 'key')
  return typeof frame === 'string' || (frame.from > 0 && !hasFormat) ? undefined : frame
}

async function hasKeyFormat(topic: string | null, { topics }: SchemaSources): Promise<boolean> {
  try {
    return (await topics()).some(({ name, keyFormat }) => keyFormat !== undefined && isNamedBy(name, topic))
  } catch {
    // A project that cannot be loaded says nothing.
    return false
  }
}

/** By its name, or by the text of a pattern that matches it. */
function isNamedBy(name: string, topic: string | null): boolean {
  if (topic === null || name === topic) return name === topic
  const pattern = patternOf(name)
  return pattern !== undefined && matcherOf(pattern)(topic)
}

async function readFramed(value: Buffer, frame: ValueFrame, sources: SchemaSources): Promise<ReadValue> {
  try {
    return (await schemaReader(frame.ref, sources))(value, frame)
  } catch (thrown) {
    return { kind: 'unread', why: toError(thrown).message }
  }
}

/** Reads all that was written with one schema. Never throws. */
export type SchemaReader = (bytes: Buffer, frame: Pick<ValueFrame, 'from' | 'beside'>) => ReadValue

/** @throws Error where the schema cannot be had, or not be read, with its name in front */
export async function schemaReader(ref: SchemaRef, sources: SchemaSources): Promise<SchemaReader> {
  const name = refText(ref)
  const unread = (thrown: unknown) => {
    const why = thrown instanceof RangeError ? 'it is nested too deeply' : toError(thrown).message
    return { kind: 'unread', why: `with schema ${name}: ${why}` } as const
  }
  try {
    const { schema, from } = await schemaOf(ref, sources)
    const { format, rules } = schema
    const isPlain = ({ from: at }: Pick<ValueFrame, 'from'>) => format === 'json-schema' && at === 0
    if (rules.length > 0) {
      const why = `its schema (${name}) has rules: fields may be encrypted, or of another version`
      return (_, frame) => (isPlain(frame) ? { kind: 'plain' } : { kind: 'unread', why })
    }
    const read = await valueReader(schema)
    return (bytes, frame) => {
      if (isPlain(frame)) return { kind: 'plain' }
      try {
        const { value, message } = read(bytes, frame.from, frame.beside)
        return {
          kind: 'read',
          value,
          by: [name, ...(message === undefined ? [] : [`message ${message}`]), from].join(', '),
        }
      } catch (thrown) {
        return unread(thrown)
      }
    }
  } catch (thrown) {
    throw new Error(unread(thrown).why, { cause: thrown })
  }
}

/** @throws Error where the bytes are none of the schema */
type ReadShown = (
  bytes: Buffer,
  from: number,
  beside?: Buffer,
) => { readonly value: unknown; readonly message?: string }

async function valueReader(schema: RegisteredSchema): Promise<ReadShown> {
  const { format, text, references } = schema
  await loadCodec(schema)
  if (format === 'protobuf') {
    const read = protobufJsonReader({ text, references })
    return (bytes, from, beside) => {
      const { json, message } = read(bytes, from, beside)
      return { value: json, message }
    }
  }
  const codec = codecOf({
    kind: 'pyrallel.schema',
    subject: '',
    id: 1,
    guid: null,
    fingerprint: '',
    format,
    text,
    references,
  })
  const read = codec.readerOf({ format, text, references: references.map(namedText) })
  return (bytes, from, beside) => ({ value: read(bytes, from, beside) })
}

async function schemaOf(
  ref: SchemaRef,
  { registry, topics }: SchemaSources,
): Promise<{ readonly schema: RegisteredSchema; readonly from: string }> {
  if (registry !== undefined) {
    const schema = await ('id' in ref ? registry.byId(ref.id) : registry.byGuid(ref.guid))
    return { schema, from: `of ${registry.url}` }
  }
  const pulled = (await topics()).flatMap(({ format, keyFormat }) =>
    [format, keyFormat].flatMap((each) => (each === undefined ? [] : [each.schema])),
  )
  const found = pulled.find(({ id, guid }) => ('id' in ref ? id === ref.id : guid === ref.guid))
  if (found === undefined) throw new Error('no registry is configured to ask for it. Set registry.url.')
  const { format, text, references = [], guid } = found
  return { schema: { format, text, references, guid, rules: [] }, from: `pulled from ${found.subject}` }
}
