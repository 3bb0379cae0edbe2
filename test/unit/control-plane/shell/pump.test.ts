/** How often the pump runs in a turn of the event loop. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pump } from '../../../../framework/control-plane/shell/pump.ts'
import { WorkManager } from '../../../../framework/control-plane/work-manager.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { aRoute, HANDLER, someLimits } from '../builders.ts'
import { FakeEngine } from '../fake-engine.ts'

const turnEnds = () => new Promise(setImmediate)

function aPump(onPumped: () => void) {
  const errors: Error[] = []
  const manager = new WorkManager({
    routes: [aRoute()],
    limits: someLimits(),
    recovery: 'metadata',
    maxMetadataLength: 4_095,
    sessionTimeoutMs: Number.POSITIVE_INFINITY,
    random: () => 0.5,
  })
  const engines = new Map([[HANDLER, new FakeEngine()]])
  const clock = new ManualClock()
  const onError = (error: Error) => errors.push(error)
  const pump = new Pump({ manager, engines, clock, onDeadLetter: () => {}, onPumped, onError })
  return { pump, errors, clock }
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
