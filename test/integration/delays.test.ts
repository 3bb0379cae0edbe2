/** Records that name their own time, in a whole runtime on the in-memory cluster: single records and batches, on both engines. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { batchHandler, type HandlerDefinition, handler, type NotBefore } from '../../framework/api/handler.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'
import { bundledEntries } from '../contract/worker-entries/bundle.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'
import { until } from './observed-runtime.ts'

const { faulty } = await bundledEntries('faulty')
const notBefore: NotBefore = { header: 'not-before' }
const HOUR_MS = 3_600_000

interface App {
  readonly runtime: Runtime
  /** What became of records, in that order, each with when. */
  readonly ended: {
    readonly event: RuntimeEvent & { readonly kind: 'record.done' | 'record.dead' }
    readonly at: number
  }[]
}

function aCluster(): MemoryCluster {
  const cluster = memoryCluster()
  for (const topic of ['work', 'work.dlq']) cluster.createTopic(topic, 1)
  return cluster
}

function send(cluster: MemoryCluster, key: string, at?: string): void {
  const headers = at === undefined ? [] : [['not-before', Buffer.from(at)] as const]
  cluster.append({ topic: 'work', key: Buffer.from(key), value: Buffer.from('{"do":"nothing"}'), headers })
}

async function started(
  t: TestContext,
  cluster: MemoryCluster,
  definition: HandlerDefinition<unknown>,
  entry?: string,
): Promise<App> {
  const config = resolveConfig({ group: 'shop', shutdown: { drain: '1h', revokeGrace: '4m' } }, 'test')
  const registered = { id: 'work', file: 'handlers/work.ts', topic: 'work', group: null, handler: definition }
  const ended: App['ended'] = []
  const runtime = runtimeOf(config, {
    connection: cluster.connection(),
    handlers: resolveHandlers([entry === undefined ? registered : { ...registered, entry }], config),
    log: recordedLog().log,
    onEvent: (event) => {
      if (event.kind === 'record.done' || event.kind === 'record.dead') ended.push({ event, at: Date.now() })
    },
  })
  t.after(() => runtime.stop())
  await runtime.start()
  return { runtime, ended }
}

const offsetsOf = ({ ended }: App) => ended.map(({ event }) => event.record.offset)
const delayedIn = (app: App) => app.runtime.snapshot().groups[0]?.delayed

const options = { notBefore, deadLetter: { topic: 'work.dlq' } } as const
const kinds: readonly (readonly [string, HandlerDefinition<unknown>, string?])[] = [
  ['single records on the event loop', handler('work', options, () => {})],
  ['batches on the event loop', batchHandler('work', { ...options, batch: { wait: 0 } }, () => {})],
  [
    'single records on threads',
    handler('work', { ...options, engine: 'worker', worker: { threads: 1 } }, () => {}),
    faulty,
  ],
]

describe('records that name their own time', { timeout: 60_000 }, () => {
  for (const [name, definition, entry] of kinds) {
    it(`wait for it with their key, and nothing else waits: ${name}`, async (t) => {
      const cluster = aCluster()
      const app = await started(t, cluster, definition, entry)
      const time = Date.now() + 1_500
      send(cluster, 'late', new Date(time).toISOString())
      send(cluster, 'late')
      send(cluster, 'other')
      send(cluster, 'wrong', 'tomorrow')
      await until(app.runtime, () => app.ended.length === 4)
      const late = app.ended.filter(({ event }) => event.record.offset < 2)
      assert.deepEqual(
        late.map(({ event }) => event.record.offset),
        [0, 1],
      )
      assert.ok(
        late.every(({ at }) => at >= time),
        'before its time',
      )
      const dead = app.ended.flatMap(({ event }) => (event.kind === 'record.dead' ? event : []))
      assert.deepEqual(
        dead.map(({ record, failure }) => [record.offset, failure.reason]),
        [[3, 'not-before']],
      )
      await until(app.runtime, ({ groups }) => groups[0]?.partitions[0]?.committedPosition === 4)
      assert.equal(delayedIn(app), 0)
    })
  }

  it('do not hold up a stop, and wait again at the next owner', async (t) => {
    const cluster = aCluster()
    const [[, definition] = assert.fail('no kind')] = kinds
    const first = await started(t, cluster, definition)
    send(cluster, 'late', String(Date.now() + HOUR_MS - 60_000))
    send(cluster, 'other')
    await until(first.runtime, () => first.ended.length === 1 && delayedIn(first) === 1)
    // Its limit is an hour: were the record waited for, the test would time out.
    await first.runtime.stop()
    const second = await started(t, cluster, definition)
    send(cluster, 'another')
    await until(second.runtime, () => second.ended.length === 1 && delayedIn(second) === 1)
    assert.deepEqual([offsetsOf(first), offsetsOf(second)], [[1], [2]])
  })
})
