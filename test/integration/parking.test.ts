/** Parked records in a whole runtime, on the in-memory cluster: single records and batches, on both engines. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'
import { type Failing, parking } from '../contract/parking-handlers.ts'
import { bundledEntries } from '../contract/worker-entries/bundle.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'
import { seen } from '../unit/runtime/running-app.ts'

const entries = await bundledEntries('parking', 'parkingBatch')
const NEVER = 1_000
const at = { topic: 'work', partition: 0 }

interface App {
  readonly runtime: Runtime
  readonly events: RuntimeEvent[]
  until(isSo: () => boolean): Promise<void>
  offsetsOf(kind: 'record.done' | 'record.parked' | 'record.dead'): readonly number[]
}

function aCluster(): MemoryCluster {
  const cluster = memoryCluster()
  for (const topic of ['work', 'work.dlq']) cluster.createTopic(topic, 1)
  return cluster
}

function send(cluster: MemoryCluster, key: string, value: Failing): void {
  cluster.append({ topic: 'work', key: Buffer.from(key), value: Buffer.from(JSON.stringify(value)), headers: [] })
}

async function started(
  t: TestContext,
  cluster: MemoryCluster,
  kind: 'single' | 'batch',
  engine: 'async' | 'worker',
  then: 'park' | 'park-alone' = 'park',
): Promise<App> {
  const config = resolveConfig({ group: 'shop', shutdown: { drain: '60s' } }, 'test')
  const entry = kind === 'single' ? entries.parking : entries.parkingBatch
  const registered = {
    ...{ id: 'work', file: 'handlers/work.ts', topic: 'work', group: null, handler: parking(engine, then)[kind] },
    ...(engine === 'worker' ? { entry } : {}),
  }
  const events: RuntimeEvent[] = []
  const waiters = new Set<() => void>()
  const runtime = runtimeOf(config, {
    connection: cluster.connection(),
    handlers: resolveHandlers([registered], config),
    log: recordedLog().log,
    onEvent: (event) => {
      events.push(event)
      for (const look of waiters) look()
    },
  })
  t.after(() => runtime.stop())
  await runtime.start()
  return {
    runtime,
    events,
    until: (isSo) => seen(isSo, waiters),
    offsetsOf: (of) => events.flatMap((event) => (event.kind === of ? [event.record.offset] : [])).sort(),
  }
}

function seenAs({ runtime }: App, offset: number) {
  const found = runtime.inspection.explain('shop', { ...at, offset })
  assert.ok(found !== null)
  return { ...at, offset, epoch: found.epoch, attempt: found.attempt }
}

describe('records that are parked', { timeout: 120_000 }, () => {
  for (const kind of ['single', 'batch'] as const) {
    for (const engine of ['async', 'worker'] as const) {
      it(`hold their key and nothing else, ${kind} on the ${engine} engine, until somebody decides`, async (t) => {
        const cluster = aCluster()
        for (const key of ['a', 'b', 'c']) send(cluster, key, { id: 0, fails: key === 'a' ? 2 : NEVER })
        for (const key of ['a', 'b', 'c', 'd']) send(cluster, key, { id: 1, fails: 0 })
        const app = await started(t, cluster, kind, engine)
        await app.until(() => app.offsetsOf('record.parked').length === 3 && app.offsetsOf('record.done').includes(6))
        assert.deepEqual([app.offsetsOf('record.parked'), app.offsetsOf('record.done')], [[0, 1, 2], [6]])
        const [group] = app.runtime.snapshot().groups
        assert.deepEqual([group?.parked, group?.inFlight, group?.retriesWaiting], [3, 0, 0])
        assert.ok((group?.oldestParkedMs ?? -1) >= 0)

        assert.deepEqual(app.runtime.retryNow('shop', seenAs(app, 0)), { isDone: true })
        assert.deepEqual(app.runtime.giveUp('shop', seenAs(app, 1)), { isDone: true })
        assert.deepEqual(app.runtime.discard('shop', seenAs(app, 2)), { isDone: true })
        await app.until(() => app.offsetsOf('record.done').length === 5)
        assert.deepEqual(
          [app.offsetsOf('record.done'), app.offsetsOf('record.dead')],
          [
            [0, 3, 4, 5, 6],
            [1, 2],
          ],
        )
        assert.equal(cluster.log('work.dlq', 0).end, 1, 'what is discarded leaves no dead letter')
        assert.equal(app.runtime.snapshot().groups[0]?.parked, 0)
      })
    }
  }

  it('let their key go on where that is chosen', async (t) => {
    const cluster = aCluster()
    for (const [id, fails] of [2, 0, 0].entries()) send(cluster, 'a', { id, fails })
    const app = await started(t, cluster, 'single', 'async', 'park-alone')
    await app.until(() => app.offsetsOf('record.done').length === 2)
    assert.deepEqual([app.offsetsOf('record.parked'), app.offsetsOf('record.done')], [[0], [1, 2]])
    app.runtime.retryNow('shop', seenAs(app, 0))
    await app.until(() => app.offsetsOf('record.done').length === 3)
  })

  it('keep no stop waiting, and are tried once more by the next owner, which runs nothing else again', async (t) => {
    const cluster = aCluster()
    send(cluster, 'a', { id: 0, fails: 2 })
    send(cluster, 'b', { id: 1, fails: 0 })
    const first = await started(t, cluster, 'single', 'async')
    await first.until(
      () => first.offsetsOf('record.parked').length === 1 && first.offsetsOf('record.done').length === 1,
    )
    // The drain may take a minute.
    await first.runtime.stop()
    assert.equal(cluster.group('shop').committed(at)?.position, 0)
    const next = await started(t, cluster, 'single', 'async')
    await next.until(() => next.offsetsOf('record.parked').length === 1)
    const attempts = next.events.flatMap((event) => (event.kind === 'record.parked' ? [event.attempt] : []))
    assert.deepEqual([attempts, next.offsetsOf('record.done')], [[2], []], 'its last attempt, once')
  })
})
