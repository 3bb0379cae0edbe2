/** Finds what handlers publish past their context, as far as that is written in so many words: it is no part of a transaction. Reads syntax. */
import { type CallExpression, type Expression, Node, type SourceFile, SyntaxKind } from 'ts-morph'
import { importedFrom, pyrallelFunction, resolve } from '../types/static-reader.ts'

const publisherNames = ['startPyrallel', 'createRuntime', 'connectPublisher'] as const
/** Of Pyrallel's own: what they give has a `publish`. */
const publishers: ReadonlySet<string | undefined> = new Set(publisherNames)
/** Whose producers write to Kafka. */
const clients: ReadonlySet<string> = new Set([
  'kafkajs',
  'node-rdkafka',
  '@confluentinc/kafka-javascript',
  '@platformatic/kafka',
])
/** As they stand in a file that makes one. */
const makers = [...publisherNames, ...clients]
const produceVerbs: ReadonlySet<string> = new Set(['send', 'sendBatch', 'produce'])

/** Whether a file may make what publishes. By its text, as looking through all calls of handlers that can reach no such file would double what a save costs. */
export function mayMakePublisher({ compilerNode: file }: SourceFile): boolean {
  return makers.some((name) => file.text.includes(name))
}

/** Calls in a handler's function, and in functions of the project that it calls by their names, directly or not. @param handler the call of `handler()` */
export function outsidePublishes(handler: CallExpression): readonly CallExpression[] {
  const found: CallExpression[] = []
  const seen = new Set<Node>([handler])
  const named = handler.getArguments().flatMap((argument) => functionOf(argument) ?? [])
  for (const each of named) seen.add(each)
  for (const node of seen) {
    for (const call of node.getDescendantsOfKind(SyntaxKind.CallExpression)) {
      if (isOutside(call)) found.push(call)
      const called = functionOf(call.getExpression())
      if (called !== undefined) seen.add(called)
    }
  }
  return found
}

function isOutside(call: CallExpression): boolean {
  const callee = call.getExpression()
  if (Node.isIdentifier(callee)) return isTakenOut(callee)
  if (!Node.isPropertyAccessExpression(callee)) return false
  const made = awaited(callee.getExpression())
  if (made === undefined) return false
  return callee.getName() === 'publish' ? isPublisher(made) : produceVerbs.has(callee.getName()) && isProducer(made)
}

/** `const { publish } = await startPyrallel()`, also by another name and through imports. */
function isTakenOut(callee: Node): boolean {
  const [element] = declarationsOf(callee).filter(Node.isBindingElement)
  const variable = element?.getFirstAncestor(Node.isVariableDeclaration)
  const initializer = variable?.getInitializer()
  if (element === undefined || initializer === undefined) return false
  const name = element.getPropertyNameNode()?.getText() ?? element.getName()
  const made = awaited(initializer)
  return name === 'publish' && made !== undefined && isPublisher(made)
}

function isPublisher(made: Expression): boolean {
  return Node.isCallExpression(made) && publishers.has(pyrallelFunction(made))
}

/** `new Producer()`, or `kafka.producer()` of what was made with `new`. */
function isProducer(made: Expression): boolean {
  if (Node.isNewExpression(made)) return isOfClient(made.getExpression())
  const callee = Node.isCallExpression(made) ? made.getExpression() : undefined
  if (!Node.isPropertyAccessExpression(callee) || callee.getName() !== 'producer') return false
  const kafka = awaited(callee.getExpression())
  return Node.isNewExpression(kafka) && isOfClient(kafka.getExpression())
}

function isOfClient(named: Expression): boolean {
  const root = Node.isPropertyAccessExpression(named) ? named.getExpression() : named
  return Node.isIdentifier(root) && importedFrom(root, (specifier) => clients.has(specifier)) !== undefined
}

/** What a name stands for, without the `await` in front of it. */
function awaited(expression: Expression): Expression | undefined {
  const node = resolve(expression)
  return Node.isAwaitExpression(node) ? resolve(node.getExpression()) : node
}

/** The function of the project that a name stands for, through imports. */
function functionOf(named: Node): Node | undefined {
  if (!Node.isIdentifier(named)) return undefined
  const declared = declarationsOf(named).find(Node.isFunctionDeclaration)
  if (declared !== undefined) return declared
  const value = resolve(named)
  return Node.isArrowFunction(value) || Node.isFunctionExpression(value) ? value : undefined
}

function declarationsOf(named: Node): readonly Node[] {
  const symbol = named.getSymbol()
  return (symbol?.getAliasedSymbol() ?? symbol)?.getDeclarations() ?? []
}
