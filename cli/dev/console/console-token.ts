/** `.pyrallel/console-token`: kept over restarts, so that a page that is open goes on. Nobody but its owner can read it. */
import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const tokenFile = '.pyrallel/console-token'

const made = /^[\w-]{43}$/

export function consoleToken(root: string): string {
  const path = join(root, tokenFile)
  const known = readToken(path)
  if (known !== undefined) return known
  const token = randomBytes(32).toString('base64url')
  mkdirSync(dirname(path), { recursive: true })
  // Anew, so that neither the rights of an older one count, nor where a link leads.
  rmSync(path, { force: true })
  writeFileSync(path, `${token}\n`, { mode: 0o600, flag: 'wx' })
  return token
}

/** `undefined` for one that others could have read or written, and for what is no token. */
function readToken(path: string): string | undefined {
  try {
    const file = lstatSync(path)
    const own = process.geteuid?.()
    // Windows has neither owner nor rights in this sense.
    const isOwn = own === undefined || (file.uid === own && (file.mode & 0o077) === 0)
    if (!file.isFile() || !isOwn) return undefined
    const text = readFileSync(path, 'utf8').trim()
    return made.test(text) ? text : undefined
  } catch {
    return undefined
  }
}
