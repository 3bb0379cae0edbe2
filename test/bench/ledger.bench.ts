/**
 * The books of 100,000 records on Apache Kafka of which one in a hundred cannot be handled: where each has gone, by the handler's own account, by the
 * dead-letter topic as another client reads it, and by the group's offsets as the broker tells them. Asks the code under test nothing:
 * `node --import tsx test/bench/ledger.bench.ts [--records 100000]`. Ends with 1 when anything is lost, repeated, out of order or dead without need.
 */
import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { DeadLetter, handler } from '../../framework/api/handler.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { connectLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import { type KafkaCluster, startKafka } from '../e2e/kafka-harness.ts'
import { offsetsIn } from '../e2e/raw-log.ts'
import { readAll } from '../e2e/raw-records.ts'
import { TopicFiller } from './matrix/topic-filler.ts'

const { values: flags } = parseArgs({ options: { records: { type: 'string', default: '100000' } } })
const RECORDS = Number(flags.records)
const KEYS = 1_000
const PARTITIONS = 4
const ATTEMPTS = 3
const [TOPIC, DLQ, GROUP] = ['orders', 'orders.books.dlq', 'books'] as const
const LOOK_EVERY_MS = 200
/** What has not ended by then will not. */
const LIMIT_MS = 300_000
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** Half of them are given up at once, half fail in every attempt. */
function isBad(n: number): boolean {
  return n % 100 === 50
}

/** What the handler saw, by number of the record. */
class Books {
  readonly starts = new Uint8Array(RECORDS)
  readonly ends = new Uint8Array(RECORDS)
  readonly #last = new Map<number, number>()
  started = 0
  outOfOrder = 0
  retries = 0

  start(n: number, attempt: number): void {
    this.started += 1
    const key = n % KEYS
    const last = this.#last.get(key) ?? -1
    // The numbers of a key rise; only another attempt begins with the same.
    if (attempt === 1 ? n <= last : n !== last) this.outOfOrder += 1
    if (attempt > 1) this.retries += 1
    this.#last.set(key, n)
    this.starts[n] = (this.starts[n] ?? 0) + 1
  }

  end(n: number): void {
    this.ends[n] = (this.ends[n] ?? 0) + 1
  }
}

function* records() {
  for (let n = 0; n < RECORDS; n += 1) {
    const key = n % KEYS
    yield { partition: key % PARTITIONS, key: Buffer.from(`k${key}`), value: Buffer.from(String(n)) }
  }
}

async function fill({ brokers }: KafkaCluster): Promise<void> {
  const filler = await TopicFiller.open(brokers)
  await filler.fill(TOPIC, records())
  await filler.close()
}

/** @returns how long it took until the broker had the commit of the last record. Milliseconds. */
async function run(cluster: KafkaCluster, books: Books): Promise<number> {
  const config = resolveConfig({ group: GROUP }, 'the benchmark')
  const retry = { attempts: ATTEMPTS, backoff: 'fixed', min: 50, max: 50, jitter: false } as const
  const definition = handler<number>(TOPIC, { retry }, async ({ value: n, attempt }) => {
    books.start(n, attempt)
    await nextTick()
    if (isBad(n) && n % 200 === 50) throw new DeadLetter('of no use')
    if (isBad(n)) throw new Error('it fails each time')
    books.end(n)
  })
  const registered = { id: 'bench', file: 'bench', topic: TOPIC, group: null, handler: definition }
  const { limits, commit, shutdown, kafka } = config
  const { clientId, groupProtocol } = kafka
  const runtime = createRuntime({
    connection: await connectLibrdkafka({ brokers: cluster.brokers, clientId, groupProtocol, log: silent }),
    handlers: resolveHandlers([registered], config),
    startFrom: 'earliest',
    limits,
    commit,
    shutdown,
    log: silent,
  })
  const startedAt = performance.now()
  await runtime.start()
  try {
    await Promise.race([untilCommitted(cluster, books, startedAt + LIMIT_MS), runtime.failed])
    return performance.now() - startedAt
  } finally {
    await runtime.stop()
  }
}

async function committed({ admin }: KafkaCluster): Promise<number> {
  return (await admin.committed(GROUP, TOPIC)).reduce((sum, { offset }) => sum + offset, 0)
}

async function untilCommitted(cluster: KafkaCluster, books: Books, limit: number): Promise<void> {
  // Before the first record comes, a new cluster may still be electing who coordinates the group, and answers with errors.
  while (books.started === 0 && performance.now() < limit) await sleep(LOOK_EVERY_MS)
  while ((await committed(cluster)) < RECORDS && performance.now() < limit) await sleep(LOOK_EVERY_MS)
}

/** The numbers of the records in the dead-letter topic, one for each letter. */
async function deadLetters({ brokers }: KafkaCluster): Promise<readonly number[]> {
  let count = 0
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    count += (await offsetsIn(brokers, DLQ, partition)).length
  }
  return count === 0 ? [] : (await readAll(brokers, DLQ, count)).map(Number)
}

/** @returns whether the books are in order */
function report(books: Books, letters: readonly number[], position: number, tookMs: number): boolean {
  const dead = new Set(letters)
  let [done, repeated, lost, needless] = [0, 0, 0, 0]
  for (let n = 0; n < RECORDS; n += 1) {
    const ends = books.ends[n] ?? 0
    if (ends > 0) done += 1
    if (ends > 1 || (books.starts[n] ?? 0) > (isBad(n) ? ATTEMPTS : 1)) repeated += 1
    if (ends === 0 && !dead.has(n)) lost += 1
    if (dead.has(n) && !isBad(n)) needless += 1
  }
  console.log(`${RECORDS} records on Apache Kafka, ${KEYS} keys, ${PARTITIONS} partitions; 1 % cannot be handled`)
  const rows = {
    'done, by the handler': done,
    'dead, in the dead-letter topic': dead.size,
    lost,
    'run again without need': repeated,
    'dead more than once': letters.length - dead.size,
    'dead without need': needless,
    'out of order': books.outOfOrder,
    'retries of those that failed': books.retries,
    "committed, by the broker's account": position,
    'records/s, first poll to last commit': Math.round((RECORDS / tookMs) * 1_000),
  }
  console.table(Object.fromEntries(Object.entries(rows).map(([what, records]) => [what, { records }])))
  const mistakes = lost + repeated + (letters.length - dead.size) + needless + books.outOfOrder
  return mistakes === 0 && done + dead.size === RECORDS && position === RECORDS
}

const cluster = await startKafka()
try {
  await cluster.admin.createTopic(TOPIC, { partitions: PARTITIONS })
  await cluster.admin.createTopic(DLQ, { partitions: PARTITIONS })
  await fill(cluster)
  const books = new Books()
  const tookMs = await run(cluster, books)
  if (!report(books, await deadLetters(cluster), await committed(cluster), tookMs)) process.exitCode = 1
} finally {
  await cluster.stop()
}
