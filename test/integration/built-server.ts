/** Servers that `pyrallel build` has made, each in a folder with nothing but what its own package.json names. All end with the test's process. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { clientWish } from '../client-under-test.ts'
import { aProject, command } from './command-process.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const folders: string[] = []
const running = new Set<ChildProcess>()

after(() => {
  for (const child of running) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** @returns the folder of the server, which is of these files */
export async function built(files: Readonly<Record<string, string>>): Promise<string> {
  const root = aProject(files)
  const { end, err } = await command(root, ['build']).ended
  assert.equal(end, 0, err)
  return installed(join(root, 'dist'))
}

/** The bundle alone, with its dependencies as an installation would bring them: those that it names, and no others. */
export function installed(dist: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel dist ')))
  folders.push(folder)
  cpSync(dist, folder, { recursive: true, filter: (file) => !file.endsWith('node_modules') })
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
    symlinkSync(join(repository, 'node_modules', name), join(folder, 'node_modules', name))
  }
  return folder
}

export type BuiltServer = ReturnType<typeof serve>

/**
 * A server and the lines that it logs.
 * @param command what starts it. It leads a process group of its own.
 */
export function serve(
  folder: string,
  env: Readonly<Record<string, string>>,
  [program = '', ...argv]: readonly string[] = [process.execPath, 'server.mjs'],
) {
  const { NODE_OPTIONS: _, NODE_V8_COVERAGE: _c, ...own } = process.env
  const child = spawn(program, argv, { cwd: folder, env: { ...own, ...clientWish, ...env }, detached: true })
  running.add(child)
  let out = ''
  let err = ''
  const watchers = new Set<() => void>()
  child.stdout.on('data', (chunk) => {
    out += chunk
    for (const watch of watchers) watch()
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const ended = new Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>((resolve) => {
    child.once('close', (code) => {
      running.delete(child)
      resolve({ code, out, err })
    })
  })
  const seen = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const watch = () => {
        if (!pattern.test(out)) return
        watchers.delete(watch)
        resolve(out)
      }
      watchers.add(watch)
      void ended.then(({ code }) => reject(new Error(`it ended with ${code} before ${pattern}\n${out}\n${err}`)))
      watch()
    })
  const stop = () => child.kill('SIGTERM')
  return { pid: child.pid ?? 0, ended, seen, stop, leave: () => child.stdout.destroy() }
}
