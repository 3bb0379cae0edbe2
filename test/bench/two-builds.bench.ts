/**
 * What developers and operators wait for, of two builds of ours in turns: this checkout and one of another commit. Prints medians and the median
 * of the ratios of each round; decides nothing.
 *
 *     git worktree add --detach ../before COMMIT && cp -al node_modules ../before/node_modules
 *     node --import tsx test/bench/two-builds.bench.ts ../before [rounds] [saves]
 *
 * Both are compiled first. Processor time is of all processes of a command, and hardly depends on who else is at work; it is counted in steps of
 * 10 ms. A save to running code holds up to 20 ms of waiting for a record: one `pyrallel dev` is stopped while the other has its save.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { DevProcess } from './dev-loop/dev-process.ts'
import { HANDLERS, installBuild, writeProject } from './dev-loop/handler-project.ts'
import { percentileOf, spreadOf } from './matrix/statistics.ts'

const [before, rounds = '9', saves = '50'] = process.argv.slice(2)
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
/** What a process that was stopped has to catch up with. */
const AWAKE_MS = 300
const WARM_UP_SAVES = 3

interface Measured {
  readonly ms: number
  /** Of the processor. */
  readonly cpuMs: number
}

/** Milliseconds of processor time that ended child processes have used, with theirs. Linux only. */
function childMs(): number {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    // cutime and cstime, in ticks of 10 ms.
    return (Number(fields[13]) + Number(fields[14])) * 10
  } catch {
    return Number.NaN
  }
}

async function ended(child: ChildProcess): Promise<number | null> {
  return child.exitCode ?? new Promise((done) => child.once('close', done))
}

async function timed(work: () => Promise<number>): Promise<Measured> {
  const cpuBefore = childMs()
  const ms = await work()
  return { ms, cpuMs: childMs() - cpuBefore }
}

/** One of the two, with a project of its own. */
class Build {
  readonly name: string
  readonly root: string
  readonly command: string
  readonly figures = new Map<string, Measured[]>()
  readonly savesMs = new Map<string, number[]>()
  readonly #env: Readonly<Record<string, string | undefined>>

  constructor(name: string, checkout: string, parent: string, brokers: string) {
    this.name = name
    this.root = join(parent, name)
    this.command = join(checkout, 'dist/cli/bin.js')
    this.#env = { ...process.env, PYRALLEL_KAFKA_BROKERS: brokers, LEVEL: 'info', CI: '' }
    mkdirSync(this.root)
    installBuild(this.root, checkout)
    writeProject(this.root)
  }

  async measure(what: string, work: () => Promise<number>): Promise<void> {
    this.figures.set(what, [...(this.figures.get(what) ?? []), await timed(work)])
  }

  /** Milliseconds until it has ended. */
  async run(...argv: readonly string[]): Promise<number> {
    const startedAt = performance.now()
    const options = { cwd: this.root, env: this.#env, stdio: ['ignore', 'ignore', 'inherit'] as const }
    const code = await ended(
      spawn(process.execPath, [this.command, ...argv], { ...options, stdio: [...options.stdio] }),
    )
    if (code !== 0) throw new Error(`${this.name}: pyrallel ${argv.join(' ')} ended with ${code}`)
    return performance.now() - startedAt
  }

  /** Milliseconds until the bundle says that it has started. */
  async startBundle(): Promise<number> {
    const startedAt = performance.now()
    const server = spawn(process.execPath, ['dist/server.mjs'], { cwd: this.root, env: this.#env })
    let out = ''
    const started = new Promise<number>((done) => {
      const look = (chunk: Buffer) => {
        out += chunk
        if (out.includes('"msg":"started"')) done(performance.now() - startedAt)
      }
      server.stdout.on('data', look)
      server.stderr.on('data', look)
    })
    const failed = ended(server).then((code) => Promise.reject(new Error(`${this.name}: ended with ${code}\n${out}`)))
    failed.catch(() => {})
    try {
      return await Promise.race([started, failed])
    } finally {
      server.kill('SIGTERM')
      await ended(server)
    }
  }

  get codeKilobytes(): number {
    const { files } = JSON.parse(readFileSync(join(this.root, 'dist/pyrallel.json'), 'utf8')) as {
      readonly files: Readonly<Record<string, number>>
    }
    const bytes = Object.entries(files).reduce((sum, [name, size]) => sum + (name.endsWith('.mjs') ? size : 0), 0)
    return Math.round(bytes / 1_024)
  }
}

async function measureCommands(build: Build): Promise<void> {
  rmSync(join(build.root, 'generated'), { recursive: true, force: true })
  await build.measure(`generate of ${HANDLERS} handlers, cold`, () => build.run('generate'))
  await build.measure('the same, with nothing to write', () => build.run('generate'))
  await build.measure('build', () => build.run('build'))
  await build.measure('start of the bundle', () => build.startBundle())
}

/** Saves by turns, so that what the machine does meanwhile is done to both. */
async function measureSaves(builds: readonly Build[], count: number): Promise<void> {
  const running = builds.map((build) => ({ build, dev: new DevProcess(build.root, build.command) }))
  try {
    for (const { dev } of running) {
      await dev.ready()
      dev.suspend()
    }
    let types = 0
    for (const what of ['a save that changes what a handler does', 'a save that changes the type of its values']) {
      for (let save = 0; save < WARM_UP_SAVES + count; save++) {
        if (what.includes('type')) types++
        for (const { build, dev } of inTurn(running, save)) {
          dev.resume()
          await sleep(AWAKE_MS)
          const ms = await dev.save(save % HANDLERS, types)
          dev.suspend()
          if (save >= WARM_UP_SAVES) build.savesMs.set(what, [...(build.savesMs.get(what) ?? []), ms])
        }
      }
    }
  } finally {
    for (const { dev } of running) dev.kill()
  }
}

/** The one that was first is second in the next round. */
function inTurn<T>(both: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? both : both.toReversed()
}

function row(what: string, ...cells: readonly string[]): void {
  console.log(`| ${what.padEnd(47)} | ${cells.map((cell) => cell.padStart(10)).join(' | ')} |`)
}

const median = (values: readonly number[]) => spreadOf(values)?.median ?? Number.NaN
const ratio = (now: number, then: number) => (now / then).toFixed(2)
const milliseconds = (value: number) => `${value.toFixed(0)} ms`

function report([then, now]: readonly [Build, Build]): void {
  row('', 'before', 'now', 'ratio', 'its CPU', 'load')
  row('---', '---', '---', '---', '---', '---')
  const load = (loadavg()[0] ?? 0).toFixed(1)
  for (const [what, rounded] of now.figures) {
    const earlier = then.figures.get(what) ?? []
    const of = (pick: (each: Measured) => number) =>
      median(rounded.map((each, round) => pick(each) / pick(earlier[round] ?? { ms: Number.NaN, cpuMs: Number.NaN })))
    const times = [earlier, rounded].map((each) => milliseconds(median(each.map(({ ms }) => ms))))
    row(what, ...times, of(({ ms }) => ms).toFixed(2), of(({ cpuMs }) => cpuMs).toFixed(2), load)
  }
  for (const [what, times] of now.savesMs) {
    for (const part of [0.5, 0.95]) {
      const [earlier, later] = [then.savesMs.get(what) ?? [], times].map((each) => percentileOf(each, part))
      if (earlier === undefined || later === undefined) continue
      const cells = [milliseconds(earlier), milliseconds(later), ratio(later, earlier), '', load]
      row(`${what}, p${part * 100}`, ...cells)
    }
  }
  const [small, large] = [then.codeKilobytes, now.codeKilobytes]
  row('code of the bundle', `${small} kB`, `${large} kB`, ratio(large, small), '', '')
}

async function compile(checkout: string): Promise<void> {
  const argv = [join(checkout, '.ci/build-package.mjs')]
  const code = await ended(spawn(process.execPath, argv, { cwd: checkout, stdio: 'inherit' }))
  if (code !== 0) throw new Error(`${checkout} cannot be compiled`)
}

async function main(): Promise<void> {
  if (before === undefined) throw new Error('Name the folder of the build before: two-builds.bench.ts ../before')
  const own = fileURLToPath(new URL('../../', import.meta.url))
  for (const checkout of [own, resolve(before)]) await compile(checkout)
  const parent = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel-two-builds-')))
  const topics = Array.from({ length: HANDLERS }, (_, n) => [`topic-${n}`, `topic-${n}.bench.dlq`]).flat()
  const broker = await startEmbeddedBroker({ log: silent, topics })
  try {
    const then = new Build('before', resolve(before), parent, broker.brokers)
    const now = new Build('now', own, parent, broker.brokers)
    for (let round = 0; round < Number(rounds); round++) {
      for (const build of inTurn([then, now], round)) await measureCommands(build)
    }
    await measureSaves([then, now], Number(saves))
    report([then, now])
  } finally {
    await broker.stop()
    rmSync(parent, { recursive: true, force: true })
  }
}

await main()
