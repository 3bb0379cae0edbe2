/** Reads what a handler file says about its handler, from syntax: no type checking, no running code. */
import { type CallExpression, type Expression, Node, type ObjectLiteralExpression, type SourceFile } from 'ts-morph'
import { handlerSchema } from '../../../framework/config/config.ts'
import { suggestion } from '../../../framework/config/nearest-name.ts'
import { patternOf } from '../../../framework/model/topic-pattern.ts'
import { patternRisk } from '../schema/pattern-risk.ts'
import { isHandlerCall, plainName, property, readString, resolve } from '../types/static-reader.ts'
import type { Located } from './duplicates.ts'
import type { Report } from './reporter.ts'
import type { ScannedDeadLetter } from './scan-result.ts'
import { declaredTopic, matchedTopics } from './value-schemas.ts'

const orderings = ['key', 'partition', 'unordered'] as const
const engines = ['async', 'worker'] as const

/** What can be read of a handler's file about one of its topics, and what the rest of the scan needs of its syntax. */
export interface FoundHandler extends Located<Node> {
  readonly call: CallExpression
  /** The topic where it stands in a list; undefined for a handler without one. */
  readonly listed: Expression | undefined
}

/** Reads one handler file, whose syntax is right. @returns it once for each of its topics; empty when it is no good, and then that has been reported */
export function scanHandler(source: SourceFile, file: string, report: Report): readonly FoundHandler[] {
  const exported = defaultExport(source)
  if (exported === undefined) {
    report(
      source.getStatements()[0] ?? source,
      'PYR_HANDLER_EXPORT',
      'This file has no default export, but every file below handlers/ is a handler.',
      'Write `export default handler(topic, async (record, context) => { ... })`, or rename the file to begin with `_` when it is no handler.',
    )
    return []
  }
  const call = exported.value === undefined ? undefined : resolve(exported.value)
  if (call === undefined || !Node.isCallExpression(call) || !isHandlerCall(call)) {
    report(
      exported.place,
      'PYR_HANDLER_EXPORT',
      "The default export is not a call of `handler` or `batchHandler` from 'pyrallel'.",
      'Write `export default handler(topic, async (record, context) => { ... })`, or rename the file to begin with `_` when it is no handler.',
    )
    return []
  }
  return readHandler(call, exported.place, file, report)
}

/** The default export of a file, through `export default name`, `export { name as default }` and `export { default } from`. */
function defaultExport(
  source: SourceFile,
): { readonly place: Node; readonly value: Expression | undefined } | undefined {
  const symbol = source.getDefaultExportSymbol()
  const declaration = symbol?.getDeclarations()[0]
  if (symbol === undefined || declaration === undefined) return undefined
  if (Node.isExportAssignment(declaration)) return { place: declaration, value: declaration.getExpression() }
  const target = symbol.getAliasedSymbol()?.getDeclarations()[0]
  if (target !== undefined && Node.isExportAssignment(target))
    return { place: declaration, value: target.getExpression() }
  const isConst = target !== undefined && Node.isVariableDeclaration(target)
  return { place: declaration, value: isConst ? target.getInitializer() : undefined }
}

function readHandler(call: CallExpression, place: Node, file: string, report: Report): readonly FoundHandler[] {
  const [topicArgument, second, third] = call.getArguments().filter(Node.isExpression)
  if (topicArgument === undefined) {
    report(
      call,
      'PYR_HANDLER_STATIC',
      'The handler names no topic.',
      'Give the topic as the first argument: `handler(orders, run)`.',
    )
    return []
  }
  const topics = readTopics(topicArgument, report)
  const options = third === undefined ? undefined : readOptions(second, report)
  if (options !== undefined && hasUnknownOption(options, report)) return []
  const read = (name: string) => (options === undefined ? null : readOption(options, name, report))
  const id = read('id')
  const group = read('group')
  const ordering = oneOf('ordering', orderings, read('ordering'), report)
  const engine = oneOf('engine', engines, read('engine'), report)
  if (topics === undefined || id === undefined || group === undefined) return []
  if (ordering === undefined || engine === undefined) return []
  const handler = {
    id: id?.text ?? file.replace(/^handlers\//, '').replace(/\.ts$/, ''),
    file,
    group: group?.text ?? null,
    ordering,
    engine: engine ?? 'async',
    deadLetter: options === undefined ? ({ kind: 'default' } as const) : readDeadLetter(options),
    threads: options === undefined ? undefined : readThreads(options),
  }
  const places = { call, idPlace: id?.node ?? place, groupPlace: group?.node ?? place }
  return topics.map(({ name, node, listed }) => ({
    ...places,
    handler: { ...handler, topic: name },
    topicPlace: node,
    listed,
  }))
}

interface ReadTopic {
  readonly name: string
  readonly node: Expression
  readonly listed: Expression | undefined
}

/** `undefined` when one of them cannot be read; then it has been reported. */
function readTopics(argument: Expression, report: Report): readonly ReadTopic[] | undefined {
  const list = resolve(argument)
  if (list === undefined || !Node.isArrayLiteralExpression(list)) {
    const name = readTopic(argument, report)
    return name === undefined ? undefined : [{ name, node: argument, listed: undefined }]
  }
  if (list.getElements().length === 0) {
    report(list, 'PYR_HANDLER_STATIC', 'The list of topics is empty.', 'Name at least one topic.')
    return undefined
  }
  const matched = list.getElements().find((node) => matchedTopics(node) !== undefined)
  if (matched !== undefined) {
    report(
      matched,
      'PYR_HANDLER_STATIC',
      'A list names topics, and this is a pattern.',
      'Give `topicsMatching(...)` alone, and say all that it is to match in one pattern.',
    )
    return undefined
  }
  const read = list.getElements().map((node) => ({ name: readTopic(node, report), node, listed: node }))
  const known = read.flatMap(({ name, ...rest }) => (name === undefined ? [] : [{ name, ...rest }]))
  return known.length === read.length ? known : undefined
}

/** `'name'`, a constant with it, or a `topic('name')` wherever it is declared. `undefined` when it is none; then it has been reported. */
function readTopic(argument: Expression, report: Report): string | undefined {
  const matched = matchedTopics(argument)
  if (matched !== undefined) return readPattern(matched.call, matched.pattern, report)
  const name = declaredTopic(argument)?.name ?? readString(argument)
  if (name !== undefined) return name
  report(
    argument,
    'PYR_HANDLER_STATIC',
    'The topic is computed at run time, but it must be readable without running code.',
    "Write a string literal ('orders.created'), a `const` with one, or an imported `topic('orders.created')`.",
  )
  return undefined
}

/** The text of `topicsMatching(/.../)`. `undefined` when it cannot be read, or is no good; then it has been reported. */
function readPattern(call: CallExpression, pattern: string | undefined, report: Report): string | undefined {
  const place = call.getArguments()[0] ?? call
  if (pattern === undefined) {
    const message = 'The pattern is computed at run time, but it must be readable without running code.'
    report(place, 'PYR_HANDLER_STATIC', message, 'Write a regular expression literal: topicsMatching(/^orders\\./).')
    return undefined
  }
  const read = patternOf(pattern)
  if (read !== undefined && patternRisk(read.source) !== 'exponential') return pattern
  if (read !== undefined) {
    const ways =
      'a repetition inside of another one shares its characters, so the time doubles with every few characters'
    const message = `The pattern ${pattern} can take very long on the name of a topic, which anybody may have made: ${ways}.`
    report(
      place,
      'PYR_HANDLER_OPTION',
      message,
      'Let each character belong to one repetition only, as [a-z]+(-[a-z]+)* does.',
    )
    return undefined
  }
  const message = `The pattern ${pattern} has a flag that means nothing here.`
  report(place, 'PYR_HANDLER_OPTION', message, 'Leave all flags out but i.')
  return undefined
}

function readOptions(argument: Expression | undefined, report: Report): ObjectLiteralExpression | undefined {
  const node = argument === undefined ? undefined : resolve(argument)
  if (node !== undefined && Node.isObjectLiteralExpression(node)) return node
  if (argument !== undefined) {
    report(
      argument,
      'PYR_HANDLER_STATIC',
      'The options are computed at run time, but id, group, engine and ordering must be readable without running code.',
      'Write the options as an object literal, or as a `const` with one.',
    )
  }
  return undefined
}

/** Those that can be read: what a spread or a computed name brings is checked when the handler is loaded. */
function hasUnknownOption(options: ObjectLiteralExpression, report: Report): boolean {
  // `schema` is taken for the topic's, and is no option of the running handler.
  const known = [...Object.keys(handlerSchema.properties), 'schema']
  let hasUnknown = false
  for (const member of options.getProperties()) {
    if (Node.isSpreadAssignment(member) || Node.isComputedPropertyName(member.getNameNode())) continue
    const place = member.getNameNode()
    const name = plainName(place)
    if (known.includes(name)) continue
    hasUnknown = true
    const fix = `${suggestion(name, known).trim()} Correct the name, or remove the option.`
    report(place, 'PYR_HANDLER_OPTION', `A handler has no option \`${name}\`.`, fix)
  }
  return hasUnknown
}

interface ReadText {
  readonly text: string
  readonly node: Node
}

/** `null` when the option is not there, `undefined` when it cannot be read; then it has been reported. */
function readOption(options: ObjectLiteralExpression, name: string, report: Report): ReadText | null | undefined {
  const found = property(options, name)
  if (found === undefined) return null
  const text = found.value === undefined ? undefined : readString(found.value)
  if (text !== undefined && found.value !== undefined) return { text, node: found.value }
  report(
    found.opaque ?? found.value ?? options,
    'PYR_HANDLER_STATIC',
    `The option \`${name}\` ${found.opaque === undefined ? 'is' : 'may be'} computed at run time, but it must be readable without running code.`,
    `Write \`${name}\` as a string literal or a \`const\` with one${found.opaque === undefined ? '' : ', below the spread'}.`,
  )
  return undefined
}

/** The value that was read, when it is one of these; what else was read is reported. `null` and `undefined` as in `readOption`. */
function oneOf<V extends string>(
  name: string,
  values: readonly V[],
  read: ReadText | null | undefined,
  report: Report,
): V | null | undefined {
  if (read === null || read === undefined) return read
  const known = values.find((value) => value === read.text)
  if (known !== undefined) return known
  report(
    read.node,
    'PYR_HANDLER_OPTION',
    `The ${name} is '${read.text}', which does not exist.`,
    `Write one of ${values.map((value) => `'${value}'`).join(', ')}.`,
  )
  return undefined
}

/** Nothing that is generated depends on it, so what cannot be read is no mistake. */
function readDeadLetter(options: ObjectLiteralExpression): ScannedDeadLetter {
  const found = property(options, 'deadLetter')
  if (found === undefined) return { kind: 'default' }
  const value = found.opaque !== undefined || found.value === undefined ? undefined : resolve(found.value)
  if (value === undefined) return { kind: 'unknown' }
  if (Node.isFalseLiteral(value)) return { kind: 'none' }
  if (!Node.isObjectLiteralExpression(value)) return { kind: 'unknown' }
  const topic = property(value, 'topic')
  if (topic === undefined) return { kind: 'default' }
  const name = topic.opaque !== undefined || topic.value === undefined ? undefined : readString(topic.value)
  return name === undefined ? { kind: 'unknown' } : { kind: 'topic', name }
}

function readThreads(options: ObjectLiteralExpression): number | undefined {
  const worker = property(options, 'worker')?.value
  const section = worker === undefined ? undefined : resolve(worker)
  if (section === undefined || !Node.isObjectLiteralExpression(section)) return undefined
  const threads = property(section, 'threads')?.value
  const value = threads === undefined ? undefined : resolve(threads)
  return value !== undefined && Node.isNumericLiteral(value) ? value.getLiteralValue() : undefined
}
