/** A TypeBox schema as it is written, as plain data, and its JSON Schema. Runs TypeBox, never the user's code. */
import type { JsonSchema } from './json-schema.ts'

/** What can be read of `Type.Object({ id: Type.String() })` without running it. */
export type SchemaExpression =
  | { readonly kind: 'value'; readonly value: string | number | boolean | null }
  | { readonly kind: 'list'; readonly items: readonly SchemaExpression[] }
  | { readonly kind: 'record'; readonly entries: readonly (readonly [name: string, value: SchemaExpression])[] }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly SchemaExpression[] }

/** `undefined` where TypeBox makes no schema of it that can stand alone. */
export async function evaluateSchema(expression: SchemaExpression): Promise<JsonSchema | undefined> {
  // Loading TypeBox takes a tenth of a second, and most projects write types instead of schemas.
  const { Type } = await import('typebox')
  const makers = new Map<string, unknown>(Object.entries(Type))
  try {
    const text = JSON.stringify(evaluate(expression, makers))
    // References are by name, and the names are known to TypeBox only.
    if (text === undefined || text.includes('"$ref"')) return undefined
    return JSON.parse(text) as JsonSchema
  } catch {
    // The project's own code will say what is wrong, with its place, as soon as it runs.
    return undefined
  }
}

/** What it says of texts as regular expressions; those that do not compile are left out. */
export function patternsOf(expression: SchemaExpression): readonly string[] {
  switch (expression.kind) {
    case 'value':
      return []
    case 'list':
      return expression.items.flatMap(patternsOf)
    case 'record':
      return expression.entries.flatMap(([name, value]) => {
        if (name === 'pattern' && value.kind === 'value' && isPattern(value.value)) return [value.value]
        const names = name === 'patternProperties' && value.kind === 'record' ? value.entries.map(([key]) => key) : []
        return [...names.filter(isPattern), ...patternsOf(value)]
      })
    case 'call':
      return expression.arguments.flatMap(patternsOf)
  }
}

function isPattern(value: unknown): value is string {
  if (typeof value !== 'string') return false
  try {
    new RegExp(value, 'u')
    return true
  } catch {
    return false
  }
}

function evaluate(expression: SchemaExpression, makers: ReadonlyMap<string, unknown>): unknown {
  switch (expression.kind) {
    case 'value':
      return expression.value
    case 'list':
      return expression.items.map((item) => evaluate(item, makers))
    case 'record':
      return Object.fromEntries(expression.entries.map(([name, value]) => [name, evaluate(value, makers)]))
    case 'call': {
      const make = makers.get(expression.name)
      if (typeof make !== 'function') throw new TypeError(`TypeBox has no Type.${expression.name}`)
      return make(...expression.arguments.map((argument) => evaluate(argument, makers)))
    }
  }
}
