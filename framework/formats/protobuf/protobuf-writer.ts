/** Puts together what writes values of a message. A value is checked while it is written: what a reader would read as something else is refused. */
import type { DescField, DescMessage, DescOneof, ScalarType } from '@bufbuild/protobuf'
import type { BinaryWriter } from '@bufbuild/protobuf/wire'
import { isPlainObject } from '../../validation/plain-object.ts'
import { fieldType } from './proto-file.ts'
import { protobufLibrary } from './protobuf-library.ts'
import { ProtobufRefusal, refusedAt } from './protobuf-refusal.ts'
import { enumWriter, type ScalarWriter, scalarWriter, textOf } from './protobuf-scalars.ts'

/** @throws ProtobufRefusal */
export type WriteMessage = (out: BinaryWriter, value: unknown, depth: number) => void

type Message = Readonly<Record<string, unknown>>
type WriteField = (out: BinaryWriter, value: Message, depth: number) => void

/** Readers of every language refuse what is nested more deeply. */
const MAX_DEPTH = 100
const IMPLICIT = 2
const REQUIRED = 3
const LENGTH_DELIMITED = 2
const START_GROUP = 3
const END_GROUP = 4

/** Wait for `loadProtobuf` first. */
export function messageWriter(desc: DescMessage, known: Map<DescMessage, WriteMessage> = new Map()): WriteMessage {
  const begun = known.get(desc)
  if (begun !== undefined) return begun
  const parts: { name: string; write: WriteField }[] = []
  const names = new Set(['$typeName', '$unknown', ...desc.members.map(({ localName }) => localName)])
  const write: WriteMessage = (out, value, depth) => {
    if (!isPlainObject(value)) throw new ProtobufRefusal(`is no ${desc.typeName}`)
    if (depth > MAX_DEPTH) throw new ProtobufRefusal(`is nested more than ${MAX_DEPTH} deep`)
    if (value.$typeName !== undefined && value.$typeName !== desc.typeName) {
      throw new ProtobufRefusal(`is another message, and no ${desc.typeName}`)
    }
    for (const name in value) {
      if (!names.has(name) && Object.hasOwn(value, name) && value[name] !== undefined) {
        throw new ProtobufRefusal(`has a property ${JSON.stringify(name)}, which ${desc.typeName} has not`)
      }
    }
    let current = ''
    try {
      for (const part of parts) {
        current = part.name
        part.write(out, value, depth)
      }
    } catch (thrown) {
      throw refusedAt(current, thrown)
    }
    if (value.$unknown !== undefined) writeUnknown(out, value.$unknown)
  }
  known.set(desc, write)
  for (const { localName: name, oneof } of desc.members.flatMap((each) =>
    each.kind === 'oneof' ? [{ localName: each.localName, oneof: each }] : [],
  )) {
    parts.push({ name, write: oneofCheck(oneof) })
  }
  for (const field of [...desc.fields].sort((a, b) => a.number - b.number)) {
    parts.push({ name: field.oneof?.localName ?? field.localName, write: fieldWriter(field, known) })
  }
  return write
}

/** Says nothing, or what is wrong: its fields are written where their numbers stand. */
function oneofCheck({ localName, fields }: DescOneof): WriteField {
  const cases = new Set<unknown>(fields.map((each) => each.localName))
  const names = [...cases].join(', ')
  return (_out, message) => {
    const value = own(message, localName)
    if (value === undefined) return
    if (!isPlainObject(value) || (value.case !== undefined && !cases.has(value.case))) {
      throw new ProtobufRefusal(`does not say which it is of ${names}: { case: 'name', value }`)
    }
    if (value.case === undefined && value.value !== undefined) throw new ProtobufRefusal('has a value without a case')
  }
}

function fieldWriter(field: DescField, known: Map<DescMessage, WriteMessage>): WriteField {
  switch (field.fieldKind) {
    case 'list':
      return listWriter(field, known)
    case 'map':
      return mapWriter(field, known)
    default:
      return singleWriter(field, known)
  }
}

function singleWriter(
  field: DescField & { readonly fieldKind: 'scalar' | 'enum' | 'message' },
  known: Map<DescMessage, WriteMessage>,
): WriteField {
  const { write, isZero } = valueWriter(field, known)
  const { localName, oneof, presence } = field
  if (oneof !== undefined) {
    const outer = oneof.localName
    return (out, message, depth) => {
      const chosen = own(message, outer)
      if (!isPlainObject(chosen) || chosen.case !== localName) return
      try {
        write(out, chosen.value, depth)
      } catch (thrown) {
        throw refusedAt(localName, thrown)
      }
    }
  }
  const isImplicit = presence === IMPLICIT
  const isRequired = presence === REQUIRED
  return (out, message, depth) => {
    const value = own(message, localName)
    if (value === undefined) {
      if (isRequired) throw new ProtobufRefusal('is missing, and required')
      return
    }
    if (!isImplicit || !isZero(value)) write(out, value, depth)
  }
}

function listWriter(
  field: DescField & { readonly fieldKind: 'list' },
  known: Map<DescMessage, WriteMessage>,
): WriteField {
  const { localName, number, packed } = field
  const scalar = packed ? scalarOf(field) : undefined
  const { write } = valueWriter(field, known)
  return (out, message, depth) => {
    const list = own(message, localName)
    if (list === undefined) return
    if (!Array.isArray(list)) throw new ProtobufRefusal('is no list')
    if (list.length === 0) return
    let index = 0
    try {
      if (scalar === undefined) for (; index < list.length; index += 1) write(out, list[index], depth)
      else {
        out.tag(number, LENGTH_DELIMITED).fork()
        for (; index < list.length; index += 1) scalar.write(out, list[index])
        out.join()
      }
    } catch (thrown) {
      throw refusedAt(`[${index}]`, thrown)
    }
  }
}

function mapWriter(
  field: DescField & { readonly fieldKind: 'map' },
  known: Map<DescMessage, WriteMessage>,
): WriteField {
  const { localName, number, mapKey } = field
  const key = scalarWriter(mapKey)
  const keyOf = keyFrom(mapKey, key)
  const { write } = valueWriter(field, known, 2)
  return (out, message, depth) => {
    const map = own(message, localName)
    if (map === undefined) return
    if (!isPlainObject(map)) throw new ProtobufRefusal('is no map')
    for (const [name, value] of Object.entries(map)) {
      out.tag(number, LENGTH_DELIMITED).fork()
      try {
        keyOf(out, name)
        write(out, value, depth)
      } catch (thrown) {
        throw refusedAt('(an entry)', thrown)
      }
      out.join()
    }
  }
}

/** The names of an object are texts, whatever the keys are. */
function keyFrom(type: ScalarType, { wireType, write }: ScalarWriter): (out: BinaryWriter, name: string) => void {
  const turned = keyReader(type)
  return (out, name) => {
    out.tag(1, wireType)
    try {
      write(out, turned(name))
    } catch (thrown) {
      if (!(thrown instanceof ProtobufRefusal)) throw thrown
      throw new ProtobufRefusal('has a key that the map cannot have')
    }
  }
}

function keyReader(type: ScalarType): (name: string) => unknown {
  switch (type) {
    case fieldType.string:
      return (name) => name
    case fieldType.bool:
      return (name) => (name === 'true' ? true : name === 'false' ? false : undefined)
    case fieldType.int64:
    case fieldType.uint64:
    case fieldType.sint64:
    case fieldType.fixed64:
    case fieldType.sfixed64:
      return (name) => (wholeForm.test(name) ? BigInt(name) : undefined)
    default:
      return (name) => (wholeForm.test(name) ? Number(name) : undefined)
  }
}

const wholeForm = /^-?\d{1,20}$/

interface ValueWriter {
  /** With its tag. */
  readonly write: (out: BinaryWriter, value: unknown, depth: number) => void
  readonly isZero: (value: unknown) => boolean
}

function valueWriter(field: DescField, known: Map<DescMessage, WriteMessage>, number = field.number): ValueWriter {
  if (field.message !== undefined) return messageField(field, field.message, known, number)
  const { wireType, write, isZero } = scalarOf(field)
  return {
    isZero,
    write: (out, value) => {
      out.tag(number, wireType)
      write(out, value)
    },
  }
}

function scalarOf(field: DescField): ScalarWriter {
  if (field.enum !== undefined) return enumWriter(field.enum)
  if (field.scalar === undefined) throw new Error(`field ${field.name} has no type`)
  return scalarWriter(field.scalar, 'longAsString' in field && field.longAsString)
}

function messageField(
  field: DescField,
  desc: DescMessage,
  known: Map<DescMessage, WriteMessage>,
  number: number,
): ValueWriter {
  const write = innerWriter(field, desc, known)
  const isZero = () => false
  if ('delimitedEncoding' in field && field.delimitedEncoding === true) {
    return {
      isZero,
      write: (out, value, depth) => {
        out.tag(number, START_GROUP)
        write(out, value, depth + 1)
        out.tag(number, END_GROUP)
      },
    }
  }
  return {
    isZero,
    write: (out, value, depth) => {
      out.tag(number, LENGTH_DELIMITED).fork()
      write(out, value, depth + 1)
      out.join()
    },
  }
}

/** Where Google's own types stand as plain values: a wrapper of a field as what it wraps, a Struct as an object of JSON. */
function innerWriter(field: DescField, desc: DescMessage, known: Map<DescMessage, WriteMessage>): WriteMessage {
  const { core, wkt } = protobufLibrary()
  if (field.fieldKind === 'message' && field.oneof === undefined && wkt.isWrapperDesc(desc)) {
    const [{ localName = 'value' } = {}] = desc.fields
    const write = messageWriter(desc, known)
    return (out, value, depth) => write(out, { [localName]: value }, depth)
  }
  if (desc.typeName === 'google.protobuf.Struct' && field.parent.typeName !== 'google.protobuf.Value') {
    const write = messageWriter(desc, known)
    return (out, value, depth) => {
      checkJson(value)
      if (!isPlainObject(value)) throw new ProtobufRefusal('is no object of JSON')
      write(out, core.fromJson(wkt.StructSchema, value as Parameters<typeof core.fromJson>[1]), depth)
    }
  }
  return messageWriter(desc, known)
}

function checkJson(value: unknown, depth = 0): void {
  if (depth > MAX_DEPTH) throw new ProtobufRefusal(`is nested more than ${MAX_DEPTH} deep`)
  if (typeof value === 'string') textOf(value)
  else if (Array.isArray(value)) for (const each of value) checkJson(each, depth + 1)
  else if (isPlainObject(value)) {
    for (const [name, each] of Object.entries(value)) {
      textOf(name)
      checkJson(each, depth + 1)
    }
  } else if (value !== null && typeof value !== 'boolean' && !(typeof value === 'number' && Number.isFinite(value))) {
    throw new ProtobufRefusal('is no JSON')
  }
}

/** What a read value had that its schema does not know: it is written as it came. */
function writeUnknown(out: BinaryWriter, unknown: unknown): void {
  if (!Array.isArray(unknown)) throw new ProtobufRefusal('has a $unknown that is no list')
  for (const each of unknown as readonly unknown[]) {
    const { no, wireType, data } = isPlainObject(each) ? each : {}
    const isField = Number.isInteger(no) && Number.isInteger(wireType) && data instanceof Uint8Array
    if (!isField) throw new ProtobufRefusal('has a $unknown that was not read')
    out.tag(no as number, wireType as number).raw(data)
  }
}

/** Defaults of proto2 stand behind the value, and every object has a `constructor`. */
function own(value: Message, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}
