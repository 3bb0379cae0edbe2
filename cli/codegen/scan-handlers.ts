/** Reads handler files with ts-morph: no type checking, no library files, no running code. Plain data in, plain data out. */
import { join, relative } from 'node:path'
import { type CallExpression, type Expression, Node, type ObjectLiteralExpression, type SourceFile } from 'ts-morph'
import type { ErrorCode } from '../../framework/model/errors.ts'
import { codeFrame, type Diagnostic, positionOf } from './diagnostic.ts'
import { duplicates, type Located } from './duplicates.ts'
import { openProject } from './project-files.ts'
import type { ScannedHandler, ScanRequest, ScanResult } from './scan-result.ts'
import { property, pyrallelFunction, readString, resolve } from './static-reader.ts'

const orderings = ['key', 'partition', 'unordered'] as const

/** Reads all files; every mistake that is found is reported, not the first one only. */
export function scanHandlers(request: ScanRequest): ScanResult {
  const sources = openProject(
    request.root,
    request.files.map((file) => join(request.root, file)),
  )
  const diagnostics: Diagnostic[] = []
  const report: Report = (node, code, message, fix) => {
    diagnostics.push(diagnosticAt(request.root, node, code, message, fix))
  }
  const found: Located<Node>[] = []
  for (const [index, source] of sources.entries()) {
    const file = request.files[index]
    if (file === undefined) continue
    const located = scanFile(source, file, report)
    if (located !== undefined) found.push(located)
  }
  for (const { node, message, fix } of duplicates(found, request.defaultGroup)) {
    report(node, 'PYR_HANDLER_DUPLICATE', message, fix)
  }
  return {
    handlers: found.map(({ handler }) => handler).sort((a, b) => compareText(a.id, b.id)),
    diagnostics: diagnostics.sort(
      (a, b) => compareText(a.file, b.file) || a.line - b.line || a.column - b.column || compareText(a.code, b.code),
    ),
  }
}

type Report = (node: Node, code: ErrorCode, message: string, fix: string) => void

function scanFile(source: SourceFile, file: string, report: Report): Located<Node> | undefined {
  const syntax = source.getProject().getProgram().getSyntacticDiagnostics(source)[0]
  if (syntax !== undefined) {
    const place = source.getDescendantAtPos(syntax.getStart()) ?? source
    const text = syntax.getMessageText()
    report(
      place,
      'PYR_HANDLER_EXPORT',
      `Syntax error: ${typeof text === 'string' ? text : text.getMessageText()}`,
      'Correct the syntax, then generate again.',
    )
    return undefined
  }
  const exported = defaultExport(source)
  if (exported === undefined) {
    report(
      source.getStatements()[0] ?? source,
      'PYR_HANDLER_EXPORT',
      'This file has no default export, but every file below handlers/ is a handler.',
      'Write `export default handler(topic, async (record, context) => { ... })`, or rename the file to begin with `_` when it is no handler.',
    )
    return undefined
  }
  const call = exported.value === undefined ? undefined : resolve(exported.value)
  if (call === undefined || !Node.isCallExpression(call) || pyrallelFunction(call) !== 'handler') {
    report(
      exported.place,
      'PYR_HANDLER_EXPORT',
      "The default export is not a call of `handler` from 'pyrallel'.",
      'Write `export default handler(topic, async (record, context) => { ... })`, or rename the file to begin with `_` when it is no handler.',
    )
    return undefined
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

function readHandler(call: CallExpression, place: Node, file: string, report: Report): Located<Node> | undefined {
  const [topicArgument, second, third] = call.getArguments().filter(Node.isExpression)
  if (topicArgument === undefined) {
    report(
      call,
      'PYR_HANDLER_STATIC',
      'The handler names no topic.',
      'Give the topic as the first argument: `handler(orders, run)`.',
    )
    return undefined
  }
  const topic = readTopic(topicArgument)
  if (topic === undefined) {
    report(
      topicArgument,
      'PYR_HANDLER_STATIC',
      'The topic is computed at run time, but it must be readable without running code.',
      "Write a string literal ('orders.created'), a `const` with one, or an imported `topic('orders.created')`.",
    )
  }
  const options = third === undefined ? undefined : readOptions(second, report)
  const read = (name: string) => (options === undefined ? null : readOption(options, name, report))
  const id = read('id')
  const group = read('group')
  const ordering = read('ordering')
  if (topic === undefined || id === undefined || group === undefined || ordering === undefined) return undefined
  const known = orderings.find((value) => value === ordering?.text)
  if (ordering !== null && known === undefined) {
    report(
      ordering.node,
      'PYR_HANDLER_OPTION',
      `The ordering is '${ordering.text}', which does not exist.`,
      `Write one of ${orderings.map((value) => `'${value}'`).join(', ')}.`,
    )
    return undefined
  }
  const handler: ScannedHandler = {
    id: id?.text ?? file.replace(/^handlers\//, '').replace(/\.ts$/, ''),
    file,
    topic,
    group: group?.text ?? null,
    ordering: known ?? null,
  }
  return { handler, idPlace: id?.node ?? place, topicPlace: topicArgument }
}

/** `'name'`, a constant with it, or a `topic('name')` wherever it is declared. */
function readTopic(argument: Expression): string | undefined {
  const node = resolve(argument)
  if (node === undefined) return undefined
  if (!Node.isCallExpression(node)) return readString(node)
  const name = node.getArguments()[0]
  if (pyrallelFunction(node) !== 'topic' || !Node.isExpression(name)) return undefined
  return readString(name)
}

function readOptions(argument: Expression | undefined, report: Report): ObjectLiteralExpression | undefined {
  const node = argument === undefined ? undefined : resolve(argument)
  if (node !== undefined && Node.isObjectLiteralExpression(node)) return node
  if (argument !== undefined) {
    report(
      argument,
      'PYR_HANDLER_STATIC',
      'The options are computed at run time, but id, group and ordering must be readable without running code.',
      'Write the options as an object literal, or as a `const` with one.',
    )
  }
  return undefined
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

function diagnosticAt(root: string, node: Node, code: ErrorCode, message: string, fix: string): Diagnostic {
  const source = node.getSourceFile()
  const text = source.getFullText()
  const span = { start: node.getStart(), end: node.getEnd() }
  const file = relative(root, source.getFilePath()).replaceAll('\\', '/')
  return { code, file, ...positionOf(text, span.start), message, fix, frame: codeFrame(text, span) }
}

/** By code unit, so that the order is the same in every locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
