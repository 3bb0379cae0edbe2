/** Finds the project's files that declare for all others, as tsconfig.json includes them. Opens none of them. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ts } from 'ts-morph'

/** Of the files that tsconfig.json includes: those that may declare one of these names for all others. Walks the project's folder. */
export function globalFiles(root: string, names: ReadonlySet<string>): readonly string[] {
  const path = join(root, 'tsconfig.json')
  if (!existsSync(path)) return []
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} }
  const { fileNames = [] } = ts.getParsedCommandLineOfConfigFile(path, undefined, host) ?? {}
  return fileNames.filter((file) => {
    const text = readFileSync(file, 'utf8')
    return isForAll(file, text) && [...names].some((name) => text.includes(name))
  })
}

/** A file without imports and exports declares for all others; so does `declare global`. */
function isForAll(file: string, text: string): boolean {
  return /\.d\.[mc]?ts$/.test(file) || /\bdeclare\s+global\b/.test(text) || !/^\s*(import|export)\b/m.test(text)
}
