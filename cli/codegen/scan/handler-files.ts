/** Finds the files below handlers/ that are handlers. Does not look into them. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** `handlers/**\/*.ts`, but not `_*`, `*.test.ts` and `*.d.ts`; relative to the project, with `/`, sorted. */
export function handlerFiles(root: string): readonly string[] {
  const folder = join(root, 'handlers')
  if (!existsSync(folder)) return []
  return walk(folder, 'handlers').sort((a, b) => (a < b ? -1 : 1))
}

function walk(folder: string, prefix: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${prefix}/${entry.name}`
    if (entry.name.startsWith('_') || entry.name.startsWith('.') || entry.name === 'node_modules') return []
    if (entry.isDirectory()) return walk(join(folder, entry.name), path)
    const isHandler = entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') && !entry.name.endsWith('.d.ts')
    return isHandler ? [path] : []
  })
}
