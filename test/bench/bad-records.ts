/** Records that end their thread, and healthy ones of other keys beside them, in a whole runtime on the in-memory cluster: how long the healthy ones wait. */
import { setTimeout as sleep } from 'node:timers/promises'
import { handler } from '../../framework/api/handler.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Fault } from '../contract/worker-entries/faulty.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

export interface BadRecordsSetup {
  /** The URL of the bundled entry `faulty`. */
  readonly entry: string
  readonly threads: number
  /** Records that end their thread, each of a key of its own. */
  readonly bad: number
  readonly way: 'exit' | 'exitLater'
  /** Healthy records come `afterMs` later, all at once, each of a key of its own. They take a millisecond: of the processor, or of waiting. */
  readonly healthy: number
  readonly kind: 'work' | 'rest'
  readonly afterMs: number
  /** What has not ended so long after the healthy ones came is not waited for. */
  readonly limitMs: number
  readonly concurrency?: number
}

export interface BadRecordsResult {
  /** From their arrival to their end, of the healthy ones that have ended; ascending. Milliseconds. */
  readonly waitsMs: readonly number[]
  /** Threads that have died. */
  readonly restarts: number
  /** Bad records that are in the dead-letter topic by the end. */
  readonly dead: number
  /** Healthy ones that are: always a fault. */
  readonly healthyDead: number
}

export async function playBadRecords(setup: BadRecordsSetup): Promise<BadRecordsResult> {
  const { threads, bad, way, healthy, kind, afterMs, limitMs } = setup
  const cluster = memoryCluster()
  for (const topic of ['work', 'work.dlq']) cluster.createTopic(topic)
  const config = resolveConfig({ group: 'bench' }, 'test')
  const options = {
    engine: 'worker',
    worker: { threads },
    deadLetter: { topic: 'work.dlq' },
    ...(setup.concurrency === undefined ? {} : { concurrency: setup.concurrency }),
  } as const
  const definition = handler<Fault>('work', options, () => {})
  const registered = { id: 'work', file: 'handlers/work.ts', topic: 'work', group: null, handler: definition }
  const waitsMs: number[] = []
  const counts = { dead: 0, healthyDead: 0 }
  let cameAt = 0
  let onEnded: () => void = () => {}
  const ended = new Promise<void>((resolve) => {
    onEnded = resolve
  })
  const runtime = createRuntime({
    connection: cluster.connection(),
    handlers: resolveHandlers([{ ...registered, entry: setup.entry }], config),
    startFrom: 'earliest',
    limits: config.limits,
    commit: config.commit,
    shutdown: { ...config.shutdown, drainMs: 0 },
    log: silent,
    logEvents: false,
    onEvent: (event) => {
      if (event.kind !== 'record.done' && event.kind !== 'record.dead') return
      const isHealthy = String(event.record.key).startsWith('good')
      if (event.kind === 'record.dead') counts[isHealthy ? 'healthyDead' : 'dead'] += 1
      if (isHealthy) waitsMs.push(performance.now() - cameAt)
      if (waitsMs.length === healthy) onEnded()
    },
  })
  const send = (key: string, value: Fault): void =>
    void cluster.append({
      topic: 'work',
      key: Buffer.from(key),
      value: Buffer.from(JSON.stringify(value)),
      headers: [],
    })
  await runtime.start()
  for (let number = 0; number < bad; number++) send(`bad-${number}`, { do: way })
  await sleep(afterMs)
  cameAt = performance.now()
  for (let number = 0; number < healthy; number++) send(`good-${number}`, { do: kind, ms: 1 })
  const limit = new AbortController()
  await Promise.race([ended, sleep(limitMs, undefined, { signal: limit.signal }).catch(() => {})])
  limit.abort()
  const restarts = runtime.snapshot().groups[0]?.handlers[0]?.threads?.restarts ?? 0
  await runtime.stop()
  return { waitsMs: waitsMs.sort((a, b) => a - b), restarts, ...counts }
}
