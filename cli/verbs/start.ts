/** `pyrallel start`: runs what `pyrallel build` has made. Loads none of what builds. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PyrallelError } from '../../framework/model/errors.ts'
import { serverFile } from '../folders/build-folder.ts'
import type { Io } from '../terminal/io.ts'

/** Settles never: the bundle ends the process. @throws PyrallelError PYR_USAGE when there is no bundle */
export async function start(folder: string | undefined, io: Pick<Io, 'cwd'>): Promise<never> {
  // The bundle is read by Node as it is: nothing here may have taught the process to read TypeScript.
  await import(pathToFileURL(serverOf(folder, io.cwd())).href)
  return new Promise<never>(() => {})
}

/** The folder that is named, or this one when it is itself the bundle, or dist/. */
function serverOf(folder: string | undefined, cwd: string): string {
  const candidates = folder === undefined ? [serverFile, join('dist', serverFile)] : [join(folder, serverFile)]
  const found = candidates.map((file) => resolve(cwd, file)).find(existsSync)
  if (found !== undefined) return found
  throw new PyrallelError(
    'PYR_USAGE',
    `There is nothing to start: no ${candidates.join(', and no ')}. Run \`pyrallel build\` first, or name its folder: pyrallel start path/to/dist.`,
  )
}
