/** The commit that a build is made from. */
import { spawnSync } from 'node:child_process'

/** With `-changed` behind it when files differ from it; `null` where there is no git, or no repository. */
export function sourceCommit(root: string): string | null {
  const commit = git(root, 'rev-parse', 'HEAD')
  if (commit === undefined) return null
  const changed = git(root, 'status', '--porcelain', '--untracked-files=no')
  return changed === '' ? commit : `${commit}-changed`
}

function git(root: string, ...argv: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('git', [...argv], { cwd: root, encoding: 'utf8', timeout: 5_000 })
  return status === 0 ? stdout.trim() : undefined
}
