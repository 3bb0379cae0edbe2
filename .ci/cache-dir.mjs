/** Where set-up keeps what is expensive to get: outside the checkout, shared by all clones of one user. Creates nothing. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** `$XDG_CACHE_HOME/pyrallel`, or `~/.cache/pyrallel`. */
export function cacheDir() {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pyrallel')
}
