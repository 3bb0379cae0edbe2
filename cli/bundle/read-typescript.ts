/** Teaches this process to import the user's TypeScript. Not called where there is none: to load tsx takes 300 ms, and each import after it longer. */
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { isCompiled } from '../folders/package-root.ts'
import { packageFolder } from './installed-package.ts'

let registered: Promise<void> | undefined

/** For the whole process, not per import, so that the user's files and the command share one copy of `pyrallel`. */
export function readTypeScript(): Promise<void> {
  registered ??= register()
  return registered
}

/**
 * The same, if one of the packages that a bundle imports may be TypeScript, or import some: one that is linked, as in a workspace, or that is
 * not found. What is installed is JavaScript. To be called before they are imported: Node keeps the failure of an import for good.
 */
export async function readLinkedTypeScript(root: string, specifiers: readonly string[]): Promise<void> {
  if (!specifiers.every((specifier) => isInstalled(root, specifier))) await readTypeScript()
}

function isInstalled(root: string, specifier: string): boolean {
  // What the command itself has loaded.
  if (specifier.startsWith('file:')) return true
  const [scope = '', part = ''] = specifier.split('/')
  const name = scope.startsWith('@') ? `${scope}/${part}` : scope
  const folder = packageFolder(name, root)
  return folder !== undefined && realpathSync(folder).endsWith(join('node_modules', name))
}

async function register(): Promise<void> {
  // From its sources, the command could not have come here without tsx.
  if (!isCompiled) return
  const tsx = await import('tsx/esm/api')
  tsx.register()
}
