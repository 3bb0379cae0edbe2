/** `.pyrallel/dev.json`: tells other terminals where the broker of a running `pyrallel dev` is. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

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

export function writeDevFile(root: string, dev: DevProcess): void {
  const path = join(root, devFile)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(dev)}\n`)
}

/** Removes the file if it is this process's own: a second `dev` in the same folder may have written its own over it. */
export function removeDevFile(root: string, pid: number): void {
  if (readDevFile(root)?.pid === pid) rmSync(join(root, devFile), { force: true })
}

/** `undefined` when there is no file, or none that can be read. */
export function readDevFile(root: string): DevProcess | undefined {
  try {
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
