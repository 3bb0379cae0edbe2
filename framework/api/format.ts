/** How the values of a topic are written when they are not plain JSON: a schema that was pulled from a registry. Declares; reads and writes nothing. */

/** Another schema that a schema names, as it was pulled with it. */
export interface PulledReference {
  /** As the schema that refers to it says: an Avro full name, the path of a `.proto` file, or a URI of JSON Schema. */
  readonly name: string
  readonly subject: string
  readonly version: number
  readonly text: string
}

/** One schema of a registry, as `pyrallel schemas pull` writes it into generated/registry: with it, nothing is asked of the network to know the types. */
export interface PulledSchema<T> {
  readonly kind: 'pyrallel.schema'
  readonly format: 'avro' | 'protobuf' | 'json-schema'
  readonly subject: string
  /** Of the registry that it was pulled from; at least 1. */
  readonly id: number
  /** The same everywhere. `null` where the registry gives none. Lower case, with dashes. */
  readonly guid: string | null
  /** SHA-256 of `text`, followed by the `text` of each reference in their order, in hexadecimal digits. */
  readonly fingerprint: string
  /** As the registry has it. */
  readonly text: string
  /** All that it names, and all that those name: what is named stands before what names it. Without it: none. */
  readonly references?: readonly PulledReference[]
  /** Of Protobuf: the full name of the message that the values are, such as `shop.Order`. Without it: the first of the text. */
  readonly message?: string
  /** Carries `T` for the type checker; never set. */
  readonly valueType?: T
}

export interface FormatOptions {
  /**
   * How a published value names its schema; read are all of these. `id` (default): byte 0 and the id of 4 bytes in front of it, which every reader knows. `guid`: byte 1
   * and the GUID of 16 bytes, the same in every registry. `header`: byte 1 and the GUID in the header `__value_schema_id`, and nothing in front: readers that know no registry
   * see the bare value. Old clients read `id` only. The last two need a registry that gives GUIDs, as Confluent's newer versions do.
   */
  readonly framing?: 'id' | 'guid' | 'header'
  /**
   * By which rule the producers of the topic name the subject of a schema: `topic` is `orders-value`, `record` the record's own name (`shop.Order`; of a JSON Schema its
   * title), `topic-record` both (`orders-shop.Order`). Default: whatever was pulled. With one, a schema of another subject is refused, so that no topic is written with
   * the schema of another.
   */
  readonly subjects?: 'topic' | 'record' | 'topic-record'
  /**
   * Whether a record without a value is one: `null`, as in a compacted topic, where it ends its key. Default false: such a record is a dead letter, and `null` is not
   * published. With true, the type of the values has `null` in it.
   */
  readonly tombstones?: boolean
}

/** What reads and writes the values of a topic. Made by `avro`, `protobuf` and `jsonSchema`. */
export interface Format<T> extends FormatOptions {
  readonly kind: 'pyrallel.format'
  readonly schema: PulledSchema<T>
}

/**
 * Values in Avro: `topic('orders', { format: avro(ordersValue) })`, where `ordersValue` is what `pyrallel schemas pull` has written. Values are read with the schema
 * that they were written with, which the registry is asked for, and resolved to this one.
 * @throws TypeError when the schema is none of Avro
 */
export function avro<T>(
  schema: PulledSchema<T>,
  options: FormatOptions & { readonly tombstones: true },
): Format<T | null>
export function avro<T>(schema: PulledSchema<T>, options?: FormatOptions): Format<T>
export function avro(schema: PulledSchema<unknown>, options: FormatOptions = {}): Format<unknown> {
  return formatOf('avro', schema, options)
}

/**
 * Values in JSON whose schema is in the registry: `topic('orders', { format: jsonSchema(ordersValue) })`. They are checked against this schema, whatever version they
 * were written with. Whole numbers beyond 2^53 are refused, as JavaScript would round them.
 * @throws TypeError when the schema is no JSON Schema
 */
export function jsonSchema<T>(
  schema: PulledSchema<T>,
  options: FormatOptions & { readonly tombstones: true },
): Format<T | null>
export function jsonSchema<T>(schema: PulledSchema<T>, options?: FormatOptions): Format<T>
export function jsonSchema(schema: PulledSchema<unknown>, options: FormatOptions = {}): Format<unknown> {
  return formatOf('jsonSchema', schema, options)
}

/**
 * Values in Protobuf: `topic('orders', { format: protobuf(ordersValue) })`. They have the shape that `@bufbuild/protobuf` gives them, which must be installed: 64 bits
 * are bigints, bytes a `Uint8Array`, a oneof is `{ case, value }`. Fields that the pulled message does not know are kept, and written again.
 * @throws TypeError when the schema is none of Protobuf
 */
export function protobuf<T>(
  schema: PulledSchema<T>,
  options: FormatOptions & { readonly tombstones: true },
): Format<T | null>
export function protobuf<T>(schema: PulledSchema<T>, options?: FormatOptions): Format<T>
export function protobuf(schema: PulledSchema<unknown>, options: FormatOptions = {}): Format<unknown> {
  return formatOf('protobuf', schema, options)
}

const made = {
  avro: { format: 'avro', name: 'Avro' },
  protobuf: { format: 'protobuf', name: 'Protobuf' },
  jsonSchema: { format: 'json-schema', name: 'JSON Schema' },
} as const

function formatOf(by: keyof typeof made, schema: PulledSchema<unknown>, options: FormatOptions): Format<unknown> {
  // Plain JavaScript comes here with anything.
  const { kind, format, subject } = (schema ?? {}) as Partial<PulledSchema<unknown>>
  if (kind !== 'pyrallel.schema') {
    throw new TypeError(`${by}(schema): the schema is a constant that pyrallel schemas pull has written.`)
  }
  const wanted = made[by]
  if (format !== wanted.format) {
    throw new TypeError(`${by}(schema): the schema of ${subject} is one of ${format}, not of ${wanted.name}.`)
  }
  const unknown = Object.keys(options).find((each) => !optionNames.includes(each))
  if (unknown !== undefined) {
    throw new TypeError(`${by}(schema, { ${unknown} }): there is no such option, but ${optionNames.join(', ')}.`)
  }
  const { framing = 'id', subjects } = options
  if (!framings.includes(framing)) {
    throw new TypeError(
      `${by}(schema, { framing }): it is 'id', 'guid' or 'header', and not ${JSON.stringify(framing)}.`,
    )
  }
  if (subjects !== undefined && !subjectRules.includes(subjects)) {
    const facts = `it is 'topic', 'record' or 'topic-record', and not ${JSON.stringify(subjects)}`
    throw new TypeError(`${by}(schema, { subjects }): ${facts}.`)
  }
  if (framing !== 'id' && typeof schema.guid !== 'string') {
    const facts = `the registry that ${subject} was pulled from gives no GUIDs, and framing '${framing}' writes one`
    throw new TypeError(`${by}(schema, { framing }): ${facts}. Leave it out, and ids are written.`)
  }
  return { ...options, kind: 'pyrallel.format', schema }
}

const optionNames = ['framing', 'subjects', 'tombstones']
const framings: readonly unknown[] = ['id', 'guid', 'header']
const subjectRules: readonly unknown[] = ['topic', 'record', 'topic-record']
