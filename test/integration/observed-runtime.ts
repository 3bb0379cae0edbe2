/** A runtime on the in-memory cluster, to be seen as an operator sees it. For tests; not a test itself. */
import assert from 'node:assert/strict'
import { type HandlerFunction, type HandlerOptions, handler, type ThreadContext } from '../../framework/api/handler.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { SystemMetrics } from '../../framework/model/snapshot.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'
import { type LoggedLine, recordedLog } from '../unit/kafka/recorded-log.ts'

export interface Observed {
  readonly cluster: MemoryCluster
  readonly runtime: Runtime
  readonly url: () => string
  /** What was logged until now. */
  readonly lines: readonly LoggedLine[]
}

export interface Settings {
  readonly run: HandlerFunction<unknown, ThreadContext>
  readonly options?: HandlerOptions<unknown>
  readonly http?: object
  readonly partitions?: number
}

/** Starts a runtime with one handler of `orders`, runs the test, and stops it whatever happens. */
export async function observe(
  { run, options = {}, http = {}, partitions = 1 }: Settings,
  test: (seen: Observed) => Promise<void>,
) {
  const cluster = memoryCluster()
  cluster.createTopic('orders', partitions)
  cluster.createTopic('orders.shop.dlq', 1)
  const config = resolveConfig(
    { group: 'shop', http: { enabled: true, port: 0, ...http }, handlers: { retry: { attempts: 2, min: 0, max: 0 } } },
    'the test',
  )
  const registered = { id: 'bill', file: 'handlers/bill.ts', topic: 'orders', group: null }
  const handlers = resolveHandlers([{ ...registered, handler: handler('orders', options, run) }], config)
  const { log, lines } = recordedLog()
  const url = () => lines.reduce((last, { fields }) => ('url' in fields ? String(fields.url) : last), '')
  const runtime = createRuntime({
    connection: cluster.connection(),
    handlers,
    startFrom: 'earliest',
    limits: config.limits,
    commit: { ...config.commit, minIntervalMs: 0 },
    shutdown: config.shutdown,
    http: config.http,
    log,
  })
  try {
    await runtime.start()
    await test({ cluster, runtime, url, lines })
  } finally {
    await runtime.stop()
  }
}

export function produce(cluster: MemoryCluster, key: string, value: unknown): void {
  cluster.append({ topic: 'orders', key: Buffer.from(key), value: Buffer.from(JSON.stringify(value)), headers: [] })
}

/** Polls until the snapshot is as wanted: what a running consumer does next is told by no single promise. */
export async function until(runtime: Runtime, isWanted: (metrics: SystemMetrics) => boolean): Promise<SystemMetrics> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const metrics = runtime.snapshot()
    if (isWanted(metrics)) return metrics
    assert.ok(performance.now() < deadline, `not reached: ${JSON.stringify(metrics, null, 1)}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
