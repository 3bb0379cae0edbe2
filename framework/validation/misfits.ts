/**
 * Where a value goes wrong, in TypeBox's words and order. TypeBox itself looks at all of a value to say it, also at what is right, and at each
 * alternative of each union inside of each other: in a list of 250,000 items, or where a type leads back to itself through unions, nothing else runs
 * for long. Here, only what a compiled check refuses is looked into, up to the first few mistakes.
 */
import type { TSchema } from 'typebox'
import type { TLocalizedValidationError } from 'typebox/error'
import { bug } from '../model/errors.ts'
import { MisfitWalk, type Sampled } from './misfit-walk.ts'
import { partOf, type SchemaPart } from './schema-part.ts'
import { type References, referencesIn } from './schema-references.ts'

export type Misfit = TLocalizedValidationError

/** More mistakes are not looked for: as many as TypeBox tells. */
export const MAX_MISFITS = 8

/**
 * Characters of a value times the levels that are looked into, as each level may check all below it once more: some 50 ms. A mistake in a megabyte
 * is found 20 levels down, one in 20,000 characters 1,000 levels down.
 */
const MAX_CHECKED = 20_000_000
/** So many levels are looked into, however large the value is. */
const MIN_LEVELS = 20

const samples: Readonly<Record<Sampled, readonly [schema: TSchema, value: unknown]>> = {
  additionalProperties: [{ additionalProperties: false }, { a: 1 }],
  anyOf: [{ anyOf: [] }, 1],
  oneOf: [{ oneOf: [] }, 1],
  uniqueItems: [{ uniqueItems: true }, [1, 1]],
  untold: [{ '~refine': [{ check: () => false, error: () => 'must be as its schema says' }] }, 1],
}

export interface Check {
  Check(value: unknown): boolean
}

/** TypeBox's. */
export interface SchemaTools {
  readonly Compile: (context: References, schema: TSchema) => Check
  readonly Errors: (context: References, schema: TSchema, value: unknown) => readonly Misfit[]
}

/** Of one schema. What it needs of the schema's parts is made when they are first looked at, and kept. */
export class Misfits {
  readonly #schema: TSchema
  readonly #references: References
  readonly #tools: SchemaTools
  readonly #parts = new Map<TSchema, SchemaPart>()
  readonly #checks = new Map<TSchema, Check>()
  readonly #told = new Map<Sampled, Misfit>()

  /** @param schema as it is checked */
  constructor(schema: TSchema, tools: SchemaTools) {
    this.#schema = schema
    this.#references = referencesIn(schema)
    this.#tools = tools
  }

  /**
   * The first few, and the unions in which they stand.
   * @param value one that the schema refuses
   * @param characters of its JSON
   * @throws RangeError where a mistake is nested too deeply to be looked for
   */
  in(value: unknown, characters: number): readonly Misfit[] {
    const walk = new MisfitWalk({
      part: (schema) => this.#part(schema),
      isRight: (schema, of) => this.#isRight(schema, of),
      errors: (schema, of) => this.#tools.Errors(this.#references, schema, of),
      told: (keyword) => this.#toldOf(keyword),
      target: (reference) => this.#references[reference],
      most: MAX_MISFITS,
      maxLevels: Math.max(MIN_LEVELS, MAX_CHECKED / Math.max(1, characters)),
    })
    walk.lookInto(this.#schema, value, { instance: '', schema: '#', level: 0 })
    return walk.found
  }

  #part(schema: TSchema): SchemaPart {
    const known = this.#parts.get(schema)
    if (known !== undefined) return known
    const part = partOf(schema, this.#references)
    this.#parts.set(schema, part)
    return part
  }

  #toldOf(keyword: Sampled): Misfit {
    const known = this.#told.get(keyword)
    if (known !== undefined) return known
    const [schema, value] = samples[keyword]
    const told = this.#tools.Errors({}, schema, value).at(-1)
    if (told === undefined) throw bug('Misfits', `TypeBox says nothing of the sample for ${keyword}`)
    this.#told.set(keyword, told)
    return told
  }

  #isRight(schema: TSchema, value: unknown): boolean {
    const known = this.#checks.get(schema)
    if (known !== undefined) return known.Check(value)
    const check = this.#tools.Compile(this.#references, schema)
    this.#checks.set(schema, check)
    return check.Check(value)
  }
}
