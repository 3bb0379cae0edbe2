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
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandFile, installPackage } from '../source-package.ts'
import { DevProcess } from './dev-loop/dev-process.ts'
import { HANDLERS, writeProject } from './dev-loop/handler-project.ts'
import { percentileOf } from './matrix/statistics.ts'

const SAVES = 50
const WARM_UP = 3

const root = mkdtempSync(join(tmpdir(), 'pyrallel-hot-swap-'))
installPackage(root)
writeProject(root)
const dev = new DevProcess(root, commandFile)
try {
  await dev.ready()
  console.log(`| ${SAVES} saves, ${HANDLERS} handlers |    p50 |    p95 |  worst | target p95 | load |`)
  console.log('| --- | --- | --- | --- | --- | --- |')
  let types = 0
  for (const [what, target] of [
    ['what a handler does', '< 150 ms'],
    ['the type of its values', ''],
  ] as const) {
    const times: number[] = []
    for (let save = 0; save < WARM_UP + SAVES; save++) {
      if (target === '') types++
      const tookMs = await dev.save(save % HANDLERS, types)
      if (save >= WARM_UP) times.push(tookMs)
    }
    const load = (loadavg()[0] ?? 0).toFixed(1)
    const cells = [percentileOf(times, 0.5), percentileOf(times, 0.95), Math.max(...times)].map((ms) =>
      `${ms} ms`.padStart(6),
    )
    console.log(`| ${what.padEnd(22)} | ${cells.join(' | ')} | ${target.padStart(10)} | ${load.padStart(4)} |`)
  }
} finally {
  dev.kill()
  rmSync(root, { recursive: true, force: true })
}
