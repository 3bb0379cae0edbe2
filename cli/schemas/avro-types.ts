/** Writes the types of TypeScript that values of an Avro schema have. Pure and deterministic. */
import { type AvroEnum, type AvroRecord, type AvroType, branchName } from '../../framework/formats/avro/avro-schema.ts'
import { isWrapped, typeShape } from '../../framework/formats/avro/avro-union.ts'
import { indented, propertyName, quoted } from '../codegen/render/source-text.ts'
import { commentText, TypeNames } from './type-text.ts'

export interface WrittenTypes {
  /** What a value is. */
  readonly root: string
  /** Each exported, in the order in which the schema comes to them. */
  readonly declarations: readonly string[]
}

/** @param rootName for a schema that has no name itself, such as one of a list */
export function avroTypes(schema: AvroType, rootName: string): WrittenTypes {
  const found = namedTypes(schema)
  const names = new TypeNames(found.map(({ name }) => name))
  const writer = new TypeWriter(names)
  const declarations = found.flatMap((type) => writer.declaration(type))
  if (schema.kind === 'record' || schema.kind === 'enum') return { root: names.of(schema.name), declarations }
  const root = names.free(rootName)
  return { root, declarations: [`export type ${root} = ${writer.typeOf(schema)}\n`, ...declarations] }
}

/** Records and enums, each once. */
function namedTypes(schema: AvroType): readonly (AvroRecord | AvroEnum)[] {
  const found = new Set<AvroRecord | AvroEnum>()
  const look = (type: AvroType): void => {
    switch (type.kind) {
      case 'record':
        if (found.has(type)) return
        found.add(type)
        for (const field of type.fields) look(field.type)
        return
      case 'enum':
        found.add(type)
        return
      case 'array':
        look(type.items)
        return
      case 'map':
        look(type.values)
        return
      case 'union':
        for (const branch of type.branches) look(branch)
        return
      default:
    }
  }
  look(schema)
  return [...found]
}

class TypeWriter {
  readonly #names: TypeNames

  constructor(names: TypeNames) {
    this.#names = names
  }

  declaration(type: AvroRecord | AvroEnum): string {
    const name = this.#names.of(type.name)
    const comment = commentText(type.doc)
    if (type.kind === 'enum') return `${comment}export type ${name} = ${type.symbols.map(quoted).join(' | ')}\n`
    const fields = type.fields.map((field) => {
      return `${commentText(field.doc)}readonly ${propertyName(field.name)}: ${this.typeOf(field.type)}\n`
    })
    if (fields.length === 0) return `${comment}export type ${name} = Readonly<Record<string, never>>\n`
    return `${comment}export interface ${name} {\n  ${indented(fields.join('').trimEnd())}\n}\n`
  }

  typeOf(type: AvroType): string {
    switch (type.kind) {
      case 'record':
      case 'enum':
        return this.#names.of(type.name)
      case 'array': {
        const items = this.typeOf(type.items)
        return `readonly ${isComposed(type.items, items) ? `(${items})` : items}[]`
      }
      case 'map':
        return `Readonly<Record<string, ${this.typeOf(type.values)}>>`
      case 'union':
        return this.#union(type.branches)
      default: {
        const shape = typeShape(type)
        return shape === 'object' || shape === undefined ? 'Uint8Array' : shape
      }
    }
  }

  #union(branches: readonly AvroType[]): string {
    const isTold = isWrapped(branches)
    const values = branches.filter(({ kind }) => kind !== 'null')
    const written = values.map((branch) => {
      const text = this.typeOf(branch)
      return isTold ? `{ readonly ${propertyName(branchName(branch))}: ${text} }` : text
    })
    return [...written, ...(values.length < branches.length ? ['null'] : [])].join(' | ')
  }
}

function isComposed(type: AvroType, text: string): boolean {
  return (type.kind === 'union' && text.includes(' | ')) || type.kind === 'array'
}
