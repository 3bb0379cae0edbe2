/** Reads the JSON of an Avro schema into a graph of types. Knows no values. Source: the specification of Avro 1.12. */
import { cutText, harmless } from '../../model/plain-text.ts'
import { readExact } from '../../validation/exact-json.ts'

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

export interface Named {
  /** `shop.Order`: with its namespace. */
  readonly name: string
  /** The same. */
  readonly aliases: readonly string[]
  /** What the schema says of it, for people. */
  readonly doc: string | null
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
  /** One of the symbols. */
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
  readonly doc: string | null
  readonly type: AvroType
  /** As the schema has it, with whole numbers that a `number` does not hold as bigints; undefined where there is none. */
  readonly default: unknown
}
export interface AvroRecord extends Named {
  readonly kind: 'record'
  /** Filled while the schema is read: a record may contain itself. */
  readonly fields: readonly AvroField[]
}
export type AvroType = AvroPrimitive | AvroFixed | AvroEnum | AvroArray | AvroMap | AvroUnion | AvroRecord

const primitives: readonly string[] = ['null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'bytes']
const nameForm = /^[A-Za-z_]\w*$/
/** Nobody writes a schema of so many levels. One that somebody else writes must not use up the stack. */
const MAX_LEVELS = 200
/** Java's own limit for the digits of a decimal, with room. */
const MAX_DIGITS = 10_000

/**
 * @param text JSON, or the bare name of a primitive type, which registries take, too
 * @param references texts of the schemas that it names: what is named stands before what names it
 * @throws Error where one of them is none of Avro: the place in the schema, and what is wrong there
 */
export function readAvroSchema(text: string, references: readonly string[] = []): AvroType {
  const reading = new SchemaReading()
  for (const each of references) reading.read(parsed(each), start)
  return reading.read(parsed(text), start)
}

/** The default of a long, say, which would be rounded. */
const LONG_NUMBER = /\d{16}/

interface Place {
  readonly namespace: string
  /** `shop.Order.total`, `branch 2 of shop.Order.total`. */
  readonly path: string
  readonly level: number
}

const start: Place = { namespace: '', path: 'the schema', level: 0 }

function parsed(text: string): unknown {
  try {
    return LONG_NUMBER.test(text) ? readExact(text) : JSON.parse(text)
  } catch {
    if (isPrimitive(text.trim())) return text.trim()
    throw refusal(start.path, 'is no JSON')
  }
}

class SchemaReading {
  readonly #named = new Map<string, AvroType>()

  read(schema: unknown, at: Place): AvroType {
    if (at.level > MAX_LEVELS) throw refusal(at.path, `is more than ${MAX_LEVELS} levels deep`)
    if (typeof schema === 'string') return this.#byName(schema, at)
    if (Array.isArray(schema)) return this.#union(schema, at)
    if (!isObject(schema)) throw refusal(at.path, 'is neither a name, nor a list, nor an object')
    const { type } = schema
    if (typeof type !== 'string') return this.read(type, inside(at, at.path))
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(schema, at)
      case 'enum':
        return this.#enum(schema, at)
      case 'fixed':
        return this.#fixed(schema, at)
      case 'array':
        return { kind: 'array', items: this.read(schema.items, inside(at, `the items of ${at.path}`)) }
      case 'map':
        return { kind: 'map', values: this.read(schema.values, inside(at, `the values of ${at.path}`)) }
      default:
        return isPrimitive(type) ? { kind: type, logical: logicalOf(schema, type, undefined) } : this.#byName(type, at)
    }
  }

  #byName(name: string, { namespace, path }: Place): AvroType {
    if (isPrimitive(name)) return { kind: name }
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name)
    if (found === undefined) throw refusal(path, `names ${shown(name)}, which is defined nowhere`)
    return found
  }

  #union(schema: readonly unknown[], at: Place): AvroUnion {
    const branches = schema.map((each, index) => this.read(each, inside(at, `branch ${index + 1} of ${at.path}`)))
    if (branches.length === 0) throw refusal(at.path, 'is a union of nothing')
    if (branches.some(({ kind }) => kind === 'union')) throw refusal(at.path, 'is a union in a union')
    const names = branches.map(branchName)
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) throw refusal(at.path, `is a union that has ${twice} twice`)
    return { kind: 'union', branches }
  }

  #record(schema: JsonObject, at: Place): AvroRecord {
    const named = namedOf(schema, at)
    const fields: AvroField[] = []
    const record: AvroRecord = { kind: 'record', ...named, fields }
    // Before its fields: one of them may be the record again.
    this.#define(record, at)
    if (!Array.isArray(schema.fields)) throw refusal(named.name, 'is a record without fields')
    const namespace = namespaceOf(named.name)
    for (const field of schema.fields as readonly unknown[]) {
      if (!isObject(field) || typeof field.name !== 'string' || !nameForm.test(field.name)) {
        throw refusal(named.name, 'has a field without a name')
      }
      const path = `${named.name}.${field.name}`
      if (fields.some(({ name }) => name === field.name)) throw refusal(path, 'is there twice')
      fields.push({
        name: field.name,
        aliases: texts(field.aliases),
        doc: docOf(field),
        type: this.read(field.type, { namespace, path, level: at.level + 1 }),
        default: field.default,
      })
    }
    return record
  }

  #enum(schema: JsonObject, at: Place): AvroEnum {
    const named = namedOf(schema, at)
    const symbols = texts(schema.symbols)
    if (symbols.length === 0 || !symbols.every((symbol) => nameForm.test(symbol))) {
      throw refusal(named.name, 'is an enum without symbols, or with one that is no name')
    }
    const fallback = symbols.find((symbol) => symbol === schema.default)
    const type: AvroEnum = { kind: 'enum', ...named, symbols, default: fallback }
    this.#define(type, at)
    return type
  }

  #fixed(schema: JsonObject, at: Place): AvroFixed {
    const named = namedOf(schema, at)
    const { size } = schema
    if (!isCount(size)) throw refusal(named.name, 'is fixed without a size')
    const type: AvroFixed = { kind: 'fixed', ...named, size, logical: logicalOf(schema, 'fixed', size) }
    this.#define(type, at)
    return type
  }

  #define(type: AvroRecord | AvroEnum | AvroFixed, at: Place): void {
    if (this.#named.has(type.name)) throw refusal(at.path, `defines ${type.name} a second time`)
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

/** Of a namespace nothing is asked: there are some with hyphens, which Java takes. */
function namedOf(schema: JsonObject, at: Place): Named {
  const { name, namespace: own } = schema
  if (typeof name !== 'string' || name === '') throw refusal(at.path, 'has a type without a name')
  const full = fullName(name, typeof own === 'string' ? own : at.namespace)
  if (!nameForm.test(shortName(full)) || isPrimitive(full)) {
    throw refusal(at.path, `defines ${shown(full)}, which is no name of a type in Avro`)
  }
  const aliases = texts(schema.aliases).map((alias) => fullName(alias, namespaceOf(full)))
  return { name: full, aliases, doc: docOf(schema) }
}

function docOf({ doc }: JsonObject): string | null {
  return typeof doc === 'string' && doc.trim() !== '' ? doc.trim() : null
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

function inside(at: Place, path: string): Place {
  return { ...at, path, level: at.level + 1 }
}

function shown(name: string): string {
  return cutText(name, 200)
}

function refusal(path: string, what: string): Error {
  return new Error(harmless(`${path} ${what}`))
}
