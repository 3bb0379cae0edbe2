/** Whether values that were written with one Avro schema can be read with another, by the rules of Avro's specification ("Schema Resolution"). Pure. */
import { type AvroRecord, type AvroType, branchName, type Primitive } from './avro-schema.ts'

const promotions: Partial<Record<Primitive, readonly Primitive[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

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
    case 'primitive': {
      if (writer.kind !== 'primitive') return differs
      const isPromoted = promotions[writer.name]?.includes(reader.name) === true
      if (writer.name !== reader.name && !isPromoted) return differs
      return decimals(reader, writer, path)
    }
    case 'array':
      return writer.kind === 'array' ? compare(reader.items, writer.items, `an item of ${path}`, seen) : differs
    case 'map':
      return writer.kind === 'map' ? compare(reader.values, writer.values, `an entry of ${path}`, seen) : differs
    case 'fixed': {
      const isSame = writer.kind === 'fixed' && isNamed(reader, writer) && reader.size === writer.size
      return isSame ? decimals(reader, writer, path) : differs
    }
    case 'enum': {
      if (writer.kind !== 'enum' || !isNamed(reader, writer)) return differs
      const isNew = (symbol: string) => !reader.symbols.includes(symbol)
      return reader.hasDefault ? [] : writer.symbols.filter(isNew).map((symbol) => `${path} may be ${symbol} now`)
    }
    case 'record':
      return writer.kind === 'record' && isNamed(reader, writer) ? fields(reader, writer, path, seen) : differs
  }
}

function fields(reader: AvroRecord, writer: AvroRecord, path: string, seen: Seen): readonly string[] {
  return reader.fields.flatMap((field) => {
    const at = path === 'the value' ? field.name : `${path}.${field.name}`
    const written =
      writer.fields.find(({ name }) => name === field.name) ??
      writer.fields.find(({ name }) => field.aliases.includes(name))
    if (written !== undefined) return compare(field.type, written.type, at, seen)
    return field.hasDefault ? [] : [`${at} is not written any more, and has no default`]
  })
}

type Scaled = Extract<AvroType, { readonly kind: 'primitive' | 'fixed' }>

/** The scale stands in the schema, not in the value. */
function decimals(reader: Scaled, writer: Scaled, path: string): readonly string[] {
  const [is, was] = [writer.decimal?.scale, reader.decimal?.scale]
  if (is === was) return []
  const text = (scale: number | undefined) => (scale === undefined ? 'no decimal' : `a decimal of scale ${scale}`)
  return [`${path} is ${text(is)} now, and not ${text(was)}`]
}

type Named = { readonly name: string; readonly aliases: readonly string[] }

/** Namespaces do not count, as the specification says. */
function isNamed(reader: Named, writer: Named): boolean {
  const short = (name: string) => name.slice(name.lastIndexOf('.') + 1)
  return short(reader.name) === short(writer.name) || reader.aliases.includes(writer.name)
}

function copied(seen: Seen): Seen {
  return new Map([...seen].map(([reader, writers]) => [reader, new Set(writers)]))
}

function shown(type: AvroType): string {
  return branchName(type)
}
