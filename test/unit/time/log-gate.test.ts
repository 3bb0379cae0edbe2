/** Errors that repeat are counted and not written, however many kinds of them there are, and in bounded memory. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { LogGate } from '../../../framework/time/log-gate.ts'

const INTERVAL_MS = 10_000

function aGate() {
  const clock = new ManualClock()
  return { clock, gate: new LogGate(clock, INTERVAL_MS) }
}

describe('LogGate', () => {
  it('lets one of a kind pass in an interval, and says how many it has held back', () => {
    const { clock, gate } = aGate()
    assert.deepEqual(
      [gate.pass('retry', 'A'), gate.pass('retry', 'A'), gate.pass('retry', 'B'), gate.pass('retry')],
      [0, undefined, 0, 0],
    )
    clock.advance(INTERVAL_MS)
    assert.deepEqual([gate.pass('retry', 'A'), gate.pass('retry', 'B')], [1, 0])
  })

  it('holds back nearly all of 100,000 names in one interval, and tells how many of those that share a gate', () => {
    const { clock, gate } = aGate()
    let passed = 0
    for (let i = 0; i < 100_000; i += 1) if (gate.pass('retry', `E${i}`) !== undefined) passed += 1
    assert.equal(passed, 1_001)
    clock.advance(INTERVAL_MS - 1)
    assert.equal(gate.pass('retry', 'E99999'), undefined)
    assert.deepEqual([gate.pass('dead', 'E1'), gate.pass('commit')], [0, 0], 'other kinds are not held back by these')
    // Also at the end of the interval, before a name takes the place of one that is over.
    assert.equal(gate.pass('retry', 'E0'), undefined)
    clock.advance(1)
    assert.equal(gate.pass('retry'), 100_000 - passed + 1)
  })

  it('forgets names whose time is over, so that those that come later have gates of their own', () => {
    const { clock, gate } = aGate()
    for (let i = 0; i < 100_000; i += 1) {
      assert.equal(gate.pass('retry', `E${i}`), 0)
      assert.equal(gate.pass('retry', `E${i}`), undefined)
      clock.advance(INTERVAL_MS / 100)
    }
  })

  it('keeps the count of a name that comes again and again, whatever comes besides', () => {
    const { clock, gate } = aGate()
    let held = 0
    for (let i = 0; i < 5_000; i += 1) {
      gate.pass('retry', `E${i}`)
      const suppressed = gate.pass('retry', 'often')
      if (suppressed === undefined) held += 1
      else held -= suppressed
      clock.advance(20)
    }
    assert.ok(held < INTERVAL_MS / 20, `${held} were not told`)
  })
})
