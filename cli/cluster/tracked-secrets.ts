/** Asks git whether files for secrets are in the repository. Changes nothing. */
import { spawnSync } from 'node:child_process'
import type { Finding } from './diagnose.ts'

/** Undefined where there is no git, or no repository: then nothing is tracked. */
export function examineEnvFiles(root: string): Finding | undefined {
  const argv = ['ls-files', '-z', '--', '.env', '.env.*']
  const { status, stdout } = spawnSync('git', argv, { cwd: root, encoding: 'utf8', timeout: 5_000 })
  if (status !== 0) return undefined
  const tracked = stdout.split('\0').filter((file) => file !== '' && file !== '.env.example')
  const what = '.env files'
  if (tracked.length === 0) return { what, state: 'well', detail: 'none is in the repository' }
  return {
    what,
    state: 'warning',
    detail: `${tracked.join(', ')} ${tracked.length === 1 ? 'is' : 'are'} in the repository: whoever reads it knows what is written there`,
    next: `Take ${tracked.length === 1 ? 'it' : 'them'} out (git rm --cached -- ${tracked.map(word).join(' ')}), write .env and .env.* into .gitignore, and replace the secrets: the history keeps them.`,
  }
}

/** As a shell takes it for one word: whoever made the repository has chosen the names, and the line is there to be copied. */
function word(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`
}
