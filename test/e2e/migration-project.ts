/** A program of `migrating/` in a folder of its own: the old one and its project of Pyrallel side by side, as the document shows them, built once. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'
import { clientWish } from '../client-under-test.ts'
import { commandFile, installPackage } from '../source-package.ts'

export const programs = fileURLToPath(new URL('./migrating/', import.meta.url))
const endWithinMs = 240_000

export interface Run {
  readonly brokers: string
  readonly group: string
  /** Where it writes what it has saved, beside others that do. */
  readonly file: string
  /** How long an order takes, beside 1 ms for each that comes with it. */
  readonly saveMs?: number
}

/** One that was there before. */
export interface OldProgram {
  /** Its folder below `migrating/`, with the project of ours in it. */
  readonly program: string
  /** What stands in both, and what takes its place in these tests: names that must be of this run alone. */
  readonly instead: Readonly<Record<string, string>>
  /** What it imports. */
  readonly packages?: readonly string[]
  /** What makes of its sources what is started, where that is not the same. */
  readonly compile?: readonly string[]
}

export interface Saved {
  /** Of the order. */
  readonly id: string
  /** The process. */
  readonly by: number
}

export interface Started {
  readonly child: ChildProcess
  /** The exit code; null after a signal. */
  readonly ended: Promise<number | null>
  output(): string
}

export class MigrationProject {
  readonly #root: string
  readonly #processes = new Set<ChildProcess>()
  readonly #compiled: Promise<void>
  readonly #built: Promise<void>

  constructor({ program, instead, packages = [], compile }: OldProgram) {
    this.#root = mkdtempSync(join(tmpdir(), 'pyrallel-migration-'))
    after(async () => {
      await Promise.all([...this.#processes].map(killed))
      rmSync(this.#root, { recursive: true, force: true })
    })
    for (const file of filesOf(program)) {
      const written = readFileSync(join(programs, program, file), 'utf8')
      const names = Object.entries(instead)
      this.#write(
        file,
        names.reduce((now, [from, to]) => now.replaceAll(from, to), written),
      )
    }
    const save = readFileSync(join(programs, 'save.ts'), 'utf8')
    this.#write('handlers/_save.ts', save)
    this.#write('save.js', transformSync(save, { loader: 'ts', format: 'esm' }).code)
    this.#write('src/save.ts', save)
    for (const file of ['Store.java', 'save.py']) this.#write(file, readFileSync(join(programs, file), 'utf8'))
    this.#write('package.json', '{ "name": "shop", "type": "module" }\n')
    installPackage(this.#root, ['typebox', ...packages])
    this.#compiled = compile === undefined ? Promise.resolve() : this.#succeed(compile)
    this.#built = this.#succeed([process.execPath, commandFile, 'build'])
    for (const each of [this.#compiled, this.#built]) each.catch(() => {})
  }

  /** @param command relative to the project */
  async startOld(command: readonly string[], run: Run): Promise<Started> {
    await this.#compiled
    return this.#start(command, run)
  }

  /** In production. */
  async startNew(run: Run): Promise<Started> {
    await this.#built
    return this.#start([process.execPath, join('dist', 'server.mjs')], run)
  }

  /** What stands in a file, in the order in which it was saved. */
  saved(file: string): readonly Saved[] {
    const path = join(this.#root, file)
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
    return lines.map((line) => {
      const [id = '', by] = line.split(' ')
      return { id, by: Number(by) }
    })
  }

  async #succeed(command: readonly string[]): Promise<void> {
    const { ended, output } = this.#start(command, { brokers: '', group: 'shop', file: '' })
    assert.equal(await ended, 0, `${command.join(' ')}\n${output()}`)
  }

  #write(file: string, content: string): void {
    const path = join(this.#root, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }

  #start([program = '', ...args]: readonly string[], { brokers, group, file, saveMs = 2 }: Run): Started {
    const { NODE_OPTIONS: _o, NODE_V8_COVERAGE: _c, NODE_TEST_CONTEXT: _t, ...own } = process.env
    const names = { GROUP: group, BROKERS: brokers, PYRALLEL_KAFKA_BROKERS: brokers }
    const env = { ...own, ...clientWish, ...names, SAVED: join(this.#root, file), SAVE_MS: String(saveMs) }
    const child = spawn(program, args, { cwd: this.#root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#processes.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output = (output + String(chunk)).slice(-6_000)
      })
    }
    const ended = once(child, 'close', { signal: AbortSignal.timeout(endWithinMs) }).then(
      ([code]) => code as number | null,
    )
    ended.catch(() => {})
    return { child, ended, output: () => output }
  }
}

/** Relative to the program's folder. */
export function filesOf(program: string): readonly string[] {
  const entries = readdirSync(join(programs, program), { recursive: true, encoding: 'utf8' })
  return entries.filter((entry) => extname(entry) !== '').sort()
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
