import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { HandlerFunction, ThreadContext } from '../../framework/api/handler.ts'
import type { SystemMetrics } from '../../framework/model/snapshot.ts'
import { observe, produce, until } from './observed-runtime.ts'

const committed = (offset: number) => (metrics: SystemMetrics) =>
  metrics.groups[0]?.partitions[0]?.committedPosition === offset

describe('a runtime with http.enabled', () => {
  it('shows what blocks a partition, with key, age, attempt and the last error', async () => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const run: HandlerFunction<unknown, ThreadContext> = async (record) => {
      if (record.key !== 'slow') return
      if (record.attempt === 1) throw new TypeError('the ledger is closed')
      await gate
    }
    await observe({ run }, async ({ cluster, runtime, url }) => {
      produce(cluster, 'slow', 1)
      for (let i = 0; i < 5; i += 1) produce(cluster, `fast-${i}`, i)
      await until(runtime, ({ groups }) => {
        const partition = groups[0]?.partitions[0]
        return partition?.gaps.offsets === 5 && partition.blocking?.state === 'in-flight'
      })
      const response = await fetch(`${url()}/snapshot`)
      assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
      const metrics = (await response.json()) as SystemMetrics
      assert.equal(metrics.state, 'running')
      assert.ok(Number.isInteger(metrics.takenAt))
      const [group] = metrics.groups
      assert.equal(group?.membership, 'assigned')
      assert.equal(group.inFlight, 1)
      assert.deepEqual(
        group.handlers.map(({ handlerId, inFlight }) => [handlerId, inFlight]),
        [['bill', 1]],
      )
      const [partition] = group.partitions
      assert.equal(partition?.position, 0)
      assert.equal(partition.trueLag, 6)
      assert.deepEqual(partition.gaps, { offsets: 5, stretches: 1, span: 6 })
      assert.equal(partition.ribbon.cells, 'rggggg')
      const { ageMs, unpausedMs, ...blocking } = partition.blocking ?? assert.fail('nothing blocks')
      assert.ok(ageMs >= 0 && ageMs < 10_000)
      assert.equal(unpausedMs, ageMs)
      assert.deepEqual(blocking, {
        offset: 0,
        key: 'slow',
        state: 'in-flight',
        attempt: 2,
        lastError: { reason: 'handler', name: 'TypeError', message: 'the ledger is closed' },
      })
      release()
      await until(runtime, committed(6))
      assert.equal(runtime.snapshot().groups[0]?.partitions[0]?.trueLag, 0)
    })
  })

  it('counts records by what became of them, and shows gauges of the moment', async () => {
    const run: HandlerFunction<unknown, ThreadContext> = async ({ value }) => {
      if (value === 'bad') throw new Error('no')
    }
    await observe({ run }, async ({ cluster, runtime, url }) => {
      for (const value of ['good', 'bad', 'good', 'good']) produce(cluster, `key-${value}`, value)
      await until(runtime, committed(4))
      const response = await fetch(`${url()}/metrics`)
      assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
      const page = await response.text()
      const value = (series: string) =>
        Number(
          page
            .split('\n')
            .find((line) => line.startsWith(`${series} `))
            ?.split(' ')[1],
        )
      const ofHandler = 'group="shop",topic="orders",handler="bill"'
      assert.equal(value(`pyrallel_records_total{${ofHandler},status="succeeded"}`), 3)
      assert.equal(value(`pyrallel_records_total{${ofHandler},status="retried"}`), 1)
      assert.equal(value(`pyrallel_records_total{${ofHandler},status="dead_lettered"}`), 1)
      assert.equal(value(`pyrallel_attempt_duration_seconds_count{${ofHandler}}`), 5)
      assert.equal(value('pyrallel_partition_changes_total{group="shop",status="assigned"}'), 1)
      assert.ok(value('pyrallel_commits_total{group="shop",status="succeeded"}') >= 1)
      assert.equal(value('pyrallel_partition_position_offset{group="shop",topic="orders",partition="0"}'), 4)
      assert.equal(value('pyrallel_partition_true_lag_records{group="shop",topic="orders",partition="0"}'), 0)
      assert.equal(value(`pyrallel_handler_limit{${ofHandler}}`), 100)
      assert.ok(value('pyrallel_event_loop_lag_max_seconds') >= 0)
    })
  })

  it('counts the errors that its Kafka client tells of', async () => {
    const count = async (url: string) => {
      const page = await (await fetch(`${url}/metrics`)).text()
      return /^pyrallel_client_errors_total\{group="shop",code="OFFSET_OUT_OF_RANGE"\} (\d+)$/m.exec(page)?.[1]
    }
    await observe({ run: () => {} }, async ({ cluster, runtime, url }) => {
      for (let i = 0; i < 3; i += 1) produce(cluster, 'a', i)
      await until(runtime, committed(3))
      assert.equal(await count(url()), '0')
      // The position is beyond its end now.
      cluster.log('orders', 0).recreate()
      produce(cluster, 'a', 'anew')
      await until(runtime, committed(1))
      // The page is shared for 250 ms.
      while ((await count(url())) === '0') await new Promise(setImmediate)
      assert.equal(await count(url()), '1')
    })
  })

  it('is ready once it has partitions, and has neither port nor page after the stop', async () => {
    let seen = ''
    await observe({ run: () => {} }, async ({ runtime, url }) => {
      seen = url()
      await until(runtime, ({ groups }) => groups[0]?.membership === 'assigned')
      const ready = await fetch(`${seen}/readyz`)
      assert.deepEqual([ready.status, await ready.json()], [200, { status: 'ok', why: [] }])
      assert.equal((await fetch(`${seen}/livez`)).status, 200)
    })
    await assert.rejects(fetch(`${seen}/livez`))
  })

  it('says while it drains that it is not ready, and still lives', async () => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    // What an engine has not begun is taken back by a stop, which then waits for nothing.
    let begun = () => {}
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve
    })
    const run = () => {
      begun()
      return gate
    }
    await observe({ run }, async ({ cluster, runtime, url }) => {
      produce(cluster, 'k', 1)
      await hasBegun
      const stopped = runtime.stop()
      await until(runtime, ({ groups }) => groups[0]?.membership === 'leaving')
      const ready = await fetch(`${url()}/readyz`)
      assert.deepEqual(
        [ready.status, await ready.json()],
        [503, { status: 'unavailable', why: ['the runtime is stopping'] }],
      )
      assert.equal((await fetch(`${url()}/livez`)).status, 200)
      release()
      await stopped
    })
  })

  it('has no metrics page when http.metrics is false', async () => {
    await observe({ run: () => {}, http: { metrics: false } }, async ({ url }) => {
      assert.equal((await fetch(`${url()}/metrics`)).status, 404)
      assert.equal((await fetch(`${url()}/snapshot`)).status, 200)
    })
  })

  it('does not start on a port that is in use, and says what to do; nothing has joined the group', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    try {
      await assert.rejects(
        observe({ run: () => {}, http: { port } }, async () => {}),
        { code: 'PYR_PORT_IN_USE', message: new RegExp(`127\\.0\\.0\\.1:${port}.*set http\\.port`) },
      )
    } finally {
      await new Promise((resolve) => other.close(resolve))
    }
  })

  it('listens nowhere unless it is enabled', async () => {
    await observe({ run: () => {}, http: { enabled: false } }, async ({ url }) => assert.equal(url(), ''))
  })
})
