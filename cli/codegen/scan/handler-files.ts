/** Finds the files below handlers/ that are handlers, and what looks like one and is none. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'

export interface HandlerFiles {
  /** `handlers/**\/*.ts`, but not `_*`, `*.test.ts` and `*.d.ts`; relative to the project, with `/`, sorted. */
  readonly files: readonly string[]
  /** What would be passed over in silence: told, with why. Sorted. */
  readonly refused: readonly RefusedFile[]
}

export interface RefusedFile {
  readonly path: string
  readonly message: string
  readonly fix: string
}

/** No declarations: those hold no code. Types are read by the compiler, so a handler is TypeScript; one ending, so that a path is one id. */
const otherCode = /(?<!\.test|\.d)\.(mts|cts|tsx|jsx|js|mjs|cjs)$/
const importsPyrallel = /\b(?:from|import|require)\b\s*\(?\s*['"]pyrallel['"]/

export function handlerFiles(root: string): HandlerFiles {
  const found: { files: string[]; refused: RefusedFile[] } = { files: [], refused: [] }
  const folder = join(root, 'handlers')
  if (existsSync(folder)) walk(folder, 'handlers', found)
  return {
    files: found.files.sort((a, b) => (a < b ? -1 : 1)),
    refused: found.refused.sort((a, b) => (a.path < b.path ? -1 : 1)),
  }
}

function walk(folder: string, prefix: string, found: { files: string[]; refused: RefusedFile[] }): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const { name } = entry
    const path = `${prefix}/${name}`
    if (name.startsWith('_') || name.startsWith('.') || name === 'node_modules') continue
    if (entry.isDirectory()) walk(join(folder, name), path, found)
    else if (entry.isSymbolicLink() && isFolder(join(folder, name))) found.refused.push(linked(path))
    else if (name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('.d.ts')) found.files.push(path)
    // A script beside handlers that has nothing to do with Pyrallel is no handler, and not our business.
    else if (otherCode.test(name) && importsPyrallel.test(textOf(join(folder, name)))) found.refused.push(other(path))
  }
}

function linked(path: string): RefusedFile {
  return {
    path,
    message: `${path} is a link to a folder. Links are not followed: a handler below it would have two paths, and so two ids.`,
    fix: 'Write a file for each handler in a folder of its own, which imports the code and exports it; or give the link a name that begins with `_`.',
  }
}

function other(path: string): RefusedFile {
  const ending = extname(path)
  return {
    path,
    message: `${path} imports 'pyrallel', and is no handler: handlers are files that end in .ts, not in ${ending}.`,
    fix: `Rename it to ${path.slice(0, -ending.length)}.ts; or, if it is none, give it a name that begins with \`_\`.`,
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Gone meanwhile, or a link that leads nowhere.
    return ''
  }
}
