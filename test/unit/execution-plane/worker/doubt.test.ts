/** How much is given after threads have died, and from which end. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Doubt, pauseAfter } from '../../../../framework/execution-plane/worker/doubt.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'

function doubtAfter(deaths: number): { clock: ManualClock; doubt: Doubt } {
  const clock = new ManualClock()
  const doubt = new Doubt(clock)
  for (let death = 0; death < deaths; death++) doubt.onDeath()
  return { clock, doubt }
}

describe('doubt after threads have died', () => {
  it('does not begin with one thread, nor with two that had something completed between', () => {
    const { doubt } = doubtAfter(1)
    doubt.onCompleted()
    doubt.onDeath()
    assert.deepEqual([doubt.isOn, doubt.allowance()], [false, Number.POSITIVE_INFINITY])
  })

  it('gives nothing for 100 ms after the second in a row, then one, and the newest first', () => {
    const { clock, doubt } = doubtAfter(2)
    assert.deepEqual([doubt.isOn, doubt.allowance(), doubt.waitMs], [true, 0, 100])
    clock.advance(100)
    assert.deepEqual([doubt.allowance(), doubt.waitMs], [1, undefined])
  })

  it('gives twice as many after each completion', () => {
    const { clock, doubt } = doubtAfter(2)
    clock.advance(100)
    const given: number[] = []
    for (let step = 0; step < 6; step++) {
      given.push(doubt.allowance())
      doubt.onGiven(doubt.allowance())
      doubt.onCompleted()
    }
    assert.deepEqual([given, doubt.allowance()], [[1, 2, 4, 8, 16, 32], Number.POSITIVE_INFINITY])
  })

  it('gives twice as many after 250 ms in which no thread has died: slow handlers are not waited for', () => {
    const { clock, doubt } = doubtAfter(2)
    clock.advance(100)
    doubt.onGiven(doubt.allowance())
    clock.advance(249)
    assert.equal(doubt.allowance(), 0)
    clock.advance(1)
    assert.equal(doubt.allowance(), 2)
  })

  it('is over when nothing waits any more, once trust has grown again, or when the oldest completes', () => {
    const { doubt } = doubtAfter(2)
    doubt.onEmpty()
    assert.equal(doubt.isOn, true)
    for (let step = 0; step < 7; step++) doubt.onCompleted()
    doubt.onEmpty()
    assert.equal(doubt.isOn, false)
    const other = doubtAfter(2).doubt
    other.onOldestCompleted()
    assert.equal(other.isOn, false)
  })

  it('pauses shortly as long as some records may be bad, and up to 30 s where all are', () => {
    const deaths = [1, 2, 3, 4, 64, 65, 70, 71, 72, 10_000]
    assert.deepEqual(deaths.map(pauseAfter), [0, 100, 200, 250, 250, 500, 16_000, 30_000, 30_000, 30_000])
  })
})
