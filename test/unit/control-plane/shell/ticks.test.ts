/** When handlers tick: on a clock by hand, and under random schedules of what befalls partitions and ticks. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AssignedNow, nextEpoch } from '../../../../framework/control-plane/partition/partition-table.ts'
import { Ticks } from '../../../../framework/control-plane/shell/ticks.ts'
import type { RuntimeEvent } from '../../../../framework/model/events.ts'
import type { Route } from '../../../../framework/model/settings.ts'
import type { TickSettings } from '../../../../framework/model/tick.ts'
import { seededRandom } from '../../../../framework/runtime/seeded-random.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { aFailure, aRoute, HANDLER } from '../builders.ts'
import { FakeEngine } from '../fake-engine.ts'

const every10s: TickSettings = { everyMs: 10_000, everyPer: 'process' }

class Stage {
  readonly clock = new ManualClock()
  readonly engine = new FakeEngine()
  readonly events: RuntimeEvent[] = []
  assigned: AssignedNow[] = []
  readonly ticks: Ticks

  constructor(tick: TickSettings | undefined = every10s, ...more: readonly Route[]) {
    this.ticks = new Ticks({
      routes: [aRoute({ tick }), ...more],
      engines: new Map([[HANDLER, this.engine]]),
      assigned: () => this.assigned,
      clock: this.clock,
      onEvent: (event) => this.events.push(event),
      onError: (error) => assert.fail(error),
    })
  }

  assign(...partitions: readonly number[]): void {
    const made = partitions.map((partition) => ({ topic: 'orders', partition, epoch: nextEpoch(), isDraining: false }))
    this.assigned = [...this.assigned, ...made]
    this.ticks.look()
  }

  drain(partition: number): void {
    this.assigned = this.assigned.map((each) => (each.partition === partition ? { ...each, isDraining: true } : each))
    this.ticks.look()
  }

  gone(partition: number): void {
    this.assigned = this.assigned.filter((each) => each.partition !== partition)
    this.ticks.look()
  }

  /** Time goes on, and the answers of what has ended are heard. */
  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.clock.advance(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }

  get running(): readonly (number | null)[] {
    return this.engine.ticks.map(({ order }) => order.of?.partition ?? null)
  }

  async endAll(): Promise<void> {
    for (const each of [...this.engine.ticks]) each.end()
    await this.pass(0)
  }
}

describe('ticks of a process', () => {
  it('come every so often while partitions are assigned, from one beginning to the next', async () => {
    const stage = new Stage()
    await stage.pass(60_000)
    assert.deepEqual(stage.running, [])
    stage.assign(0, 1)
    await stage.pass(9_999)
    assert.deepEqual(stage.running, [])
    await stage.pass(1)
    assert.deepEqual(stage.running, [null])
    await stage.pass(4_000)
    await stage.endAll()
    await stage.pass(5_999)
    assert.deepEqual(stage.running, [])
    await stage.pass(1)
    assert.deepEqual(stage.running, [null])
    assert.equal(stage.engine.ticks[0]?.order.isDraining, false)
  })

  it('never run beside themselves: one that takes longer puts off the next to its own end', async () => {
    const stage = new Stage()
    stage.assign(0)
    await stage.pass(10_000)
    await stage.pass(35_000)
    assert.deepEqual(stage.running, [null])
    await stage.endAll()
    assert.deepEqual(stage.running, [null])
  })

  it('come at once, and then every 100 ms, while a partition is given up, and as before afterwards', async () => {
    const stage = new Stage()
    stage.assign(0, 1)
    await stage.pass(3_000)
    stage.drain(1)
    await stage.pass(0)
    assert.equal(stage.engine.ticks[0]?.order.isDraining, true)
    await stage.endAll()
    await stage.pass(99)
    assert.deepEqual(stage.running, [])
    await stage.pass(1)
    assert.deepEqual(stage.running, [null])
    await stage.endAll()
    stage.gone(1)
    await stage.pass(9_999)
    assert.deepEqual(stage.running, [])
    await stage.pass(1)
    assert.deepEqual(stage.running, [null])
  })

  it('end with the last partition, and begin anew with the next', async () => {
    const stage = new Stage()
    stage.assign(0)
    stage.gone(0)
    await stage.pass(60_000)
    assert.deepEqual(stage.running, [])
    assert.equal(stage.clock.pendingTimers, 0)
    stage.assign(2)
    await stage.pass(10_000)
    assert.deepEqual(stage.running, [null])
  })

  it('are one for all topics of a handler, and none for a handler of others', async () => {
    const more = aRoute({ topic: 'payments', tick: every10s })
    const stage = new Stage(every10s, more)
    stage.assigned = [
      { topic: 'payments', partition: 0, epoch: nextEpoch(), isDraining: false },
      { topic: 'orders', partition: 0, epoch: nextEpoch(), isDraining: false },
    ]
    stage.ticks.look()
    await stage.pass(10_000)
    assert.deepEqual(stage.running, [null])
    const others = new Stage()
    others.assigned = [{ topic: 'elsewhere', partition: 0, epoch: nextEpoch(), isDraining: false }]
    others.ticks.look()
    await others.pass(20_000)
    assert.deepEqual(others.running, [])
  })

  it('are counted and told, and a failed one is followed by the next', async () => {
    const stage = new Stage()
    assert.equal(stage.ticks.metricsOf('another', 0), null)
    stage.assign(0)
    await stage.pass(10_000)
    stage.engine.ticks[0]?.end({ kind: 'failed', durationMs: 7, failure: aFailure() })
    await stage.pass(0)
    assert.deepEqual(stage.events, [
      { kind: 'tick.failed', handlerId: HANDLER, of: null, durationMs: 7, failure: aFailure() },
    ])
    await stage.pass(10_000)
    const metrics = () => stage.ticks.metricsOf(HANDLER, stage.clock.now())
    assert.deepEqual(metrics(), {
      everyMs: 10_000,
      per: 'process',
      running: 1,
      done: 0,
      failed: 1,
      sinceLastMs: 10_000,
    })
    await stage.endAll()
    assert.deepEqual(metrics(), { everyMs: 10_000, per: 'process', running: 0, done: 1, failed: 1, sinceLastMs: 0 })
    assert.deepEqual(stage.events.at(-1), { kind: 'tick.done', handlerId: HANDLER, of: null, durationMs: 1 })
  })

  it('begin no more after the stop', async () => {
    const stage = new Stage()
    stage.assign(0)
    await stage.pass(10_000)
    stage.ticks.stop()
    await stage.endAll()
    await stage.pass(60_000)
    assert.deepEqual([stage.running, stage.clock.pendingTimers], [[], 0])
  })

  it('follow other rules at once, and none where there are none any more', async () => {
    const stage = new Stage()
    stage.assign(0)
    stage.ticks.setRoutes([aRoute({ tick: { everyMs: 1_000, everyPer: 'partition' } })])
    await stage.pass(1_000)
    assert.deepEqual(stage.running, [0])
    stage.ticks.setRoutes([aRoute()])
    assert.equal(stage.engine.ticks[0]?.order.signal.aborted, true)
    await stage.endAll()
    await stage.pass(60_000)
    assert.deepEqual([stage.running, stage.clock.pendingTimers], [[], 0])
    assert.equal(stage.ticks.metricsOf(HANDLER, 0), null)
  })

  it('keep their beat when the same rules come with new code, and take a shorter period at once', async () => {
    const stage = new Stage()
    stage.assign(0)
    await stage.pass(6_000)
    stage.ticks.setRoutes([aRoute({ tick: { everyMs: 2_000, everyPer: 'process' } })])
    await stage.pass(2_000)
    assert.deepEqual(stage.running, [null])
    await stage.endAll()
    await stage.pass(2_000)
    assert.deepEqual(stage.running, [null])
  })
})

describe('ticks of partitions', () => {
  const perPartition: TickSettings = { everyMs: 10_000, everyPer: 'partition' }

  it('come for each of them, side by side, and hurry only for the one that is given up', async () => {
    const stage = new Stage(perPartition)
    stage.assign(0)
    await stage.pass(5_000)
    stage.assign(1)
    await stage.pass(5_000)
    assert.deepEqual(stage.running, [0])
    await stage.pass(5_000)
    assert.deepEqual(stage.running, [0, 1])
    await stage.endAll()
    stage.drain(1)
    await stage.pass(0)
    assert.deepEqual(stage.running, [1])
  })

  it('fire their signal when the partition is gone, and start afresh when it comes back', async () => {
    const stage = new Stage(perPartition)
    stage.assign(0)
    await stage.pass(10_000)
    const [first] = stage.engine.ticks
    stage.gone(0)
    assert.equal(first?.order.signal.aborted, true)
    stage.assign(0)
    await stage.pass(10_000)
    // The one of the assignment before goes on: it is another one's.
    assert.deepEqual(stage.running, [0, 0])
    first?.end()
    await stage.pass(1_000)
    assert.deepEqual(stage.running, [0])
  })

  for (const per of ['process', 'partition'] as const) {
    it(`keep the rules under 1,000 random schedules: per ${per}`, async () => {
      for (let seed = 1; seed <= 1_000; seed++) await play(seed, per)
    })
  }
})

/** Partitions come, go and are given up, ticks take any time, and the rules change. */
async function play(seed: number, per: TickSettings['everyPer']): Promise<void> {
  const random = seededRandom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const stage = new Stage({ everyMs: 1_000, everyPer: per })
  for (let step = 0; step < 30; step++) {
    const partition = below(3)
    const isAssigned = stage.assigned.some((each) => each.partition === partition)
    const what = below(6)
    if (what === 0 && !isAssigned) stage.assign(partition)
    else if (what === 1 && isAssigned) stage.drain(partition)
    else if (what === 2 && isAssigned) stage.gone(partition)
    else if (what === 3) stage.engine.ticks[below(stage.engine.ticks.length + 1)]?.end()
    await stage.pass(below(700))
    const names: readonly (number | 'p')[] = stage.engine.ticks
      .filter(({ order }) => !order.signal.aborted)
      .map(({ order }) => order.of?.partition ?? 'p')
    assert.equal(new Set(names).size, names.length, `seed ${seed}, step ${step}: beside itself`)
    const present: readonly (number | 'p')[] =
      per === 'process' ? (stage.assigned.length > 0 ? ['p'] : []) : stage.assigned.map((each) => each.partition)
    for (const name of names) assert.ok(present.includes(name), `seed ${seed}, step ${step}: ${name} is gone`)
  }
  // Whoever is left ticks within its period, those that are given up within a tenth of it.
  const draining = stage.assigned.filter(({ isDraining }) => isDraining)
  await stage.endAll()
  await stage.pass(100)
  const now = new Set(stage.running)
  for (const { partition } of draining) {
    assert.ok(now.has(per === 'process' ? null : partition), `seed ${seed}: ${partition} is given up and does not tick`)
  }
  await stage.pass(900)
  const expected =
    per === 'process' ? (stage.assigned.length > 0 ? [null] : []) : stage.assigned.map((each) => each.partition)
  assert.deepEqual(new Set(stage.running), new Set(expected), `seed ${seed}`)
  stage.assigned = []
  stage.ticks.look()
  await stage.endAll()
  assert.equal(stage.clock.pendingTimers, 0, `seed ${seed}`)
}
