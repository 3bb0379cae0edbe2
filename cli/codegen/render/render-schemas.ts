/** Writes `generated/schemas.ts`: one TypeBox constant per type, and the table of topics. Pure and deterministic. */
import { inOrder, isRecursive } from '../schema/json-schema.ts'
import type { ObjectNode, SchemaDefinition, SchemaNode, TupleNode } from '../schema/schema-node.ts'
import { indented, propertyName, quoted, scalar } from './source-text.ts'

/** `topics` says which definition holds the values of a topic; sorted by topic. */
export function renderSchemas(
  header: string,
  definitions: readonly SchemaDefinition[],
  topics: readonly { readonly topic: string; readonly schema: string }[],
): string {
  const constants = inOrder(definitions).map((group) => (isRecursive(group) ? recursiveText(group) : plainText(group)))
  const table = topics.map(({ topic, schema }) => `  ${propertyName(topic)}: ${schema},\n`).join('')
  return [
    `${header}\n${definitions.length === 0 ? '' : "import { Type } from 'pyrallel'\n"}`,
    ...constants,
    `/** What \`publish\` and \`send\` check a value against. */\nexport const topicSchemas = {${table === '' ? '' : `\n${table}`}}\n`,
  ].join('\n')
}

function plainText(group: readonly SchemaDefinition[]): string {
  return group.map(({ name, node }) => `export const ${name} = ${schemaText(node, new Set())}\n`).join('\n')
}

/** Types that lead back to themselves refer to each other by name. */
function recursiveText(group: readonly SchemaDefinition[]): string {
  const names = new Set(group.map(({ name }) => name))
  const members = group
    .map(({ name, node }) => `  ${propertyName(name)}: ${indented(schemaText(node, names))},\n`)
    .join('')
  const [first] = group
  if (first !== undefined && group.length === 1) {
    return `export const ${first.name} = Type.Cyclic({\n${members}}, ${quoted(first.name)})\n`
  }
  // No type can be called so: it has a `$` in it.
  const shared = `${first?.name ?? ''}$cycle`
  const constants = group.map(({ name }) => `export const ${name} = Type.Cyclic(${shared}, ${quoted(name)})\n`)
  return `const ${shared} = {\n${members}}\n${constants.join('')}`
}

/** `cycle`: the names that can only be referred to, because they are being defined. */
export function schemaText(node: SchemaNode, cycle: ReadonlySet<string>): string {
  const text = (child: SchemaNode) => schemaText(child, cycle)
  const options = optionsText(Object.entries(node.options ?? {}).map(([name, value]) => [name, scalar(value)]))
  switch (node.kind) {
    case 'string':
      return call('String', options)
    case 'number':
      return call('Number', options)
    case 'boolean':
      return call('Boolean', options)
    case 'null':
      return call('Null', options)
    case 'unknown':
      return call('Unknown', options)
    case 'never':
      return call('Never', options)
    case 'enum':
      return node.values.length === 1
        ? call('Literal', node.values.map(scalar).join(), options)
        : enumText(node.values, options)
    case 'array':
      return call('Array', text(node.items), options)
    case 'tuple':
      return tupleText(node, text, options)
    case 'object':
      return objectText(node, text)
    case 'union':
      return call('Union', list(node.members.map(text)), options)
    case 'reference':
      return cycle.has(node.name) ? `Type.Ref(${quoted(node.name)})` : node.name
  }
}

/** TypeBox's enumerations hold texts and numbers only. */
function enumText(values: readonly (string | number | boolean)[], options: string): string {
  const isPlain = values.every((value) => typeof value !== 'boolean')
  if (isPlain) return call('Enum', list(values.map(scalar)), options)
  return call('Union', list(values.map((value) => call('Literal', scalar(value)))), options)
}

function objectText(node: ObjectNode, text: (node: SchemaNode) => string): string {
  const properties = node.properties.map(({ name, value, isOptional }) => {
    const shown = isOptional ? call('Optional', text(value)) : text(value)
    return `  ${propertyName(name)}: ${indented(shown)},\n`
  })
  const options: (readonly [string, string])[] = []
  if (node.patterns.length > 0) {
    const patterns = node.patterns.map(({ pattern, value }) => `  ${quoted(pattern)}: ${indented(text(value))},\n`)
    options.push(['patternProperties', `{\n${patterns.join('')}}`])
  }
  if (node.others !== undefined) options.push(['additionalProperties', text(node.others)])
  for (const [name, value] of Object.entries(node.options ?? {})) options.push([name, scalar(value)])
  return call('Object', properties.length === 0 ? '{}' : `{\n${properties.join('')}}`, optionsText(options))
}

/** `Type.Tuple` knows neither optional items nor a rest. */
function tupleText(node: TupleNode, text: (node: SchemaNode) => string, options: string): string {
  const items = list(node.items.map(text))
  if (node.rest === undefined && node.required === node.items.length) return call('Tuple', items, options)
  const rest = node.rest === undefined ? 'false' : text(node.rest)
  const keywords: (readonly [string, string])[] = [
    ['type', "'array'"],
    ['items', items],
    ['minItems', String(node.required)],
    ['additionalItems', rest],
    ...Object.entries(node.options ?? {}).map(([name, value]) => [name, scalar(value)] as const),
  ]
  return call('Unsafe', optionsText(keywords))
}

const MAX_INLINE = 80

function list(items: readonly string[]): string {
  const inline = `[${items.join(', ')}]`
  if (inline.length <= MAX_INLINE && !inline.includes('\n')) return inline
  return `[\n${items.map((item) => `  ${indented(item)},\n`).join('')}]`
}

function optionsText(options: readonly (readonly [name: string, value: string])[]): string {
  if (options.length === 0) return ''
  const inline = `{ ${options.map(([name, value]) => `${propertyName(name)}: ${value}`).join(', ')} }`
  if (inline.length <= MAX_INLINE && !inline.includes('\n')) return inline
  return `{\n${options.map(([name, value]) => `  ${propertyName(name)}: ${indented(value)},\n`).join('')}}`
}

function call(name: string, ...values: readonly string[]): string {
  return `Type.${name}(${values.filter((value) => value !== '').join(', ')})`
}
