/**
 * What metrics and tracing cost a handler that does nothing, as ratios to a run without either, on the embedded broker; rounds interleaved:
 * `node --import tsx test/bench/observability.bench.ts [--records 100000] [--rounds 7]`. The tracer provider stands for a user's SDK that
 * samples every record and exports nothing: what an SDK does with a span that has ended is its own.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { parseArgs } from 'node:util'
import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace,
} from '@opentelemetry/api'
import { handler } from '../../framework/api/handler.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { type EmbeddedBroker, startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import { connectLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { RecordHeader } from '../../framework/model/record.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import { spreadOf } from './matrix/statistics.ts'

const { values: flags } = parseArgs({
  options: { records: { type: 'string', default: '100000' }, rounds: { type: 'string', default: '7' } },
})
const RECORDS = Number(flags.records)
const ROUNDS = Number(flags.rounds)
const KEYS = 1_000
const TOPIC = 'bench'
/** Fifteen times as often as Prometheus does by default. */
const SCRAPE_MS = 1_000

const variants = [
  { name: 'neither', metrics: false, tracing: false },
  { name: 'metrics', metrics: true, tracing: false },
  { name: 'tracing', metrics: false, tracing: true },
  { name: 'both', metrics: true, tracing: true },
] as const
type Variant = (typeof variants)[number]

interface Cost {
  readonly perSecond: number
  /** Of the whole process, the Kafka library's threads included. Microseconds per record. */
  readonly cpuUs: number
}

let url: string | undefined
const log: Logger = {
  debug() {},
  info: (fields) => {
    if ('url' in fields) url = String(fields.url)
  },
  warn() {},
  error() {},
  child: () => log,
  isLevelEnabled: (level) => level !== 'debug',
}

const storage = new AsyncLocalStorage<Context>()
let spansEnded = 0

/** Keeps what an SDK's span keeps until it ends. */
class SampledSpan {
  readonly #context: SpanContext
  readonly attributes: Record<string, unknown>

  constructor(parent: SpanContext | undefined, attributes: object) {
    this.#context = { traceId: parent?.traceId ?? 'f'.repeat(32), spanId: 'a'.repeat(16), traceFlags: 1 }
    this.attributes = { ...attributes }
  }

  spanContext(): SpanContext {
    return this.#context
  }

  setAttribute(name: string, value: unknown): void {
    this.attributes[name] = value
  }

  setStatus(): void {}

  end(): void {
    spansEnded += 1
  }
}

/** What an SDK does at the start of a process. */
function register(): void {
  const startSpan = (_name: string, options: { attributes?: object } = {}, from = context.active()) =>
    new SampledSpan(trace.getSpanContext(from), options.attributes ?? {}) as unknown as Span
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startSpan,
      startActiveSpan: () => {
        throw new Error('not used')
      },
    }),
  })
  const manager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: <A extends unknown[], F extends (...args: A) => ReturnType<F>>(
      active: Context,
      call: F,
      self?: ThisParameterType<F>,
      ...args: A
    ): ReturnType<F> => storage.run(active, () => call.apply(self, args)),
    bind: <T>(_active: Context, target: T) => target,
    enable: () => manager,
    disable: () => manager,
  }
  context.setGlobalContextManager(manager)
  propagation.setGlobalPropagator({
    inject() {},
    fields: () => ['traceparent'],
    extract(from, carrier, getter) {
      const found = /^00-(\w{32})-(\w{16})-(\w\w)$/.exec(String(getter.get(carrier, 'traceparent')))
      if (found === null) return from
      const [, traceId = '', spanId = '', traceFlags = ''] = found
      return trace.setSpanContext(from, {
        traceId,
        spanId,
        traceFlags: Number.parseInt(traceFlags, 16),
        isRemote: true,
      })
    },
  })
}

function unregister(): void {
  trace.disable()
  context.disable()
  propagation.disable()
}

/** Compressed, since the mock cluster keeps 5 MB a partition as it receives them. */
function connect({ connection }: EmbeddedBroker) {
  return connectLibrdkafka({ ...connection, clientId: 'bench', log, librdkafka: { 'compression.type': 'lz4' } })
}

/** Every record carries a trace, in every variant. */
async function fill(broker: EmbeddedBroker): Promise<void> {
  const connection = await connect(broker)
  const producer = await connection.producer()
  const headers: readonly RecordHeader[] = [['traceparent', Buffer.from(`00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`)]]
  for (let n = 0; n < RECORDS; ) {
    const batch: Promise<unknown>[] = []
    for (const end = Math.min(RECORDS, n + 10_000); n < end; n += 1) {
      const value = Buffer.from(JSON.stringify({ n, note: 'x'.repeat(60) }))
      batch.push(producer.produce({ topic: TOPIC, key: Buffer.from(`key-${n % KEYS}`), value, headers }))
    }
    await Promise.all(batch)
  }
  await producer.close(5_000)
  await connection.close()
}

async function run(broker: EmbeddedBroker, { name, metrics, tracing }: Variant, round: number): Promise<Cost> {
  if (tracing) register()
  url = undefined
  spansEnded = 0
  const config = resolveConfig({ group: `${name}-${round}`, http: { enabled: metrics, port: 0 } }, 'the benchmark')
  let [count, startedAt] = [0, 0]
  let from = process.cpuUsage()
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const definition = handler(TOPIC, { deadLetter: false }, async () => {
    if (count === 0) {
      startedAt = performance.now()
      from = process.cpuUsage()
    }
    count += 1
    if (count === RECORDS) finish()
  })
  const registered = { id: 'bench', file: 'bench', topic: TOPIC, group: null, handler: definition }
  const { limits, commit, shutdown, http } = config
  const runtime = createRuntime({
    connection: await connect(broker),
    handlers: resolveHandlers([registered], config),
    startFrom: 'earliest',
    limits,
    commit,
    shutdown,
    http,
    log,
  })
  await runtime.start()
  const scraping = setInterval(() => void scrape(metrics), SCRAPE_MS)
  try {
    await Promise.race([finished, runtime.failed])
    const tookMs = performance.now() - startedAt
    const { user, system } = process.cpuUsage(from)
    // The last handler calls are not yet told; what was counted is looked at once they are.
    await runtime.stop()
    if (tracing !== spansEnded > 0) throw new Error(`${name}: ${spansEnded} spans`)
    return { perSecond: (RECORDS / tookMs) * 1_000, cpuUs: (user + system) / RECORDS }
  } finally {
    clearInterval(scraping)
    if (tracing) unregister()
  }
}

async function scrape(isOn: boolean): Promise<void> {
  if (!isOn || url === undefined) return
  const page = await (await fetch(`${url}/metrics`)).text()
  if (!page.includes('pyrallel_')) throw new Error('the metrics page is empty')
}

function report(rounds: readonly ReadonlyMap<string, Cost>[]): void {
  const rows = variants.map(({ name }) => {
    const costs = rounds.flatMap((round) => round.get(name) ?? [])
    const ratios = rounds.map((round) => (round.get(name)?.cpuUs ?? 0) / (round.get('neither')?.cpuUs ?? 0))
    const rates = rounds.map((round) => (round.get(name)?.perSecond ?? 0) / (round.get('neither')?.perSecond ?? 0))
    return [
      name,
      {
        'records/s': Math.round(spreadOf(costs.map(({ perSecond }) => perSecond))?.median ?? 0),
        'rate, ratio': rangeText(rates),
        'CPU us/record': Number((spreadOf(costs.map(({ cpuUs }) => cpuUs))?.median ?? 0).toFixed(2)),
        'CPU, ratio': rangeText(ratios),
      },
    ] as const
  })
  console.log(
    `${RECORDS} records with a trace each, ${KEYS} keys, key order, a handler that does nothing, embedded broker; medians of ${rounds.length} ` +
      'interleaved rounds; ratios to the run without either in the same round, with the lowest and the highest',
  )
  console.table(Object.fromEntries(rows))
}

function rangeText(values: readonly number[]): string {
  const { median = 0, min = 0, max = 0 } = spreadOf(values) ?? {}
  return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`
}

const broker = await startEmbeddedBroker({ log, topics: [TOPIC] })
try {
  await fill(broker)
  const rounds: Map<string, Cost>[] = []
  // Round 0 warms up. Each round begins with another variant, so that none is always the first.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const costs = new Map<string, Cost>()
    for (let turn = 0; turn < variants.length; turn += 1) {
      const variant = variants[(round + turn) % variants.length] ?? variants[0]
      costs.set(variant.name, await run(broker, variant, round))
    }
    if (round > 0) rounds.push(costs)
  }
  report(rounds)
} finally {
  await broker.stop()
}
