/**
 * Puts together what reads values that were written with one schema as values of another: Avro's schema resolution, stricter where it would read something
 * else than was written. Source: "Schema Resolution" in the specification of Avro 1.12.
 */
import type { AvroBytes } from './avro-bytes.ts'
import { fallbackOf } from './avro-default.ts'
import { mayBeEmpty } from './avro-empty.ts'
import { dateText, decimalText, exactMillis, uuidText } from './avro-logical.ts'
import {
  type AvroArray,
  type AvroEnum,
  type AvroField,
  type AvroFixed,
  type AvroMap,
  type AvroPrimitive,
  type AvroRecord,
  type AvroType,
  type AvroUnion,
  branchName,
  type Logical,
  shortName,
} from './avro-schema.ts'
import { skipperOf } from './avro-skip.ts'
import { isWrapped } from './avro-union.ts'

export type Read = (bytes: AvroBytes) => unknown

/** The two schemas do not fit. */
export class AvroMisfit extends Error {}

/**
 * @param writer that the values were written with
 * @param reader whose values are wanted
 * @throws AvroMisfit where no value of the one is a value of the other
 */
export function avroReader(writer: AvroType, reader: AvroType): Read {
  return new Resolution().read(writer, reader, 'the value')
}

/** What another schema's number may be read as. */
export const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

class Resolution {
  /** By writer, then reader: records may contain themselves. */
  readonly #records = new Map<AvroRecord, Map<AvroRecord, { read: Read }>>()

  read(writer: AvroType, reader: AvroType, at: string): Read {
    if (writer.kind === 'union') return this.#fromUnion(writer, reader, at)
    if (reader.kind === 'union') return this.#intoUnion(writer, reader, at)
    return this.#plain(writer, reader, at)
  }

  #plain(writer: AvroType, reader: AvroType, at: string): Read {
    if (writer.kind === 'record' && reader.kind === 'record') return this.#record(writer, reader, at)
    if (writer.kind === 'enum' && reader.kind === 'enum') return enumReader(writer, reader, at)
    if (writer.kind === 'fixed' && reader.kind === 'fixed') return fixedReader(writer, reader, at)
    if (writer.kind === 'array' && reader.kind === 'array') return this.#array(writer, reader, at)
    if (writer.kind === 'map' && reader.kind === 'map') return this.#map(writer, reader, at)
    if (isPrimitive(writer) && isPrimitive(reader)) return primitiveReader(writer, reader, at)
    throw misfit(writer, reader, at)
  }

  /** Each branch may be read or not: a value of one that cannot be says so. */
  #fromUnion({ branches }: AvroUnion, reader: AvroType, at: string): Read {
    const reads = branches.map((branch): Read => {
      try {
        return this.read(branch, reader, at)
      } catch (thrown) {
        if (!(thrown instanceof AvroMisfit)) throw thrown
        const { message } = thrown
        return () => {
          throw new AvroMisfit(message)
        }
      }
    })
    return (bytes) => (reads[bytes.index(reads.length)] as Read)(bytes)
  }

  #intoUnion(writer: AvroType, { branches }: AvroUnion, at: string): Read {
    const into = this.#branchFor(writer, branches, at)
    const { read } = into
    if (!isWrapped(branches) || into.branch.kind === 'null') return read
    const name = branchName(into.branch)
    return (bytes) => ({ [name]: read(bytes) })
  }

  /** The very type before one that it may be read as, so that no number is rounded that need not be. */
  #branchFor(
    writer: AvroType,
    branches: readonly AvroType[],
    at: string,
  ): { readonly branch: AvroType; readonly read: Read } {
    const ranks = [isSame, isNamesake, () => true]
    for (const matches of ranks) {
      for (const branch of branches) {
        if (!matches(writer, branch)) continue
        try {
          return { branch, read: this.#plain(writer, branch, at) }
        } catch (thrown) {
          if (!(thrown instanceof AvroMisfit)) throw thrown
        }
      }
    }
    throw new AvroMisfit(`${at} was written as ${branchName(writer)}, which is no branch of the union that is wanted`)
  }

  #array({ items }: AvroArray, reader: AvroArray, at: string): Read {
    const read = this.read(items, reader.items, `an entry of ${at}`)
    const isEmpty = mayBeEmpty(items)
    return (bytes) => {
      const list: unknown[] = []
      for (let left = bytes.block(isEmpty); left > 0; left = bytes.block(isEmpty)) {
        for (; left > 0; left -= 1) list.push(read(bytes))
      }
      return list
    }
  }

  #map({ values }: AvroMap, reader: AvroMap, at: string): Read {
    const read = this.read(values, reader.values, `an entry of ${at}`)
    return (bytes) => {
      const map: Record<string, unknown> = {}
      for (let left = bytes.block(false); left > 0; left = bytes.block(false)) {
        for (; left > 0; left -= 1) {
          const key = bytes.string()
          // Assigned, this name would set the prototype.
          if (key === '__proto__') define(map, key, read(bytes))
          else map[key] = read(bytes)
        }
      }
      return map
    }
  }

  #record(writer: AvroRecord, reader: AvroRecord, at: string): Read {
    if (!hasName(reader, writer.name)) throw misfit(writer, reader, at)
    const ofWriter = this.#records.get(writer) ?? new Map<AvroRecord, { read: Read }>()
    this.#records.set(writer, ofWriter)
    const known = ofWriter.get(reader)
    if (known !== undefined) return (bytes) => known.read(bytes)
    const own: { read: Read } = {
      read: () => {
        throw new AvroMisfit(`${at} cannot be read`)
      },
    }
    ofWriter.set(reader, own)
    try {
      own.read = this.#fields(writer, reader, at)
    } catch (thrown) {
      ofWriter.delete(reader)
      throw thrown
    }
    return own.read
  }

  #fields(writer: AvroRecord, reader: AvroRecord, at: string): Read {
    const wanted = new Map<AvroField, AvroField>()
    for (const field of reader.fields) {
      const found = writerField(writer, field)
      if (found === undefined) continue
      if (wanted.has(found)) throw new AvroMisfit(`two fields of ${at} are read from ${found.name}`)
      wanted.set(found, field)
    }
    const missing = reader.fields.filter((field) => ![...wanted.values()].includes(field))
    const fallbacks = missing.map((field): readonly [string, () => unknown] => {
      if (field.default === undefined)
        throw new AvroMisfit(`${at} was written without ${field.name}, and it has no default`)
      return [field.name, fallbackOf(field.type, field.default)]
    })
    const steps = writer.fields.map((field): Step => {
      const target = wanted.get(field)
      if (target === undefined) return { name: undefined, read: skipperOf(field.type) }
      return { name: target.name, read: this.read(field.type, target.type, target.name) }
    })
    return recordReader(
      steps,
      fallbacks,
      reader.fields.map(({ name }) => name),
    )
  }
}

interface Step {
  /** Undefined: read over. */
  readonly name: string | undefined
  readonly read: Read
}

/** All values have their fields in the order of the reader's schema, so the engine sees one shape. */
function recordReader(
  steps: readonly Step[],
  fallbacks: readonly (readonly [string, () => unknown])[],
  names: readonly string[],
): Read {
  const template: Record<string, unknown> = {}
  for (const name of names) define(template, name, undefined)
  const hasOddName = names.includes('__proto__')
  return (bytes) => {
    const record: Record<string, unknown> = { ...template }
    for (const { name, read } of steps) {
      if (name === undefined) read(bytes)
      else if (hasOddName) define(record, name, read(bytes))
      else record[name] = read(bytes)
    }
    for (const [name, make] of fallbacks) {
      if (hasOddName) define(record, name, make())
      else record[name] = make()
    }
    return record
  }
}

function define(into: object, name: string, value: unknown): void {
  Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true })
}

function writerField({ fields }: AvroRecord, { name, aliases }: AvroField): AvroField | undefined {
  return fields.find((field) => field.name === name) ?? fields.find((field) => aliases.includes(field.name))
}

function enumReader(writer: AvroEnum, reader: AvroEnum, at: string): Read {
  if (!hasName(reader, writer.name)) throw misfit(writer, reader, at)
  const own = new Set(reader.symbols)
  const symbols = writer.symbols.map((symbol) => (own.has(symbol) ? symbol : reader.default))
  return (bytes) => {
    const index = bytes.index(symbols.length)
    const symbol = symbols[index]
    if (symbol === undefined)
      throw new Error(`${at} is a symbol that its enum does not have here, and there is no default`)
    return symbol
  }
}

function fixedReader(writer: AvroFixed, reader: AvroFixed, at: string): Read {
  if (!hasName(reader, writer.name) || writer.size !== reader.size) throw misfit(writer, reader, at)
  const { size } = reader
  checkLogical(writer, reader, at)
  return converted((bytes) => bytes.fixed(size), reader.logical)
}

function primitiveReader(writer: AvroPrimitive, reader: AvroPrimitive, at: string): Read {
  const isPromoted = writer.kind !== reader.kind
  if (isPromoted && promotions[writer.kind]?.includes(reader.kind) !== true) throw misfit(writer, reader, at)
  checkLogical(writer, reader, at)
  return converted(rawReader(writer.kind, reader), reader.logical)
}

function rawReader(from: AvroPrimitive['kind'], { kind: to, logical }: AvroPrimitive): Read {
  switch (from) {
    case 'null':
      return () => null
    case 'boolean':
      return (bytes) => bytes.boolean()
    case 'int':
      return to === 'long' && !isMillis(logical) ? (bytes) => BigInt(bytes.int()) : (bytes) => bytes.int()
    case 'long':
      if (to === 'long' && !isMillis(logical)) return (bytes) => bytes.long()
      if (to === 'float') return (bytes) => Math.fround(bytes.longAsNumber())
      return (bytes) => bytes.longAsNumber()
    case 'float':
      return (bytes) => bytes.float()
    case 'double':
      return (bytes) => bytes.double()
    case 'string':
      return to === 'bytes' ? (bytes) => bytes.bytes() : (bytes) => bytes.string()
    case 'bytes':
      return to === 'string' ? (bytes) => bytes.string() : (bytes) => bytes.bytes()
  }
}

function isMillis(logical: Logical | undefined): boolean {
  return logical?.name === 'timestamp-millis' || logical?.name === 'local-timestamp-millis'
}

/** Two schemas that mean different things by the same bytes: Avro reads one for the other, and a price would be ten times what it was. */
function checkLogical(writer: AvroPrimitive | AvroFixed, reader: AvroPrimitive | AvroFixed, at: string): void {
  const [from, to] = [writer.logical, reader.logical]
  // A text and the bytes of a number are nothing alike, and Avro reads each as the other.
  if (writer.kind !== reader.kind && (from?.name === 'decimal' || to?.name === 'decimal')) {
    const [written, wanted] = [from?.name ?? writer.kind, to?.name ?? reader.kind]
    throw new AvroMisfit(`${at} was written as ${written}, and ${wanted} is wanted`)
  }
  if (from === undefined || to === undefined) return
  if (from.name !== to.name) throw new AvroMisfit(`${at} was written as ${from.name}, and ${to.name} is wanted`)
  if (from.scale !== to.scale) {
    throw new AvroMisfit(`${at} was written with scale ${from.scale}, and scale ${to.scale} is wanted`)
  }
}

function converted(read: Read, logical: Logical | undefined): Read {
  switch (logical?.name) {
    case 'date':
      return (bytes) => dateText(read(bytes) as number)
    case 'timestamp-millis':
    case 'local-timestamp-millis':
      return (bytes) => exactMillis(read(bytes) as number)
    case 'decimal':
      return (bytes) => decimalText(read(bytes) as Uint8Array, logical)
    case 'uuid':
      return (bytes) => {
        const value = read(bytes)
        return typeof value === 'string' ? value : uuidText(value as Uint8Array)
      }
    default:
      return read
  }
}

/** Namespaces do not count, as the specification says. */
export function hasName(
  { name, aliases }: { readonly name: string; readonly aliases: readonly string[] },
  of: string,
): boolean {
  return shortName(name) === shortName(of) || aliases.includes(of)
}

function isSame(writer: AvroType, branch: AvroType): boolean {
  return 'name' in writer && 'name' in branch ? writer.name === branch.name : writer.kind === branch.kind
}

function isNamesake(writer: AvroType, branch: AvroType): boolean {
  return 'name' in writer && 'name' in branch && hasName(branch, writer.name)
}

function isPrimitive(type: AvroType): type is AvroPrimitive {
  return !('name' in type) && type.kind !== 'array' && type.kind !== 'map' && type.kind !== 'union'
}

function misfit(writer: AvroType, reader: AvroType, at: string): AvroMisfit {
  return new AvroMisfit(`${at} was written as ${branchName(writer)}, and ${branchName(reader)} is wanted`)
}
