/**
 * Prints what worker threads gain and cost: `node --import tsx test/bench/worker.bench.ts`. Decides nothing. Takes about four minutes.
 * Loop, bare threads and runtime are measured in turn in one run, in several rounds, and the best of each counts: what else the machine does
 * only makes rounds slower. Where it does much else, or its cores are not whole ones, what bare threads reach is what there is to reach.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { bundleOnce } from '../../cli/bundle/bundle-app.ts'
import { handler } from '../../framework/api/handler.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { WorkerEngine } from '../../framework/execution-plane/worker/worker-engine.ts'
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { Epoch, WorkItem } from '../../framework/model/work.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { burn, roundsFor } from './cpu-work.ts'
import { ranBundled, root } from './run-bundled.ts'
import type { Loop } from './worker-entries/plain-loop.ts'

const KEYS = 100
const ROUNDS = 5
/** Computing time of all records of one round, on one core. Milliseconds. */
const WORK_MS = 4_000
/** Runs before the one that counts: a runtime has more code than a loop has, and it takes seconds of full load until all of it is compiled. */
const WARM_UP_RUNS = 2
const cores = availableParallelism()

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

interface Bundled {
  /** URLs. */
  readonly entry: string
  readonly batchEntry: string
  readonly plainLoop: string
  readonly remove: () => Promise<void>
}

async function bundled(): Promise<Bundled> {
  const outDir = await mkdtemp(join(tmpdir(), 'pyrallel-bench-'))
  const entries = ['burning', 'burning-batch', 'plain-loop'].map((name) => {
    return { name, file: join(root, `test/bench/worker-entries/${name}.ts`) }
  })
  const bundle = await bundleOnce({ root, outDir, naming: 'plain', dependencies: { external: [] } }, entries)
  if (bundle.kind === 'failed') throw new Error(JSON.stringify(bundle.diagnostics))
  const urlOf = (name: string) => pathToFileURL(bundle.entries.get(name)?.output ?? '').href
  const remove = () => rm(outDir, { recursive: true, force: true })
  return { entry: urlOf('burning'), batchEntry: urlOf('burning-batch'), plainLoop: urlOf('plain-loop'), remove }
}

// --- CPU work: a whole runtime on the in-memory cluster, key order, against a plain loop ---

/** Records per millisecond: of time, and of CPU time of all threads of the process. */
interface Rates {
  readonly rate: number
  readonly perCpu: number
}

const none: Rates = { rate: 0, perCpu: 0 }

function better(a: Rates, b: Rates): Rates {
  return { rate: Math.max(a.rate, b.rate), perCpu: Math.max(a.perCpu, b.perCpu) }
}

function watch(records: number): () => Rates {
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { rate: records / (performance.now() - start), perCpu: (records * 1_000) / (user + system) }
  }
}

function plainLoop(values: readonly Buffer[]): Rates {
  const stop = watch(values.length)
  for (const value of values) burn((JSON.parse(value.toString()) as { rounds: number }).rounds)
  return stop()
}

/** One bare thread for each core, each with its share of the records. */
async function bareThreads(value: Buffer, records: number, entry: string): Promise<Rates> {
  const threads = Array.from({ length: cores }, () => new Worker(new URL(entry)))
  const answers = () => Promise.all(threads.map((thread) => new Promise((resolve) => thread.once('message', resolve))))
  const loop = (count: number) => {
    for (const thread of threads) thread.postMessage({ value: new Uint8Array(value), records: count } satisfies Loop)
    return answers()
  }
  await loop(1)
  const stop = watch(records)
  await loop(records / cores)
  const rates = stop()
  await Promise.all(threads.map((thread) => thread.terminate()))
  return rates
}

async function throughRuntime(values: readonly Buffer[], entry: string): Promise<Rates> {
  const cluster = memoryCluster()
  cluster.createTopic('bench')
  cluster.createTopic('bench.bench.dlq')
  const config = resolveConfig({ group: 'bench' }, 'bench')
  const definition = handler<unknown>('bench', { engine: 'worker', worker: { threads: cores } }, () => {})
  const registered = { id: 'bench', file: 'bench', topic: 'bench', group: null, handler: definition, entry }
  let [done, wanted] = [0, 0]
  let { promise, resolve } = settler()
  const runtime = createRuntime({
    connection: cluster.connection(),
    handlers: resolveHandlers([registered], config),
    startFrom: 'earliest',
    limits: config.limits,
    commit: config.commit,
    shutdown: config.shutdown,
    log: silent,
    logEvents: false,
    onEvent: ({ kind }) => {
      if (kind === 'record.done' && ++done === wanted) resolve()
    },
  })
  const run = async (some: readonly Buffer[]): Promise<void> => {
    ;({ promise, resolve } = settler())
    wanted += some.length
    for (const [number, value] of some.entries()) {
      cluster.append({ topic: 'bench', key: Buffer.from(`k${number % KEYS}`), value, headers: [] })
    }
    await promise
  }
  await runtime.start()
  for (let warmUp = 0; warmUp < WARM_UP_RUNS; warmUp++) await run(values)
  const stop = watch(values.length)
  await run(values)
  const rates = stop()
  await runtime.stop()
  return rates
}

async function compare(workMs: number, { entry, plainLoop: bareEntry }: Bundled): Promise<void> {
  const value = Buffer.from(JSON.stringify({ rounds: roundsFor(workMs) }))
  const values = Array.from({ length: Math.round(WORK_MS / workMs) }, () => value)
  let [loop, bare, workers] = [none, none, none]
  for (let round = 0; round < ROUNDS; round++) {
    loop = better(loop, plainLoop(values))
    bare = better(bare, await bareThreads(value, values.length, bareEntry))
    workers = better(workers, await throughRuntime(values, entry))
  }
  const rate = (perMs: number) => `${(perMs * 1_000).toFixed(0).padStart(6)}/s`
  const gain = workers.rate / loop.rate
  const rates = `loop ${rate(loop.rate)}   bare threads ${rate(bare.rate)}   workers ${rate(workers.rate)}`
  const shares = `${(gain / cores).toFixed(2)} of ${cores} cores, ${(workers.rate / bare.rate).toFixed(2)} of bare threads`
  console.log(`${workMs.toString().padStart(4)} ms a record   ${rates}   ${gain.toFixed(2)} x the loop, ${shares}`)
  console.log(
    `${''.padEnd(18)}work in the CPU time: ${(workers.perCpu / bare.perCpu).toFixed(2)} of that of bare threads`,
  )
}

// --- the boundary: an engine with one thread and a handler that does nothing ---

interface Crossing {
  /** Of each value, in bytes. */
  readonly size: number
  /** Records that are on their way at a time. */
  readonly inFlight: number
  /** Records of one work item: more than one is a batch handler's. */
  readonly batch: number
  readonly records: number
}

/** @returns microseconds a record, and records a message, of the best round */
async function cross(
  { size, inFlight, batch, records }: Crossing,
  bundles: Bundled,
): Promise<readonly [number, number]> {
  const filler = 'x'.repeat(Math.max(0, size - '{"rounds":0,"filler":""}'.length))
  const value = Buffer.from(JSON.stringify({ rounds: 0, filler }))
  const engine = new WorkerEngine({
    handlerId: 'bench',
    group: 'bench',
    entry: batch === 1 ? bundles.entry : bundles.batchEntry,
    concurrency: inFlight / batch,
    timeoutMs: 30_000,
    abandonAfterMs: 5_000,
    threads: 1,
    produce: async () => ({ partition: 0, offset: 0 }),
    log: silent,
    clock: systemClock(),
  })
  const items = records / batch
  let [submitted, completed] = [0, 0]
  let { promise, resolve } = settler()
  const submitNext = () => {
    if (submitted < items) engine.submit(itemOf(submitted++, batch, value))
  }
  await engine.start(({ outcome }) => {
    if (outcome.kind !== 'succeeded') throw new Error(`an item ${outcome.kind}`)
    if (++completed === items) resolve()
    else submitNext()
  })
  let best: readonly [number, number] = [Number.POSITIVE_INFINITY, 0]
  for (let round = 0; round < ROUNDS + 1; round++) {
    ;({ promise, resolve } = settler())
    ;[submitted, completed] = [0, 0]
    const [from, start] = [engine.threads.batches, performance.now()]
    for (let slot = 0; slot < inFlight / batch; slot++) submitNext()
    await promise
    const us = ((performance.now() - start) * 1_000) / records
    if (us < best[0]) best = [us, records / (engine.threads.batches - from)]
  }
  await engine.close(0)
  return best
}

function itemOf(number: number, batch: number, value: Buffer): WorkItem {
  const records = Array.from({ length: batch }, (_, index) => {
    return { topic: 'bench', partition: 0, offset: number * batch + index, key: null, value, headers: [], timestamp: 0 }
  })
  return { id: number, handlerId: 'bench', epoch: 1 as Epoch, records, attempts: records.map(() => 1) }
}

async function boundary(size: number, bundles: Bundled): Promise<void> {
  const ways: readonly (readonly [how: string, way: Omit<Crossing, 'size'>])[] = [
    ['one at a time', { inFlight: 1, batch: 1, records: 5_000 }],
    ['256 in flight', { inFlight: 256, batch: 1, records: 50_000 }],
    ['batch handler, 4 times 64', { inFlight: 256, batch: 64, records: 51_200 }],
  ]
  let first: number | undefined
  for (const [how, way] of ways) {
    const [us, perMessage] = await cross({ size, ...way }, bundles)
    first ??= us
    const cost = `${us.toFixed(2).padStart(8)} us a record   ${perMessage.toFixed(1).padStart(6)} records a message`
    console.log(
      `${`${size} B`.padStart(9)}   ${how.padEnd(26)} ${cost}   ${(first / us).toFixed(1).padStart(5)} x one at a time`,
    )
  }
}

function settler(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

async function main(): Promise<void> {
  const bundles = await bundled()
  console.log(`CPU work, ${KEYS} keys, key order, ${cores} threads; best of ${ROUNDS} rounds`)
  await compare(0.2, bundles)
  await compare(2, bundles)
  console.log(`A handler that does nothing, one thread: over the boundary and back; best of ${ROUNDS + 1} rounds`)
  for (const size of [100, 10_000]) await boundary(size, bundles)
  await bundles.remove()
}

if (!(await ranBundled(import.meta.url))) await main()
