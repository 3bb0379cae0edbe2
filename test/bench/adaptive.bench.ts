/**
 * Shows where the adaptive limit settles beside fixed ones, for a service that runs so many calls at once and queues the others, and that loses
 * capacity in the middle: first simulated in time, then in real time through the runtime, on the in-memory cluster:
 * `node --import tsx test/bench/adaptive.bench.ts [--seconds 20]`. Exit code 1 when it does not find the knee.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { handler } from '../../framework/api/handler.ts'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import { AdaptiveConcurrency } from '../../framework/control-plane/flow/adaptive-concurrency.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { AdaptiveSettings, Route } from '../../framework/model/settings.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import type { ResolvedHandler } from '../../framework/runtime/runtime.ts'
import { type CallLimit, SaturatingService } from '../unit/control-plane/saturating-service.ts'

const { values: flags } = parseArgs({ options: { seconds: { type: 'string', default: '20' } } })
const SECONDS = Number(flags.seconds)
const MAX = 200
const PLOT_COLUMNS = 72
const PLOT_ROWS = 10
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** Calls that the service runs at once, before and after it has lost most of its capacity: the knee. */
const KNEES = [40, 12] as const
const SERVICE_MS = 20
const contenders = { low: 4, 'the first knee': KNEES[0], high: MAX, adaptive: undefined } as const

interface Phase {
  readonly throughput: number
  readonly durationsMs: readonly number[]
}

/** One moment of a run: where the limit stood, and where the knee was. */
interface Moment {
  readonly limit: number
  readonly knee: number
}

interface Run {
  readonly phases: readonly Phase[]
  readonly moments: readonly Moment[]
}

// --- simulated in time ---

function simulated(fixed: number | undefined): Run {
  const settings: AdaptiveSettings = { min: 1, intervalMs: 1_000 }
  const limit: CallLimit =
    fixed === undefined ? new AdaptiveConcurrency(settings, MAX) : { limit: fixed, observe: () => false }
  const service = new SaturatingService(limit, { servers: KNEES[0], serviceMs: SERVICE_MS, seed: 1 })
  const [phases, moments]: [Phase[], Moment[]] = [[], []]
  for (const knee of KNEES) {
    service.servers = knee
    for (let second = 0; second < 120; second += 2) {
      service.run(2_000)
      moments.push({ limit: limit.limit, knee })
    }
    phases.push(service.run(60_000))
  }
  return { phases, moments }
}

// --- in real time ---

/** The same service for handlers that run: a call waits for one of its servers, and then takes its time. */
class RealService {
  servers = 0
  #running = 0
  readonly #waiting: (() => void)[] = []
  durationsMs: number[] = []

  async call(): Promise<void> {
    const calledAt = performance.now()
    if (this.#running >= this.servers) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#running += 1
    await sleep(SERVICE_MS * (0.5 + Math.random()))
    this.#running -= 1
    if (this.#running < this.servers) this.#waiting.shift()?.()
    this.durationsMs.push(performance.now() - calledAt)
  }
}

const TOPIC = 'calls'
const PARTITIONS = 4
const TICK_MS = 100
/** Records that wait in the log at all times. */
const BACKLOG = 2_000

function aHandler(service: RealService, fixed: number | undefined): ResolvedHandler {
  const { retry, timeoutMs } = configDefaults.handlers
  const route: Route = {
    handlerId: 'call',
    topic: TOPIC,
    ordering: 'unordered',
    concurrency: fixed ?? MAX,
    adaptive: fixed === undefined ? { min: 1, intervalMs: 250 } : undefined,
    retry,
    deadLetterTopic: null,
  }
  return { route, group: 'bench', file: 'bench.ts', timeoutMs, definition: handler(TOPIC, () => service.call()) }
}

/** What is committed leaves the log, and as much comes. */
function refill(cluster: MemoryCluster): void {
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const log = cluster.log(TOPIC, partition)
    log.truncateBelow(cluster.group('bench').committed({ topic: TOPIC, partition })?.position ?? 0)
    for (let missing = BACKLOG / PARTITIONS - log.records.length; missing > 0; missing -= 1) {
      cluster.append({ topic: TOPIC, partition, key: null, value: Buffer.from('1'), headers: [] })
    }
  }
}

/** The second half of each phase is measured: in the first, the limit finds its place. */
async function real(fixed: number | undefined): Promise<Run> {
  const cluster = memoryCluster()
  cluster.createTopic(TOPIC, PARTITIONS)
  const service = new RealService()
  service.servers = KNEES[0]
  const { limits, commit, shutdown } = configDefaults
  const runtime = createRuntime({
    connection: cluster.connection(),
    handlers: [aHandler(service, fixed)],
    startFrom: 'earliest',
    limits,
    commit,
    shutdown,
    log: silent,
  })
  refill(cluster)
  await runtime.start()
  const [phases, moments]: [Phase[], Moment[]] = [[], []]
  for (const knee of KNEES) {
    service.servers = knee
    const startedAt = performance.now()
    let measuredFrom: number | undefined
    while (performance.now() - startedAt < SECONDS * 1_000) {
      if (measuredFrom === undefined && performance.now() - startedAt >= SECONDS * 500) {
        measuredFrom = performance.now()
        service.durationsMs = []
      }
      refill(cluster)
      const [handlerNow] = runtime.snapshot().groups[0]?.handlers ?? []
      moments.push({ limit: handlerNow?.adaptiveLimit ?? fixed ?? 0, knee })
      await sleep(TICK_MS)
    }
    const seconds = (performance.now() - (measuredFrom ?? startedAt)) / 1_000
    phases.push({ throughput: service.durationsMs.length / seconds, durationsMs: service.durationsMs })
  }
  await runtime.stop()
  return { phases, moments }
}

// --- what is printed ---

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

function rowOf({ throughput, durationsMs }: Phase) {
  const sorted = [...durationsMs].sort((a, b) => a - b)
  const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)]
  return { 'calls/s': Math.round(throughput), 'p50 ms': Math.round(p50), 'p99 ms': Math.round(p99) }
}

/** The limit over time, with the knee as a line. */
function plot(moments: readonly Moment[]): string {
  const columns = Array.from({ length: PLOT_COLUMNS }, (_, column) => {
    const at = Math.floor((column / PLOT_COLUMNS) * moments.length)
    return moments[at] ?? { limit: 0, knee: 0 }
  })
  const top = Math.max(...columns.map(({ limit, knee }) => Math.max(limit, knee)))
  const rowAt = (value: number) => Math.min(PLOT_ROWS - 1, Math.floor((value / top) * PLOT_ROWS))
  const lines = Array.from({ length: PLOT_ROWS }, (_, index) => {
    const row = PLOT_ROWS - 1 - index
    const cells = columns.map(({ limit, knee }) => (rowAt(limit) === row ? '#' : rowAt(knee) === row ? '-' : ' '))
    return `${String(Math.round((top * (row + 0.5)) / PLOT_ROWS)).padStart(5)} | ${cells.join('').trimEnd()}`
  })
  return [...lines, `${' '.repeat(6)}+${'-'.repeat(PLOT_COLUMNS + 1)}> time   # limit   - knee`].join('\n')
}

/** @returns whether the adaptive limit did about as well as the best fixed one, in both phases */
async function compare(title: string, run: (fixed: number | undefined) => Run | Promise<Run>): Promise<boolean> {
  const runs = new Map<string, Run>()
  for (const [name, fixed] of Object.entries(contenders)) runs.set(name, await run(fixed))
  let isFound = true
  for (const [index, knee] of KNEES.entries()) {
    console.log(`\n${title}: ${knee} calls of ${SERVICE_MS} ms at once, ${(knee / SERVICE_MS) * 1_000} calls/s at most`)
    const rows = [...runs].map(([name, { phases }]) => {
      const fixed = Reflect.get(contenders, name)
      const phase = phases[index] ?? { throughput: 0, durationsMs: [] }
      return [fixed === undefined ? name : `${name} (${fixed})`, rowOf(phase)] as const
    })
    console.table(Object.fromEntries(rows))
    const adaptive = runs.get('adaptive')?.phases[index]
    const most = (knee / SERVICE_MS) * 1_000
    const p50 = adaptive === undefined ? Number.NaN : rowOf(adaptive)['p50 ms']
    const part = (adaptive?.throughput ?? 0) / most
    isFound &&= part > 0.8 && p50 < 2.5 * SERVICE_MS
    console.log(`adaptive: ${Math.round(part * 100)} % of what the service can do; p50 ${p50} ms`)
  }
  console.log(`\n${plot(runs.get('adaptive')?.moments ?? [])}`)
  return isFound
}

const isFoundSimulated = await compare('simulated', simulated)
const isFoundReal = SECONDS === 0 || (await compare(`real time, ${SECONDS} s each`, real))
process.exitCode = isFoundSimulated && isFoundReal ? 0 : 1
