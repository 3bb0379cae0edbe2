/** What a running process says of scaling out, from records to figures: on the in-memory cluster, with a clock that the test moves. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type HandlerRecord, handler } from '../../../framework/api/handler.ts'
import type { PyrallelConfig } from '../../../framework/config/config.ts'
import { resolveConfig } from '../../../framework/config/resolve-config.ts'
import { memoryCluster } from '../../../framework/kafka/memory/client.ts'
import type { ScaleMetrics } from '../../../framework/model/snapshot.ts'
import { runtimeOf } from '../../../framework/runtime/open-runtime.ts'
import type { Runtime } from '../../../framework/runtime/runtime.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../kafka/recorded-log.ts'
import { aHandler } from './running-app.ts'

const limits = { timeout: 60_000 }
const RECORD_MS = 100

interface Running {
  readonly runtime: Runtime
  scale(): ScaleMetrics
  send(records: number, keyOf?: (index: number) => string | null): void
  /** Lets time pass in small steps until this is so. */
  until(isSo: () => boolean): Promise<void>
}

/** Four partitions, and a handler that takes 0.1 s for each record, two at once; one of the key `stuck` does not end before the test. */
async function running(t: TestContext, config: Partial<PyrallelConfig> = {}): Promise<Running> {
  const clock = new ManualClock()
  const cluster = memoryCluster({ clock })
  cluster.createTopic('bill', 4)
  const free: (() => void)[] = []
  const run = ({ key }: HandlerRecord<unknown>) =>
    new Promise<void>((resolve) => {
      if (key === 'stuck') free.push(resolve)
      else clock.setTimer(RECORD_MS, resolve)
    })
  const { route, ...rest } = aHandler('bill', { concurrency: 2 })
  const runtime = runtimeOf(resolveConfig({ group: 'shop', ...config }, 'pyrallel.config.ts'), {
    connection: cluster.connection(),
    handlers: [{ ...rest, route, definition: handler<unknown>('bill', run), timeoutMs: 10_000_000 }],
    log: recordedLog().log,
    logEvents: false,
    hasListener: true,
    clock,
  })
  let isOver = false
  const pass = async () => {
    clock.advance(50)
    await new Promise(setImmediate)
  }
  t.after(async () => {
    const stopping = runtime.stop().finally(() => {
      isOver = true
    })
    runtime.abort()
    for (const resolve of free) resolve()
    while (!isOver) await pass()
    await stopping
  })
  let isUp = false
  const starting = runtime.start().finally(() => {
    isUp = true
  })
  while (!isUp) await pass()
  await starting
  const scale = (): ScaleMetrics => {
    const found = runtime.snapshot().scale
    assert.ok(found)
    return found
  }
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await pass()
  }
  // The ends of all logs are known.
  await until(() => scale().partitions === 4 && scale().backlog === 0)
  const knownAt = clock.now()
  await until(() => clock.now() > knownAt + 1_000)
  const send = (records: number, keyOf: (index: number) => string | null = () => null) => {
    for (let index = 0; index < records; index += 1) {
      const key = keyOf(index)
      const place = { topic: 'bill', partition: index % 4, value: Buffer.from('1'), headers: [] }
      cluster.append({ ...place, key: key === null ? null : Buffer.from(key) })
    }
  }
  return { runtime, scale, send, until }
}

describe('the figures of a running process', limits, () => {
  it('measure how long a record takes, and are 0 once all is done', async (t) => {
    const { scale, send, until } = await running(t)
    send(80)
    await until(() => (scale().groups[0]?.handlers[0]?.secondsPerRecord ?? 0) > 0 && scale().backlog === 0)
    const { processesNeeded, limit, backlog, oldestAgeSeconds, partitions, slots, groups } = scale()
    assert.deepEqual(
      { limit, backlog, oldestAgeSeconds, partitions, slots },
      { limit: 'none', backlog: 0, oldestAgeSeconds: 0, partitions: 4, slots: 2 },
    )
    assert.ok(processesNeeded > 0 && processesNeeded < 1, String(processesNeeded))
    const seconds = groups[0]?.handlers[0]?.secondsPerRecord ?? 0
    assert.ok(seconds >= 0.1 && seconds <= 0.15, String(seconds))
    await until(() => scale().arrivalsPerSecond === 0)
    assert.equal(scale().processesNeeded, 0)
  })

  it('ask for more processes for a burst, and the sooner it is to be done the more', async (t) => {
    const needed = async (drainTarget: '30s' | '60s') => {
      const { scale, send, until } = await running(t, { scale: { drainTarget } })
      send(20)
      await until(() => scale().backlog === 0 && scale().groups[0]?.handlers[0]?.secondsPerRecord !== null)
      send(300)
      await until(() => scale().limit === 'slots')
      return scale().processesNeeded
    }
    const [minute, half] = [await needed('60s'), await needed('30s')]
    assert.ok(minute > 1.1 && half > minute + 0.15 && half < 2, `${minute} and ${half}`)
  })

  it('ask for no more of them for a key that is stuck', async (t) => {
    const { scale, send, until } = await running(t)
    send(20)
    await until(() => scale().backlog === 0 && scale().groups[0]?.handlers[0]?.secondsPerRecord !== null)
    send(800, (index) => (index % 4 === 0 ? 'stuck' : null))
    await until(() => scale().backlog === 200)
    const { limit, processesNeeded, backlog } = scale()
    assert.deepEqual([limit, backlog, processesNeeded <= 1], ['keys', 200, true])
  })

  it('keep a process for what waits for a handler that is paused by hand, and not more', async (t) => {
    const { runtime, scale, send, until } = await running(t)
    runtime.pause()
    send(5_000)
    await until(() => scale().backlog === 5_000)
    assert.deepEqual([scale().processesNeeded, scale().limit], [0.001, 'none'])
  })

  it('are not measured where nobody can ask for them', async (t) => {
    const clock = new ManualClock()
    const cluster = memoryCluster({ clock })
    const parts = { connection: cluster.connection(), handlers: [], log: recordedLog().log, clock }
    const runtime = runtimeOf(resolveConfig({ group: 'shop' }, 'pyrallel.config.ts'), parts)
    t.after(() => runtime.stop())
    assert.equal(runtime.snapshot().scale, null)
    await runtime.start()
    assert.equal(runtime.snapshot().scale, null)
  })
})
