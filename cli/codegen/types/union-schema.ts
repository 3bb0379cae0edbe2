/** Puts the schema of a union together from those of its members. Pure, but for reading literals from the compiler. */
import { ts } from 'ts-morph'
import type { SchemaNode } from '../schema/schema-node.ts'

export const NULLISH = ts.TypeFlags.Undefined | ts.TypeFlags.Null

export function membersOf(type: ts.Type): readonly ts.Type[] {
  return (type.flags & ts.TypeFlags.Union) === 0 ? [type] : (type as ts.UnionType).types
}

/** Whether two types have the same members, those with these flags not counted. */
export function isSameBut(a: ts.Type, b: ts.Type, ignored: ts.TypeFlags): boolean {
  const left = new Set(membersOf(a).filter(({ flags }) => (flags & ignored) === 0))
  const right = membersOf(b).filter(({ flags }) => (flags & ignored) === 0)
  return left.size === right.length && right.every((member) => left.has(member))
}

export function isBoolean(type: ts.Type): boolean {
  return (type.flags & ts.TypeFlags.Boolean) !== 0
}

/** `undefined` for a type that has more than one value. */
export function literalOf(type: ts.Type, checker: ts.TypeChecker): string | number | boolean | undefined {
  if ((type.flags & (ts.TypeFlags.StringLiteral | ts.TypeFlags.NumberLiteral)) !== 0) {
    return (type as ts.StringLiteralType | ts.NumberLiteralType).value
  }
  if ((type.flags & ts.TypeFlags.BooleanLiteral) !== 0) return checker.typeToString(type) === 'true'
  return undefined
}

/** Texts, numbers and truth values: sorted, because the compiler keeps them in the order in which it first met them. */
export function literalNodes(values: readonly (string | number | boolean)[]): readonly SchemaNode[] {
  const texts = values.filter((value) => typeof value === 'string').sort()
  const numbers = values.filter((value) => typeof value === 'number').sort((a, b) => a - b)
  const truths = values.filter((value) => typeof value === 'boolean')
  const plain = [...new Set([...texts, ...numbers])]
  const truth: readonly SchemaNode[] = truths.length === 2 ? [{ kind: 'boolean' }] : [{ kind: 'enum', values: truths }]
  return [
    ...(plain.length === 0 ? [] : [{ kind: 'enum', values: plain } as const]),
    ...(truths.length === 0 ? [] : truth),
  ]
}

/** As few members as say the same. */
export function unionOf(nodes: readonly SchemaNode[]): SchemaNode {
  const distinct = [...new Map(nodes.map((node) => [JSON.stringify(node), node])).values()]
  // `'new' | 'paid' | (string & {})` is any text: the literals are there for the editor.
  const plain = new Set(
    distinct.filter(({ kind, options }) => kind !== 'union' && options === undefined).map(({ kind }) => kind),
  )
  const members = distinct.flatMap((node) => {
    if (node.kind === 'enum') return plain.has('string') ? withoutTexts(node.values) : [node]
    // `string | Sku` is any text.
    return isPrimitive(node) && node.options !== undefined && plain.has(node.kind) ? [] : [node]
  })
  const [only] = members
  return only !== undefined && members.length === 1 ? only : { kind: 'union', members }
}

function withoutTexts(values: readonly (string | number | boolean)[]): readonly SchemaNode[] {
  const kept = values.filter((value) => typeof value !== 'string')
  return kept.length === 0 ? [] : [{ kind: 'enum', values: kept }]
}

function isPrimitive({ kind }: SchemaNode): boolean {
  return kind === 'string' || kind === 'number' || kind === 'boolean'
}
