/**
 * What failures cost: minutes in which every attempt fails, and the heap meanwhile; then records of which one in a hundred cannot be handled, on
 * Apache Kafka, and where each of them has gone: `node --expose-gc --import tsx test/bench/failures.bench.ts [--minutes 10] [--rate 100] [--records 100000]`.
 * 0 minutes, or 0 records, leave that part out.
 */
import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { DeadLetter, type HandlerFunction, handler } from '../../framework/handler.ts'
import type { KafkaConnection } from '../../framework/kafka/kafka-client.ts'
import { connectKafka } from '../../framework/kafka/librdkafka-client.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { OutgoingRecord } from '../../framework/model/record.ts'
import type { Route } from '../../framework/model/settings.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { configDefaults } from '../../framework/runtime/resolve-config.ts'
import type { ResolvedHandler, RuntimeOptions } from '../../framework/runtime/runtime.ts'
import { startKafka } from '../e2e/kafka-harness.ts'

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '100' },
    records: { type: 'string', default: '100000' },
  },
})
const RECORDS = Number(flags.records)
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
  return { connection, handlers: [one], startFrom: 'earliest', limits, commit, lifecycle: shutdown, log: silent }
}

function aRecord(n: number): OutgoingRecord {
  return { topic: TOPIC, key: Buffer.from(`k${n % KEYS}`), value: Buffer.from(String(n)), headers: [] }
}

async function fill(connection: KafkaConnection, count: number): Promise<void> {
  const producer = await connection.producer()
  await Promise.all(Array.from({ length: count }, (_, n) => producer.produce(aRecord(n))))
  await producer.close(60_000)
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
    http: { enabled: true, host: '127.0.0.1', port: 0, metrics: true, stallAfterMs: 60_000 },
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

async function ledger(): Promise<void> {
  const kafka = await startKafka()
  try {
    const connect = () =>
      connectKafka({ brokers: kafka.brokers, clientId: 'bench', groupProtocol: 'consumer', log: silent })
    const connection = await connect()
    await connection.createTopics([TOPIC, DLQ], 4)
    await fill(connection, RECORDS)
    const [done, dead] = [new Set<number>(), new Set<number>()]
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const bad = resolved((record) => {
      if (record.value % 100 === 0) throw new DeadLetter('one in a hundred')
    })
    const runtime = createRuntime({
      ...optionsFor(connection, bad),
      onEvent: (event) => {
        if (event.kind !== 'record.done' && event.kind !== 'record.dead') return
        const to = event.kind === 'record.done' ? done : dead
        to.add(Number(event.record.value))
        if (done.size + dead.size === RECORDS) finish()
      },
    })
    const startedAt = performance.now()
    await runtime.start()
    await finished
    const seconds = (performance.now() - startedAt) / 1_000
    await runtime.stop()
    const lost = RECORDS - new Set([...done, ...dead]).size
    const inTopic = await logEnds(kafka.brokers)
    const facts = `done ${done.size}, dead ${dead.size} (${inTopic} in the dead-letter topic), lost ${lost}`
    console.log(
      `${RECORDS} records on Apache Kafka, 1 % cannot be handled: ${facts}; ${Math.round(RECORDS / seconds)} records/s`,
    )
    if (lost > 0 || inTopic !== dead.size) process.exitCode = 1
  } finally {
    await kafka.stop()
  }
}

/** How many records the dead-letter topic holds, by the broker's own account. */
async function logEnds(brokers: string): Promise<number> {
  const connection = await connectKafka({ brokers, clientId: 'ledger', groupProtocol: 'consumer', log: silent })
  const client = await connection.consumer({ group: 'ledger', startFrom: 'earliest' })
  const places = new Set<string>()
  await client.subscribe([DLQ], { onAssigned() {}, async onRevoked() {}, onLost() {} })
  for (let quietSince = performance.now(); performance.now() - quietSince < 3_000; ) {
    const records = await client.poll(500, 100)
    for (const { partition, offset } of records) places.add(`${partition}/${offset}`)
    if (records.length > 0) quietSince = performance.now()
  }
  let isClosed = false
  void client.close().finally(() => {
    isClosed = true
  })
  while (!isClosed) await client.poll(0, 20).catch(() => {})
  await connection.close()
  return places.size
}

const minutes = Number(flags.minutes)
if (minutes > 0 && !(await outage(minutes, Number(flags.rate)))) process.exitCode = 1
if (RECORDS > 0) await ledger()
