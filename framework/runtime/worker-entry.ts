/** Finds the module that a handler's threads load, wherever the generated files were compiled to. Loads nothing. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { PyrallelError } from '../model/errors.ts'
import type { RegisteredHandler } from './runtime.ts'

/** A bundle of ours has `.mjs`, the TypeScript compiler and others write `.js`; the generated text says `.ts`, as that is what it is. */
const compiled = ['.mjs', '.js']

/**
 * The route with the file that is there: the source, else what was compiled from it into the same place.
 * @throws PyrallelError PYR_GENERATED_STALE when there is none of them
 */
export function withLoadableEntry(route: RegisteredHandler): RegisteredHandler {
  const { entry } = route
  if (entry === undefined || !entry.startsWith('file:') || !entry.endsWith('.ts')) return route
  const candidates = [entry, ...compiled.map((extension) => entry.replace(/\.ts$/, extension))]
  const found = candidates.find((url) => existsSync(fileURLToPath(url)))
  if (found !== undefined) return { ...route, entry: found }
  throw new PyrallelError(
    'PYR_GENERATED_STALE',
    `${route.file}: the module of its threads is not there: ${fileURLToPath(entry)}, or compiled as ${compiled.join(' or ')}. Run \`pyrallel generate\`, and compile generated/workers/ as well.`,
  )
}
