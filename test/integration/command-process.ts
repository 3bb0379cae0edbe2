/** Starts the command as users do, in a process of its own, and ends it whatever happens to the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach } from 'node:test'
import { fileURLToPath } from 'node:url'
import { clientWish } from '../client-under-test.ts'
import { commandFile, installPackage } from '../source-package.ts'
import { noNativeClient as hook } from '../unit/kafka/without-native-client.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
/** Shorter than the time-outs of tests, so that a failure tells what was printed instead. */
const SEEN_WITHIN_MS = 40_000
const folders: string[] = []
const running = new Set<ChildProcess>()

afterEach(async () => {
  for (const child of [...running]) {
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A project in a folder of its own, that has `pyrallel` installed; with the example app in it, unless files are given. */
export function aProject(files?: Readonly<Record<string, string>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel-command-')))
  folders.push(root)
  installPackage(root)
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
  if (files === undefined) {
    cpSync(join(repository, 'handlers'), join(root, 'handlers'), { recursive: true })
    cpSync(join(repository, 'pyrallel.config.ts'), join(root, 'pyrallel.config.ts'))
  }
  for (const [path, content] of Object.entries(files ?? {})) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

export interface CommandResult {
  /** The exit code, or the signal that ended it. */
  readonly end: number | NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

export interface CommandProcess {
  readonly pid: number
  readonly ended: Promise<CommandResult>
  /** Settles with the output so far once what came after `from` matches; rejects when the process ends before. */
  seen(pattern: Pick<RegExp, 'test'>, from?: number): Promise<string>
  signal(name: NodeJS.Signals): void
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Makes the native client impossible to load, as on a machine where it was never built. */
  readonly withoutNativeClient?: boolean
  /** Nobody reads standard output, from the first write on: as behind `| head` once it has enough. */
  readonly isUnread?: boolean
}

export function command(root: string, argv: readonly string[], options: CommandOptions = {}): CommandProcess {
  const { NO_COLOR: _n, FORCE_COLOR: _f, DEBUG: _d, NODE_TEST_CONTEXT: _t, ...inherited } = process.env
  const env: NodeJS.ProcessEnv = { ...inherited, ...clientWish, ...options.env }
  // By the environment, so that what the command starts has none either.
  if (options.withoutNativeClient === true) env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ''} --import ${hook}`
  const child = spawn(process.execPath, [commandFile, ...argv], { cwd: root, env })
  running.add(child)
  if (options.isUnread === true) child.stdout.destroy()
  let out = ''
  let err = ''
  const watchers = new Set<() => void>()
  const changed = () => {
    for (const watch of watchers) watch()
  }
  child.stdout.on('data', (chunk) => {
    out += chunk
    changed()
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
    changed()
  })
  const ended = new Promise<CommandResult>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve({ end: signal ?? code, out, err })
    })
  })
  return {
    pid: child.pid ?? 0,
    ended,
    signal: (name) => child.kill(name),
    seen: (pattern, from = 0) =>
      new Promise((resolve, reject) => {
        const wanted = 'source' in pattern ? pattern : 'what was wanted'
        const give = (why: string) => {
          watchers.delete(watch)
          clearTimeout(timer)
          reject(new Error(`${why} ${wanted} was seen\n${out}\n${err}`))
        }
        const timer = setTimeout(() => give(`${SEEN_WITHIN_MS} ms passed before`), SEEN_WITHIN_MS)
        const watch = () => {
          if (!pattern.test(out.slice(from))) return
          watchers.delete(watch)
          clearTimeout(timer)
          resolve(out)
        }
        watchers.add(watch)
        void ended.then(({ end }) => give(`it ended with ${end} before`))
        watch()
      }),
  }
}
