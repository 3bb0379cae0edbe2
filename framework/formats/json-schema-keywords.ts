/** Where schemas stand in a JSON Schema. Pure. */

export type Schema = Readonly<Record<string, unknown>>

/** A schema in another. */
export interface Subschema {
  readonly keyword: string
  /** Below the keyword: the name of a property, or the place in a list. */
  readonly steps: readonly string[]
  readonly schema: unknown
}

const single: readonly string[] = [
  ...['not', 'if', 'then', 'else', 'contains', 'propertyNames', 'additionalProperties', 'additionalItems', 'items'],
  ...['unevaluatedItems', 'unevaluatedProperties'],
]
const listed: readonly string[] = ['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']
const byName: readonly string[] = ['properties', 'patternProperties', 'dependentSchemas', 'dependencies']
/** They check nothing where they stand: references lead to them. */
const definitions: readonly string[] = ['$defs', 'definitions']

/** They ask of the same value what the schema around them does; the others ask of its parts, which come to an end. */
const ofSameValue: readonly string[] = [
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas', 'dependencies'],
]

export function asksOfSameValue(keyword: string): boolean {
  return ofSameValue.includes(keyword)
}

/** Those that check something, in the order of the keywords above. */
export function subschemas(schema: Schema): readonly Subschema[] {
  return [
    ...single.flatMap((keyword) =>
      keyword in schema && !Array.isArray(schema[keyword]) ? [{ keyword, steps: [], schema: schema[keyword] }] : [],
    ),
    ...listed.flatMap((keyword) => {
      const list: unknown = schema[keyword]
      return Array.isArray(list)
        ? list.map((each: unknown, index) => ({ keyword, steps: [String(index)], schema: each }))
        : []
    }),
    ...named(schema, byName),
  ]
}

/** With those that only have a name. */
export function allSubschemas(schema: Schema): readonly Subschema[] {
  return [...subschemas(schema), ...named(schema, definitions)]
}

function named(schema: Schema, keywords: readonly string[]): readonly Subschema[] {
  return keywords.flatMap((keyword) => {
    const parts: unknown = schema[keyword]
    if (!isObject(parts)) return []
    // Under `dependencies`, a list of names stands where a schema may.
    return Object.entries(parts).flatMap(([name, each]) =>
      Array.isArray(each) ? [] : [{ keyword, steps: [name], schema: each }],
    )
  })
}

export function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
