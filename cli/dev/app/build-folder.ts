/** Where `pyrallel dev` bundles to: a folder for each process, so that two of them never meet, below one that git ignores. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive } from '../../cluster/dev-file.ts'

const folder = '.pyrallel/dev'

/** Relative to the project. */
export function buildFolder(pid: number): string {
  return `${folder}/${pid}`
}

/** Removes what processes have left that were killed. */
export function removeOldBuilds(root: string): void {
  const path = join(root, folder)
  if (!existsSync(path)) return
  for (const name of readdirSync(path)) {
    const pid = Number(name)
    if (Number.isSafeInteger(pid) && pid > 0 && !isAlive(pid))
      rmSync(join(path, name), { recursive: true, force: true })
  }
}
