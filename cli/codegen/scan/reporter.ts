/** Collects the mistakes of one scan, with their places, and puts them in order. */
import { relative } from 'node:path'
import type { Node, ts } from 'ts-morph'
import type { ErrorCode } from '../../../framework/model/errors.ts'
import { codeFrame, type Diagnostic, positionOf, type Span } from '../../diagnostics/diagnostic.ts'

/** Tells of a mistake at its place. */
export type Report = (node: Node, code: ErrorCode, message: string, fix: string) => void

export class Reporter {
  readonly #root: string
  readonly #found = new Map<string, Diagnostic>()

  constructor(root: string) {
    this.#root = root
  }

  node(node: Node, code: ErrorCode, message: string, fix: string): void {
    const span = { start: node.getStart(), end: node.getEnd() }
    this.span(node.getSourceFile().compilerNode, span, code, message, fix)
  }

  span(file: ts.SourceFile, { start, end }: Span, code: ErrorCode, message: string, fix: string): void {
    const path = relative(this.#root, file.fileName).replaceAll('\\', '/')
    const frame = codeFrame(file.text, { start, end })
    const diagnostic = { code, file: path, ...positionOf(file.text, start), message, fix, frame }
    // A property is wrong once, whatever the ways are that lead to it.
    const key = code === 'PYR_TYPE' ? `${path} ${start}` : `${path} ${start} ${code} ${message}`
    if (!this.#found.has(key)) this.#found.set(key, diagnostic)
  }

  /** Of a file or folder as a whole, which nobody has opened. */
  path(file: string, code: ErrorCode, message: string, fix: string): void {
    this.#found.set(`${file} ${code}`, { code, file, line: 1, column: 1, message, fix, frame: '' })
  }

  /** Sorted by file, line and column. */
  get diagnostics(): readonly Diagnostic[] {
    return [...this.#found.values()].sort(
      (a, b) => compareText(a.file, b.file) || a.line - b.line || a.column - b.column || compareText(a.code, b.code),
    )
  }
}

/** By code unit, so that the order is the same in every locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
