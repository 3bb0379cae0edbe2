/** What one part of a schema says, sorted by how its mistakes are found. Pure. */
import type { TSchema } from 'typebox'
import { hasReferences, type References } from './schema-references.ts'

/** Each says something of a value and nothing of what is in it, in the order in which TypeBox tells them. */
const early: readonly string[] = ['type', 'required']
const late: readonly string[] = [
  ...['minProperties', 'maxProperties', 'minItems', 'maxItems', 'minLength', 'maxLength', 'format', 'pattern'],
  ...['exclusiveMinimum', 'exclusiveMaximum', 'minimum', 'maximum', 'multipleOf', 'const', 'enum', 'not'],
]
/** Their mistakes are in the value's parts, or in what further schemas say of it. */
const followed: readonly string[] = [
  ...['properties', 'patternProperties', 'additionalProperties', 'items', 'additionalItems', 'prefixItems'],
  ...['uniqueItems', '$ref', 'allOf', 'anyOf', 'oneOf'],
]
/** No generated schema has one of these. */
const rare: readonly string[] = [
  ...['if', 'contains', 'minContains', 'maxContains', 'propertyNames', '$dynamicRef', '$recursiveRef'],
  ...['dependencies', 'dependentRequired', 'dependentSchemas', 'unevaluatedItems', 'unevaluatedProperties'],
]

export interface SchemaPart {
  /**
   * `plain`: TypeBox says it all, in a time that has nothing to do with the value's size. `followed`: keyword by keyword. `rare`: TypeBox says it all,
   * and looks at all of the value. `endless`: it does, and may look at it again for each alternative inside of another.
   */
  readonly kind: 'plain' | 'followed' | 'rare' | 'endless'
  /** What TypeBox is asked about before the value's parts are looked at, and after. */
  readonly early: TSchema | undefined
  readonly late: TSchema | undefined
  readonly refinement: TSchema | undefined
  /** Of the names of properties. */
  readonly patterns: readonly (readonly [pattern: RegExp, text: string, schema: TSchema])[]
}

type Keywords = Readonly<Record<string, unknown>>

/** @param schema may be a boolean, too */
export function partOf(schema: TSchema, references: References): SchemaPart {
  const keywords: Keywords = typeof schema === 'object' ? (schema as Keywords) : {}
  const patterns = Object.entries((keywords.patternProperties ?? {}) as Readonly<Record<string, TSchema>>)
  return {
    kind: kindOf(keywords, references),
    early: only(keywords, early),
    late: only(keywords, late),
    refinement: only(keywords, ['~refine']),
    patterns: patterns.map(([text, of]) => [new RegExp(text, 'u'), text, of]),
  }
}

function kindOf(keywords: Keywords, references: References): SchemaPart['kind'] {
  const { not, $ref } = keywords
  if (typeof $ref === 'string' && references[$ref] === undefined) return 'endless'
  if (hasReferences(not) || rare.some((name) => name in keywords)) return hasReferences(keywords) ? 'endless' : 'rare'
  return followed.some((name) => name in keywords) ? 'followed' : 'plain'
}

function only(keywords: Keywords, names: readonly string[]): TSchema | undefined {
  const entries = names.flatMap((name) => (name in keywords ? [[name, keywords[name]] as const] : []))
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as TSchema)
}
