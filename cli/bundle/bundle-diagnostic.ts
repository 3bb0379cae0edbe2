/** Turns esbuild's messages into the diagnostics that the generator makes too: plain data with a code frame. */
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { Message } from 'esbuild'
import { codeFrame, type Diagnostic } from '../diagnostics/diagnostic.ts'
import { packageName } from './installed-package.ts'
import type { PlaceUse } from './place-uses.ts'

const unresolved = /^Could not resolve "([^"]+)"/

export function bundleDiagnostic(root: string, { text, location, notes }: Message): Diagnostic {
  const [isUnresolved, specifier = ''] = unresolved.exec(text) ?? [undefined]
  const said = [text, ...notes.map((note) => note.text)].map((line) => line.replaceAll(root, '.'))
  return {
    code: 'PYR_BUNDLE',
    file: location?.file ?? 'the project',
    line: location?.line ?? 1,
    // esbuild counts bytes from 0.
    column: location === null ? 1 : characters(location.lineText, location.column) + 1,
    message: `${said.join('\n')}.`.replace(/([.!?])\.$/, '$1'),
    fix:
      isUnresolved === undefined
        ? 'Correct the code at the mark.'
        : fixOf(specifier, location?.file ?? '', said.join(' ')),
    frame: location === null ? '' : frameOf(root, location),
  }
}

/** The path that a relative import stands for, when nothing is there. */
export function missingImport(root: string, { text, location }: Message): string | undefined {
  const specifier = unresolved.exec(text)?.[1]
  if (specifier === undefined || location === null || !specifier.startsWith('.')) return undefined
  return resolve(root, dirname(location.file), specifier)
}

/** The file that imports machine code, which esbuild has no way to bundle. */
export function machineCode({ text, location }: Message): PlaceUse | undefined {
  const isBinary = /^No loader is configured for "\.node" files/.test(text)
  return isBinary && location !== null ? { input: location.file, what: 'machine code' } : undefined
}

function fixOf(specifier: string, file: string, said: string): string {
  if (specifier.startsWith('.') || isAbsolute(specifier)) {
    return 'Write the file that is imported, or correct the path; it ends in the extension of the file, such as .ts.'
  }
  const install = `npm install ${specifier}`
  // Libraries that know several drivers require each where it is used. An import statement runs in any case: it must be there.
  const isLazy = isInstalled(file) && /"require" call|"\.catch\(\)"/.test(said)
  return isLazy
    ? `If this never runs (a driver that you do not use), leave it outside: pyrallel build --external ${packageName(specifier)}. If it does: ${install}`
    : `Install the package, or correct its name: ${install}`
}

function isInstalled(file: string): boolean {
  return /(?:^|\/)node_modules\//.test(file.replaceAll('\\', '/'))
}

function frameOf(root: string, location: NonNullable<Message['location']>): string {
  const { file, line, lineText } = location
  const start = characters(lineText, location.column)
  const length = characters(lineText, location.column + location.length) - start
  const source = sourceOf(root, file)
  const before = source?.split('\n').slice(0, line - 1)
  // The file may have changed since it was bundled: then the line that esbuild has seen stands alone.
  if (source === undefined || before === undefined || source.split('\n')[line - 1]?.trimEnd() !== lineText.trimEnd()) {
    return codeFrame(lineText, { start, end: start + length })
  }
  const offset = before.reduce((sum, each) => sum + each.length + 1, 0) + start
  return codeFrame(source, { start: offset, end: offset + length })
}

function sourceOf(root: string, file: string): string | undefined {
  try {
    return readFileSync(join(root, file), 'utf8')
  } catch {
    return undefined
  }
}

/** How many UTF-16 units the first `bytes` bytes of a line are. */
function characters(lineText: string, bytes: number): number {
  return Buffer.from(lineText).subarray(0, bytes).toString('utf8').length
}
