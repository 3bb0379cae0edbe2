/** Prints diagnostics for people: each a block, and how many there are. */

import { hasColor, type Io } from '../terminal/io.ts'
import { painter } from '../terminal/paint.ts'
import { type Diagnostic, diagnosticText } from './diagnostic.ts'

/** @param outcome what has come of it: `Nothing was written.` */
export function reportDiagnostics(
  diagnostics: readonly Diagnostic[],
  io: Pick<Io, 'stderr' | 'env'>,
  outcome: string,
): void {
  print(diagnostics, '✗', io)
  const count = diagnostics.length
  io.stderr.write(`${count} ${count === 1 ? 'mistake' : 'mistakes'}. ${outcome}\n`)
}

export function reportFailures(failures: readonly Diagnostic[], io: Pick<Io, 'stderr' | 'env'>): void {
  print(failures, '✗', io)
}

/** Nothing for none. */
export function reportWarnings(warnings: readonly Diagnostic[], io: Pick<Io, 'stderr' | 'env'>): void {
  print(warnings, '!', io)
}

function print(diagnostics: readonly Diagnostic[], sign: '✗' | '!', io: Pick<Io, 'stderr' | 'env'>): void {
  const paint = painter(hasColor(io.stderr, io.env))
  for (const diagnostic of diagnostics) {
    const [head = '', ...body] = diagnosticText(diagnostic).split('\n')
    const mark = paint(sign === '!' ? 'yellow' : 'red', sign)
    io.stderr.write(`${mark} ${paint('bold', head)}\n${body.map((line) => `  ${line}`.trimEnd()).join('\n')}\n\n`)
  }
}
