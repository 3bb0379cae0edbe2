/** Writes single numbers, texts and bytes of Protobuf; refuses what a reader would read as something else. */
import type { DescEnum, ScalarType } from '@bufbuild/protobuf'
import type { BinaryWriter } from '@bufbuild/protobuf/wire'
import { fieldType as type } from './proto-file.ts'
import { ProtobufRefusal } from './protobuf-refusal.ts'

export interface ScalarWriter {
  readonly wireType: 0 | 1 | 2 | 5
  /** @throws ProtobufRefusal for any other value */
  readonly write: (out: BinaryWriter, value: unknown) => void
  /** What is not written where it need not be said. */
  readonly isZero: (value: unknown) => boolean
}

const MAX_FLOAT = 3.4028235677973366e38
const wholeForm = /^-?\d{1,20}$/

/** @param longAsString of the field's option `jstype = JS_STRING`: 64 bits are texts then */
export function scalarWriter(scalar: ScalarType, longAsString = false): ScalarWriter {
  const signed = (value: unknown) => longOf(value, longAsString, true)
  const unsigned = (value: unknown) => longOf(value, longAsString, false)
  switch (scalar) {
    case type.double:
      return { wireType: 1, isZero: isZeroFloat, write: (out, value) => out.double(numberOf(value)) }
    case type.float:
      return { wireType: 5, isZero: isZeroFloat, write: (out, value) => out.float(floatOf(value)) }
    case type.int32:
      return { wireType: 0, isZero: isZeroNumber, write: (out, value) => out.int32(intOf(value)) }
    case type.sint32:
      return { wireType: 0, isZero: isZeroNumber, write: (out, value) => out.sint32(intOf(value)) }
    case type.sfixed32:
      return { wireType: 5, isZero: isZeroNumber, write: (out, value) => out.sfixed32(intOf(value)) }
    case type.uint32:
      return { wireType: 0, isZero: isZeroNumber, write: (out, value) => out.uint32(uintOf(value)) }
    case type.fixed32:
      return { wireType: 5, isZero: isZeroNumber, write: (out, value) => out.fixed32(uintOf(value)) }
    case type.int64:
      return { wireType: 0, isZero: isZeroLong, write: (out, value) => out.int64(signed(value)) }
    case type.sint64:
      return { wireType: 0, isZero: isZeroLong, write: (out, value) => out.sint64(signed(value)) }
    case type.sfixed64:
      return { wireType: 1, isZero: isZeroLong, write: (out, value) => out.sfixed64(signed(value)) }
    case type.uint64:
      return { wireType: 0, isZero: isZeroLong, write: (out, value) => out.uint64(unsigned(value)) }
    case type.fixed64:
      return { wireType: 1, isZero: isZeroLong, write: (out, value) => out.fixed64(unsigned(value)) }
    case type.bool:
      return { wireType: 0, isZero: (value) => value === false, write: (out, value) => out.bool(booleanOf(value)) }
    case type.string:
      return { wireType: 2, isZero: (value) => value === '', write: (out, value) => out.string(textOf(value)) }
    case type.bytes:
      return { wireType: 2, isZero: isEmpty, write: (out, value) => out.bytes(bytesOf(value)) }
    default:
      throw new Error(`type ${scalar} of a field is unknown`)
  }
}

/** An open enum has every number of 32 bits. */
export function enumWriter(desc: DescEnum): ScalarWriter {
  const known = enumWriters.get(desc)
  if (known !== undefined) return known
  const made = newEnumWriter(desc)
  enumWriters.set(desc, made)
  return made
}

/** Many fields may be of one enum, which may have many numbers. */
const enumWriters = new WeakMap<DescEnum, ScalarWriter>()

function newEnumWriter({ typeName, open, values }: DescEnum): ScalarWriter {
  const numbers = new Set<unknown>(values.map(({ number }) => number))
  const zero = values[0]?.number ?? 0
  return {
    wireType: 0,
    isZero: (value) => value === zero,
    write: (out, value) => {
      if (!open && !numbers.has(value)) throw new ProtobufRefusal(`is no number of enum ${typeName}`)
      out.int32(intOf(value))
    },
  }
}

function isZeroNumber(value: unknown): boolean {
  return value === 0
}

function isZeroFloat(value: unknown): boolean {
  return Object.is(value, 0)
}

function isZeroLong(value: unknown): boolean {
  return value === 0n || value === '0'
}

function isEmpty(value: unknown): boolean {
  return value instanceof Uint8Array && value.length === 0
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw new ProtobufRefusal('is no number')
  return value
}

function floatOf(value: unknown): number {
  const number = numberOf(value)
  if (Number.isFinite(number) && Math.abs(number) >= MAX_FLOAT) {
    throw new ProtobufRefusal('is no number that 32 bits can hold')
  }
  // The writer's own limit is that of the last float, without what rounds to it.
  return Math.fround(number)
}

function intOf(value: unknown): number {
  if (typeof value !== 'number' || (value | 0) !== value)
    throw new ProtobufRefusal('is no whole number of 32 bits with a sign')
  return value
}

function uintOf(value: unknown): number {
  if (typeof value !== 'number' || value >>> 0 !== value)
    throw new ProtobufRefusal('is no whole number of 32 bits without a sign')
  return value
}

function longOf(value: unknown, asText: boolean, isSigned: boolean): bigint {
  const whole = asText && typeof value === 'string' && wholeForm.test(value) ? BigInt(value) : value
  if (typeof whole !== 'bigint' || (asText && typeof value === 'bigint')) {
    throw new ProtobufRefusal(asText ? 'is no text of a whole number' : 'is no bigint')
  }
  if ((isSigned ? BigInt.asIntN(64, whole) : BigInt.asUintN(64, whole)) !== whole) {
    throw new ProtobufRefusal(`is no whole number of 64 bits ${isSigned ? 'with' : 'without'} a sign`)
  }
  return whole
}

function booleanOf(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new ProtobufRefusal('is no boolean')
  return value
}

/** Node 20 has `isWellFormed`; the types of whoever compiles this may not. */
export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new ProtobufRefusal('is no text')
  if (!(value as string & { isWellFormed(): boolean }).isWellFormed()) {
    throw new ProtobufRefusal('has half a character in it, which no UTF-8 can hold')
  }
  return value
}

function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new ProtobufRefusal('is no Uint8Array')
  return value
}
