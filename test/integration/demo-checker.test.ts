/** The demo's checker against the real runtime: it is silent when order is kept, and loud when it is not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { probed } from '../../cli/dev/traffic/handler-probe.ts'
import { TrafficRun } from '../../cli/dev/traffic/traffic-run.ts'
import { isSound, summarize, type TrafficSummary } from '../../cli/dev/traffic/traffic-summary.ts'
import { handler } from '../../framework/api/handler.ts'
import type { TrafficRecord } from '../../framework/api/traffic.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { Ordering } from '../../framework/model/work.ts'
import { createLogger } from '../../framework/observability/logger.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import { seededRandom } from '../../framework/runtime/seeded-random.ts'
import { systemClock } from '../../framework/time/clock.ts'

const records = 300
const config = resolveConfig({ group: 'g', handlers: { retry: { attempts: 3, min: 5, max: 10 } } }, 'x')
const log = createLogger({ level: 'silent', pretty: false }, { write: () => {} })

function* fewKeys(): Generator<TrafficRecord> {
  const random = seededRandom(1)
  for (;;) yield { topic: 'orders', key: `k${Math.floor(random() * 10)}`, value: { wait: Math.floor(random() * 4) } }
}

/** Runs the same handlers with the order that the runtime is told to keep; the checker expects that of keys. */
async function run(kept: Ordering): Promise<TrafficSummary> {
  const failed = new Set<string>()
  const run = handler<{ wait: number }>('orders', async (record) => {
    await sleep(record.value.wait)
    if (record.offset % 20 === 0 && !failed.has(record.id)) {
      failed.add(record.id)
      throw new Error('once')
    }
  })
  const expected = resolveHandlers([{ id: 'h', file: 'h.ts', topic: 'orders', group: null, handler: run }], config)
  const cluster = memoryCluster()
  for (const topic of ['orders', 'orders.g.dlq']) cluster.createTopic(topic)
  const connection = cluster.connection()
  const clock = systemClock()
  const ensureTopic = async () => {}
  const source = fewKeys()
  const traffic = new TrafficRun({
    source,
    file: 'handlers/_traffic.ts',
    handlers: expected,
    clock,
    rate: undefined,
    records,
    runId: 'r',
    ensureTopic,
    stallMs: 10_000,
  })
  const observer = {
    onStart: traffic.onStart.bind(traffic),
    onEnd: traffic.onEnd.bind(traffic),
    onPublish: async () => {},
  }
  const runtime = createRuntime({
    connection,
    handlers: expected.map((each) => probed({ ...each, route: { ...each.route, ordering: kept } }, observer)),
    startFrom: 'earliest',
    limits: config.limits,
    commit: config.commit,
    shutdown: config.shutdown,
    log,
    onEvent: (event) => traffic.onEvent(event),
  })
  await runtime.start()
  const producer = await connection.producer()
  await traffic.run(producer)
  await producer.close(1_000)
  await runtime.stop()
  return summarize(traffic.ledger.totals(), traffic.checker, undefined)
}

describe("the demo's checker", { timeout: 300_000 }, () => {
  it('finds nothing while the order of keys is kept, across retries', async () => {
    const summary = await run('key')
    assert.equal(summary.done, records)
    assert.ok(summary.retries > 0)
    assert.equal(summary.violations, 0)
    assert.equal(isSound(summary), true)
  })

  it('finds nothing while the stricter order of partitions is kept', async () => {
    assert.equal((await run('partition')).violations, 0)
  })

  it('finds violations when no order is kept, and calls the run unsound', async () => {
    const summary = await run('unordered')
    assert.equal(summary.done, records)
    assert.ok(summary.violations > 10, String(summary.violations))
    assert.equal(isSound(summary), false)
  })
})
