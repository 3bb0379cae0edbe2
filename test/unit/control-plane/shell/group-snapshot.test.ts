import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type GroupParts, groupMetrics } from '../../../../framework/control-plane/shell/group-snapshot.ts'
import type { ExecutionEngine } from '../../../../framework/execution-plane/execution-engine.ts'
import type { Route } from '../../../../framework/model/settings.ts'
import { aHandlerState } from '../../observability/snapshots.ts'
import { aFailure, aRoute, Driver, HANDLER, keyed, range, someLimits } from '../builders.ts'

const NOW = 100_000

const engine: ExecutionEngine = {
  capacity: 98,
  inFlight: 7,
  abandoned: 2,
  threads: { running: 4, restarts: 1, batches: 9, boundaryMs: 3 },
  async start() {},
  submit() {},
  abort() {},
  recall() {},
  tick: async () => ({ kind: 'done', durationMs: 0 }),
  async close() {},
}

function parts(over: Partial<GroupParts> = {}, driver = new Driver()): GroupParts {
  return {
    group: 'shop',
    manager: driver.manager,
    client: {
      logEnd: () => 1_000,
      logEndHeardAt: () => NOW - 2_000,
      unsettledSince: () => undefined,
      pollIntervalMs: 300_000,
    },
    routes: [aRoute()],
    engines: new Map([[HANDLER, engine]]),
    ticks: { metricsOf: () => null },
    limits: someLimits(),
    isPaused: false,
    state: 'running',
    subscribedAt: NOW - 1_000,
    polledAt: NOW - 14.7,
    hadPartitions: false,
    lostAt: undefined,
    refusedMs: undefined,
    ...over,
  }
}

describe('the snapshot of a group', () => {
  it('counts what is in memory, and shows each partition with its lag', () => {
    const driver = new Driver().assign(0, 0).assign(1, 10)
    driver.poll(...range(0, 6).map((offset) => keyed(offset, `k${offset}`))).start(4)
    const metrics = groupMetrics(parts({}, driver), NOW)
    const { inFlight, queued, records, assignedPartitions, sincePollMs } = metrics
    assert.deepEqual(
      { inFlight, queued, records, assignedPartitions, sincePollMs },
      {
        inFlight: 4,
        queued: 2,
        records: 6,
        assignedPartitions: 2,
        sincePollMs: 15,
      },
    )
    assert.deepEqual(
      metrics.partitions.map(({ partition, trueLag, logEndAgeMs }) => [partition, trueLag, logEndAgeMs]),
      [
        [0, 1_000, 2_000],
        [1, 990, 2_000],
      ],
    )
  })

  it('lists at most 1,000 partitions, and says how many there are', () => {
    const driver = new Driver()
    for (const partition of range(0, 1_003)) driver.assign(partition, 0)
    const { partitions, assignedPartitions } = groupMetrics(parts({}, driver), NOW)
    assert.deepEqual([partitions.length, assignedPartitions], [1_000, 1_003])
  })

  it('shows each handler with its engine', () => {
    assert.deepEqual(groupMetrics(parts(), NOW).handlers, [
      {
        handlerId: HANDLER,
        topic: 'orders',
        concurrency: 100,
        capacity: 98,
        inFlight: 7,
        abandoned: 2,
        isPaused: false,
        adaptiveLimit: null,
        rateLimit: null,
        isHeldByRate: false,
        openBreakers: 0,
        threads: { running: 4, restarts: 1, batches: 9, boundaryMs: 3 },
        ticks: null,
      },
    ])
  })

  it('shows the guards of a handler: what holds it back, where its limit stands, which keys are cut off', () => {
    const route: Partial<Route> = {
      rateLimit: 3,
      adaptive: { min: 1, intervalMs: 1_000 },
      poison: { threshold: 1, cooldownMs: 1_000 },
    }
    const driver = new Driver({ route }).assign(0, 0).assign(1, 0)
    const shown = () => groupMetrics(parts({ routes: [aRoute(route)] }, driver), driver.now)
    const handler = () => {
      const [{ isPaused, adaptiveLimit, rateLimit, isHeldByRate, openBreakers, capacity } = aHandlerState()] =
        shown().handlers
      return { isPaused, adaptiveLimit, rateLimit, isHeldByRate, openBreakers, capacity }
    }
    const idle = { isPaused: false, adaptiveLimit: 8, rateLimit: 3, isHeldByRate: false, openBreakers: 0, capacity: 8 }
    assert.deepEqual(handler(), idle)
    driver.poll(keyed(0, 'a'), keyed(0, 'b', { partition: 1 }))
    driver.end(driver.start()[0], { kind: 'failed', failure: aFailure({ retryable: false }) })
    assert.deepEqual(handler(), { ...idle, isHeldByRate: true, openBreakers: 1 })
    assert.deepEqual(
      shown().partitions.map(({ openBreakers, openBreakerKeys }) => [openBreakers, openBreakerKeys]),
      [
        [1, ['a']],
        [0, []],
      ],
    )
    driver.manager.pause(HANDLER)
    assert.deepEqual(handler(), { ...idle, isPaused: true, openBreakers: 1 }, 'held by the pause, not by the rate')
    driver.manager.resume(HANDLER)
    driver.now = 1_000
    driver.start()
    assert.deepEqual(handler(), idle, 'the rate has room, and the cool-down is over')
  })

  it('says whether the process takes part', () => {
    const membership = (over: Partial<GroupParts>, driver?: Driver) => groupMetrics(parts(over, driver), NOW).membership
    assert.equal(membership({ state: 'idle', subscribedAt: undefined, polledAt: undefined }), 'joining')
    assert.equal(membership({}), 'joining')
    assert.equal(membership({}, new Driver().assign()), 'assigned')
    assert.equal(membership({ state: 'draining' }, new Driver().assign()), 'leaving')
    assert.equal(membership({ state: 'closed' }), 'left')
  })

  it('counts a member without partitions as idle once it has given some back, or reaches its coordinator for ten seconds', () => {
    const heard = (at: number) => {
      const driver = new Driver({ sessionTimeoutMs: 45_000 })
      driver.manager.permit.clock.heard(at)
      return driver
    }
    const membership = (over: Partial<GroupParts>, driver?: Driver) => groupMetrics(parts(over, driver), NOW).membership
    assert.equal(membership({ hadPartitions: true }), 'idle')
    assert.equal(membership({ subscribedAt: NOW - 10_005 }, heard(NOW - 5)), 'idle')
    assert.equal(membership({ subscribedAt: NOW - 10_004 }, heard(NOW - 5)), 'joining')
    // It polls, and has never reached anybody.
    assert.equal(membership({ subscribedAt: NOW - 60_000 }), 'joining')
    // All were taken away.
    const lost = { hadPartitions: true, lostAt: NOW - 20_000 }
    assert.equal(membership(lost, heard(NOW - 20_001)), 'joining')
    assert.equal(membership(lost, heard(NOW - 9_000)), 'idle')
  })

  it('does not know the lag any more when the brokers have not answered for a third of the session', () => {
    const driver = new Driver({ sessionTimeoutMs: 45_000 }).assign(0, 990)
    driver.manager.permit.clock.heard(NOW - 15_000)
    const lagAt = (now: number) => groupMetrics(parts({}, driver), now).partitions[0]
    assert.deepEqual([lagAt(NOW - 1)?.trueLag, lagAt(NOW)?.trueLag, lagAt(NOW)?.logEndAgeMs], [10, null, null])
  })

  it('says for how long a member has hung in a rebalance, as long as its coordinator answers', () => {
    const client = { ...parts().client, unsettledSince: () => NOW - 50_000 }
    const driver = new Driver({ sessionTimeoutMs: 45_000 })
    const { clock } = driver.manager.permit
    const unsettled = (over: Partial<GroupParts> = {}) => groupMetrics(parts({ client, ...over }, driver), NOW)
    assert.equal(unsettled().unsettledMs, null, 'nobody has ever answered')
    for (let at = NOW - 70_000; at < NOW - 40_000; at += 10_000) clock.heard(at)
    assert.equal(unsettled().unsettledMs, null, 'nobody answers any more')
    clock.heard(NOW - 25_000)
    clock.heard(NOW - 5_000)
    assert.deepEqual([unsettled().unsettledMs, unsettled().unsettledLimitMs], [50_000, 600_000])
    assert.equal(unsettled({ state: 'draining' }).unsettledMs, null)
    assert.equal(unsettled({ client: parts().client }).unsettledMs, null)
  })

  it('does not count what a member has waited for a coordinator that was silent', () => {
    const client = { ...parts().client, unsettledSince: () => NOW - 90_000 }
    const driver = new Driver({ sessionTimeoutMs: 45_000 })
    driver.manager.permit.clock.heard(NOW - 95_000)
    driver.manager.permit.clock.heard(NOW - 8_000)
    assert.equal(groupMetrics(parts({ client }, driver), NOW).unsettledMs, 8_000)
  })

  it('tells a limit that is reached for a moment from a pause at the client', () => {
    const driver = new Driver({ limits: { maxRecords: 20 } }).assign(0, 0)
    const intake = (isPaused: boolean) => {
      const metrics = groupMetrics(parts({ isPaused }, driver), NOW)
      return [metrics.intake, metrics.intakeReason]
    }
    assert.deepEqual(intake(false), ['open', null])
    driver.poll(...range(0, 20).map((offset) => keyed(offset, 'k')))
    assert.deepEqual(intake(false), ['held', 'records'])
    assert.deepEqual(intake(true), ['paused', 'records'])
  })
})
