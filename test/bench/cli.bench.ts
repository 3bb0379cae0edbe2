/** Prints how long the command makes its users wait: `node --import tsx test/bench/cli.bench.ts`. Packs and installs the package first; decides nothing. */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import type { Logger } from '../../framework/model/logger.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const HANDLERS = 50
const ROUNDS = 5
const parent = realpathSync(mkdtempSync(join(tmpdir(), 'pyrallel-bench-')))
const cli = join(parent, 'node_modules/pyrallel/dist/cli/bin.js')
const running = new Set<ChildProcess>()

function start(cwd: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [...argv], { cwd, env: { ...process.env, ...env } })
  running.add(child)
  let out = ''
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      running.delete(child)
      resolve(code)
    })
  })
  const seen = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = (chunk: Buffer) => {
        out += chunk
        if (pattern.test(out)) resolve()
      }
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      void ended.then((code) => reject(new Error(`ended with ${code} before ${pattern}\n${out}`)))
    })
  return { ended, seen, stop: () => child.kill('SIGTERM') }
}

async function succeed(cwd: string, program: string, argv: readonly string[]): Promise<void> {
  const child = spawn(program, [...argv], { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`${program} ${argv.join(' ')} ended with ${code}`)
}

/** Seconds of processor time that ended child processes have used, with theirs: what does not depend on who else is at work. Linux only. */
function childSeconds(): number {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    // cutime and cstime, in ticks of 10 ms.
    return (Number(fields[13]) + Number(fields[14])) / 100
  } catch {
    return Number.NaN
  }
}

/** The middle one of the rounds, the worst, and the processor time of the middle one. */
async function measured(what: string, target: string, round: () => Promise<number>): Promise<void> {
  const rounds: { readonly ms: number; readonly cpu: number }[] = []
  for (let count = 0; count < ROUNDS; count++) {
    const before = childSeconds()
    const ms = await round()
    rounds.push({ ms, cpu: childSeconds() - before })
  }
  rounds.sort((a, b) => a.ms - b.ms)
  const median = rounds[Math.floor(ROUNDS / 2)]
  const seconds = (ms = Number.NaN) => `${(ms / 1_000).toFixed(2)} s`
  const cells = [seconds(median?.ms), seconds(rounds.at(-1)?.ms), `${median?.cpu.toFixed(2)} s`, target]
  row(what, ...cells, (loadavg()[0] ?? 0).toFixed(1))
}

function row(what: string, ...cells: readonly string[]): void {
  console.log(`| ${what.padEnd(36)} | ${cells.map((cell) => cell.padStart(7)).join(' | ')} |`)
}

/** A folder whose packages are those of the installed one: what `npm install` would take is not counted. */
function folder(name: string): string {
  const root = join(parent, name)
  mkdirSync(root)
  symlinkSync(join(parent, 'node_modules'), join(root, 'node_modules'))
  return root
}

let names = 0

async function initToFirstRecord(): Promise<number> {
  const root = folder(`first-${names++}`)
  const startedAt = performance.now()
  await succeed(root, process.execPath, [cli, 'init', '-y'])
  const dev = start(root, [cli, 'dev'])
  await dev.seen(/assigned greetings/)
  const handled = dev.seen(/✓ greetings\[/)
  await succeed(root, process.execPath, [cli, 'send', 'greetings', '{"name":"Ada"}'])
  await handled
  const took = performance.now() - startedAt
  dev.stop()
  await dev.ended
  return took
}

function aProject(client: 'librdkafka' | 'javascript' = 'librdkafka'): string {
  const root = folder(`many-${names++}`)
  writeFileSync(join(root, 'package.json'), '{ "name": "many", "type": "module" }')
  writeFileSync(
    join(root, 'pyrallel.config.ts'),
    `import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'many', kafka: { client: '${client}' } })\n`,
  )
  mkdirSync(join(root, 'handlers'))
  for (let n = 0; n < HANDLERS; n++) {
    const code = `import { handler } from 'pyrallel'
interface Value { readonly id: string; readonly lines: readonly { readonly sku: string; readonly count: number }[] }
export default handler<Value>('topic-${n}', async (record, context) => {
  context.log.info({ id: record.value.id, lines: record.value.lines.length }, 'seen')
})
`
    writeFileSync(join(root, `handlers/handler-${n}.ts`), code)
  }
  return root
}

async function startToPolling(root: string): Promise<number> {
  const topics = Array.from({ length: HANDLERS }, (_, n) => [`topic-${n}`, `topic-${n}.many.dlq`]).flat()
  const broker = await startEmbeddedBroker({ log: silent, topics })
  try {
    const startedAt = performance.now()
    const server = start(root, [cli, 'start'], { PYRALLEL_KAFKA_BROKERS: broker.brokers })
    await server.seen(/"msg":"started"/)
    const took = performance.now() - startedAt
    server.stop()
    await server.ended
    return took
  } finally {
    await broker.stop()
  }
}

function distSizes(root: string): string {
  const { files } = JSON.parse(readFileSync(join(root, 'dist/pyrallel.json'), 'utf8')) as {
    readonly files: Readonly<Record<string, number>>
  }
  const kilobytes = (of: (name: string) => boolean) =>
    Math.round(Object.entries(files).reduce((sum, [name, bytes]) => sum + (of(name) ? bytes : 0), 0) / 1_024)
  return `${kilobytes(() => true)} kB, of them ${kilobytes((name) => name.endsWith('.mjs'))} kB code and ${kilobytes((name) => name.endsWith('.map'))} kB source maps`
}

try {
  await succeed(repository, 'npm', ['pack', '--pack-destination', parent, '--silent'])
  const tarball = readdirSync(parent).find((file) => file.endsWith('.tgz')) ?? ''
  writeFileSync(join(parent, 'package.json'), '{}')
  const options = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']
  const { devDependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>
  }
  const library = '@platformatic/kafka'
  await succeed(parent, 'npm', ['install', ...options, join(parent, tarball), `${library}@${devDependencies[library]}`])
  const build = 'node_modules/@confluentinc/kafka-javascript/build'
  rmSync(join(parent, build), { recursive: true, force: true })
  symlinkSync(join(repository, build), join(parent, build))

  row('', 'median', 'worst', 'CPU', 'target', 'load')
  row('---', '---', '---', '---', '---', '---')
  await measured('init -y to the first record handled', '< 5 s', initToFirstRecord)
  const root = aProject()
  await measured(`build of ${HANDLERS} handlers`, '< 2 s', async () => {
    const startedAt = performance.now()
    await succeed(root, process.execPath, [cli, 'build'])
    return performance.now() - startedAt
  })
  await measured('start to polling', '< 1 s', () => startToPolling(root))
  const onJavascript = aProject('javascript')
  await succeed(onJavascript, process.execPath, [cli, 'build'])
  await measured('the same, client in JavaScript', '+0.2 s', () => startToPolling(onJavascript))
  console.log(`dist/ without node_modules: ${distSizes(root)}`)
} finally {
  for (const child of running) child.kill('SIGKILL')
  rmSync(parent, { recursive: true, force: true })
}
