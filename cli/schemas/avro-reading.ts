/** Whether values that were written with one Avro schema can be read with another, by the rules of Avro's specification ("Schema Resolution"). Pure. */
import { hasName, promotions } from '../../framework/formats/avro/avro-reader.ts'
import {
  type AvroFixed,
  type AvroPrimitive,
  type AvroRecord,
  type AvroType,
  branchName,
  type Logical,
} from '../../framework/formats/avro/avro-schema.ts'

/** Why not, each with its place; none where all values can be read. */
export function unreadable(reader: AvroType, writer: AvroType): readonly string[] {
  return compare(reader, writer, 'the value', new Map())
}

/** Pairs that are compared already: a record may contain itself. */
type Seen = Map<AvroType, Set<AvroType>>

function compare(reader: AvroType, writer: AvroType, path: string, seen: Seen): readonly string[] {
  const with_ = seen.get(reader) ?? new Set()
  if (with_.has(writer)) return []
  seen.set(reader, with_.add(writer))
  if (writer.kind === 'union') {
    return writer.branches.flatMap((branch) => compare(reader, branch, path, seen))
  }
  if (reader.kind === 'union') {
    const fits = reader.branches.some((branch) => compare(branch, writer, path, copied(seen)).length === 0)
    return fits
      ? []
      : [`${path} may be ${shown(writer)} now, which is none of ${reader.branches.map(shown).join(', ')}`]
  }
  const differs = [`${path} is ${shown(writer)} now, and not ${shown(reader)}`]
  switch (reader.kind) {
    case 'array':
      return writer.kind === 'array' ? compare(reader.items, writer.items, `an item of ${path}`, seen) : differs
    case 'map':
      return writer.kind === 'map' ? compare(reader.values, writer.values, `an entry of ${path}`, seen) : differs
    case 'fixed': {
      const isSame = writer.kind === 'fixed' && hasName(reader, writer.name) && reader.size === writer.size
      return isSame ? logicals(reader, writer, path) : differs
    }
    case 'enum': {
      if (writer.kind !== 'enum' || !hasName(reader, writer.name)) return differs
      const isNew = (symbol: string) => !reader.symbols.includes(symbol)
      return reader.default !== undefined
        ? []
        : writer.symbols.filter(isNew).map((symbol) => `${path} may be ${symbol} now`)
    }
    case 'record':
      return writer.kind === 'record' && hasName(reader, writer.name) ? fields(reader, writer, path, seen) : differs
    default: {
      const isPromoted = promotions[writer.kind]?.includes(reader.kind) === true
      if (writer.kind === reader.kind || isPromoted) return logicals(reader, writer as AvroPrimitive, path)
      return differs
    }
  }
}

function fields(reader: AvroRecord, writer: AvroRecord, path: string, seen: Seen): readonly string[] {
  return reader.fields.flatMap((field) => {
    const at = path === 'the value' ? field.name : `${path}.${field.name}`
    const written =
      writer.fields.find(({ name }) => name === field.name) ??
      writer.fields.find(({ name }) => field.aliases.includes(name))
    if (written !== undefined) return compare(field.type, written.type, at, seen)
    return field.default !== undefined ? [] : [`${at} is not written, and has no default`]
  })
}

/** What the bytes mean stands in the schema, not in the value. */
function logicals(
  reader: AvroPrimitive | AvroFixed,
  writer: AvroPrimitive | AvroFixed,
  path: string,
): readonly string[] {
  const [is, was] = [writer.logical, reader.logical]
  const isRaw = is === undefined || was === undefined
  // A time may be read as the number that it is, and a number as a time. A decimal's digits are none without its scale.
  if (isRaw ? (is ?? was)?.name !== 'decimal' : is.name === was.name && is.scale === was.scale) return []
  return [`${path} is ${meaningOf(is)} now, and not ${meaningOf(was)}`]
}

function meaningOf(logical: Logical | undefined): string {
  if (logical === undefined) return 'no decimal'
  return logical.name === 'decimal' ? `a decimal of scale ${logical.scale}` : logical.name
}

function copied(seen: Seen): Seen {
  return new Map([...seen].map(([reader, writers]) => [reader, new Set(writers)]))
}

function shown(type: AvroType): string {
  return branchName(type)
}
