/** How often the pump runs in a turn of the event loop. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pump } from '../../../../framework/control-plane/shell/pump.ts'
import { WorkManager } from '../../../../framework/control-plane/work-manager.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { aRecord, aRoute, HANDLER, of, someLimits } from '../builders.ts'
import { FakeEngine } from '../fake-engine.ts'

const turnEnds = () => new Promise(setImmediate)

function aPump(onPumped: () => void, sessionTimeoutMs = Number.POSITIVE_INFINITY) {
  const errors: Error[] = []
  const manager = new WorkManager({
    routes: [aRoute()],
    limits: someLimits(),
    recovery: 'metadata',
    maxMetadataLength: 4_095,
    sessionTimeoutMs,
    random: () => 0.5,
  })
  const engine = new FakeEngine()
  const engines = new Map([[HANDLER, engine]])
  const clock = new ManualClock()
  const onError = (error: Error) => errors.push(error)
  const pump = new Pump({ manager, engines, clock, onDeadLetter: () => {}, onPumped, onError })
  return { pump, manager, engine, errors, clock }
}

describe('a pump that is asked many times in one turn of the event loop', () => {
  it('runs at once for the first, and once more for all others at the end of the turn', async () => {
    let runs = 0
    const { pump } = aPump(() => {
      runs += 1
    })
    pump.soon()
    await Promise.resolve()
    assert.equal(runs, 1)
    for (let i = 0; i < 100; i += 1) {
      pump.soon()
      await Promise.resolve()
    }
    assert.equal(runs, 1)
    await turnEnds()
    assert.equal(runs, 2)
  })

  it('runs once when all ask before it does, and at once again in the next turn', async () => {
    let runs = 0
    const { pump } = aPump(() => {
      runs += 1
    })
    for (let i = 0; i < 100; i += 1) pump.soon()
    await turnEnds()
    assert.equal(runs, 1)
    pump.soon()
    await Promise.resolve()
    assert.equal(runs, 2)
    await turnEnds()
    assert.equal(runs, 2)
  })

  it('tells each error, and runs again after it', async () => {
    let runs = 0
    const { pump, errors } = aPump(() => {
      runs += 1
      throw new Error(`run ${runs}`)
    })
    pump.soon()
    await Promise.resolve()
    pump.soon()
    await turnEnds()
    pump.soon()
    await turnEnds()
    assert.deepEqual(
      errors.map(({ message }) => message),
      ['run 1', 'run 2', 'run 3'],
    )
  })
})

describe('a pump of a member that has heard nothing for two thirds of its session', () => {
  it('takes back what engines have not begun, once, and gives it out again when a commit is acknowledged', async () => {
    const { pump, manager, engine, clock } = aPump(() => {}, 3_000)
    await engine.start(pump.onCompletion)
    manager.onAssigned([{ ...of(0), position: 0, metadata: '' }], clock.now())
    manager.onPolled([aRecord(0), aRecord(1), aRecord(2)], clock.now())
    pump.run()
    const [, second, third] = engine.running
    for (const item of [second, third]) if (item !== undefined) engine.unbegun.add(item)
    await clock.advanceAndSettle(1_999)
    assert.equal(engine.running.length, 3)
    await clock.advanceAndSettle(1)
    await turnEnds()
    assert.deepEqual(
      engine.running.map(({ records }) => records[0]?.offset),
      [0],
    )
    engine.endAll()
    await turnEnds()
    assert.equal(engine.running.length, 0)
    manager.onCommitted(manager.collectCommits(), clock.now())
    pump.run()
    assert.deepEqual(
      engine.running.map(({ records, attempts }) => [records[0]?.offset, attempts[0]]),
      [
        [1, 1],
        [2, 1],
      ],
    )
  })
})
