/** Finds what of tsconfig.json, or of one that it extends, cannot be read. The compiler goes on without it, and imports may lead elsewhere. */
import { existsSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { ts } from 'ts-morph'
import type { Span } from '../../diagnostics/diagnostic.ts'

export interface TsconfigFault extends Span {
  readonly source: ts.SourceFile
  readonly message: string
  readonly fix: string
}

/**
 * @param configs what was read for it, or looked for in vain; absolute
 * @param errors of the compiler, which names a file that is not there, but not the one that extends it
 */
export function tsconfigFaults(configs: Iterable<string>, errors: readonly ts.Diagnostic[]): readonly TsconfigFault[] {
  const told = errors.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
  const read = [...configs].filter((path) => basename(path) !== 'package.json' && existsSync(path))
  return read.flatMap((path) => {
    const source = ts.readJsonConfigFile(path, ts.sys.readFile)
    return [...syntaxFaults(source), ...extendedBy(source).flatMap((each) => missing(source, each, told) ?? [])]
  })
}

function missing(
  source: ts.JsonSourceFile,
  extended: ts.StringLiteral,
  told: readonly string[],
): TsconfigFault | undefined {
  const { text } = extended
  const path = resolve(dirname(source.fileName), text)
  const names = [text, path, `${path}.json`].map((name) => `'${name.replaceAll('\\', '/')}'`)
  if (!told.some((message) => names.some((name) => message.includes(name)))) return undefined
  const fix = /^\.{0,2}\//.test(text)
    ? 'Correct the path, or take it out.'
    : 'Install the package that it is of, or take it out.'
  return { source, ...spanOf(extended, source), message: `'${text}' is extended, and is not there.`, fix }
}

function syntaxFaults(source: ts.JsonSourceFile): readonly TsconfigFault[] {
  // The compiler has them on every file, but does not say so.
  const { parseDiagnostics = [] } = source as { readonly parseDiagnostics?: readonly ts.DiagnosticWithLocation[] }
  return parseDiagnostics.slice(0, 1).map(({ start, length, messageText }) => ({
    source,
    start,
    end: start + length,
    message: `Syntax error: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    fix: 'Correct the syntax at the mark.',
  }))
}

/** What stands at `extends`: a text, or a list. */
function extendedBy(source: ts.JsonSourceFile): readonly ts.StringLiteral[] {
  const object = source.statements[0]?.expression
  if (object === undefined || !ts.isObjectLiteralExpression(object)) return []
  return object.properties.flatMap((each) => {
    if (!ts.isPropertyAssignment(each) || !ts.isStringLiteral(each.name) || each.name.text !== 'extends') return []
    const { initializer } = each
    const items = ts.isArrayLiteralExpression(initializer) ? initializer.elements : [initializer]
    return [...items].filter((item) => ts.isStringLiteral(item))
  })
}

function spanOf(node: ts.Node, source: ts.SourceFile): Span {
  return { start: node.getStart(source), end: node.getEnd() }
}
