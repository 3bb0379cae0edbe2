/** What the references in a schema lead to, by their text: so a part of the schema can be checked without the rest. Pure. */
import type { TSchema } from 'typebox'

export type References = Readonly<Record<string, TSchema>>

/** TypeBox looks for no name behind these. */
const nameless: ReadonlySet<string> = new Set(['const', 'enum'])
const referring: readonly string[] = ['$ref', '$dynamicRef', '$recursiveRef']

/** Those that lead to a name, or down from the root. Others are left out. */
export function referencesIn(schema: TSchema): References {
  const found: Record<string, TSchema> = {}
  for (const reference of textsIn(schema)) {
    const target = reference.startsWith('#/') ? atPointer(schema, reference) : named(schema, reference)
    if (typeof target === 'object' && target !== null) found[reference] = target as TSchema
  }
  return found
}

/** Whether it may lead back to itself. */
export function hasReferences(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && textsIn(schema).size > 0
}

function textsIn(schema: object): ReadonlySet<string> {
  const texts = new Set<string>()
  const waiting = new Set<object>([schema])
  for (const each of waiting) {
    for (const keyword of referring) {
      const reference: unknown = Reflect.get(each, keyword)
      if (typeof reference === 'string') texts.add(reference)
    }
    for (const [, inner] of partsOf(each)) waiting.add(inner)
  }
  return texts
}

/** As TypeBox finds it: the part itself, else the last of its parts that has one. */
function named(part: object, name: string): object | undefined {
  if (Reflect.get(part, '$id') === name) return part
  let found: object | undefined
  for (const [key, inner] of partsOf(part)) if (!nameless.has(key)) found = named(inner, name) ?? found
  return found
}

function atPointer(schema: TSchema, reference: string): unknown {
  let at: unknown = schema
  for (const step of reference.slice('#/'.length).split('/')) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Reflect.get(at, decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
  }
  return at
}

function partsOf(part: object): readonly (readonly [key: string, part: object])[] {
  const entries: readonly (readonly [string, unknown])[] = Object.entries(part)
  return entries.filter((entry): entry is [string, object] => typeof entry[1] === 'object' && entry[1] !== null)
}
