/** Reads `Type.Object({ ... })` from syntax, through constants and imports. `undefined` for anything that only running the code could tell. */
import { type CallExpression, type Expression, Node, type ObjectLiteralExpression, SyntaxKind } from 'ts-morph'
import type { SchemaExpression } from '../schema/schema-expression.ts'
import { importedFrom, resolve } from './static-reader.ts'

const MAX_DEPTH = 64

export function readSchemaExpression(expression: Expression, depth = 0): SchemaExpression | undefined {
  if (depth > MAX_DEPTH) return undefined
  const node = resolve(expression)
  if (node === undefined) return undefined
  if (Node.isStringLiteral(node) || Node.isNoSubstitutionTemplateLiteral(node)) {
    return { kind: 'value', value: node.getLiteralValue() }
  }
  if (Node.isNumericLiteral(node)) return { kind: 'value', value: node.getLiteralValue() }
  if (Node.isTrueLiteral(node) || Node.isFalseLiteral(node)) return { kind: 'value', value: Node.isTrueLiteral(node) }
  if (Node.isNullLiteral(node)) return { kind: 'value', value: null }
  if (Node.isPrefixUnaryExpression(node)) return negative(node.getOperatorToken(), node.getOperand(), depth)
  if (Node.isArrayLiteralExpression(node)) {
    const items = all(node.getElements(), depth)
    return items === undefined ? undefined : { kind: 'list', items }
  }
  if (Node.isObjectLiteralExpression(node)) return record(node, depth)
  return Node.isCallExpression(node) ? call(node, depth) : undefined
}

function negative(operator: SyntaxKind, operand: Expression, depth: number): SchemaExpression | undefined {
  const value = operator === SyntaxKind.MinusToken ? readSchemaExpression(operand, depth + 1) : undefined
  if (value?.kind !== 'value' || typeof value.value !== 'number') return undefined
  return { kind: 'value', value: -value.value }
}

function all(expressions: readonly Node[], depth: number): readonly SchemaExpression[] | undefined {
  const read = expressions.map((each) => (Node.isExpression(each) ? readSchemaExpression(each, depth + 1) : undefined))
  const known = read.filter((each) => each !== undefined)
  return known.length === read.length ? known : undefined
}

/** `Type.String(...)`, where `Type` comes from TypeBox or Pyrallel. */
function call(node: CallExpression, depth: number): SchemaExpression | undefined {
  const name = makerName(node.getExpression())
  const values = name === undefined ? undefined : all(node.getArguments(), depth)
  return name === undefined || values === undefined ? undefined : { kind: 'call', name, arguments: values }
}

/** `String` of `Type.String`, of `t.String` and `t.Type.String` for all of TypeBox, and imported by itself. */
function makerName(callee: Node): string | undefined {
  if (Node.isIdentifier(callee)) {
    const name = importedFrom(callee, (specifier) => specifier === 'typebox')
    return name === undefined || wholes.has(name) ? undefined : name
  }
  return Node.isPropertyAccessExpression(callee) && isAllOf(callee.getExpression()) ? callee.getName() : undefined
}

function isAllOf(owner: Node): boolean {
  if (Node.isPropertyAccessExpression(owner)) return owner.getName() === 'Type' && isAllOf(owner.getExpression())
  const source = Node.isIdentifier(owner) ? importedFrom(owner, isTypeBox) : undefined
  return source !== undefined && wholes.has(source)
}

/** Names under which TypeBox brings all that it makes. */
const wholes: ReadonlySet<string> = new Set(['Type', '*', 'default'])

export function isTypeBox(specifier: string): boolean {
  return specifier === 'typebox' || specifier === 'pyrallel'
}

function record(node: ObjectLiteralExpression, depth: number): SchemaExpression | undefined {
  const entries: (readonly [string, SchemaExpression])[] = []
  for (const member of node.getProperties()) {
    if (Node.isSpreadAssignment(member)) {
      const spread = readSchemaExpression(member.getExpression(), depth + 1)
      if (spread?.kind !== 'record') return undefined
      entries.push(...spread.entries)
      continue
    }
    const value = Node.isPropertyAssignment(member)
      ? member.getInitializer()
      : Node.isShorthandPropertyAssignment(member)
        ? member.getNameNode()
        : undefined
    const name = nameOf(member)
    const read = value === undefined ? undefined : readSchemaExpression(value, depth + 1)
    if (name === undefined || read === undefined) return undefined
    entries.push([name, read])
  }
  return { kind: 'record', entries }
}

function nameOf(member: Node): string | undefined {
  if (!Node.isPropertyAssignment(member) && !Node.isShorthandPropertyAssignment(member)) return undefined
  const name = member.getNameNode()
  if (Node.isComputedPropertyName(name)) return undefined
  const text =
    Node.isStringLiteral(name) || Node.isNoSubstitutionTemplateLiteral(name) ? name.getLiteralValue() : name.getText()
  // Written so, it is the object's prototype and no property.
  return text === '__proto__' ? undefined : text
}
