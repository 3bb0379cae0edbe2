/** Puts together what writes values of a schema in Avro's binary encoding. Writes nothing that a reader of that schema would read as something else. */
import { isPlainObject } from '../../validation/plain-object.ts'
import { fallbackOf } from './avro-default.ts'
import { daysOf, decimalBytes, exactMillis, uuidBytes } from './avro-logical.ts'
import type { AvroOutput } from './avro-output.ts'
import {
  type AvroEnum,
  type AvroField,
  type AvroPrimitive,
  type AvroRecord,
  type AvroType,
  type AvroUnion,
  branchName,
  type Logical,
} from './avro-schema.ts'
import { isWrapped, type Shape, typeShape } from './avro-union.ts'

/** From here on, a number is rounded to infinity. */
const FLOAT_END = 3.4028235677973366e38

export type Write = (out: AvroOutput, value: unknown) => void

/** The value is none of the schema: where, and what is wanted there. Never tells the value. */
export class AvroRefusal extends Error {
  /** Innermost last. */
  readonly path: string[] = []

  get where(): string {
    return this.path.length === 0 ? 'the value' : [...this.path].reverse().join('.')
  }
}

/** @throws AvroRefusal, when what it gives is called with another value */
export function avroWriter(type: AvroType): Write {
  return writerOf(type, new Map())
}

type Known = Map<AvroRecord, { write: Write }>

function writerOf(type: AvroType, known: Known): Write {
  switch (type.kind) {
    case 'record':
      return recordWriter(type, known)
    case 'enum':
      return enumWriter(type)
    case 'fixed': {
      const { size, logical } = type
      return (out, value) => out.raw(fixedOf(value, size, logical))
    }
    case 'array': {
      const write = writerOf(type.items, known)
      return (out, value) => {
        if (!Array.isArray(value)) throw new AvroRefusal('is no list')
        if (value.length > 0) out.long(value.length)
        let index = 0
        try {
          for (; index < value.length; index += 1) write(out, value[index])
        } catch (thrown) {
          throw at(`[${index}]`, thrown)
        }
        out.long(0)
      }
    }
    case 'map':
      return mapWriter(writerOf(type.values, known))
    case 'union':
      return unionWriter(type, known)
    default:
      return primitiveWriter(type)
  }
}

function recordWriter(type: AvroRecord, known: Known): Write {
  const begun = known.get(type)
  if (begun !== undefined) return (out, value) => begun.write(out, value)
  const own: { write: Write } = { write: () => {} }
  known.set(type, own)
  const fields = type.fields.map((field) => {
    const write = writerOf(field.type, known)
    return {
      name: field.name,
      write,
      fallback: field.default === undefined ? undefined : defaultOf(field),
      // Every object has a `constructor`, given or not.
      isInherited: field.name in Object.prototype,
    }
  })
  own.write = (out, value) => {
    if (!isPlainObject(value)) throw new AvroRefusal(`is no ${type.name}`)
    let current = ''
    let given: unknown
    let hasDefault = false
    try {
      for (const { name, write, fallback, isInherited } of fields) {
        current = name
        hasDefault = fallback !== undefined
        given = isInherited && !Object.hasOwn(value, name) ? undefined : value[name]
        if (given === undefined && fallback !== undefined) given = fallback()
        write(out, given)
      }
    } catch (thrown) {
      const isMissing = given === undefined && !hasDefault && thrown instanceof AvroRefusal
      throw at(current, isMissing ? new AvroRefusal('is missing') : thrown)
    }
  }
  return own.write
}

/** Registries have schemas whose defaults are none of their types: only who leaves such a field out is refused. */
function defaultOf({ type, default: json }: AvroField): () => unknown {
  let make: (() => unknown) | undefined
  return () => {
    try {
      make ??= fallbackOf(type, json)
    } catch (thrown) {
      throw new AvroRefusal(`is missing, and its default is none: ${(thrown as Error).message}`)
    }
    return make()
  }
}

function enumWriter({ name, symbols }: AvroEnum): Write {
  const indexes = new Map(symbols.map((symbol, index) => [symbol, index]))
  return (out, value) => {
    const index = typeof value === 'string' ? indexes.get(value) : undefined
    if (index === undefined) throw new AvroRefusal(`is no symbol of ${name}`)
    out.long(index)
  }
}

function mapWriter(write: Write): Write {
  return (out, value) => {
    if (!isPlainObject(value)) throw new AvroRefusal('is no map')
    const entries = Object.entries(value)
    if (entries.length > 0) out.long(entries.length)
    for (const [key, each] of entries) {
      out.string(key)
      try {
        write(out, each)
      } catch (thrown) {
        throw at('(an entry)', thrown)
      }
    }
    out.long(0)
  }
}

function unionWriter(type: AvroUnion, known: Known): Write {
  const { branches } = type
  const writes = branches.map((branch) => writerOf(branch, known))
  const wrapped = isWrapped(branches)
  const byName = new Map(branches.map((branch, index) => [branchName(branch), index]))
  const byShape = new Map<Shape | undefined, number>(branches.map((branch, index) => [typeShape(branch), index]))
  return (out, value) => {
    const isBare = value === null || !wrapped
    const entries = isBare || !isPlainObject(value) ? [] : Object.entries(value)
    const [name, inner] = isBare ? [undefined, value] : (entries[0] ?? ['', undefined])
    const index =
      name === undefined ? byShape.get(shapeOfValue(value)) : entries.length === 1 ? byName.get(name) : undefined
    const write = index === undefined ? undefined : writes[index]
    if (index === undefined || write === undefined) {
      const names = branches.map(branchName).join(', ')
      throw new AvroRefusal(wrapped ? `does not say which it is of ${names}: { 'name': value }` : `is none of ${names}`)
    }
    out.long(index)
    write(out, inner)
  }
}

function shapeOfValue(value: unknown): Shape | undefined {
  if (value === null) return 'null'
  const shape = typeof value
  return shape === 'undefined' || shape === 'function' || shape === 'symbol' ? undefined : shape
}

function primitiveWriter({ kind, logical }: AvroPrimitive): Write {
  switch (kind) {
    case 'null':
      return (_out, value) => {
        if (value !== null && value !== undefined) throw new AvroRefusal('is not null')
      }
    case 'boolean':
      return (out, value) => {
        if (typeof value !== 'boolean') throw new AvroRefusal('is no boolean')
        out.byte(value ? 1 : 0)
      }
    case 'int':
      return logical?.name === 'date'
        ? (out, value) => out.long(intOf(refused(() => daysOf(textOf(value)))))
        : (out, value) => out.long(intOf(value))
    case 'long':
      return logical?.name === 'timestamp-millis' || logical?.name === 'local-timestamp-millis'
        ? (out, value) => out.long(refused(() => exactMillis(numberOf(value))))
        : (out, value) => out.long(longOf(value))
    case 'float':
      return (out, value) => out.float(floatOf(value))
    case 'double':
      return (out, value) => out.double(numberOf(value))
    case 'string':
      return (out, value) => out.string(textOf(value))
    case 'bytes':
      return logical?.name === 'decimal'
        ? (out, value) => out.bytes(refused(() => decimalBytes(textOf(value), logical)))
        : (out, value) => out.bytes(bytesOf(value))
  }
}

function fixedOf(value: unknown, size: number, logical: Logical | undefined): Uint8Array {
  if (logical?.name === 'decimal') return refused(() => decimalBytes(textOf(value), logical, size))
  if (logical?.name === 'uuid') return refused(() => uuidBytes(textOf(value)))
  const bytes = bytesOf(value)
  if (bytes.length !== size) throw new AvroRefusal(`has not ${size} bytes`)
  return bytes
}

function intOf(value: unknown): number {
  if (typeof value !== 'number' || (value | 0) !== value) throw new AvroRefusal('is no whole number of 32 bits')
  return value
}

function longOf(value: unknown): bigint {
  if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) throw new AvroRefusal('is no bigint of 64 bits')
  return value
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw new AvroRefusal('is no number')
  return value
}

function floatOf(value: unknown): number {
  const number = numberOf(value)
  if (Number.isFinite(number) && Math.abs(number) >= FLOAT_END) {
    throw new AvroRefusal('is no number that 32 bits can hold')
  }
  return number
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new AvroRefusal('is no text')
  if (!isWellFormed(value)) throw new AvroRefusal('has half a character in it, which no UTF-8 can hold')
  return value
}

/** Node 20 has it; the types of whoever compiles this may not. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}

function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new AvroRefusal('is no Uint8Array')
  return value
}

function refused<T>(make: () => T): T {
  try {
    return make()
  } catch (thrown) {
    if (thrown instanceof AvroRefusal) throw thrown
    throw new AvroRefusal(`is refused: ${(thrown as Error).message}`)
  }
}

/** @returns what is to be thrown on */
function at(step: string, thrown: unknown): unknown {
  if (thrown instanceof AvroRefusal) thrown.path.push(step)
  return thrown
}
