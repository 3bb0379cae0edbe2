/** The folder that a build writes to: never deletes what no build has made. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { PyrallelError, toError } from '../../framework/model/errors.ts'

export const infoFile = 'pyrallel.json'
/** What production starts. */
export const serverFile = 'server.mjs'

/** @throws PyrallelError PYR_USAGE when other things are in it */
export function refuseForeign(folder: string, shown: string): void {
  if (!existsSync(folder) || existsSync(join(folder, infoFile)) || readdirSync(folder).length === 0) return
  throw new PyrallelError(
    'PYR_USAGE',
    `${shown} holds files that no \`pyrallel build\` has made, and would be written over. Name another folder (--out path), or delete it.`,
  )
}

/** Relative to the folder, with `/`; empty where nothing was built before. */
export function filesOfLastBuild(folder: string): readonly string[] {
  try {
    const info: unknown = JSON.parse(readFileSync(join(folder, infoFile), 'utf8'))
    const { files } = info as { readonly files?: unknown }
    const names = typeof files === 'object' && files !== null ? Object.keys(files) : []
    // The file may have been edited: nothing outside the folder is deleted.
    return names.filter((name) => !relative(folder, join(folder, name)).startsWith('..'))
  } catch {
    // No build, or one that was cut off: nothing is known to be its own.
    return []
  }
}

export function removeFiles(folder: string, files: readonly string[]): void {
  for (const file of files) rmSync(join(folder, file), { force: true })
}

/** @throws PyrallelError PYR_WRITE */
export function writeText(folder: string, file: string, text: string): void {
  try {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  } catch (thrown) {
    const message = `${file} cannot be written: ${toError(thrown).message}. Make the folder writable.`
    throw new PyrallelError('PYR_WRITE', message, { cause: thrown })
  }
}
