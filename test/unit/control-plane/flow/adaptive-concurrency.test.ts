/** The adaptive limit against services that are simulated in time: it finds the knee, stays there, and follows when the knee moves. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AdaptiveConcurrency } from '../../../../framework/control-plane/flow/adaptive-concurrency.ts'
import { SaturatingService } from '../saturating-service.ts'

const settings = { min: 1, intervalMs: 1_000 }

describe('AdaptiveConcurrency', () => {
  for (const [servers, serviceMs] of [
    [10, 20],
    [32, 20],
    [100, 50],
  ] as const) {
    it(`finds the knee of a service that runs ${servers} calls of ${serviceMs} ms at once`, () => {
      const service = new SaturatingService(new AdaptiveConcurrency(settings, 500), {
        servers,
        serviceMs,
        seed: servers,
      })
      service.run(120_000)
      const { limits, throughput, meanMs } = service.run(60_000)
      const [low, high] = [Math.min(...limits), Math.max(...limits)]
      assert.ok(high <= servers * 1.6 + 8, `at most ${high}`)
      assert.ok(low >= servers * 0.45, `at least ${low}, also while it probes`)
      assert.ok(throughput > 0.85 * (servers / serviceMs) * 1_000, `${throughput} calls a second`)
      assert.ok(meanMs < serviceMs * 1.7, `${meanMs} ms a call`)
    })
  }

  it('follows a service that loses most of its capacity, and one that gets it back', () => {
    const limit = new AdaptiveConcurrency(settings, 500)
    const service = new SaturatingService(limit, { servers: 60, serviceMs: 20, seed: 1 })
    service.run(120_000)
    service.servers = 10
    service.run(120_000)
    assert.ok(limit.limit <= 25, `${limit.limit} for 10 servers`)
    service.servers = 60
    service.run(180_000)
    assert.ok(limit.limit >= 45, `${limit.limit} for 60 servers`)
  })

  it('follows a service that becomes slower by itself, without taking that for saturation for ever', () => {
    const limit = new AdaptiveConcurrency(settings, 500)
    const service = new SaturatingService(limit, { servers: 40, serviceMs: 20, seed: 2 })
    service.run(120_000)
    service.serviceMs = 60
    service.run(240_000)
    const { throughput } = service.run(60_000)
    assert.ok(throughput > 0.8 * (40 / 60) * 1_000, `${throughput} calls a second`)
  })

  it('does not stay at its minimum for ever when a service becomes slower by itself', () => {
    const limit = new AdaptiveConcurrency({ min: 20, intervalMs: 1_000 }, 500)
    const service = new SaturatingService(limit, { servers: 22, serviceMs: 20, seed: 3 })
    service.run(49_000)
    service.serviceMs = 200
    service.servers = 100
    service.run(240_000)
    const { throughput } = service.run(60_000)
    assert.ok(throughput > 0.85 * (100 / 200) * 1_000, `${throughput} calls a second`)
  })

  it('goes down at time-outs, and never below its minimum', () => {
    const limit = new AdaptiveConcurrency({ min: 3, intervalMs: 100 }, 500)
    for (let now = 0; now < 60_000; now += 10) limit.observe({ durationMs: 5, isOverload: true, isLimiting: true }, now)
    assert.equal(limit.limit, 3)
  })

  it('does not change between the marks: hysteresis', () => {
    const limit = new AdaptiveConcurrency({ min: 1, intervalMs: 100 }, 8)
    const observe = (durationMs: number, from: number, until: number) => {
      let changes = 0
      for (let now = from; now < until; now += 10) {
        if (limit.observe({ durationMs, isOverload: false, isLimiting: true }, now)) changes += 1
      }
      return changes
    }
    observe(10, 0, 1_000)
    // Of 8, four wait: more than few, less than many.
    assert.equal(observe(20, 1_000, 2_500), 0)
    assert.equal(limit.limit, 8)
    assert.ok(observe(100, 2_500, 3_000) > 0)
    assert.ok(limit.limit < 8)
  })

  it('decides at most once in its interval, from attempts that began after the last change', () => {
    const limit = new AdaptiveConcurrency({ min: 1, intervalMs: 1_000 }, 500)
    const changedAt: number[] = []
    for (let now = 0; now < 20_000; now += 5) {
      if (limit.observe({ durationMs: 200, isOverload: false, isLimiting: true }, now)) changedAt.push(now)
    }
    const gaps = changedAt.slice(1).map((at, index) => at - (changedAt[index] ?? 0))
    assert.ok(changedAt.length > 5)
    assert.ok(Math.min(...gaps) >= 1_200, `${Math.min(...gaps)} ms between two changes`)
  })
})
