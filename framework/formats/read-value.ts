/** Reads a value, or a key, that names its schema, for somebody who looks at it: with the schema that it was written with, as the registry has it. */
import type { TopicDefinition } from '../api/topic.ts'
import { toError } from '../model/errors.ts'
import type { KafkaRecord } from '../model/record.ts'
import type { RegisteredSchema, SchemaRegistry } from '../registry/schema-registry.ts'
import { namedText } from './known-schemas.ts'
import { protobufToJson } from './protobuf/protobuf-json.ts'
import { codecOf, loadCodec } from './value-codec.ts'
import { refText, type SchemaRef, type ValueFrame, valueFrame } from './value-frame.ts'

export type ReadValue =
  /** `by`: where its schema is from, such as `id 7, asked from http://127.0.0.1:8081`. */
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
 * The same of a key. Any bytes may be one, a number of 8 bytes say, which looks like an id and something behind it: so it is read only where its header names the
 * schema, or its topic has a format for keys.
 * @param topic that the record is of, or came from; `null` where nobody knows
 */
export async function readKeyWithSchema(
  { key, headers }: Pick<KafkaRecord, 'key' | 'headers'>,
  topic: string | null,
  sources: SchemaSources,
): Promise<ReadValue> {
  const frame = key === null ? 'is none' : valueFrame(key, headers, 'key')
  if (key === null || typeof frame === 'string') return { kind: 'plain' }
  const isKey = frame.from === 0 || (await hasKeyFormat(topic, sources))
  return isKey ? readFramed(key, frame, sources) : { kind: 'plain' }
}

async function hasKeyFormat(topic: string | null, { topics }: SchemaSources): Promise<boolean> {
  try {
    return (await topics()).some(({ name, keyFormat }) => name === topic && keyFormat !== undefined)
  } catch {
    // A project that cannot be loaded says nothing.
    return false
  }
}

async function readFramed(value: Buffer, frame: ValueFrame, sources: SchemaSources): Promise<ReadValue> {
  const name = refText(frame.ref)
  try {
    const { schema, from } = await schemaOf(frame.ref, sources)
    if (schema.format === 'json-schema' && frame.from === 0) return { kind: 'plain' }
    if (schema.rules.length > 0) {
      return { kind: 'unread', why: `its schema (${name}) has rules: fields may be encrypted, or of another version` }
    }
    const { format, text, references } = schema
    await loadCodec(schema)
    const by = `${name}, ${from}`
    if (format === 'protobuf') {
      return { kind: 'read', value: protobufToJson({ text, references }, value, frame.from, frame.beside), by }
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
    return { kind: 'read', value: read(value, frame.from, frame.beside), by }
  } catch (thrown) {
    const why = thrown instanceof RangeError ? 'it is nested too deeply' : toError(thrown).message
    return { kind: 'unread', why: `with schema ${name}: ${why}` }
  }
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
