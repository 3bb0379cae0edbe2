/** Teaches this process to import the user's TypeScript. Not called by verbs that meet none: loading tsx takes 100 ms. */
import { isCompiled } from './package-root.ts'

let registered: Promise<void> | undefined

/** For the whole process, not per import, so that the user's files and the command share one copy of `pyrallel`. */
export function readTypeScript(): Promise<void> {
  registered ??= register()
  return registered
}

async function register(): Promise<void> {
  // From its sources, the command could not have come here without tsx.
  if (!isCompiled) return
  const tsx = await import('tsx/esm/api')
  tsx.register()
}
