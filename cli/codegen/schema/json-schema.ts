/** Shows a schema as JSON Schema (draft 7, which AsyncAPI reads), and gives it a hash. Pure. */
import { createHash } from 'node:crypto'
import { type ObjectNode, referencesOf, type SchemaDefinition, type SchemaNode } from './schema-node.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

const HASH_LENGTH = 12

/** `pathOf` says where a named schema stands, `#/components/schemas/Order` say. */
export function jsonSchema(node: SchemaNode, pathOf: (name: string) => string): JsonSchema {
  if (node.kind === 'reference') {
    const reference = { $ref: pathOf(node.name) }
    // Beside a `$ref`, draft 7 ignores everything.
    return node.options === undefined ? reference : { allOf: [reference], ...node.options }
  }
  return { ...keywords(node, (child) => jsonSchema(child, pathOf)), ...node.options }
}

type Show = (node: SchemaNode) => JsonSchema

function keywords(node: Exclude<SchemaNode, { kind: 'reference' }>, show: Show): JsonSchema {
  switch (node.kind) {
    case 'unknown':
      return {}
    case 'never':
      return { not: {} }
    case 'enum':
      return node.values.length === 1 ? { const: node.values[0] } : { enum: node.values }
    case 'array':
      return { type: 'array', items: show(node.items) }
    case 'tuple':
      return {
        type: 'array',
        items: node.items.map(show),
        minItems: node.required,
        additionalItems: node.rest === undefined ? false : show(node.rest),
      }
    case 'object':
      return objectKeywords(node, show)
    case 'union':
      return { anyOf: node.members.map(show) }
    default:
      return { type: node.kind }
  }
}

function objectKeywords(node: ObjectNode, show: Show): JsonSchema {
  const required = node.properties.filter(({ isOptional }) => !isOptional).map(({ name }) => name)
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    ...(node.properties.length === 0
      ? {}
      : { properties: Object.fromEntries(node.properties.map(({ name, value }) => [name, show(value)])) }),
    ...(node.patterns.length === 0
      ? {}
      : { patternProperties: Object.fromEntries(node.patterns.map(({ pattern, value }) => [pattern, show(value)])) }),
    ...(node.others === undefined ? {} : { additionalProperties: show(node.others) }),
  }
}

/**
 * The hash of each named schema: it changes when a value could be judged differently, or is described differently. The order in which types are
 * declared does not matter.
 */
export function schemaHashes(definitions: readonly SchemaDefinition[]): ReadonlyMap<string, string> {
  const path = (name: string) => `#/definitions/${name}`
  const own = new Map(definitions.map(({ name, node }) => [name, hashOf(jsonSchema(node, path))]))
  const references = new Map(definitions.map(({ name, node }) => [name, new Set(referencesOf(node))]))
  const hashes = new Map<string, string>()
  for (const { name } of definitions) {
    const used = new Set([name])
    for (const each of used) for (const other of references.get(each) ?? []) used.add(other)
    hashes.set(name, hashOf([name, ...[...used].sort().map((each) => [each, own.get(each)])]))
  }
  return hashes
}

/** The hash of any JSON document; the order of its keys does not matter. */
export function hashOf(document: unknown): string {
  return createHash('sha256').update(JSON.stringify(document, sorted)).digest('hex').slice(0, HASH_LENGTH)
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Definitions by what they refer to: a schema comes after those that it is made of; those that refer to each other come as one. */
export function inOrder(definitions: readonly SchemaDefinition[]): readonly (readonly SchemaDefinition[])[] {
  const byName = new Map(definitions.map((each) => [each.name, each]))
  const groups: SchemaDefinition[][] = []
  // Tarjan's strongly connected components: a group is complete when its first member is left.
  const index = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const visit = (name: string): void => {
    const definition = byName.get(name)
    if (definition === undefined || index.has(name)) return
    const own = index.size
    index.set(name, own)
    lowest.set(name, own)
    open.push(name)
    for (const other of [...new Set(referencesOf(definition.node))].sort()) {
      visit(other)
      if (open.includes(other)) lowest.set(name, Math.min(lowest.get(name) ?? own, lowest.get(other) ?? own))
    }
    if (lowest.get(name) !== own) return
    const members = open.splice(open.indexOf(name)).sort()
    groups.push(members.flatMap((member) => byName.get(member) ?? []))
  }
  for (const name of [...byName.keys()].sort()) visit(name)
  return groups
}

/** True for a schema that leads back to itself. */
export function isRecursive(group: readonly SchemaDefinition[]): boolean {
  const [only] = group
  return group.length > 1 || (only !== undefined && referencesOf(only.node).includes(only.name))
}
