/**
 * Prints what a record costs the main thread when its handler runs on threads, in plain JSON, in Avro and in a registry's JSON Schema, of the same size:
 * `node --import tsx test/bench/thread-formats.bench.ts [rounds]`. Takes about half a minute. The runtimes take turns, so that what else the machine does meets
 * all of them. Processor time is that of the main thread alone (Linux), without what puts the records into the cluster in memory.
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundleOnce } from '../../cli/bundle/bundle-app.ts'
import { handler } from '../../framework/api/handler.ts'
import type { TopicDefinition } from '../../framework/api/topic.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { loadCodec } from '../../framework/formats/value-codec.ts'
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import {
  avroOrders,
  type BenchOrder,
  jsonOrders,
  jsonSchemaOrders,
  orderBytes,
  VALUE_BYTES,
} from './formatted-orders.ts'
import { ranBundled, root } from './run-bundled.ts'

const RECORDS = 20_000
const KEYS = 1_000
const WARM_UP_ROUNDS = 3
const kinds = [
  ['JSON', jsonOrders, 'reads-json'],
  ['Avro', avroOrders, 'reads-avro'],
  ['JSON Schema', jsonSchemaOrders, 'reads-json-schema'],
] as const

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** Microseconds that the main thread has run on a processor so far. */
function mainThreadUs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000
}

interface Contestant {
  readonly name: string
  /** @returns microseconds of the main thread a record */
  turn(): Promise<number>
  stop(): Promise<void>
}

async function contestant(
  name: string,
  topic: TopicDefinition<BenchOrder>,
  entry: string,
  url: string,
): Promise<Contestant> {
  if (topic.format !== undefined) await loadCodec(topic.format.schema)
  const cluster = memoryCluster()
  for (const each of [topic.name, `${topic.name}.bench.dlq`]) cluster.createTopic(each, 8)
  const values = Array.from({ length: RECORDS }, (_, id) => orderBytes(topic, id))
  const odd = values.find(({ length }) => length !== VALUE_BYTES)
  if (odd !== undefined) throw new Error(`a value in ${name} has ${odd.length} bytes`)
  let [done, wanted, resolve] = [0, 0, () => {}]
  const config = resolveConfig({ group: 'bench', registry: { url } }, 'bench')
  const definition = handler(topic, { engine: 'worker', worker: { threads: 1 } }, () => {})
  const registered = { id: 'bench', file: 'bench', topic: topic.name, group: null, handler: definition, entry }
  const runtime = runtimeOf(config, {
    connection: cluster.connection(),
    handlers: resolveHandlers([registered], config),
    log: silent,
    logEvents: false,
    onEvent: ({ kind }) => {
      if (kind === 'record.dead') throw new Error(`a record in ${name} is a dead letter`)
      if (kind === 'record.done' && ++done === wanted) resolve()
    },
  })
  await runtime.start()
  return {
    name,
    turn: async () => {
      const over = new Promise<void>((settle) => {
        resolve = settle
      })
      wanted += RECORDS
      for (const [number, value] of values.entries()) {
        cluster.append({ topic: topic.name, key: Buffer.from(`k${number % KEYS}`), value, headers: [] })
      }
      const before = mainThreadUs()
      await over
      return (mainThreadUs() - before) / RECORDS
    },
    stop: () => runtime.stop(),
  }
}

/** @param share 0.5: the median */
function quantile(numbers: readonly number[], share: number): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length * share)] ?? Number.NaN
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 15)
  const outDir = await mkdtemp(join(tmpdir(), 'pyrallel-bench-'))
  const entries = kinds.map(([, , name]) => ({ name, file: join(root, `test/bench/worker-entries/${name}.ts`) }))
  const bundle = await bundleOnce({ root, outDir, naming: 'plain', dependencies: { external: [] } }, entries)
  if (bundle.kind === 'failed') throw new Error(JSON.stringify(bundle.diagnostics))
  const registry = createServer()
  const contestants: Contestant[] = []
  try {
    for (const [name, topic, entry] of kinds) {
      registry.removeAllListeners('request')
      const { text = '', format = 'avro' } = topic.format?.schema ?? {}
      registry.on('request', (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ schema: text, schemaType: format === 'avro' ? 'AVRO' : 'JSON' }))
      })
      if (!registry.listening) await new Promise<void>((listening) => registry.listen(0, '127.0.0.1', listening))
      const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
      const made = await contestant(name, topic, pathToFileURL(bundle.entries.get(entry)?.output ?? '').href, url)
      contestants.push(made)
      // Its schema is asked for here, and never again.
      for (let round = 0; round < WARM_UP_ROUNDS; round++) await made.turn()
    }
    const costs = contestants.map((): number[] => [])
    for (let round = 0; round < rounds; round++) {
      for (const [index, each] of contestants.entries()) costs[index]?.push(await each.turn())
    }
    const [json = []] = costs
    console.log(`main thread, ${VALUE_BYTES} bytes, a handler on a thread that does nothing, ${rounds} turns each`)
    for (const [index, { name }] of contestants.entries()) {
      const own = costs[index] ?? []
      const shares = own.map((us, round) => us / (json[round] ?? Number.NaN))
      const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(shares, share).toFixed(2))
      const cost = `${quantile(own, 0.5).toFixed(2)} us a record`
      console.log(`${name.padEnd(12)} ${cost}, ${middle} of JSON (half of the turns: ${low} to ${high})`)
    }
  } finally {
    for (const each of contestants) await each.stop()
    registry.close()
    registry.closeAllConnections()
    await rm(outDir, { recursive: true, force: true })
  }
}

if (!(await ranBundled(import.meta.url))) await main()
