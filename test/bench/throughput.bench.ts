/**
 * Prints our rate beside that of a bare consume loop on the same client, on the embedded broker, in the same run; and how long `pyrallel dev`
 * takes to the first record handled: `node --import tsx test/bench/throughput.bench.ts [records]`. Order is checked in every round.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type HandlerDefinition, type HandlerRecord, handler } from '../../framework/api/handler.ts'
import { type EmbeddedBroker, startEmbeddedBroker } from '../../framework/kafka/embedded/embedded-broker.ts'
import type { KafkaConnection } from '../../framework/kafka/kafka-client.ts'
import type { NativeMessage } from '../../framework/kafka/librdkafka/binding.ts'
import { connectLibrdkafka, loadLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'

const RECORDS = Number(process.argv[2] ?? 100_000)
const KEYS = 1_000
const ROUNDS = 5
const TOPIC = 'bench'
const silent: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silent,
  // As the real logger says at its level in production.
  isLevelEnabled: (level) => level !== 'debug',
}

/** Counts records and refuses a run that breaks the order of a key. */
class Checker {
  readonly done: Promise<void>
  #resolve: () => void = () => {}
  #reject: (error: Error) => void = () => {}
  readonly #last = new Map<string, number>()
  #count = 0

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get isDone(): boolean {
    return this.#count >= RECORDS
  }

  see(key: string, sequence: number): void {
    const last = this.#last.get(key) ?? -1
    if (sequence <= last) this.#reject(new Error(`key ${key}: ${sequence} after ${last}`))
    this.#last.set(key, sequence)
    this.#count += 1
    if (this.#count === RECORDS) this.#resolve()
  }
}

const broker = await startEmbeddedBroker({ log: silent, topics: [TOPIC, `${TOPIC}.dlq`] })
try {
  const connection = await connect(broker)
  const startedAt = performance.now()
  await produce(connection)
  console.log(`${RECORDS} records produced in ${Math.round(performance.now() - startedAt)} ms`)
  const rounds: { ours: number; bare: number }[] = []
  for (let round = 1; round <= ROUNDS; round += 1) {
    const bare = await bareLoop(broker, round)
    const ours = await pyrallel(broker, round)
    rounds.push({ ours, bare })
    console.log(
      `round ${round} of ${ROUNDS}: bare loop ${perSecond(bare)}, pyrallel ${perSecond(ours)}, ratio ${(ours / bare).toFixed(2)}`,
    )
  }
  await connection.close()
  const [bare, ours] = [median(rounds.map((r) => r.bare)), median(rounds.map((r) => r.ours))]
  const ratios = rounds.map((r) => r.ours / r.bare).sort((a, b) => a - b)
  console.log(
    `\n${RECORDS} records of 100 bytes, ${KEYS} keys, key order, no-op handler, embedded broker, median of ${ROUNDS} rounds`,
  )
  console.table({
    'bare loop': { 'records/s': Math.round(bare), ratio: 1 },
    pyrallel: {
      'records/s': Math.round(ours),
      ratio: Number(median(ratios).toFixed(2)),
      lowest: Number(ratios[0]?.toFixed(2)),
      highest: Number(ratios.at(-1)?.toFixed(2)),
    },
  })
} finally {
  await broker.stop()
}
const root = fileURLToPath(new URL('../..', import.meta.url))
execFileSync(process.execPath, ['.ci/build-package.mjs'], { cwd: root, stdio: 'ignore' })
for (const [how, bin] of [
  ['as installed', 'dist/cli/bin.js'],
  ['from sources, through tsx', 'cli/bin.mjs'],
] as const) {
  const seconds = ((await devStart(bin)) / 1_000).toFixed(2)
  console.log(`pyrallel dev ${how}, start of the process to the first record handled: ${seconds} s`)
}

function connect({ connection }: EmbeddedBroker): Promise<KafkaConnection> {
  // The mock cluster keeps 5 MB a partition as it receives them, so the batches are compressed.
  return connectLibrdkafka({ ...connection, clientId: 'bench', log: silent, librdkafka: { 'compression.type': 'lz4' } })
}

async function produce(connection: KafkaConnection): Promise<void> {
  const producer = await connection.producer()
  for (let i = 0; i < RECORDS; ) {
    const batch: Promise<unknown>[] = []
    for (let n = 0; n < 10_000 && i < RECORDS; n += 1, i += 1) {
      const text = JSON.stringify({ sequence: i, key: `key-${i % KEYS}`, note: '' })
      const value = Buffer.from(`${text.slice(0, -2)}${'x'.repeat(Math.max(0, 100 - text.length))}"}`)
      batch.push(producer.produce({ topic: TOPIC, key: Buffer.from(`key-${i % KEYS}`), value, headers: [] }))
    }
    await Promise.all(batch)
  }
  await producer.close(5_000)
}

/** The plainest loop that still is a consumer: parses, checks, commits what it has read once a second. */
async function bareLoop({ brokers }: EmbeddedBroker, round: number): Promise<number> {
  const { KafkaConsumer } = await loadLibrdkafka()
  const checker = new Checker()
  const consumer = new KafkaConsumer({
    'bootstrap.servers': brokers,
    'group.id': `bare-${round}`,
    'group.protocol': 'consumer',
    'enable.auto.commit': false,
    'auto.offset.reset': 'earliest',
    'fetch.wait.max.ms': 10,
  })
  await new Promise<void>((resolve, reject) =>
    consumer.connect({}, (error) => (error ? reject(new Error(error.message)) : resolve())),
  )
  consumer.setDefaultConsumeTimeout(20)
  consumer.setDefaultIsTimeoutOnlyForFirstMessage(true)
  consumer.subscribe([TOPIC])
  let startedAt = 0
  let committedAt = performance.now()
  while (!checker.isDone) {
    const messages = await new Promise<readonly NativeMessage[]>((resolve, reject) => {
      consumer.consume(500, (error, batch) => (error ? reject(new Error(error.message)) : resolve(batch)))
    })
    if (startedAt === 0 && messages.length > 0) startedAt = performance.now()
    for (const { key, value } of messages) checker.see(String(key), JSON.parse(String(value)).sequence)
    const last = messages.at(-1)
    if (last !== undefined && performance.now() - committedAt > 1_000) {
      consumer.commit([{ topic: TOPIC, partition: last.partition, offset: last.offset + 1 }])
      committedAt = performance.now()
    }
  }
  await checker.done
  const took = performance.now() - startedAt
  await new Promise<void>((resolve) => consumer.disconnect(() => resolve()))
  return (RECORDS / took) * 1_000
}

async function pyrallel(from: EmbeddedBroker, round: number): Promise<number> {
  const checker = new Checker()
  let startedAt = 0
  const definition: HandlerDefinition<unknown> = handler(TOPIC, async (record: HandlerRecord<unknown>) => {
    if (startedAt === 0) startedAt = performance.now()
    checker.see(record.key ?? '', (record.value as { sequence: number }).sequence)
  })
  const retry = { attempts: 1, backoff: 'fixed', minMs: 1, maxMs: 1, jitter: false } as const
  const route = {
    handlerId: 'bench',
    topic: TOPIC,
    ordering: 'key',
    concurrency: 100,
    retry,
    deadLetterTopic: `${TOPIC}.dlq`,
  } as const
  const runtime = createRuntime({
    connection: await connect(from),
    handlers: [{ route, group: `ours-${round}`, file: 'bench', timeoutMs: 30_000, definition }],
    startFrom: 'earliest',
    limits: {
      maxRecords: 10_000,
      maxBytes: 64 * 2 ** 20,
      maxRecordsPerPartition: 5_000,
      maxBytesPerPartition: 32 * 2 ** 20,
      maxUncommitted: 100_000,
      maxOffsetSpan: 1_000_000,
    },
    commit: { minIntervalMs: 100, recovery: 'metadata' },
    shutdown: { drainMs: 5_000, revokeGraceMs: 5_000 },
    log: silent,
  })
  await runtime.start()
  await Promise.race([checker.done, runtime.failed])
  const took = performance.now() - startedAt
  await runtime.stop()
  return (RECORDS / took) * 1_000
}

/** Milliseconds from spawning the command to the first `record.done` that it prints. */
async function devStart(bin: string): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [bin, 'dev', '--traffic', '--json'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    for await (const chunk of child.stdout.setEncoding('utf8')) if (String(chunk).includes('record.done')) break
    return performance.now() - startedAt
  } finally {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')} records/s`
}
