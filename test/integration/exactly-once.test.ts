/** Exactly once in a whole runtime, on the in-memory cluster: both engines, single records and batches, attempts that fail after they have published. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { HandlerDefinition } from '../../framework/api/handler.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import { type Step, scripted, scriptedBatch } from '../contract/scripted-handlers.ts'
import { bundledEntries } from '../contract/worker-entries/bundle.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'

const entries = await bundledEntries('scripted', 'scriptedBatch')
const PARTITIONS = 2
const RECORDS = 200
const KEYS = 9
/** Takes its thread with it, each time. */
const DEADLY = 77

interface Kind {
  readonly engine: 'async' | 'worker'
  readonly isBatch: boolean
}

const isGivenUp = (n: number, { engine }: Kind) => n % 10 === 3 || (engine === 'worker' && n === DEADLY)

/** Some publish for the whole batch that they are in, and some fail in one of those. */
function stepsOf(n: number, kind: Kind): readonly Step[] {
  const isOfAll = n % 40 === 5
  const publish: Step = { publish: n, ...(kind.isBatch && !isOfAll ? { of: 'own' as const } : {}) }
  if (!isGivenUp(n, kind)) return [publish]
  return [publish, kind.engine === 'worker' && n === DEADLY ? { exit: 7 } : { fail: `record ${n}` }]
}

async function played(kind: Kind) {
  const { engine, isBatch } = kind
  const cluster = memoryCluster()
  cluster.createTopic('orders', PARTITIONS)
  for (const topic of ['orders.shop.dlq', 'out']) cluster.createTopic(topic, 1)
  for (let n = 0; n < RECORDS; n += 1) {
    const value = Buffer.from(JSON.stringify({ steps: stepsOf(n, kind), n }))
    cluster.append({ topic: 'orders', key: Buffer.from(`k${n % KEYS}`), value, headers: [] })
  }
  const config = resolveConfig({ group: 'shop', commit: { exactlyOnce: true, minInterval: '20ms' } }, 'test')
  const { options, ...definition } = (isBatch ? scriptedBatch : scripted) as HandlerDefinition<unknown>
  const own = {
    engine,
    retry: { attempts: 2, min: 1, max: 5 },
    ...(isBatch && { batch: { size: 16, wait: '5ms' as const } }),
  } as const
  const handler = {
    ...definition,
    options: { ...options, ...own, ...(engine === 'worker' && { worker: { threads: 2 } }) },
  }
  const entry = engine === 'worker' ? { entry: isBatch ? entries.scriptedBatch : entries.scripted } : {}
  const registered = { id: 'play', file: 'handlers/play.ts', topic: 'orders', group: null, handler, ...entry }
  const { limits, commit, shutdown } = config
  const runtime = createRuntime({
    ...{ connection: cluster.connection(), handlers: resolveHandlers([registered], config), startFrom: 'earliest' },
    ...{ limits, commit, shutdown, log: recordedLog().log },
  })
  const isCommitted = () =>
    [0, 1].every((partition) => {
      const position = cluster.group('shop').committed({ topic: 'orders', partition })?.position ?? 0
      return position === cluster.log('orders', partition).end
    })
  await runtime.start()
  // The test's own time limit ends a wait in vain.
  while (!isCommitted()) await delay(5)
  await runtime.stop()
  const numbers = (topic: string, of: (value: unknown) => number) =>
    cluster.log(topic, 0).records.map(({ value }) => of(JSON.parse(String(value))))
  return {
    outputs: numbers('out', (value) => value as number),
    dead: numbers('orders.shop.dlq', (value) => (value as { readonly n: number }).n),
  }
}

const ascending = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)

describe('exactly once in a whole runtime', { timeout: 120_000 }, () => {
  for (const engine of ['async', 'worker'] as const) {
    for (const isBatch of [false, true]) {
      it(`shows each output and each dead letter once: engine ${engine}, ${isBatch ? 'batches' : 'single records'}`, async () => {
        const kind = { engine, isBatch }
        const { outputs, dead } = await played(kind)
        const all = Array.from({ length: RECORDS }, (_, n) => n)
        assert.deepEqual(
          ascending(dead),
          all.filter((n) => isGivenUp(n, kind)),
        )
        assert.deepEqual(
          ascending(outputs),
          all.filter((n) => !isGivenUp(n, kind)),
        )
        for (let key = 0; key < KEYS; key += 1) {
          const ofKey = outputs.filter((n) => n % KEYS === key)
          assert.deepEqual(ofKey, ascending(ofKey), `the outputs of k${key} are out of order`)
        }
      })
    }
  }
})
