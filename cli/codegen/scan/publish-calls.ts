/** Finds what the calls of a file publish to, as far as that is written in so many words. Reads syntax. */
import { type CallExpression, Node } from 'ts-morph'
import { isHandlerCall, readString } from '../types/static-reader.ts'
import { declaredTopic } from './value-schemas.ts'

/**
 * Topics of `context.publish(...)`. A call of `publish` with a `topic()` is one wherever it stands; with a name only when it is called on what the
 * handler's function was given, because others have a `publish` too.
 */
export function publishedTopics(calls: readonly CallExpression[]): readonly string[] {
  const topics = calls.flatMap((call) => {
    const [to] = call.getArguments()
    if (!isNamedPublish(call) || !Node.isExpression(to)) return []
    return declaredTopic(to)?.name ?? (isOfContext(call) ? (readString(to) ?? []) : [])
  })
  return [...new Set(topics)].sort()
}

function isNamedPublish(call: CallExpression): boolean {
  const callee = call.getExpression()
  if (Node.isPropertyAccessExpression(callee)) return callee.getName() === 'publish'
  return Node.isIdentifier(callee) && callee.getText() === 'publish'
}

/** `context.publish` or `publish`, where `context` or `{ publish }` is the second parameter of the function that is given to `handler()` or `batchHandler()`. */
function isOfContext(call: CallExpression): boolean {
  const callee = call.getExpression()
  const base = Node.isPropertyAccessExpression(callee) ? callee.getExpression() : callee
  const declaration = Node.isIdentifier(base) ? base.getSymbol()?.getDeclarations()[0] : undefined
  const parameter = Node.isParameterDeclaration(declaration)
    ? declaration
    : declaration?.getFirstAncestor(Node.isParameterDeclaration)
  const run = parameter?.getParent()
  if (run === undefined || parameter === undefined) return false
  if (!Node.isArrowFunction(run) && !Node.isFunctionExpression(run)) return false
  if (run.getParameters()[1] !== parameter) return false
  const outer = run.getParent()
  return Node.isCallExpression(outer) && isHandlerCall(outer)
}
