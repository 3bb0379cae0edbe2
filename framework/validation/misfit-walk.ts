/** One walk through a value that a schema refuses, down to the first few mistakes. What is right is checked and not entered. */
import type { TSchema } from 'typebox'
import type { TLocalizedValidationError } from 'typebox/error'
import type { SchemaPart } from './schema-part.ts'

/** TypeBox is asked about all of a value where it has no more parts than this: some 5 ms. */
const MAX_PARTS = 10_000

/** What TypeBox says of one of these it says of every value. `untold`: that a value is wrong, and not why. */
export type Sampled = 'additionalProperties' | 'anyOf' | 'oneOf' | 'uniqueItems' | 'untold'

const isUnique: TSchema = { uniqueItems: true }

export interface SchemaView {
  readonly part: (schema: TSchema) => SchemaPart
  /** By a compiled check. */
  readonly isRight: (schema: TSchema, value: unknown) => boolean
  /** TypeBox's own. */
  readonly errors: (schema: TSchema, value: unknown) => readonly TLocalizedValidationError[]
  readonly told: (keyword: Sampled) => TLocalizedValidationError
  readonly target: (reference: string) => TSchema | undefined
  /** Mistakes. */
  readonly most: number
  /** Of the value. */
  readonly maxLevels: number
}

interface Place {
  /** Pointers into the value, and into the schema as it is followed. */
  readonly instance: string
  readonly schema: string
  readonly level: number
}

interface Keywords {
  readonly properties?: Readonly<Record<string, TSchema>>
  readonly additionalProperties?: TSchema
  readonly items?: TSchema | readonly TSchema[]
  readonly additionalItems?: TSchema
  readonly prefixItems?: readonly TSchema[]
  readonly uniqueItems?: boolean
  readonly $ref?: string
  readonly allOf?: readonly TSchema[]
  readonly anyOf?: readonly TSchema[]
  readonly oneOf?: readonly TSchema[]
}

type Properties = Readonly<Record<string, unknown>>

export class MisfitWalk {
  readonly #view: SchemaView
  readonly #found: TLocalizedValidationError[] = []

  constructor(view: SchemaView) {
    this.#view = view
  }

  /** The unions in which mistakes stand come on top of the first few. */
  get found(): readonly TLocalizedValidationError[] {
    return this.#found
  }

  get #isDone(): boolean {
    return this.#found.length >= this.#view.most
  }

  /** @param value one that the schema refuses */
  lookInto(schema: TSchema, value: unknown, at: Place): void {
    if (this.#isDone) return
    if (at.level > this.#view.maxLevels) throw new RangeError('it is nested too deeply')
    const part = this.#view.part(schema)
    if (part.kind === 'followed') this.#follow(schema, part, value, at)
    else if (part.kind === 'plain' || (part.kind === 'rare' && !isLarge(value))) this.#ask(schema, value, at)
    else this.#askBriefly(part, value, at)
  }

  /** Where TypeBox would take too long for all of it. */
  #askBriefly(part: SchemaPart, value: unknown, at: Place): void {
    const before = this.#found.length
    this.#ask(part.early, value, at)
    this.#ask(part.late, value, at)
    if (this.#found.length === before) this.#add('untold', at)
  }

  #follow(schema: TSchema, part: SchemaPart, value: unknown, at: Place): void {
    const before = this.#found.length
    this.#askIfWrong(part.early, value, at)
    if (Array.isArray(value)) this.#lookIntoItems(schema, value, at)
    else if (isObject(value)) this.#lookIntoProperties(schema, part, value, at)
    this.#askIfWrong(part.late, value, at)
    if (Array.isArray(value)) this.#lookIntoList(schema, value, at)
    this.#lookIntoFurther(schema, value, at)
    if (this.#found.length === before) this.#ask(part.refinement, value, at)
  }

  #lookIntoProperties(schema: Keywords, { patterns }: SchemaPart, value: Properties, at: Place): void {
    const { properties = {}, additionalProperties } = schema
    const isOther = (name: string) =>
      !Object.hasOwn(properties, name) && !patterns.some(([pattern]) => pattern.test(name))
    if (additionalProperties !== undefined) {
      const wrong = this.#lookIntoNamed(additionalProperties, value, isOther, below(at, 'additionalProperties'))
      if (wrong.length > 0 && !this.#isDone) {
        this.#add('additionalProperties', at, { additionalProperties: [...wrong] })
      }
    }
    for (const [pattern, text, of] of patterns) {
      const place = below(at, `patternProperties/${escaped(text)}`)
      this.#lookIntoNamed(of, value, (name) => pattern.test(name), place)
    }
    for (const [name, of] of Object.entries(properties)) {
      if (value[name] === undefined || !Object.hasOwn(value, name)) continue
      this.#lookIntoOne(of, value[name], inside(below(at, `properties/${escaped(name)}`), escaped(name)))
    }
  }

  /** @returns the names of those that are wrong */
  #lookIntoNamed(schema: TSchema, value: Properties, isMeant: (name: string) => boolean, at: Place): readonly string[] {
    const wrong: string[] = []
    for (const name of Object.keys(value)) {
      if (this.#isDone) break
      if (!isMeant(name) || this.#view.isRight(schema, value[name])) continue
      wrong.push(name)
      this.lookInto(schema, value[name], inside(at, escaped(name)))
    }
    return wrong
  }

  #lookIntoItems(schema: Keywords, value: readonly unknown[], at: Place): void {
    const { items, additionalItems, prefixItems = [] } = schema
    if (isList(items)) {
      // Of what follows the items of a tuple, TypeBox tells the first mistake only.
      if (additionalItems !== undefined)
        this.#lookIntoRest(additionalItems, value, { start: items.length, most: 1 }, below(at, 'additionalItems'))
      this.#lookIntoFirst(items, value, below(at, 'items'))
    } else if (items !== undefined) {
      this.#lookIntoRest(items, value, { start: prefixItems.length, most: this.#view.most }, below(at, 'items'))
    }
  }

  /** What TypeBox tells behind what is wrong with the list as a whole. */
  #lookIntoList({ prefixItems = [], uniqueItems }: Keywords, value: readonly unknown[], at: Place): void {
    this.#lookIntoFirst(prefixItems, value, below(at, 'prefixItems'))
    if (uniqueItems !== true || this.#isDone) return
    // TypeBox would copy the list of all that stand there twice for each one more.
    if (!this.#view.isRight(isUnique, value)) this.#add('uniqueItems', at, { duplicateItems: [] })
  }

  #lookIntoFirst(schemas: readonly TSchema[], value: readonly unknown[], at: Place): void {
    schemas.slice(0, value.length).forEach((each, index) => {
      this.#lookIntoOne(each, value[index], inside(below(at, String(index)), String(index)))
    })
  }

  #lookIntoRest(
    schema: TSchema,
    value: readonly unknown[],
    { start, most }: { readonly start: number; readonly most: number },
    at: Place,
  ): void {
    let wrong = 0
    for (let index = start; index < value.length && wrong < most && !this.#isDone; index++) {
      const item = value[index]
      if (this.#view.isRight(schema, item)) continue
      wrong += 1
      this.lookInto(schema, item, inside(at, String(index)))
    }
  }

  /** Into what further schemas say of the same value. */
  #lookIntoFurther({ $ref, allOf = [], anyOf, oneOf }: Keywords, value: unknown, at: Place): void {
    const target = $ref === undefined ? undefined : this.#view.target($ref)
    if (target !== undefined) this.#lookIntoOne(target, value, at)
    allOf.forEach((each, index) => {
      this.#lookIntoOne(each, value, below(at, `allOf/${index}`))
    })
    if (anyOf !== undefined && !this.#isDone) {
      const right = this.#alternatives(anyOf, value, below(at, 'anyOf'))
      if (right.length === 0) this.#add('anyOf', at)
    }
    if (oneOf !== undefined && !this.#isDone) {
      const passingSchemas = this.#alternatives(oneOf, value, below(at, 'oneOf'))
      if (passingSchemas.length !== 1) this.#add('oneOf', at, { passingSchemas })
    }
  }

  /** @returns which of them are right. Only where none is, they are looked into. */
  #alternatives(schemas: readonly TSchema[], value: unknown, at: Place): number[] {
    const right = schemas.flatMap((each, index) => (this.#view.isRight(each, value) ? [index] : []))
    if (right.length > 0) return right
    for (const [index, each] of schemas.entries()) this.lookInto(each, value, below(at, String(index)))
    return right
  }

  #lookIntoOne(schema: TSchema, value: unknown, at: Place): void {
    if (this.#isDone) return
    if (this.#view.part(schema).kind === 'plain') this.#ask(schema, value, at)
    else if (!this.#view.isRight(schema, value)) this.lookInto(schema, value, at)
  }

  /** To know that all is right takes TypeBox a microsecond, and a compiled check nothing. */
  #askIfWrong(schema: TSchema | undefined, value: unknown, at: Place): void {
    if (schema !== undefined && !this.#isDone && !this.#view.isRight(schema, value)) this.#ask(schema, value, at)
  }

  #ask(schema: TSchema | undefined, value: unknown, at: Place): void {
    if (schema === undefined || this.#isDone) return
    for (const error of this.#view.errors(schema, value)) {
      if (this.#isDone) return
      this.#found.push({
        ...error,
        instancePath: at.instance + error.instancePath,
        schemaPath: at.schema + error.schemaPath.slice('#'.length),
      })
    }
  }

  #add(keyword: Sampled, at: Place, params: object = {}): void {
    const told = this.#view.told(keyword)
    // The parameters are those of the same keyword.
    const own = { ...told, params: { ...told.params, ...params } } as TLocalizedValidationError
    this.#found.push({ ...own, instancePath: at.instance, schemaPath: at.schema })
  }
}

function below(at: Place, steps: string): Place {
  return { ...at, schema: `${at.schema}/${steps}` }
}

function inside(at: Place, step: string): Place {
  return { ...at, instance: `${at.instance}/${step}`, level: at.level + 1 }
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

function isList(items: TSchema | readonly TSchema[] | undefined): items is readonly TSchema[] {
  return Array.isArray(items)
}

function isObject(value: unknown): value is Properties {
  return typeof value === 'object' && value !== null
}

/** Without recursion: the value may be nested deeply. */
function isLarge(value: unknown): boolean {
  const waiting: unknown[] = [value]
  for (const each of waiting) {
    if (waiting.length > MAX_PARTS) return true
    if (isObject(each)) for (const part of Object.values(each)) waiting.push(part)
  }
  return false
}
