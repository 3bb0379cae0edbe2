/** Scans, renders, and compares with what is in `generated/`. Loads the compiler only when it is called. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Diagnostic } from './diagnostic.ts'
import { lineDiff } from './line-diff.ts'
import { type GeneratedFile, renderFiles } from './render.ts'
import type { ScannedHandler } from './scan-result.ts'

export interface Generation {
  /** Not empty: there are no files. */
  readonly diagnostics: readonly Diagnostic[]
  readonly handlers: readonly ScannedHandler[]
  readonly files: readonly GeneratedFile[]
  readonly stale: readonly StaleFile[]
}

export interface StaleFile extends GeneratedFile {
  /** From what is on the disk to what should be there. */
  readonly diff: string
}

/** Writes nothing. */
export async function generate(root: string, defaultGroup: string): Promise<Generation> {
  // ts-morph takes about 400 ms to load: nothing but this function may wait for it.
  const [{ scanHandlers }, { handlerFiles }] = await Promise.all([
    import('./scan-handlers.ts'),
    import('./project-files.ts'),
  ])
  const { handlers, diagnostics } = scanHandlers({ root, files: handlerFiles(root), defaultGroup })
  const files = diagnostics.length > 0 ? [] : renderFiles(handlers, defaultGroup)
  return { diagnostics, handlers, files, stale: files.flatMap((file) => staleFile(root, file) ?? []) }
}

export function writeFiles(root: string, files: readonly GeneratedFile[]): void {
  for (const { path, content } of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
}

function staleFile(root: string, file: GeneratedFile): StaleFile | undefined {
  const path = join(root, file.path)
  // A checkout on Windows may have turned the line ends; that is no difference.
  const current = existsSync(path) ? readFileSync(path, 'utf8').replaceAll('\r\n', '\n') : ''
  return current === file.content ? undefined : { ...file, diff: lineDiff(current, file.content) }
}
