/**
 * What failures cost: minutes in which every attempt fails, and the heap meanwhile:
 * `node --expose-gc --import tsx test/bench/failures.bench.ts [--minutes 10] [--rate 100]`. Where each record goes: ledger.bench.ts.
 */
import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type HandlerFunction, handler } from '../../framework/api/handler.ts'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import type { KafkaConnection } from '../../framework/kafka/kafka-client.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { OutgoingRecord } from '../../framework/model/record.ts'
import type { Route } from '../../framework/model/settings.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import type { ResolvedHandler, RuntimeOptions } from '../../framework/runtime/runtime.ts'

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '100' },
  },
})
const KEYS = 1_000
const TOPIC = 'orders'
const DLQ = 'orders.bench.dlq'
const GROUP = 'bench'
const PARTITIONS = 4
const TICK_MS = 100
/** One dead letter in so many is refused at first. */
const REFUSED_EVERY = 50
/** What the heap of an idle Node process changes by from one collection to the next. */
const FLAT_MB = 1
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

function resolved(run: HandlerFunction<number>, over: Partial<Route> = {}): ResolvedHandler {
  const { ordering, retry, timeoutMs } = configDefaults.handlers
  return {
    route: { handlerId: 'bench', topic: TOPIC, ordering, concurrency: 100, retry, deadLetterTopic: DLQ, ...over },
    group: GROUP,
    file: 'bench.ts',
    timeoutMs,
    definition: handler<number>(TOPIC, run) as ResolvedHandler['definition'],
  }
}

function optionsFor(connection: KafkaConnection, one: ResolvedHandler): RuntimeOptions {
  const { limits, commit, shutdown } = configDefaults
  return { connection, handlers: [one], startFrom: 'earliest', limits, commit, shutdown, log: silent }
}

function aRecord(n: number): OutgoingRecord {
  return { topic: TOPIC, key: Buffer.from(`k${n % KEYS}`), value: Buffer.from(String(n)), headers: [] }
}

/** Megabytes that are in use after a full collection. */
function heapMb(): number {
  if (globalThis.gc === undefined) throw new Error('Run it with --expose-gc: what is garbage is no leak.')
  globalThis.gc()
  return process.memoryUsage().heapUsed / 1_048_576
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

/** One line of the table, taken after a full collection. */
interface Sample {
  readonly minute: number
  readonly heapMb: number
  readonly attempts: number
  readonly dead: number
  readonly refused: number
  readonly inMemory: number
  readonly retriesWaiting: number
}

/** What the broker keeps is no leak: records that are committed, and dead letters that are counted, leave the memory of this process. */
function forgetWhatIsDone(cluster: MemoryCluster): void {
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const committed = cluster.group(GROUP).committed({ topic: TOPIC, partition })
    cluster.log(TOPIC, partition).truncateBelow(committed?.position ?? 0)
    const letters = cluster.log(DLQ, partition)
    letters.truncateBelow(letters.end)
  }
}

/** Everything is on that counts or remembers: metrics, log lines, breakers, retries, dead letters that are refused now and then. */
async function outage(minutes: number, rate: number): Promise<boolean> {
  const cluster = memoryCluster()
  cluster.createTopic(TOPIC, PARTITIONS)
  cluster.createTopic(DLQ, PARTITIONS)
  let [attempts, dead, refused, produced] = [0, 0, 0, 0]
  const failing = resolved(
    async () => {
      attempts += 1
      await nextTick()
      throw new Error(`everything fails: attempt ${attempts}`)
    },
    { retry: { ...configDefaults.handlers.retry, attempts: 3 }, poison: { threshold: 5, cooldownMs: 1_000 } },
  )
  const runtime = createRuntime({
    ...optionsFor(cluster.connection(), failing),
    http: { ...configDefaults.http, enabled: true, port: 0 },
    onEvent: (event) => {
      if (event.kind === 'record.dead') dead += 1
      if (event.kind === 'dead-letter.failed') refused += 1
    },
  })
  await runtime.start()
  const startedAt = performance.now()
  const elapsed = () => performance.now() - startedAt
  const samples: Sample[] = []
  const sample = (minute: number) => {
    const [group] = runtime.snapshot().groups
    const { records = 0, retriesWaiting = 0 } = group ?? {}
    samples.push({ minute, heapMb: heapMb(), attempts, dead, refused, inMemory: records, retriesWaiting })
  }
  sample(0)
  for (let tenth = 1; tenth <= 10; tenth += 1) {
    const until = (minutes * 60_000 * tenth) / 10
    while (elapsed() < until) {
      for (; produced < (elapsed() / 1_000) * rate; produced += 1) {
        cluster.append(aRecord(produced))
        if (produced % REFUSED_EVERY === 0) cluster.failProductions(1)
      }
      forgetWhatIsDone(cluster)
      await sleep(TICK_MS)
    }
    sample((minutes * tenth) / 10)
  }
  await runtime.stop()
  return report(samples, minutes)
}

/** @returns whether the heap is as it was, once everything is warm */
function report(samples: readonly Sample[], minutes: number): boolean {
  console.log(`${minutes} minutes in which every attempt fails; live heap after a full collection`)
  console.table(samples.map((sample) => ({ ...sample, minute: round(sample.minute), heapMb: round(sample.heapMb) })))
  const [, warm] = samples
  const [middle, end] = [samples[Math.floor(samples.length / 2)], samples.at(-1)]
  if (warm === undefined || middle === undefined || end === undefined) return false
  const grownBy = end.heapMb - warm.heapMb
  const heaps = [warm, middle, end].map(({ heapMb }) => `${round(heapMb)} MB`)
  console.log(
    `heap at start, middle and end: ${heaps.join(', ')}; ${end.attempts} attempts, ${end.dead} dead letters, ` +
      `${end.refused} refused at first: ${grownBy <= FLAT_MB ? 'flat' : `it grew by ${round(grownBy)} MB`}`,
  )
  return grownBy <= FLAT_MB
}

const minutes = Number(flags.minutes)
if (!(await outage(minutes, Number(flags.rate)))) process.exitCode = 1
