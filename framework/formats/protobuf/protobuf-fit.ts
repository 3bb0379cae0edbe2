/** Says whether what was written with one message can be read with another: the same numbers must mean the same. Reads no value. */
import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf'
import { fieldType as type } from './proto-file.ts'

/** What a written type may be read as, beside itself: whatever it holds, the value stays what it was. */
const wider: Readonly<Record<number, readonly number[]>> = {
  [type.int32]: [type.int64],
  [type.uint32]: [type.uint64, type.int64],
  [type.sint32]: [type.sint64],
  [type.string]: [type.bytes],
}

const OWN_TYPES = 'google.protobuf.'

/** @throws Error with the first field that does not fit. Fields with a number that only one of them has are passed over */
export function checkFit(written: DescMessage, wanted: DescMessage): void {
  const above = new Map<DescMessage, Set<DescMessage>>()
  /** Many fields may be of one enum. */
  const enums = new Map<DescEnum, Map<DescEnum, string | undefined>>()
  const movedIn = (from: DescEnum, to: DescEnum): string | undefined => {
    const seen = enums.get(from) ?? new Map<DescEnum, string | undefined>()
    enums.set(from, seen)
    if (!seen.has(to)) seen.set(to, movedValue(from, to))
    return seen.get(to)
  }
  const checkMessages = (from: DescMessage, to: DescMessage): void => {
    const seen = above.get(from) ?? new Set()
    above.set(from, seen)
    if (seen.has(to)) return
    seen.add(to)
    const numbers = new Map(from.fields.map((field) => [field.number, field]))
    checkOneofs(numbers, to)
    for (const field of to.fields) {
      const other = numbers.get(field.number)
      if (other !== undefined) checkFields(other, field)
    }
  }
  const checkFields = (from: DescField, to: DescField): void => {
    const fault = (why: string) => new Error(`${to.parent.typeName}.${to.name} (${to.number}) ${why}`)
    const [was, is] = [cardinality(from), cardinality(to)]
    if (was !== is) throw fault(`was written as ${was}, and ${is} is wanted`)
    if (from.fieldKind === 'map' && to.fieldKind === 'map' && from.mapKey !== to.mapKey) {
      throw fault(`was written with keys of ${scalarName(from.mapKey)}, and ${scalarName(to.mapKey)} is wanted`)
    }
    if (from.message !== undefined && to.message !== undefined) {
      const isOwn = [from, to].some(({ message }) => message?.typeName.startsWith(OWN_TYPES))
      if (isOwn ? from.message.typeName !== to.message.typeName : isDelimited(from) !== isDelimited(to)) {
        throw fault(`was written as ${typeName(from)}, and ${typeName(to)} is wanted`)
      }
      if (!isOwn) checkMessages(from.message, to.message)
    } else if (from.enum !== undefined && to.enum !== undefined) {
      const moved = movedIn(from.enum, to.enum)
      if (moved !== undefined) throw fault(`was written with another number for ${moved}`)
    } else if (!isScalarFit(from, to)) throw fault(`was written as ${typeName(from)}, and ${typeName(to)} is wanted`)
  }
  checkMessages(written, wanted)
}

/** Fields that could all be set, and of which a oneof would keep the last one only. */
function checkOneofs(from: ReadonlyMap<number, DescField>, to: DescMessage): void {
  for (const oneof of to.oneofs) {
    const were = oneof.fields.flatMap(({ number }) => from.get(number) ?? [])
    const [first] = were
    if (were.length > 1 && were.some((field) => field.oneof === undefined || field.oneof !== first?.oneof)) {
      throw new Error(`${to.typeName}.${oneof.name} was written as fields that do not exclude each other`)
    }
  }
}

function isScalarFit(from: DescField, to: DescField): boolean {
  if (from.message !== undefined || to.message !== undefined) return false
  // Numbers of an enum are those of int32.
  const [was, is] = [from.scalar ?? type.int32, to.scalar ?? type.int32]
  if (to.enum !== undefined && from.scalar !== undefined) return to.enum.open && from.scalar === type.int32
  return was === is || (wider[was] ?? []).includes(is)
}

function movedValue(from: DescEnum, to: DescEnum): string | undefined {
  const numbers = new Map(from.values.map(({ name, number }) => [name, number]))
  return to.values.find(({ name, number }) => (numbers.get(name) ?? number) !== number)?.name
}

function cardinality({ fieldKind }: DescField): string {
  return fieldKind === 'list' ? 'a list' : fieldKind === 'map' ? 'a map' : 'a single value'
}

function isDelimited(field: DescField): boolean {
  return 'delimitedEncoding' in field && field.delimitedEncoding === true
}

function typeName(field: DescField): string {
  if (field.message !== undefined) return `${isDelimited(field) ? 'group ' : ''}${field.message.typeName}`
  return field.enum?.typeName ?? scalarName(field.scalar)
}

function scalarName(scalar: number | undefined): string {
  return Object.entries(type).find(([, number]) => number === scalar)?.[0] ?? 'nothing'
}
