/**
 * What failures cost: ten simulated minutes in which every attempt fails, and the heap meanwhile; then records of which one in a hundred cannot be
 * handled, on Apache Kafka, and where each of them has gone: `node --expose-gc --import tsx test/bench/failures.bench.ts [records]`.
 */
import { DeadLetter, type HandlerFunction, handler } from '../../framework/handler.ts'
import type { KafkaConnection } from '../../framework/kafka/kafka-client.ts'
import { connectKafka } from '../../framework/kafka/librdkafka-client.ts'
import { memoryCluster } from '../../framework/kafka/memory-client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { configDefaults } from '../../framework/runtime/resolve-config.ts'
import type { ResolvedHandler, RuntimeOptions } from '../../framework/runtime/runtime.ts'
import { ManualClock } from '../../framework/testing/manual-clock.ts'
import { startKafka } from '../e2e/kafka-harness.ts'

const RECORDS = Number(process.argv[2] ?? 100_000)
const KEYS = 1_000
const TOPIC = 'orders'
const DLQ = 'orders.bench.dlq'
const MINUTES = 10
const STEP_MS = 100
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

function resolved(run: HandlerFunction<number>, concurrency: number): ResolvedHandler {
  const { ordering, retry, timeoutMs } = configDefaults.handlers
  return {
    route: { handlerId: 'bench', topic: TOPIC, ordering, concurrency, retry, deadLetterTopic: DLQ },
    group: 'bench',
    file: 'bench.ts',
    timeoutMs,
    definition: handler<number>(TOPIC, run) as ResolvedHandler['definition'],
  }
}

function optionsFor(connection: KafkaConnection, one: ResolvedHandler): RuntimeOptions {
  const { limits, commit, shutdown } = configDefaults
  return { connection, handlers: [one], startFrom: 'earliest', limits, commit, lifecycle: shutdown, log: silent }
}

async function fill(connection: KafkaConnection, count: number): Promise<void> {
  const producer = await connection.producer()
  const produce = (n: number) =>
    producer.produce({ topic: TOPIC, key: Buffer.from(`k${n % KEYS}`), value: Buffer.from(String(n)), headers: [] })
  await Promise.all(Array.from({ length: count }, (_, n) => produce(n)))
  await producer.close(60_000)
}

function heapMb(): string {
  globalThis.gc?.()
  return `${(process.memoryUsage().heapUsed / 1_048_576).toFixed(1)} MB`
}

async function outage(): Promise<void> {
  const cluster = memoryCluster()
  cluster.createTopic(TOPIC, 4)
  cluster.createTopic(DLQ, 4)
  await fill(cluster.connection(), 20_000)
  const clock = new ManualClock()
  let [attempts, dead] = [0, 0]
  const failing = resolved(() => {
    attempts += 1
    throw new Error('everything fails')
  }, 100)
  // The dead letters themselves stay in the memory of the simulated broker, so they are counted and taken out of it.
  const runtime = createRuntime({
    ...optionsFor(cluster.connection(), failing),
    clock,
    onEvent: (event) => {
      if (event.kind === 'record.dead') dead += 1
    },
  })
  await runtime.start()
  const heap: string[] = []
  for (let step = 0; step <= (MINUTES * 60_000) / STEP_MS; step += 1) {
    const minute = (step * STEP_MS) / 60_000
    if (minute === 1 || minute === MINUTES / 2 || minute === MINUTES) heap.push(`minute ${minute}: ${heapMb()}`)
    await clock.advanceAndSettle(STEP_MS)
  }
  console.log(
    `${MINUTES} minutes of failures, simulated: ${attempts} attempts, ${dead} dead letters. Heap at ${heap.join(', ')}`,
  )
  const stopping = runtime.stop()
  let isStopped = false
  void stopping.finally(() => {
    isStopped = true
  })
  while (!isStopped) await clock.advanceAndSettle(STEP_MS)
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
    }, 100)
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
    process.exitCode = lost === 0 && inTopic === dead.size ? 0 : 1
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

await outage()
await ledger()
