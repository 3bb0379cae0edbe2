/** Reads the JSON of an Avro schema into a graph of types. Knows no values. Source: the specification of Avro 1.12. */

/** As in the specification; in a value, logical types become what `avro-logical.ts` says. */
export type PrimitiveKind = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'string' | 'bytes'

export interface Logical {
  /** Of those that are known here. */
  readonly name: LogicalName
  /** Of decimals; else 0. */
  readonly scale: number
  readonly precision: number
}

export const logicalNames = {
  date: ['int'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-micros': ['long'],
  'timestamp-nanos': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-micros': ['long'],
  'local-timestamp-nanos': ['long'],
  uuid: ['string', 'fixed'],
  decimal: ['bytes', 'fixed'],
  duration: ['fixed'],
} as const satisfies Readonly<Record<string, readonly (PrimitiveKind | 'fixed')[]>>
export type LogicalName = keyof typeof logicalNames

interface Named {
  /** With its namespace. */
  readonly name: string
  /** The same. */
  readonly aliases: readonly string[]
}

export interface AvroPrimitive {
  readonly kind: PrimitiveKind
  readonly logical?: Logical | undefined
}
export interface AvroFixed extends Named {
  readonly kind: 'fixed'
  /** Bytes. */
  readonly size: number
  readonly logical?: Logical | undefined
}
export interface AvroEnum extends Named {
  readonly kind: 'enum'
  readonly symbols: readonly string[]
  readonly default: string | undefined
}
export interface AvroArray {
  readonly kind: 'array'
  readonly items: AvroType
}
export interface AvroMap {
  readonly kind: 'map'
  readonly values: AvroType
}
export interface AvroUnion {
  readonly kind: 'union'
  readonly branches: readonly AvroType[]
}
export interface AvroField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly type: AvroType
  /** As the schema has it; undefined where there is none. */
  readonly default: unknown
}
export interface AvroRecord extends Named {
  readonly kind: 'record'
  /** Filled while the schema is read: a record may contain itself. */
  readonly fields: readonly AvroField[]
}
export type AvroType = AvroPrimitive | AvroFixed | AvroEnum | AvroArray | AvroMap | AvroUnion | AvroRecord

const primitives: readonly string[] = ['null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'bytes']
const nameForm = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/
/** Nobody writes a schema of so many levels. One that somebody else writes must not use up the stack. */
const MAX_LEVELS = 200
/** Java's own limit for the digits of a decimal, with room. */
const MAX_DIGITS = 10_000

/**
 * @param text JSON
 * @param references texts of the schemas that it names: what is named stands before what names it
 * @throws Error in words about the schema, where one of them is none of Avro
 */
export function readAvroSchema(text: string, references: readonly string[] = []): AvroType {
  const reading = new SchemaReading()
  for (const each of references) reading.read(parsed(each), '', 0)
  return reading.read(parsed(text), '', 0)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('the schema is no JSON')
  }
}

class SchemaReading {
  readonly #named = new Map<string, AvroType>()

  read(schema: unknown, namespace: string, level: number): AvroType {
    if (level > MAX_LEVELS) throw new Error(`the schema is nested deeper than ${MAX_LEVELS} levels`)
    if (typeof schema === 'string') return this.#byName(schema, namespace)
    if (Array.isArray(schema)) return this.#union(schema, namespace, level)
    if (!isObject(schema)) throw new Error('a type of the schema is neither a name, nor a list, nor an object')
    const { type } = schema
    if (typeof type !== 'string') return this.read(type, namespace, level + 1)
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(schema, namespace, level)
      case 'enum':
        return this.#enum(schema, namespace)
      case 'fixed':
        return this.#fixed(schema, namespace)
      case 'array':
        return { kind: 'array', items: this.read(schema.items, namespace, level + 1) }
      case 'map':
        return { kind: 'map', values: this.read(schema.values, namespace, level + 1) }
      default:
        return isPrimitive(type)
          ? { kind: type, logical: logicalOf(schema, type, undefined) }
          : this.#byName(type, namespace)
    }
  }

  #byName(name: string, namespace: string): AvroType {
    if (isPrimitive(name)) return { kind: name }
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name)
    if (found === undefined) throw new Error(`the schema names ${shown(name)}, which it does not define`)
    return found
  }

  #union(branches: readonly unknown[], namespace: string, level: number): AvroUnion {
    const read = branches.map((each) => this.read(each, namespace, level + 1))
    if (read.some(({ kind }) => kind === 'union')) throw new Error('a union of the schema has a union in it')
    const names = new Set(read.map(branchName))
    if (names.size < read.length) throw new Error('a union of the schema has the same type twice')
    return { kind: 'union', branches: read }
  }

  #record(schema: JsonObject, namespace: string, level: number): AvroRecord {
    const named = nameOf(schema, namespace)
    const fields: AvroField[] = []
    const record: AvroRecord = { kind: 'record', ...named, fields }
    this.#define(record)
    if (!Array.isArray(schema.fields)) throw new Error(`${named.name} has no list of fields`)
    const inner = namespaceOf(named.name)
    for (const field of schema.fields as readonly unknown[]) {
      if (!isObject(field) || typeof field.name !== 'string')
        throw new Error(`${named.name} has a field without a name`)
      const { name, default: fallback } = field
      if (!nameForm.test(name) || name.includes('.')) throw new Error(`${named.name} has a field with no name of Avro`)
      if (fields.some((other) => other.name === name)) throw new Error(`${named.name} has the field ${name} twice`)
      fields.push({
        name,
        aliases: texts(field.aliases),
        type: this.read(field.type, inner, level + 1),
        default: fallback,
      })
    }
    return record
  }

  #enum(schema: JsonObject, namespace: string): AvroEnum {
    const named = nameOf(schema, namespace)
    const symbols = texts(schema.symbols)
    if (symbols.length === 0) throw new Error(`${named.name} has no symbols`)
    const fallback = typeof schema.default === 'string' ? schema.default : undefined
    const type: AvroEnum = { kind: 'enum', ...named, symbols, default: fallback }
    this.#define(type)
    return type
  }

  #fixed(schema: JsonObject, namespace: string): AvroFixed {
    const named = nameOf(schema, namespace)
    const { size } = schema
    if (!isCount(size)) throw new Error(`${named.name} has no size`)
    const type: AvroFixed = { kind: 'fixed', ...named, size, logical: logicalOf(schema, 'fixed', size) }
    this.#define(type)
    return type
  }

  #define(type: AvroRecord | AvroEnum | AvroFixed): void {
    if (this.#named.has(type.name)) throw new Error(`the schema defines ${type.name} twice`)
    this.#named.set(type.name, type)
  }
}

/** How a branch of a union is named, among the others and in a value that says which it is. */
export function branchName(type: AvroType): string {
  return 'name' in type ? type.name : type.kind
}

/** Without its namespace. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

/** What is no logical type by the rules counts as none: the specification says so. */
function logicalOf(schema: JsonObject, kind: PrimitiveKind | 'fixed', size: number | undefined): Logical | undefined {
  const { logicalType: name, precision, scale = 0 } = schema
  if (typeof name !== 'string' || !Object.hasOwn(logicalNames, name)) return undefined
  const known = name as LogicalName
  if (!(logicalNames[known] as readonly string[]).includes(kind)) return undefined
  if (known === 'duration' && size !== 12) return undefined
  if (known === 'uuid' && kind === 'fixed' && size !== 16) return undefined
  if (known !== 'decimal') return { name: known, scale: 0, precision: 0 }
  const isRight = isCount(precision) && precision > 0 && precision <= MAX_DIGITS && isCount(scale) && scale <= precision
  return isRight ? { name: known, scale, precision } : undefined
}

function nameOf(schema: JsonObject, namespace: string): Named {
  const { name, namespace: own } = schema
  if (typeof name !== 'string' || !nameForm.test(name)) throw new Error('a type of the schema has no name of Avro')
  const full = fullName(name, typeof own === 'string' ? own : namespace)
  if (isPrimitive(full)) throw new Error(`the schema defines ${full}, which is a type of Avro's own`)
  return { name: full, aliases: texts(schema.aliases).map((alias) => fullName(alias, namespaceOf(full))) }
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}

function namespaceOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('.')))
}

type JsonObject = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPrimitive(name: string): name is PrimitiveKind {
  return primitives.includes(name)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

function shown(name: string): string {
  return nameForm.test(name) && name.length <= 200 ? name : 'a type'
}
