/** Writes the types of TypeScript that values of a Protobuf message have, in the shape of @bufbuild/protobuf, without importing it. Pure and deterministic. */
import type { DescEnum, DescField, DescMessage, DescOneof } from '@bufbuild/protobuf'
import { indented, propertyName, quoted } from '../codegen/render/source-text.ts'
import type { WrittenTypes } from './avro-types.ts'
import { type Commented, protobufComment } from './protobuf-comments.ts'
import { commentText, TypeNames } from './type-text.ts'

/** Of descriptors, where each kind of value has one. */
const scalars: Readonly<Record<number, string>> = {
  1: 'number',
  2: 'number',
  3: 'bigint',
  4: 'bigint',
  5: 'number',
  6: 'bigint',
  7: 'number',
  8: 'boolean',
  9: 'string',
  12: 'Uint8Array',
  13: 'number',
  15: 'number',
  16: 'bigint',
  17: 'number',
  18: 'bigint',
}
/** Fields of these hold the value itself, where nothing else says whether there is one. */
const wrappers: ReadonlySet<string> = new Set(
  ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'].map(
    (kind) => `google.protobuf.${kind}Value`,
  ),
)
const IMPLICIT = 2
const REQUIRED = 3

/** @param constant what else the file declares */
export function protobufTypes(message: DescMessage, constant: string): WrittenTypes {
  const found = namedTypes(message)
  const names = new TypeNames(
    found.map(({ typeName }) => typeName),
    [constant],
  )
  const writer = new TypeWriter(names)
  const written = found.map((type) => (type.kind === 'enum' ? writer.enum(type) : writer.message(type)))
  return { root: names.of(message.typeName), declarations: [...written, ...writer.common()] }
}

/** Messages and enums, each once, in the order in which the message comes to them. */
function namedTypes(message: DescMessage): readonly (DescMessage | DescEnum)[] {
  const found = new Set<DescMessage | DescEnum>()
  const open: (DescMessage | DescEnum)[] = [message]
  for (let type = open.shift(); type !== undefined; type = open.shift()) {
    if (found.has(type)) continue
    found.add(type)
    if (type.kind === 'enum') continue
    const named = type.fields.flatMap((field): readonly (DescMessage | DescEnum)[] => {
      if (field.enum !== undefined) return [field.enum]
      return field.message === undefined || plainType(field, field.message) !== undefined ? [] : [field.message]
    })
    open.unshift(...named)
  }
  return [...found]
}

/** What a field holds in place of a message; `undefined` where it holds the message. */
function plainType(field: DescField, message: DescMessage): 'JsonObject' | 'value' | undefined {
  const { typeName } = message
  if (typeName === 'google.protobuf.Struct') {
    return field.parent.typeName === 'google.protobuf.Value' ? undefined : 'JsonObject'
  }
  return field.fieldKind === 'message' && field.oneof === undefined && wrappers.has(typeName) ? 'value' : undefined
}

class TypeWriter {
  readonly #names: TypeNames
  readonly #unknownField: string
  #json: { readonly object: string; readonly value: string } | undefined

  constructor(names: TypeNames) {
    this.#names = names
    this.#unknownField = names.free('UnknownField')
  }

  message(type: DescMessage): string {
    const members = type.members.map((member) => {
      return `${this.#comment(member)}${member.kind === 'oneof' ? this.#oneof(member) : this.#field(member)}\n`
    })
    const own = [
      `readonly $typeName?: ${quoted(type.typeName)}\n`,
      `readonly $unknown?: readonly ${this.#unknownField}[] | undefined\n`,
    ]
    const body = indented([...own, ...members].join('').trimEnd())
    return `${this.#comment(type)}export interface ${this.#names.of(type.typeName)} {\n  ${body}\n}\n`
  }

  /** Numbers: a writer may know more of them than this schema. */
  enum(type: DescEnum): string {
    const name = this.#names.of(type.typeName)
    const values = type.values.map(
      (value) => `${this.#comment(value)}${propertyName(value.localName)}: ${value.number},\n`,
    )
    const body = indented(values.join('').trimEnd())
    return `${this.#comment(type)}export const ${name} = {\n  ${body}\n} as const\nexport type ${name} = number\n`
  }

  /** What is not of one message. */
  common(): readonly string[] {
    const unknown = `/** A field that the schema does not have: it is kept, and written again. */
export interface ${this.#unknownField} {
  readonly no: number
  readonly wireType: number
  readonly data: Uint8Array
}
`
    if (this.#json === undefined) return [unknown]
    const { object, value } = this.#json
    return [
      unknown,
      `export interface ${object} {\n  readonly [name: string]: ${value}\n}\n`,
      `export type ${value} = string | number | boolean | null | ${object} | readonly ${value}[]\n`,
    ]
  }

  /** Of proto2, a field that may be left out may be left out: reading gives its default. */
  #field(field: DescField): string {
    const name = propertyName(field.localName)
    switch (field.fieldKind) {
      case 'list':
        return `readonly ${name}: readonly ${this.#valueType(field)}[]`
      case 'map':
        return `readonly ${name}: Readonly<Record<${keyType(field.mapKey)}, ${this.#valueType(field)}>>`
      default: {
        const isSet = field.presence === IMPLICIT || field.presence === REQUIRED
        return `readonly ${name}${isSet ? '' : '?'}: ${this.#valueType(field)}${isSet ? '' : ' | undefined'}`
      }
    }
  }

  #oneof({ localName, fields }: DescOneof): string {
    const cases = fields.map((field) => {
      return `\n  | { readonly case: ${quoted(field.localName)}; readonly value: ${this.#valueType(field)} }`
    })
    const none = '\n  | { readonly case: undefined; readonly value?: undefined }'
    return `readonly ${propertyName(localName)}:${cases.join('')}${none}`
  }

  /** Of a map or a list, that of what is in it. */
  #valueType(field: DescField): string {
    if (field.enum !== undefined) return this.#names.of(field.enum.typeName)
    if (field.message === undefined) return scalarType(field)
    const { message } = field
    const plain = plainType(field, message)
    if (plain === 'JsonObject') return this.#jsonObject()
    const [only] = message.fields
    return plain === undefined || only === undefined ? this.#names.of(message.typeName) : scalarType(only)
  }

  #jsonObject(): string {
    this.#json ??= { object: this.#names.free('JsonObject'), value: this.#names.free('JsonValue') }
    return this.#json.object
  }

  #comment(of: Commented): string {
    return commentText(protobufComment(of), of.deprecated ? ['@deprecated'] : [])
  }
}

function scalarType(field: DescField): string {
  if ('longAsString' in field && field.longAsString) return 'string'
  return scalars[field.scalar ?? 0] ?? 'unknown'
}

/** A property's name is a text; the library has numbers where all keys fit one. */
function keyType(key: number): string {
  return scalars[key] === 'number' ? 'number' : 'string'
}
