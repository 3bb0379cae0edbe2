/**
 * What a handler that never succeeds costs in memory, beside one that always does, on a real Kafka:
 * `node --import tsx test/bench/dead-letter-memory.bench.ts [--seconds 120] [--records 300000] [--attempts 5] [--in-memory 50000] [--rate 0] [--mode fails]`.
 * One process for each, one after the other. `--rate` limits what starts in a second, for a long run.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createLogger, handler, startPyrallel } from '../../framework/index.ts'
import { startKafka } from '../e2e/kafka-harness.ts'
import { TopicFiller } from './matrix/topic-filler.ts'

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    records: { type: 'string', default: '300000' },
    attempts: { type: 'string', default: '5' },
    /** `limits.maxRecords` */
    'in-memory': { type: 'string', default: '50000' },
    rate: { type: 'string', default: '0' },
    mode: { type: 'string' },
    /** Of the child: the cluster. */
    brokers: { type: 'string' },
  },
})
const TOPIC = 'orders'
const PARTITIONS = 8
const KEYS = 1_000
const VALUE_BYTES = 1_024
/** A line of the table. */
const EVERY_MS = 10_000
const LOOK_MS = 250
const modes = ['succeeds', 'fails'] as const

function* records(count: number) {
  for (let n = 0; n < count; n += 1) {
    const value = Buffer.from(JSON.stringify({ n, text: 'x'.repeat(VALUE_BYTES - 30) }))
    yield { partition: n % PARTITIONS, key: Buffer.from(`k${n % KEYS}`), value }
  }
}

/** Mebibytes. */
const mb = (bytes: number): number => Math.round(bytes / 1_048_576)

/** Runs in a process of its own, and prints what that has in memory until all is done or the time is up. */
async function run(mode: string, brokers: string): Promise<void> {
  const [seconds, total, rate] = [flags.seconds, flags.records, flags.rate].map(Number) as [number, number, number]
  let [done, dead, peak] = [0, 0, 0]
  const definition = handler<{ n: number }>(
    TOPIC,
    { retry: { attempts: Number(flags.attempts) }, ...(rate > 0 && { rateLimit: rate }) },
    async ({ value }) => {
      await null
      if (mode === 'fails') throw new Error(`the service says no to ${value.n}`)
    },
  )
  const pyrallel = await startPyrallel({
    config: {
      group: `memory-${mode}`,
      kafka: { brokers: [brokers] },
      http: { metrics: false },
      limits: { maxRecords: Number(flags['in-memory']) },
    },
    routes: [{ id: 'memory', file: 'memory', topic: TOPIC, group: null, handler: definition }],
    log: createLogger({ level: 'error', pretty: false }, process.stderr),
    env: {},
    onEvent: (event) => {
      if (event.kind === 'record.done') done += 1
      if (event.kind === 'record.dead') dead += 1
    },
  })
  const startedAt = performance.now()
  let nextLine = 0
  while (performance.now() - startedAt < seconds * 1_000 && done + dead < total) {
    await sleep(LOOK_MS)
    peak = Math.max(peak, process.memoryUsage.rss())
    if (performance.now() < nextLine) continue
    globalThis.gc?.()
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
    nextLine = performance.now() + EVERY_MS
    const [group] = pyrallel.snapshot().groups
    const waiting = group?.partitions.reduce((sum, each) => sum + each.deadLettersWaiting, 0) ?? 0
    const at = Math.round((performance.now() - startedAt) / 1_000)
    console.log(
      `${mode.padEnd(9)} ${String(at).padStart(5)} s  rss ${mb(rss)}  live heap ${mb(heapUsed)}  external ${mb(external)}  ` +
        `buffers ${mb(arrayBuffers)} MiB  done ${done}  dead ${dead}  letters on their way ${waiting}`,
    )
  }
  const tookS = (performance.now() - startedAt) / 1_000
  console.log(
    `${mode.padEnd(9)} peak ${mb(peak)} MiB, ${done + dead} records in ${tookS.toFixed(0)} s (${Math.round((done + dead) / tookS)}/s)`,
  )
  await pyrallel.stop()
  process.exit(0)
}

async function main(): Promise<void> {
  const kafka = await startKafka({ jvmOptions: ['-XX:TieredStopAtLevel=4', '-Xms512m', '-Xmx1g'] })
  try {
    await kafka.admin.createTopic(TOPIC, { partitions: PARTITIONS })
    for (const mode of modes) await kafka.admin.createTopic(`${TOPIC}.memory-${mode}.dlq`, { partitions: PARTITIONS })
    const filler = await TopicFiller.open(kafka.brokers)
    await filler.fill(TOPIC, records(Number(flags.records)))
    await filler.close()
    for (const mode of modes) {
      if (flags.mode !== undefined && flags.mode !== mode) continue
      const args = [
        '--expose-gc',
        '--import',
        'tsx',
        fileURLToPath(import.meta.url),
        '--mode',
        mode,
        '--brokers',
        kafka.brokers,
      ]
      const own = (['seconds', 'records', 'attempts', 'in-memory', 'rate'] as const).flatMap((name) => [
        `--${name}`,
        flags[name],
      ])
      const child = spawn(process.execPath, [...args, ...own], { stdio: ['ignore', 'inherit', 'inherit'] })
      await once(child, 'exit')
    }
  } finally {
    await kafka.stop()
  }
}

if (flags.brokers === undefined) await main()
else await run(flags.mode ?? '', flags.brokers)
