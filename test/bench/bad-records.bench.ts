/**
 * Shows whether records that end their thread hold others back: `node --import tsx test/bench/bad-records.bench.ts [--limit 60]`. Decides nothing.
 * Healthy records come 5 s after the bad ones; how long each waits until it is done is what the table tells.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { bundleOnce } from '../../cli/bundle/bundle-app.ts'
import { type BadRecordsResult, playBadRecords } from './bad-records.ts'
import { root } from './run-bundled.ts'

const HEALTHY = 300
const AFTER_MS = 5_000

const list = (text: string): readonly number[] => text.split(',').map(Number)
const { values: flags } = parseArgs({
  options: {
    bad: { type: 'string', default: '20,60' },
    threads: { type: 'string', default: '1,2,8' },
    way: { type: 'string', default: 'exit,exitLater' },
    kind: { type: 'string', default: 'work' },
    concurrency: { type: 'string', default: '100' },
    /** Seconds. */
    limit: { type: 'string', default: '60' },
  },
})

const outDir = await mkdtemp(join(tmpdir(), 'pyrallel-bench-'))
try {
  const file = join(root, 'test/contract/worker-entries/faulty.ts')
  const bundle = await bundleOnce({ root, outDir, naming: 'plain', dependencies: { external: [] } }, [
    { name: 'faulty', file },
  ])
  if (bundle.kind === 'failed') throw new Error(JSON.stringify(bundle.diagnostics))
  const entry = pathToFileURL(bundle.entries.get('faulty')?.output ?? '').href
  console.log('bad  way        threads  healthy done   p50 ms   max ms   threads that died   bad given up')
  for (const bad of list(flags.bad)) {
    for (const way of flags.way.split(',')) {
      for (const threads of list(flags.threads)) {
        const result = await playBadRecords({
          entry,
          bad,
          way: way === 'exit' ? 'exit' : 'exitLater',
          threads,
          healthy: HEALTHY,
          kind: flags.kind === 'rest' ? 'rest' : 'work',
          afterMs: AFTER_MS,
          limitMs: Number(flags.limit) * 1_000,
          concurrency: Number(flags.concurrency),
        })
        console.log(lineOf(bad, way, threads, result))
      }
    }
  }
} finally {
  await rm(outDir, { recursive: true, force: true })
}

function lineOf(bad: number, way: string, threads: number, result: BadRecordsResult): string {
  const { waitsMs, restarts, dead, healthyDead } = result
  const at = (share: number): string => (waitsMs[Math.ceil(waitsMs.length * share) - 1] ?? Number.NaN).toFixed(0)
  const most = waitsMs.length === HEALTHY ? at(1) : 'never'
  const lost = healthyDead === 0 ? '' : `   ${healthyDead} healthy ones given up`
  return (
    `${String(bad).padStart(3)}  ${way.padEnd(9)}  ${String(threads).padStart(7)}  ${String(waitsMs.length).padStart(12)}` +
    `${at(0.5).padStart(9)}${most.padStart(9)}${String(restarts).padStart(20)}${String(dead).padStart(15)}${lost}`
  )
}
