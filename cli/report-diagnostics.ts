/** Prints the generator's diagnostics for people: each a block, and how many there are. */
import { type Diagnostic, diagnosticText } from './codegen/diagnostic.ts'
import { hasColor, type Io } from './io.ts'
import { painter } from './paint.ts'

export function reportDiagnostics(diagnostics: readonly Diagnostic[], io: Pick<Io, 'stderr' | 'env'>): void {
  const paint = painter(hasColor(io.stderr, io.env))
  for (const diagnostic of diagnostics) {
    const [head = '', ...body] = diagnosticText(diagnostic).split('\n')
    io.stderr.write(
      `${paint('red', '✗')} ${paint('bold', head)}\n${body.map((line) => `  ${line}`.trimEnd()).join('\n')}\n\n`,
    )
  }
  const count = diagnostics.length
  io.stderr.write(`${count} ${count === 1 ? 'mistake' : 'mistakes'} below handlers/. Nothing was written.\n`)
}
