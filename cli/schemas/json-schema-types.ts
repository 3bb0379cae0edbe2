/**
 * Writes the types of TypeScript that values of a JSON Schema have, drafts 4 to 2020-12, with what comments can say of them. What neither can say (`not`,
 * `if`, `dependentRequired`, ...) is left out: more values have the type than the schema allows. Fewer have it in two cases: keywords of one type without
 * that type stand for it, and a `format` is checked. Pure and deterministic.
 */
import { unescaped } from '../../framework/formats/json-schema-index.ts'
import type { NamedText } from '../../framework/formats/named-text.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import { harmless } from '../../framework/model/plain-text.ts'
import { indented, propertyName, scalar } from '../codegen/render/source-text.ts'
import { constraintTags, readDocTags } from '../codegen/schema/doc-tags.ts'
import type { WrittenTypes } from './avro-types.ts'
import { commentText, pascal, TypeNames } from './type-text.ts'

/** Deeper than anybody writes, and far from the end of the stack. */
const MAX_DEPTH = 100

/**
 * @param rootName for a schema without a title
 * @throws PyrallelError PYR_SCHEMA_REFUSED for what is no JSON Schema, or names what is not there
 */
export function jsonSchemaTypes(
  text: string,
  references: readonly NamedText[],
  subject: string,
  rootName: string,
): WrittenTypes {
  return new TypeWriter(text, references, subject).write(rootName)
}

type Schema = Readonly<Record<string, unknown>>

/** One text; pointers are looked up in it. */
interface SchemaDocument {
  readonly names: readonly string[]
  readonly root: unknown
}

interface Place {
  readonly document: SchemaDocument
  readonly path: string
  readonly depth: number
}

/** A type as it is written, and whether it needs brackets among others. */
interface Written {
  readonly text: string
  readonly isComposed: boolean
}

const anything: Written = { text: 'unknown', isComposed: false }
const nothing: Written = { text: 'never', isComposed: false }
/** The types of JSON, in the order in which they are written where a schema names none. */
const typeKeywords: Readonly<Record<string, readonly string[]>> = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  object: ['properties', 'required', 'additionalProperties', 'patternProperties'],
}

class TypeWriter {
  readonly #subject: string
  readonly #documents: readonly SchemaDocument[]
  readonly #types = new TypeNames([])
  /** By the schema itself: what is named twice is written once. */
  readonly #named = new Map<unknown, string>()
  readonly #declarations = new Map<string, string>()

  constructor(text: string, references: readonly NamedText[], subject: string) {
    this.#subject = subject
    this.#documents = [{ name: '', text }, ...references].map((each) => {
      const root = this.#parsed(each.text, each.name === '' ? 'the schema' : each.name)
      const ids = isObject(root) ? [root.$id, root.id].filter((id) => typeof id === 'string') : []
      return { names: [each.name, ...ids.map(withoutFragment)], root }
    })
  }

  write(rootName: string): WrittenTypes {
    const [document] = this.#documents
    if (document === undefined) throw this.#refusal('the schema', 'is not there')
    const root = this.#declare(document.root, rootName, { document, path: 'the schema', depth: 0 })
    return { root, declarations: [...this.#declarations.values()] }
  }

  /** @returns its name */
  #declare(schema: unknown, hint: string, at: Place): string {
    const known = this.#named.get(schema)
    if (known !== undefined) return known
    const title = isObject(schema) && typeof schema.title === 'string' ? schema.title : hint
    const name = this.#types.free(pascal(/[A-Za-z]/.test(title) ? title : hint))
    // `true` and `false` are the same wherever they stand.
    if (isObject(schema)) this.#named.set(schema, name)
    // Before what it names, so that the first one is the value itself.
    this.#declarations.set(name, '')
    const { text, isComposed } = this.#type(schema, at)
    const comment = commentOf(schema)
    const isPlain = text.startsWith('{') && !isComposed
    this.#declarations.set(
      name,
      `${comment}${isPlain ? `export interface ${name} ${text}` : `export type ${name} = ${text}`}\n`,
    )
    return name
  }

  #type(schema: unknown, at: Place): Written {
    if (at.depth > MAX_DEPTH) throw this.#refusal(at.path, `is more than ${MAX_DEPTH} levels deep`)
    if (schema === true) return anything
    if (schema === false) return nothing
    if (!isObject(schema)) throw this.#refusal(at.path, 'is neither an object nor a boolean')
    if (typeof schema.$ref === 'string') return this.#reference(schema.$ref, at)
    const parts = [
      this.#own(schema, at),
      ...list(schema.allOf).map((each, index) => this.#type(each, below(at, `allOf/${index}`))),
      ...(['anyOf', 'oneOf'] as const).flatMap((keyword) => {
        if (!Array.isArray(schema[keyword])) return []
        return [union(list(schema[keyword]).map((each, index) => this.#type(each, below(at, `${keyword}/${index}`))))]
      }),
    ]
    const whole = intersection(parts)
    return schema.nullable === true && whole !== anything ? union([whole, { text: 'null', isComposed: false }]) : whole
  }

  /** What a schema says without those that it names. */
  #own(schema: Schema, at: Place): Written {
    if ('const' in schema) return { text: literal(schema.const), isComposed: false }
    if (Array.isArray(schema.enum))
      return union(schema.enum.map((each) => ({ text: literal(each), isComposed: false })))
    const types = typeof schema.type === 'string' ? [schema.type] : list(schema.type)
    return types.length === 0 ? this.#untyped(schema, at) : union(types.map((type) => this.#ofType(type, schema, at)))
  }

  /** Keywords count for values of their type only; that others are allowed is hardly ever meant, where all are of one. */
  #untyped(schema: Schema, at: Place): Written {
    const has = Object.entries(typeKeywords).filter(([, keywords]) => keywords.some((keyword) => keyword in schema))
    const [only, another] = has
    if (only === undefined || another !== undefined) return anything
    const [type] = only
    if (type === 'object' && !('properties' in schema)) return anything
    return type === 'object' || type === 'array' ? this.#ofType(type, schema, at) : anything
  }

  #ofType(type: unknown, schema: Schema, at: Place): Written {
    switch (type) {
      case 'string':
      case 'number':
      case 'boolean':
      case 'null':
        return { text: type, isComposed: false }
      case 'integer':
        return { text: this.#integer(), isComposed: false }
      case 'array':
        return this.#array(schema, at)
      case 'object':
        return this.#object(schema, at)
      default:
        throw this.#refusal(at.path, `has the type ${harmless(String(type))}, which JSON Schema does not know`)
    }
  }

  #integer(): string {
    const key = 'integer'
    const known = this.#named.get(key)
    if (known !== undefined) return known
    const name = this.#types.free('Integer')
    this.#named.set(key, name)
    this.#declarations.set(name, `/** @multipleOf 1 */\nexport type ${name} = number\n`)
    return name
  }

  #array(schema: Schema, at: Place): Written {
    const tuple = Array.isArray(schema.prefixItems) ? schema.prefixItems : schema.items
    if (!Array.isArray(tuple)) {
      const { items = true } = schema
      return { text: `readonly ${bracketed(this.#type(items, below(at, 'items')))}[]`, isComposed: true }
    }
    const isOld = tuple === schema.items
    const rest = (isOld ? schema.additionalItems : schema.items) ?? true
    const least = typeof schema.minItems === 'number' ? schema.minItems : 0
    const elements = tuple.map((each, index) => {
      const written = this.#type(each, below(at, `${isOld ? 'items' : 'prefixItems'}/${index}`))
      return index < least ? written.text : `${bracketed(written)}?`
    })
    const more = this.#type(rest, below(at, isOld ? 'additionalItems' : 'items'))
    const ending = more === nothing ? [] : [`...${bracketed(more)}[]`]
    return { text: `readonly [${[...elements, ...ending].join(', ')}]`, isComposed: true }
  }

  #object(schema: Schema, at: Place): Written {
    const properties = isObject(schema.properties) ? schema.properties : {}
    const required = list(schema.required).filter((each) => typeof each === 'string')
    const names = [...Object.keys(properties), ...required.filter((name) => !Object.hasOwn(properties, name))]
    if (names.length === 0) {
      const { additionalProperties: rest = true, patternProperties } = schema
      const hasPatterns = isObject(patternProperties) && Object.keys(patternProperties).length > 0
      const values = hasPatterns ? anything : this.#type(rest, below(at, 'additionalProperties'))
      return { text: `Readonly<Record<string, ${values.text}>>`, isComposed: false }
    }
    const fields = [...new Set(names)].map((name) => {
      const own = Object.hasOwn(properties, name) ? properties[name] : true
      const path = below(at, `properties/${name}`)
      const { text } = hasTitle(own) ? { text: this.#declare(own, name, path) } : this.#type(own, path)
      // Of what has a name, the comment stands there.
      const comment = hasTitle(own) ? '' : commentOf(own)
      return `${comment}readonly ${propertyName(name)}${required.includes(name) ? '' : '?'}: ${text}\n`
    })
    return { text: `{\n  ${indented(fields.join('').trimEnd())}\n}`, isComposed: false }
  }

  #reference(reference: string, at: Place): Written {
    const [address = '', fragment = ''] = reference.split('#')
    const document = address === '' ? at.document : this.#documentAt(address, at)
    const { schema, hint } = this.#within(document, fragment, reference, at)
    return {
      text: this.#declare(schema, hint, { document, path: harmless(reference), depth: at.depth + 1 }),
      isComposed: false,
    }
  }

  /** By its name as the registry has it, or by its address, which may be written in short. */
  #documentAt(address: string, at: Place): SchemaDocument {
    const base = at.document.names.find((name) => URL.canParse(name))
    const whole = base !== undefined && URL.canParse(address, base) ? new URL(address, base).href : address
    const found = this.#documents.find(({ names }) => names.includes(address) || names.includes(whole))
    if (found === undefined)
      throw this.#refusal(at.path, `names ${harmless(address)}, which is not among its references`)
    return found
  }

  #within(
    document: SchemaDocument,
    fragment: string,
    reference: string,
    at: Place,
  ): { readonly schema: unknown; readonly hint: string } {
    const missing = this.#refusal(at.path, `names ${harmless(reference)}, which is not there`)
    if (fragment === '') return { schema: document.root, hint: 'Value' }
    if (!fragment.startsWith('/')) {
      const schema = anchored(document.root, fragment, 0)
      if (schema === undefined) throw missing
      return { schema, hint: fragment }
    }
    let schema: unknown = document.root
    const steps = fragment.slice(1).split('/').map(unescaped)
    for (const step of steps) {
      if (typeof schema !== 'object' || schema === null || !Object.hasOwn(schema, step)) throw missing
      schema = (schema as Schema)[step]
    }
    return { schema, hint: steps.at(-1) ?? 'Value' }
  }

  #parsed(text: string, what: string): unknown {
    try {
      return JSON.parse(text)
    } catch {
      throw this.#refusal(harmless(what), 'is no JSON')
    }
  }

  #refusal(path: string, what: string): PyrallelError {
    const facts = `The schema of ${harmless(this.#subject)} cannot be read: ${path} ${what}`
    return new PyrallelError('PYR_SCHEMA_REFUSED', `${facts}. Register a version that JSON Schema allows.`)
  }
}

/** What it says of itself, and constraints that the generator checks values for. */
function commentOf(schema: unknown): string {
  if (!isObject(schema) || typeof schema.$ref === 'string') return ''
  const description = typeof schema.description === 'string' ? schema.description.trim() : null
  const tags: string[] = []
  for (const tag of tagsOf(schema)) {
    // The generator refuses what it cannot check, and what contradicts itself.
    if (/[\n\r]|\*\//.test(tag)) continue
    const { mistakes, warnings } = readDocTags(`/**\n * ${[...tags, tag].join('\n * ')}\n */`)
    if (mistakes.length === 0 && warnings.length === 0) tags.push(tag)
  }
  return commentText(description, tags)
}

/** Of a value that is of one type, or null. */
function tagsOf(schema: Schema): readonly string[] {
  const types = (typeof schema.type === 'string' ? [schema.type] : list(schema.type)).filter((type) => type !== 'null')
  const [type] = types
  if (types.length !== 1 || 'const' in schema || 'enum' in schema) return []
  const owner = type === 'integer' ? 'number' : type
  return Object.entries(constraintTags).flatMap(([tag, of]) => {
    if (of !== owner) return []
    const value = bound(schema, tag)
    return typeof value === 'number' || typeof value === 'string' ? [`@${tag} ${value}`] : []
  })
}

/** In draft 4, what is exclusive is a boolean beside the bound. */
function bound(schema: Schema, tag: string): unknown {
  if (tag === 'minimum' || tag === 'maximum') {
    const exclusive = tag === 'minimum' ? schema.exclusiveMinimum : schema.exclusiveMaximum
    return exclusive === true ? undefined : schema[tag]
  }
  if (tag === 'exclusiveMinimum' && schema[tag] === true) return schema.minimum
  if (tag === 'exclusiveMaximum' && schema[tag] === true) return schema.maximum
  return schema[tag]
}

function union(types: readonly Written[]): Written {
  if (types.some((type) => type.text === 'unknown')) return anything
  const texts = [...new Set(types.filter((type) => type.text !== 'never').map(({ text }) => text))]
  const [only] = texts
  if (only === undefined) return nothing
  return texts.length === 1
    ? (types.find(({ text }) => text === only) ?? anything)
    : { text: texts.map((text) => (text.includes(' & ') ? `(${text})` : text)).join(' | '), isComposed: true }
}

function intersection(types: readonly Written[]): Written {
  const known = types.filter((type) => type.text !== 'unknown')
  const [only] = known
  if (only === undefined) return anything
  if (known.length === 1) return only
  return { text: [...new Set(known.map(bracketed))].join(' & '), isComposed: true }
}

function bracketed({ text, isComposed }: Written): string {
  return isComposed ? `(${text})` : text
}

/** A value of JSON as a type. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `readonly [${value.map(literal).join(', ')}]`
  if (isObject(value)) {
    const fields = Object.entries(value).map(([name, each]) => `readonly ${propertyName(name)}: ${literal(each)}`)
    return fields.length === 0 ? 'Readonly<Record<string, unknown>>' : `{ ${fields.join('; ')} }`
  }
  return value === null ? 'null' : scalar(value as string | number | boolean)
}

/** The schema that has the anchor: `$anchor`, or in older drafts an `$id` that begins with `#`. */
function anchored(schema: unknown, anchor: string, depth: number): Schema | undefined {
  if (typeof schema !== 'object' || schema === null || depth > MAX_DEPTH) return undefined
  const { $anchor, $id, id } = schema as Schema
  if ($anchor === anchor || $id === `#${anchor}` || id === `#${anchor}`) return schema as Schema
  for (const each of Object.values(schema)) {
    const found = anchored(each, anchor, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

/** An object that somebody gave a name. */
function hasTitle(schema: unknown): boolean {
  return isObject(schema) && typeof schema.title === 'string' && schema.type === 'object' && 'properties' in schema
}

function below(at: Place, step: string): Place {
  return { ...at, path: `${at.path}/${harmless(step)}`, depth: at.depth + 1 }
}

function withoutFragment(address: string): string {
  return address.split('#')[0] ?? ''
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
