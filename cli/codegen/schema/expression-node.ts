/** Makes a derived schema of one that is written with TypeBox, so that the two can stand in each other. Pure. */
import { ownProperty } from '../../../framework/model/own-property.ts'
import { constraintTags } from './doc-tags.ts'
import type { SchemaExpression } from './schema-expression.ts'
import type { PropertyNode, SchemaNode, SchemaOptions } from './schema-node.ts'

/** What can be said of a schema without saying which values are right. */
const annotations: ReadonlySet<string> = new Set(['$id', '$comment', 'default', 'examples', 'deprecated', 'title'])

type Make = (args: readonly (SchemaExpression | undefined)[]) => SchemaNode | undefined

/** `undefined` for what a derived schema cannot say. */
export function expressionNode(expression: SchemaExpression | undefined): SchemaNode | undefined {
  if (expression?.kind !== 'call') return undefined
  return ownProperty(makers, expression.name)?.(expression.arguments)
}

/** Whether it says more of values than their type does: this would be lost where only the type is known. */
export function says(node: SchemaNode): boolean {
  const isMore = Object.keys(node.options ?? {}).some((name) => ownProperty(constraintTags, name) !== undefined)
  if (isMore) return true
  switch (node.kind) {
    case 'object':
      return (
        node.others?.kind === 'never' || node.patterns.length > 0 || node.properties.some(({ value }) => says(value))
      )
    case 'array':
      return says(node.items)
    case 'tuple':
      return node.items.some(says)
    case 'union':
      return node.members.some(says)
    default:
      return false
  }
}

const primitive =
  (kind: 'string' | 'number' | 'boolean' | 'null' | 'unknown' | 'never', fixed: SchemaOptions = {}): Make =>
  ([options]) =>
    withOptions({ kind }, options, fixed)

const makers: Readonly<Record<string, Make>> = {
  String: primitive('string'),
  Number: primitive('number'),
  Integer: primitive('number', { multipleOf: 1 }),
  Boolean: primitive('boolean'),
  Null: primitive('null'),
  Unknown: primitive('unknown'),
  Any: primitive('unknown'),
  Never: primitive('never'),
  Literal: ([value, options]) => withOptions(enumOf([value]), options),
  Enum: ([values, options]) => withOptions(values?.kind === 'list' ? enumOf(values.items) : undefined, options),
  Array: ([value, options]) => {
    const items = expressionNode(value)
    return withOptions(items === undefined ? undefined : { kind: 'array', items }, options)
  },
  Tuple: ([values, options]) => {
    const items = nodesOf(values)
    return withOptions(items === undefined ? undefined : { kind: 'tuple', items, required: items.length }, options)
  },
  Union: ([values, options]) => {
    const members = nodesOf(values)
    return withOptions(members === undefined ? undefined : unionOf(members), options)
  },
  Record: ([names, values, options]) => {
    const [name, value] = [expressionNode(names), expressionNode(values)]
    if (name?.kind !== 'string' || value === undefined) return undefined
    const { pattern, ...others } = name.options ?? {}
    if (Object.keys(others).length > 0) return undefined
    const open = { kind: 'object', properties: [], patterns: [] } as const
    const node: SchemaNode =
      typeof pattern === 'string' ? { ...open, patterns: [{ pattern, value }] } : { ...open, others: value }
    return withOptions(node, options)
  },
  Object: ([properties, options]) => objectOf(properties, options),
  // Both say something of the property only.
  Optional: ([value]) => expressionNode(value),
  Readonly: ([value]) => expressionNode(value),
}

function objectOf(
  properties: SchemaExpression | undefined,
  options: SchemaExpression | undefined,
): SchemaNode | undefined {
  if (properties?.kind !== 'record') return undefined
  const found = properties.entries.map(([name, written]): PropertyNode | undefined => {
    const value = expressionNode(written)
    return value === undefined ? undefined : { name, value, isOptional: isOptional(written) }
  })
  const known = found.filter((each) => each !== undefined)
  if (known.length < found.length) return undefined
  const entries = options?.kind === 'record' ? options.entries : []
  const [open] = entries.filter(([name]) => name === 'additionalProperties').map(([, value]) => value)
  const others = open === undefined ? undefined : additional(open)
  if (open !== undefined && others === undefined) return undefined
  const node: SchemaNode = { kind: 'object', properties: known, patterns: [] }
  const rest = entries.filter(([name]) => name !== 'additionalProperties')
  const isPlain = others === undefined || others.kind === 'unknown'
  return withOptions(
    isPlain ? node : { ...node, others },
    options?.kind === 'record' ? { kind: 'record', entries: rest } : options,
  )
}

function additional(expression: SchemaExpression): SchemaNode | undefined {
  if (expression.kind !== 'value') return expressionNode(expression)
  if (typeof expression.value !== 'boolean') return undefined
  return { kind: expression.value ? 'unknown' : 'never' }
}

function isOptional(expression: SchemaExpression | undefined): boolean {
  if (expression?.kind !== 'call') return false
  return expression.name === 'Optional' || (expression.name === 'Readonly' && isOptional(expression.arguments[0]))
}

function nodesOf(list: SchemaExpression | undefined): readonly SchemaNode[] | undefined {
  if (list?.kind !== 'list') return undefined
  const nodes = list.items.map(expressionNode).filter((each) => each !== undefined)
  return nodes.length === list.items.length ? nodes : undefined
}

function enumOf(items: readonly (SchemaExpression | undefined)[]): SchemaNode | undefined {
  const values = items.map((item) => (item?.kind === 'value' && item.value !== null ? item.value : undefined))
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 || known.length < values.length ? undefined : { kind: 'enum', values: known }
}

/** Literals of one union are one enumeration, as they are in a derived schema. */
function unionOf(members: readonly SchemaNode[]): SchemaNode {
  const isPlain = (node: SchemaNode) => node.kind === 'enum' && node.options === undefined
  const values = members.flatMap((node) => (node.kind === 'enum' && isPlain(node) ? node.values : []))
  const others = members.filter((node) => !isPlain(node))
  const texts = values.filter((value) => typeof value === 'string').sort()
  const rest = values.filter((value) => typeof value !== 'string')
  const all: readonly SchemaNode[] =
    values.length === 0 ? others : [{ kind: 'enum', values: [...texts, ...rest] }, ...others]
  const [only] = all
  return only !== undefined && all.length === 1 ? only : { kind: 'union', members: all }
}

/** `undefined` where an option says what a derived schema cannot. */
function withOptions(
  node: SchemaNode | undefined,
  options: SchemaExpression | undefined,
  fixed: SchemaOptions = {},
): SchemaNode | undefined {
  if (node === undefined || (options !== undefined && options.kind !== 'record')) return undefined
  const kept: Record<string, string | number> = { ...fixed }
  for (const [name, value] of options?.entries ?? []) {
    if (annotations.has(name)) continue
    const owner = ownProperty(constraintTags, name)
    const isKnown = name === 'description' || owner === node.kind || (owner === 'array' && node.kind === 'tuple')
    if (!isKnown || value.kind !== 'value' || typeof value.value === 'boolean' || value.value === null) return undefined
    if (ownProperty(fixed, name) !== undefined && fixed[name] !== value.value) return undefined
    kept[name] = value.value
  }
  return Object.keys(kept).length === 0 ? node : { ...node, options: kept }
}
