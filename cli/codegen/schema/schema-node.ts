/** A schema as plain data, between the compiler that derives it and the files that show it. Knows neither TypeBox nor ts-morph. */

/** What JSDoc said: keywords of JSON Schema, `description` among them. */
export type SchemaOptions = Readonly<Record<string, string | number>>

interface Described {
  readonly options?: SchemaOptions
}

export interface PrimitiveNode extends Described {
  readonly kind: 'string' | 'number' | 'boolean' | 'null' | 'unknown' | 'never'
}

/** One value, or one of several. Sorted; never empty. */
export interface EnumNode extends Described {
  readonly kind: 'enum'
  readonly values: readonly (string | number | boolean)[]
}

export interface ArrayNode extends Described {
  readonly kind: 'array'
  readonly items: SchemaNode
}

export interface TupleNode extends Described {
  readonly kind: 'tuple'
  readonly items: readonly SchemaNode[]
  /** So many of the items must be there. */
  readonly required: number
  /** What may follow the items. */
  readonly rest?: SchemaNode
}

export interface PropertyNode {
  readonly name: string
  readonly value: SchemaNode
  readonly isOptional: boolean
}

export interface ObjectNode extends Described {
  readonly kind: 'object'
  readonly properties: readonly PropertyNode[]
  /** Index signatures whose names follow a pattern. */
  readonly patterns: readonly { readonly pattern: string; readonly value: SchemaNode }[]
  /** The index signature for all other names. Without one they are accepted unseen, as TypeScript's structural types accept them. */
  readonly others?: SchemaNode
}

export interface UnionNode extends Described {
  readonly kind: 'union'
  readonly members: readonly SchemaNode[]
}

/** A type with a name, defined once. */
export interface ReferenceNode extends Described {
  readonly kind: 'reference'
  readonly name: string
}

export type SchemaNode = PrimitiveNode | EnumNode | ArrayNode | TupleNode | ObjectNode | UnionNode | ReferenceNode

export interface SchemaDefinition {
  readonly name: string
  readonly node: SchemaNode
}

/** The schemas that a node is made of, one level down. */
export function childrenOf(node: SchemaNode): readonly SchemaNode[] {
  switch (node.kind) {
    case 'array':
      return [node.items]
    case 'tuple':
      return node.rest === undefined ? node.items : [...node.items, node.rest]
    case 'object':
      return [
        ...node.properties.map(({ value }) => value),
        ...node.patterns.map(({ value }) => value),
        ...(node.others === undefined ? [] : [node.others]),
      ]
    case 'union':
      return node.members
    default:
      return []
  }
}

/** The names that a node refers to, in order, each as often as it occurs. */
export function referencesOf(node: SchemaNode): readonly string[] {
  return node.kind === 'reference' ? [node.name] : childrenOf(node).flatMap(referencesOf)
}

/** The same node with other nodes in the place of its children. */
export function mapChildren(node: SchemaNode, map: (child: SchemaNode) => SchemaNode): SchemaNode {
  switch (node.kind) {
    case 'array':
      return { ...node, items: map(node.items) }
    case 'tuple':
      return { ...node, items: node.items.map(map), ...(node.rest === undefined ? {} : { rest: map(node.rest) }) }
    case 'object':
      return {
        ...node,
        properties: node.properties.map((property) => ({ ...property, value: map(property.value) })),
        patterns: node.patterns.map((each) => ({ ...each, value: map(each.value) })),
        ...(node.others === undefined ? {} : { others: map(node.others) }),
      }
    case 'union':
      return { ...node, members: node.members.map(map) }
    default:
      return node
  }
}

/** The same node with its references renamed. */
export function renameReferences(node: SchemaNode, nameOf: (name: string) => string): SchemaNode {
  if (node.kind === 'reference') return { ...node, name: nameOf(node.name) }
  return mapChildren(node, (child) => renameReferences(child, nameOf))
}
