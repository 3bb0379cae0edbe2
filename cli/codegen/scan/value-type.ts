/** Finds where the type of a topic's values is written: at `topic<Order>()`, at its `key`, or at a handler's parameter. Reads syntax only. */
import { type CallExpression, type Expression, Node, SyntaxKind, type TypeNode } from 'ts-morph'
import { property, resolve } from '../types/static-reader.ts'

/** Of `topic<T>(name, options)`, `topicsMatching<T>(pattern)`, or `handler<T>(name, options, run)`. `undefined`: the code says nothing, so any value is right. */
export function writtenValueType(call: CallExpression): TypeNode | undefined {
  const [argument] = call.getTypeArguments()
  if (argument !== undefined) return argument
  for (const each of call.getArguments()) {
    const value = Node.isExpression(each) ? resolve(each) : undefined
    const found = value === undefined ? undefined : (ofFunction(value) ?? ofOptions(value))
    if (found !== undefined) return found
  }
  const declaration = call.getParentIfKind(SyntaxKind.VariableDeclaration)
  const declared = declaration?.getTypeNode()
  return argumentOf(declared, 'TopicDefinition') ?? argumentOf(declared, 'MatchedTopics')
}

/** `async (record: HandlerRecord<Order>) => ...` and `async (batch: Batch<Order>) => ...` */
function ofFunction(value: Expression): TypeNode | undefined {
  const type = parameterType(value)
  return argumentOf(type, 'HandlerRecord') ?? argumentOf(type, 'Batch')
}

/** `{ key: (order: Order) => order.id }` and `{ filter: (record: HandlerRecord<Order>) => ... }` */
function ofOptions(value: Expression): TypeNode | undefined {
  if (!Node.isObjectLiteralExpression(value)) return undefined
  const [key, filter] = ['key', 'filter'].map((name) => {
    const found = property(value, name)?.value
    return found === undefined ? undefined : resolve(found)
  })
  if (key !== undefined) return parameterType(key)
  return filter === undefined ? undefined : ofFunction(filter)
}

function parameterType(value: Expression): TypeNode | undefined {
  if (!Node.isArrowFunction(value) && !Node.isFunctionExpression(value)) return undefined
  return value.getParameters()[0]?.getTypeNode()
}

function argumentOf(node: TypeNode | undefined, name: string): TypeNode | undefined {
  if (!Node.isTypeReference(node) || node.getTypeName().getText() !== name) return undefined
  return node.getTypeArguments()[0]
}
