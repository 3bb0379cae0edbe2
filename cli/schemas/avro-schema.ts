/** Reads the text of an Avro schema, with those that it names, into a tree. Follows the specification of Avro 1.12; knows no value and no TypeScript. Pure. */
import { PyrallelError } from '../../framework/model/errors.ts'
import { harmless } from '../../framework/model/plain-text.ts'

export const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
export type Primitive = (typeof primitives)[number]

/** Those that say something of their base; any other is passed over, as the specification says. */
export type LogicalType =
  | 'date'
  | 'decimal'
  | 'duration'
  | 'local-timestamp-micros'
  | 'local-timestamp-millis'
  | 'local-timestamp-nanos'
  | 'time-micros'
  | 'time-millis'
  | 'timestamp-micros'
  | 'timestamp-millis'
  | 'timestamp-nanos'
  | 'uuid'

export interface AvroField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly doc: string | null
  readonly hasDefault: boolean
  readonly type: AvroType
}

export interface AvroRecord {
  readonly kind: 'record'
  /** `shop.Order`; without a dot where there is no namespace. So are those below. */
  readonly name: string
  readonly aliases: readonly string[]
  readonly doc: string | null
  /** Of a record that contains itself, the same object. */
  readonly fields: readonly AvroField[]
}

export interface AvroEnum {
  readonly kind: 'enum'
  readonly name: string
  readonly aliases: readonly string[]
  readonly doc: string | null
  readonly symbols: readonly string[]
  readonly hasDefault: boolean
}

export interface AvroFixed {
  readonly kind: 'fixed'
  readonly name: string
  readonly aliases: readonly string[]
  /** Bytes. */
  readonly size: number
  readonly logical: LogicalType | null
  readonly decimal: Decimal | null
}

export interface AvroPrimitive {
  readonly kind: 'primitive'
  readonly name: Primitive
  readonly logical: LogicalType | null
  readonly decimal: Decimal | null
}

export interface Decimal {
  readonly precision: number
  readonly scale: number
}

export type AvroNamed = AvroRecord | AvroEnum | AvroFixed
export type AvroType =
  | AvroPrimitive
  | AvroNamed
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }

const bases: Readonly<Record<LogicalType, readonly (Primitive | 'fixed')[]>> = {
  date: ['int'],
  decimal: ['bytes', 'fixed'],
  duration: ['fixed'],
  'local-timestamp-micros': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-nanos': ['long'],
  'time-micros': ['long'],
  'time-millis': ['int'],
  'timestamp-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-nanos': ['long'],
  uuid: ['string', 'fixed'],
}

const nameForm = /^[A-Za-z_]\w*$/
/** Deeper than anybody writes, and far from the end of the stack. */
const MAX_DEPTH = 200

/**
 * @param subject for messages
 * @param references texts of schemas that are named, what is named before what names it
 * @throws PyrallelError PYR_SCHEMA_REFUSED with the place in the schema
 */
export function readAvro(text: string, references: readonly string[], subject: string): AvroType {
  const reader = new SchemaReader(subject)
  for (const reference of references) reader.read(reference)
  return reader.read(text)
}

class SchemaReader {
  readonly #subject: string
  readonly #named = new Map<string, AvroNamed>()

  constructor(subject: string) {
    this.#subject = subject
  }

  read(text: string): AvroType {
    return this.#type(this.#json(text), { namespace: '', path: 'the schema', depth: 0 })
  }

  #json(text: string): unknown {
    try {
      return JSON.parse(text)
    } catch {
      // Registries take the bare name of a primitive type, too.
      if (isPrimitive(text.trim())) return text.trim()
      throw this.#refusal('the schema', 'is no JSON')
    }
  }

  #type(schema: unknown, at: Place): AvroType {
    if (at.depth > MAX_DEPTH) throw this.#refusal(at.path, `is more than ${MAX_DEPTH} levels deep`)
    if (typeof schema === 'string') return this.#byName(schema, at)
    if (Array.isArray(schema)) return this.#union(schema, at)
    if (!isObject(schema)) throw this.#refusal(at.path, 'is neither a name, nor a list, nor an object')
    const { type } = schema
    if (typeof type !== 'string') return this.#type(type, deeper(at, at.path))
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(schema, at)
      case 'enum':
        return this.#enum(schema, at)
      case 'fixed':
        return this.#fixed(schema, at)
      case 'array':
        return { kind: 'array', items: this.#type(schema.items, deeper(at, `the items of ${at.path}`)) }
      case 'map':
        return { kind: 'map', values: this.#type(schema.values, deeper(at, `the values of ${at.path}`)) }
      default:
        return isPrimitive(type) ? primitive(type, schema) : this.#byName(type, at)
    }
  }

  #byName(name: string, { namespace, path }: Place): AvroType {
    if (isPrimitive(name)) return primitive(name, {})
    const inside = name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
    const found = this.#named.get(inside) ?? this.#named.get(name)
    if (found === undefined) throw this.#refusal(path, `names ${harmless(name)}, which is defined nowhere`)
    return found
  }

  #union(schema: readonly unknown[], at: Place): AvroType {
    const branches = schema.map((each, index) => this.#type(each, deeper(at, `branch ${index + 1} of ${at.path}`)))
    if (branches.some(({ kind }) => kind === 'union')) throw this.#refusal(at.path, 'is a union in a union')
    const names = branches.map(branchName)
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) throw this.#refusal(at.path, `is a union that has ${twice} twice`)
    if (branches.length === 0) throw this.#refusal(at.path, 'is a union of nothing')
    return { kind: 'union', branches }
  }

  #record(schema: Attributes, at: Place): AvroType {
    const { name, namespace } = this.#name(schema, at)
    const fields: AvroField[] = []
    const record: AvroRecord = { kind: 'record', name, aliases: aliases(schema, namespace), doc: doc(schema), fields }
    // Before its fields: one of them may be the record again.
    this.#define(record, at)
    if (!Array.isArray(schema.fields)) throw this.#refusal(name, 'is a record without fields')
    for (const field of schema.fields) {
      if (!isObject(field) || typeof field.name !== 'string' || !nameForm.test(field.name)) {
        throw this.#refusal(name, 'has a field without a name')
      }
      const path = `${name}.${field.name}`
      if (fields.some((other) => other.name === field.name)) throw this.#refusal(path, 'is there twice')
      fields.push({
        name: field.name,
        aliases: texts(field.aliases),
        doc: doc(field),
        hasDefault: Object.hasOwn(field, 'default'),
        type: this.#type(field.type, { namespace, path, depth: at.depth + 1 }),
      })
    }
    return record
  }

  #enum(schema: Attributes, at: Place): AvroType {
    const { name, namespace } = this.#name(schema, at)
    const symbols = texts(schema.symbols)
    if (symbols.length === 0 || symbols.some((symbol) => !nameForm.test(symbol))) {
      throw this.#refusal(name, 'is an enum without symbols, or with one that is no name')
    }
    const hasDefault = typeof schema.default === 'string' && symbols.includes(schema.default)
    const found = {
      kind: 'enum',
      name,
      aliases: aliases(schema, namespace),
      doc: doc(schema),
      symbols,
      hasDefault,
    } as const
    this.#define(found, at)
    return found
  }

  #fixed(schema: Attributes, at: Place): AvroType {
    const { name, namespace } = this.#name(schema, at)
    const { size } = schema
    if (!Number.isInteger(size) || (size as number) < 0) throw this.#refusal(name, 'is fixed without a size')
    const logical = logicalType(schema, 'fixed', size as number)
    const decimal = logical === 'decimal' ? decimalOf(schema) : null
    const found = {
      kind: 'fixed',
      name,
      aliases: aliases(schema, namespace),
      size: size as number,
      logical,
      decimal,
    } as const
    this.#define(found, at)
    return found
  }

  #name(schema: Attributes, at: Place): { readonly name: string; readonly namespace: string } {
    const { name } = schema
    if (typeof name !== 'string' || name === '') throw this.#refusal(at.path, 'has a type without a name')
    const own = typeof schema.namespace === 'string' ? schema.namespace : at.namespace
    const full = name.includes('.') || own === '' ? name : `${own}.${name}`
    if (!full.split('.').every((part) => nameForm.test(part)) || isPrimitive(full)) {
      throw this.#refusal(at.path, `defines ${harmless(full)}, which is no name of a type in Avro`)
    }
    return { name: full, namespace: full.split('.').slice(0, -1).join('.') }
  }

  #define(type: AvroNamed, at: Place): void {
    if (this.#named.has(type.name)) throw this.#refusal(at.path, `defines ${type.name} a second time`)
    this.#named.set(type.name, type)
  }

  #refusal(path: string, what: string): PyrallelError {
    const facts = `The schema of ${harmless(this.#subject)} cannot be read: ${path} ${what}`
    return new PyrallelError('PYR_SCHEMA_REFUSED', `${facts}. Register a version that Avro's specification allows.`)
  }
}

interface Place {
  readonly namespace: string
  readonly path: string
  readonly depth: number
}

type Attributes = Readonly<Record<string, unknown>>

/** As values of a union are told apart: `long`, `array`, `shop.Order`. */
export function branchName(type: AvroType): string {
  return type.kind === 'primitive' || 'name' in type ? type.name : type.kind
}

function deeper(at: Place, path: string): Place {
  return { ...at, path, depth: at.depth + 1 }
}

function isPrimitive(name: string): name is Primitive {
  return (primitives as readonly string[]).includes(name)
}

function primitive(name: Primitive, schema: Attributes): AvroPrimitive {
  const logical = logicalType(schema, name)
  return { kind: 'primitive', name, logical, decimal: logical === 'decimal' ? decimalOf(schema) : null }
}

function logicalType(schema: Attributes, base: Primitive | 'fixed', size?: number): LogicalType | null {
  const { logicalType: name } = schema
  if (typeof name !== 'string' || !Object.hasOwn(bases, name)) return null
  const logical = name as LogicalType
  if (!bases[logical].includes(base)) return null
  if (base === 'fixed' && logical === 'uuid' && size !== 16) return null
  if (base === 'fixed' && logical === 'duration' && size !== 12) return null
  return logical === 'decimal' && decimalOf(schema) === null ? null : logical
}

function decimalOf({ precision, scale = 0 }: Attributes): Decimal | null {
  const isSound =
    Number.isInteger(precision) &&
    Number.isInteger(scale) &&
    (precision as number) > 0 &&
    (scale as number) >= 0 &&
    (scale as number) <= (precision as number)
  return isSound ? { precision: precision as number, scale: scale as number } : null
}

function doc(schema: Attributes): string | null {
  return typeof schema.doc === 'string' && schema.doc.trim() !== '' ? schema.doc.trim() : null
}

function aliases(schema: Attributes, namespace: string): readonly string[] {
  return texts(schema.aliases).map((name) => (name.includes('.') || namespace === '' ? name : `${namespace}.${name}`))
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

function isObject(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
