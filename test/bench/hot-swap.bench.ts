/**
 * From the save of a handler's file to its new code handling records, in a project of 50 handlers, over 50 saves: the whole of `pyrallel dev`,
 * as a process of its own on the in-memory broker. Prints p50 and p95, of saves that change what a handler does, and of saves that change the type of its
 * values, after which schemas are generated and bundled anew.
 *
 *     node --import tsx test/bench/hot-swap.bench.ts                                                     the command from its sources
 *     node .ci/build-package.mjs && PYRALLEL_TEST_COMPILED=1 node --import tsx test/bench/hot-swap.bench.ts   as it is published
 *
 * A handler whose code was replaced says so at its next record; a traffic file feeds it every 20 ms, so the figure includes up to 20 ms of waiting.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandFile, installPackage } from '../source-package.ts'

const HANDLERS = 50
const SAVES = 50
const WARM_UP = 3

const root = mkdtempSync(join(tmpdir(), 'pyrallel-hot-swap-'))

/** @param types how often the type of the values has changed */
function handlerText(number: number, version: number, types = 0): string {
  return `import { handler } from 'pyrallel'
import { describe } from '../lib/shared.ts'

interface Order { readonly id: string; readonly total: number; readonly lines: readonly { readonly sku: string; readonly count: number }[]; readonly note${types}?: string }

let isFirst = true
export default handler<Order>('topic-${number}', { concurrency: 8 }, async (record) => {
  if (isFirst) process.stderr.write('runs ${number} ${version} ' + Date.now() + describe(record.value.id) + '\\n')
  isFirst = false
})
`
}

function writeProject(): void {
  installPackage(root)
  for (const folder of ['handlers', 'lib']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
  writeFileSync(
    join(root, 'pyrallel.config.ts'),
    "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'bench', logging: { level: 'silent' } })\n",
  )
  writeFileSync(join(root, 'lib/shared.ts'), "export const describe = (id: string): string => ' ' + id\n")
  for (let number = 0; number < HANDLERS; number++) {
    writeFileSync(join(root, `handlers/handler-${number}.ts`), handlerText(number, 0))
  }
  writeFileSync(
    join(root, 'handlers/_traffic.ts'),
    `export const traffic = function* () {
  for (let n = 0; ; n++) yield { topic: 'topic-' + (n % ${HANDLERS}), value: { id: 'o', total: 1, lines: [] } }
}\n`,
  )
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}

async function main(): Promise<void> {
  writeProject()
  // 2,500 records a second, for 50 handlers in turn: each gets one every 20 ms.
  const argv = [commandFile, 'dev', '--broker', 'memory', '--traffic', '--rate', '2500']
  const dev = spawn(process.execPath, argv, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  let look = () => {}
  dev.stderr.on('data', (chunk: Buffer) => {
    err += chunk
    look()
  })
  const ended = new Promise<never>((_resolve, reject) => {
    dev.once('exit', (code) => reject(new Error(`dev ended with ${code}\n${err}`)))
  })
  ended.catch(() => {})
  const ranAt = (number: number, version: number) =>
    Promise.race([
      ended,
      new Promise<number>((resolve) => {
        look = () => {
          const found = new RegExp(`^runs ${number} ${version} (\\d+)`, 'm').exec(err)
          if (found !== null) resolve(Number(found[1]))
        }
        look()
      }),
    ])
  try {
    for (let number = 0; number < HANDLERS; number++) await ranAt(number, 0)
    console.log(`| ${SAVES} saves, ${HANDLERS} handlers |    p50 |    p95 |  worst | target p95 | load |`)
    console.log('| --- | --- | --- | --- | --- | --- |')
    let version = 0
    for (const [what, target] of [
      ['what a handler does', '< 150 ms'],
      ['the type of its values', ''],
    ] as const) {
      const times: number[] = []
      for (let save = 0; save < WARM_UP + SAVES; save++) {
        const number = save % HANDLERS
        version++
        const savedAt = Date.now()
        writeFileSync(
          join(root, `handlers/handler-${number}.ts`),
          handlerText(number, version, target === '' ? version : 0),
        )
        const tookMs = (await ranAt(number, version)) - savedAt
        if (save >= WARM_UP) times.push(tookMs)
      }
      times.sort((a, b) => a - b)
      const load = (loadavg()[0] ?? 0).toFixed(1)
      const cells = [percentile(times, 0.5), percentile(times, 0.95), times.at(-1)].map((ms) => `${ms} ms`.padStart(6))
      console.log(`| ${what.padEnd(22)} | ${cells.join(' | ')} | ${target.padStart(10)} | ${load.padStart(4)} |`)
    }
  } finally {
    dev.kill('SIGKILL')
    rmSync(root, { recursive: true, force: true })
  }
}

await main()
