/** `.pyrallel/dev.json`: tells other terminals where the broker of a running `pyrallel dev` is. */
import { lstatSync, mkdirSync, readFileSync, rmSync, type Stats, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PyrallelError } from '../../framework/model/errors.ts'

export type BrokerKind = 'embedded' | 'memory' | 'cluster'

export interface DevProcess {
  readonly pid: number
  /** No other process can reach the one in memory. */
  readonly kind: BrokerKind
  /** `host:port`, or `memory`. */
  readonly brokers: string
}

const kinds: readonly unknown[] = ['embedded', 'memory', 'cluster'] satisfies readonly BrokerKind[]

const devFile = '.pyrallel/dev.json'

/**
 * One `dev` in a folder: a second one would write over the file, and no verb would find the first any more. The file of a process that has
 * died is no obstacle.
 * @throws PyrallelError PYR_DEV_RUNS
 */
export function refuseSecondDev(root: string, ownPid: number): void {
  const other = readDevFile(root)
  if (other === undefined || other.pid === ownPid || !isAlive(other.pid)) return
  throw new PyrallelError(
    'PYR_DEV_RUNS',
    `\`pyrallel dev\` (pid ${other.pid}, broker ${other.brokers}) runs in this folder already: use it, or stop it. If process ${other.pid} is something else, delete ${devFile}.`,
  )
}

/** @throws PyrallelError PYR_DEV_RUNS: another one may have come while this one was made ready */
export function writeDevFile(root: string, dev: DevProcess): void {
  refuseSecondDev(root, dev.pid)
  const path = join(root, devFile)
  mkdirSync(dirname(path), { recursive: true })
  // Anew, so that neither the rights of an older one count, nor where a link leads.
  rmSync(path, { force: true })
  writeFileSync(path, `${JSON.stringify(dev)}\n`, { mode: 0o600, flag: 'wx' })
}

/** Removes the file if it is this process's own: a `dev` that was refused must leave that of the other one alone. */
export function removeDevFile(root: string, pid: number): void {
  if (readDevFile(root)?.pid === pid) rmSync(join(root, devFile), { force: true })
}

/** `undefined` when there is no file, none that can be read, or one that somebody else may have written: verbs would send records where it says. */
export function readDevFile(root: string): DevProcess | undefined {
  try {
    if (!isOwn(lstatSync(join(root, devFile)))) return undefined
    const parsed: unknown = JSON.parse(readFileSync(join(root, devFile), 'utf8'))
    if (typeof parsed !== 'object' || parsed === null) return undefined
    const { pid, kind, brokers } = parsed as { readonly [K in keyof DevProcess]?: unknown }
    if (typeof pid !== 'number' || typeof brokers !== 'string' || !kinds.includes(kind)) return undefined
    return { pid, kind: kind as BrokerKind, brokers }
  } catch {
    // Not there, or half written: both mean that nobody can be found by it.
    return undefined
  }
}

function isOwn(file: Stats): boolean {
  const own = process.geteuid?.()
  // Windows has neither.
  return own === undefined || (file.isFile() && file.uid === own && (file.mode & 0o022) === 0)
}

/** A file outlives its process when that was killed; signal 0 asks without disturbing. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, but belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
