/**
 * Reads the text of a JSON Schema, drafts 4 to 2020-12, with those that it names, into one schema that TypeBox compiles. What would be checked otherwise than
 * its author has meant is refused in words; what checks nothing (titles, defaults, keywords of others) is left out. Pure.
 */
import type { TSchema } from 'typebox'
import { harmless } from '../model/plain-text.ts'
import { type Resource, SchemaIndex } from './json-schema-index.ts'
import { asksOfSameValue, isObject, type Schema, subschemas } from './json-schema-keywords.ts'
import type { NamedText } from './named-text.ts'

/** Deeper than anybody writes, and far from the end of the stack. */
const MAX_DEPTH = 100

/** What a value must be, said of the value itself. */
const asserted: readonly string[] = [
  ...['const', 'enum', 'format', 'maxLength', 'minLength', 'multipleOf', 'maxItems', 'minItems', 'uniqueItems'],
  ...['maxContains', 'minContains', 'maxProperties', 'minProperties', 'dependentRequired'],
]
/** They depend on how a validator came to a schema: each value would have to be followed with all of its way. */
const unread: readonly string[] = ['$dynamicRef', '$recursiveRef']
/** Of draft 3, which said with them what later drafts say otherwise. */
const old: readonly string[] = ['extends', 'disallow', 'divisibleBy']
const types: readonly unknown[] = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string']

/** @throws Error in words that go on after "the schema cannot be used:" */
export function readJsonSchema(text: string, references: readonly NamedText[]): TSchema {
  return new Reader(text, references).read()
}

interface Place {
  readonly resource: Resource
  readonly path: string
  readonly depth: number
  /** What a reference has led to, and asks of the same value what is here; undefined below a property or an item. */
  readonly asker: string | undefined
}

class Reader {
  readonly #index: SchemaIndex
  /** What references lead to, each under a name of its own. */
  readonly #targets = new Map<object, string>()
  readonly #definitions: Record<string, unknown> = {}
  /** By the name of what a reference leads to: what it asks of the same value by references of its own. */
  readonly #asked = new Map<string, Map<string, string>>()

  constructor(text: string, references: readonly NamedText[]) {
    this.#index = new SchemaIndex(text, references)
  }

  read(): TSchema {
    const { root } = this.#index
    const schema = this.#schema(root.schema, { resource: root, path: '#', depth: 0, asker: undefined })
    this.#refuseEndless()
    if (typeof schema === 'boolean') return schema ? ({} as TSchema) : ({ not: {} } as TSchema)
    return { ...schema, ...(this.#targets.size > 0 && { $defs: this.#definitions }) } as TSchema
  }

  #schema(schema: unknown, at: Place): Schema | boolean {
    if (at.depth > MAX_DEPTH) throw new Error(`${at.path} is more than ${MAX_DEPTH} levels deep`)
    if (typeof schema === 'boolean') return schema
    if (!isObject(schema)) throw new Error(`${at.path} is neither an object nor a boolean`)
    const resource = this.#index.resourceOf(schema) ?? at.resource
    const here = { ...at, resource }
    refuse(schema, at.path)
    const reference = schema.$ref
    if (reference !== undefined && !resource.readsBesideReference) return { $ref: this.#target(reference, here) }
    const read: Record<string, unknown> = {
      ...assertions(schema, at.path),
      ...(reference !== undefined && { $ref: this.#target(reference, here) }),
    }
    for (const { keyword, steps, schema: each } of subschemas(schema)) {
      const path = `${at.path}/${[keyword, ...steps].map(harmless).join('/')}`
      const asker = asksOfSameValue(keyword) ? at.asker : undefined
      place(read, keyword, steps, this.#schema(each, { resource, path, depth: at.depth + 1, asker }), at.path)
    }
    // Says nothing of its own: the lists beside the schemas.
    for (const [name, list] of Object.entries(isObject(schema.dependencies) ? schema.dependencies : {})) {
      if (Array.isArray(list)) place(read, 'dependencies', [name], list, at.path)
    }
    return schema.nullable === true ? { anyOf: [read, { type: 'null' }] } : read
  }

  /** @returns a reference inside of the schema that is made */
  #target(reference: unknown, at: Place): string {
    if (typeof reference !== 'string') throw new Error(`${at.path} has a $ref that is no text`)
    const { schema, resource } = this.#index.find(reference, at.resource, at.path)
    // `true` is the same wherever it stands, and a name is of an object.
    const named = isObject(schema) ? schema : { allOf: [schema] }
    const known = this.#targets.get(named)
    const pointer = known ?? `#/$defs/t${this.#targets.size}`
    if (at.asker !== undefined) this.#asked.get(at.asker)?.set(pointer, at.path)
    if (known !== undefined) return known
    const name = pointer.slice('#/$defs/'.length)
    this.#asked.set(pointer, new Map())
    // Before what it names: it may name itself.
    this.#targets.set(named, pointer)
    this.#definitions[name] = this.#schema(named, {
      resource,
      path: harmless(reference),
      depth: at.depth + 1,
      asker: pointer,
    })
    return pointer
  }

  /** A schema that asks itself about the same value never comes to an answer, as each answer needs the one before. */
  #refuseEndless(): void {
    const ended = new Set<string>()
    const follow = (pointer: string, above: ReadonlySet<string>): void => {
      for (const [next, path] of this.#asked.get(pointer) ?? []) {
        if (next === pointer || above.has(next)) {
          throw new Error(`${path} has a $ref that leads back to it without coming to a part of the value`)
        }
        if (!ended.has(next)) follow(next, new Set([...above, pointer]))
      }
      ended.add(pointer)
    }
    for (const pointer of this.#asked.keys()) if (!ended.has(pointer)) follow(pointer, new Set())
  }
}

function refuse(schema: Schema, path: string): void {
  const foreign = unread.find((keyword) => keyword in schema)
  if (foreign !== undefined) throw new Error(`${path} has ${foreign}, which is not read here: write $ref`)
  const ofDraft3 = old.find((keyword) => keyword in schema)
  if (ofDraft3 !== undefined)
    throw new Error(`${path} has ${ofDraft3}, which is of draft 3: drafts 4 to 2020-12 are read`)
}

function assertions(schema: Schema, path: string): Record<string, unknown> {
  const read: Record<string, unknown> = {}
  for (const keyword of asserted) if (keyword in schema) read[keyword] = schema[keyword]
  const { type, required, pattern } = schema
  if (type !== undefined) {
    const named: readonly unknown[] = Array.isArray(type) ? type : [type]
    const other = named.find((each) => !types.includes(each))
    if (other !== undefined || named.length === 0) {
      throw new Error(
        `${path} has the type ${harmless(JSON.stringify(other) ?? '[]')}, which JSON Schema does not know`,
      )
    }
    read.type = type
  }
  if (required !== undefined) {
    if (!Array.isArray(required) || !required.every((each) => typeof each === 'string')) {
      throw new Error(`${path} has \`required\` that is no list of names`)
    }
    read.required = required
  }
  if (pattern !== undefined) read.pattern = patternOf(pattern, path)
  return { ...read, ...bounds(schema) }
}

/** In draft 4, what is exclusive is a boolean beside the bound. */
function bounds(schema: Schema): Schema {
  const read: Record<string, unknown> = {}
  for (const [bound, exclusive] of [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ] as const) {
    const isExclusive = schema[exclusive] === true
    if (bound in schema) read[isExclusive ? exclusive : bound] = schema[bound]
    if (typeof schema[exclusive] === 'number') read[exclusive] = schema[exclusive]
  }
  return read
}

/** Patterns of others escape what needs none in JavaScript, which takes that for a mistake. */
function patternOf(pattern: unknown, path: string): string {
  if (typeof pattern !== 'string') throw new Error(`${path} has a pattern that is no text`)
  const read = [pattern, pattern.replaceAll(/\\([!"#%&',:;<=>@_`~ ])|(\\[\s\S])/g, '$1$2')].find(isPattern)
  if (read !== undefined) return read
  throw new Error(`${path} has the pattern ${harmless(pattern)}, which is none in JavaScript (with its flag u)`)
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') !== undefined
  } catch {
    return false
  }
}

/** Puts a part of a schema where it stands. */
function place(
  schema: Record<string, unknown>,
  keyword: string,
  steps: readonly string[],
  part: unknown,
  path: string,
): void {
  const [step] = steps
  if (step === undefined) {
    schema[keyword] = part
  } else if (isListOf(keyword)) {
    schema[keyword] = [...((schema[keyword] as readonly unknown[] | undefined) ?? []), part]
  } else {
    const name = keyword === 'patternProperties' ? patternOf(step, path) : step
    const named = (schema[keyword] ?? {}) as Readonly<Record<string, unknown>>
    schema[keyword] = Object.defineProperty({ ...named }, name, own(part))
  }
}

/** `__proto__` is a name like others. */
function own(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, writable: true, configurable: true }
}

function isListOf(keyword: string): boolean {
  return ['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items'].includes(keyword)
}
