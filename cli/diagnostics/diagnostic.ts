/** A mistake in a user's source, as plain data, and the text that shows it. Imports no compiler. */
import type { ErrorCode } from '../../framework/model/errors.ts'

export interface Diagnostic {
  readonly code: ErrorCode
  /** Relative to the project, with `/`. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  /** What is wrong. */
  readonly message: string
  /** What to write instead. */
  readonly fix: string
  /** The lines around the place, with the place underlined. */
  readonly frame: string
}

/** A place in a source text. */
export interface Span {
  readonly start: number
  readonly end: number
}

const LINES_AROUND = 2

/** Line and column of an offset, both from 1. */
export function positionOf(source: string, offset: number): { readonly line: number; readonly column: number } {
  const before = source.slice(0, offset)
  const line = before.split('\n').length
  return { line, column: offset - (before.lastIndexOf('\n') + 1) + 1 }
}

/** The lines around a span, numbered, the span underlined: as far as it stays on its first line. */
export function codeFrame(source: string, span: Span): string {
  const lines = source.split(/\r?\n/)
  const { line, column } = positionOf(source, span.start)
  const first = Math.max(1, line - LINES_AROUND)
  const last = Math.min(lines.length, line + LINES_AROUND)
  const width = String(last).length
  const shown: string[] = []
  for (let number = first; number <= last; number++) {
    const text = lines[number - 1] ?? ''
    shown.push(`${number === line ? '>' : ' '} ${String(number).padStart(width)} | ${text}`.trimEnd())
    if (number !== line) continue
    const length = Math.max(1, Math.min(span.end - span.start, text.length - column + 1))
    // Tabs are kept, so that the marks stand below the right characters however wide a tab is shown.
    const indent = text.slice(0, column - 1).replaceAll(/[^\t]/g, ' ')
    shown.push(`  ${' '.repeat(width)} | ${indent}${'^'.repeat(length)}`)
  }
  return shown.join('\n')
}

/** One diagnostic as people read it: place, code, what is wrong, the frame, what to do. */
export function diagnosticText(diagnostic: Diagnostic): string {
  const { file, line, column, code, message, fix, frame } = diagnostic
  return `${file}:${line}:${column} ${code}\n${message}\n\n${frame === '' ? '' : `${frame}\n\n`}Fix: ${fix}`
}
