/** Opens an address in the browser of whoever sits in front of this machine. No shell reads it, and no other user sees it. */
import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Io } from '../../terminal/io.ts'

/** Leads to the address. It has the token, and arguments of a process are for all to see: so the browser is given a file that only its owner can read. */
const pageFile = '.pyrallel/console.html'

export type Launch = (command: string, args: readonly string[]) => void

/** What would open it; `undefined` where there is nobody to see it: over SSH, or without a display. */
export function openerFor(env: Io['env'], platform: NodeJS.Platform): readonly [string, ...string[]] | undefined {
  if (env.SSH_CONNECTION !== undefined || env.SSH_TTY !== undefined) return undefined
  switch (platform) {
    case 'darwin':
      return ['open']
    case 'win32':
      return ['rundll32', 'url.dll,FileProtocolHandler']
    default:
      return env.DISPLAY === undefined && env.WAYLAND_DISPLAY === undefined ? undefined : ['xdg-open']
  }
}

/** @returns false where it cannot be opened: then it is to be printed */
export function openPage(
  root: string,
  url: string,
  { env }: Pick<Io, 'env'>,
  launch: Launch = launchDetached,
  platform = process.platform,
): boolean {
  const opener = openerFor(env, platform)
  if (opener === undefined) return false
  const path = join(root, pageFile)
  mkdirSync(dirname(path), { recursive: true })
  rmSync(path, { force: true })
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${url}"><title>Pyrallel</title>\n`
  writeFileSync(path, page, { mode: 0o600, flag: 'wx' })
  const [command, ...args] = opener
  launch(command, [...args, pathToFileURL(path).href])
  return true
}

export function removePage(root: string): void {
  rmSync(join(root, pageFile), { force: true })
}

function launchDetached(command: string, args: readonly string[]): void {
  const child = spawn(command, args, { detached: true, stdio: 'ignore', shell: false })
  // There is no such command: the address was printed at the start.
  child.once('error', () => {})
  child.unref()
}
