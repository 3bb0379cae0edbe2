/** The clock that users and our own tests move by hand. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from 'pyrallel/testing'

const START = 1_000

function aClock() {
  const clock = new ManualClock(START)
  const fired: string[] = []
  const set = (name: string, delayMs: number) =>
    clock.setTimer(delayMs, () => fired.push(`${name} at ${clock.now() - START}`))
  return { clock, fired, set }
}

describe('ManualClock', () => {
  it('fires what falls due at its time and in order, those of one time in the order they were set', () => {
    const { clock, fired, set } = aClock()
    set('late', 30)
    set('early', 10)
    set('early too', 10)
    set('not yet', 41)
    clock.advance(40)
    assert.deepEqual(fired, ['early at 10', 'early too at 10', 'late at 30'])
    assert.equal(clock.now(), START + 40)
    assert.equal(clock.pendingTimers, 1)
  })

  it('fires a timer that is set while time passes, if it falls due in that time', () => {
    const { clock, fired, set } = aClock()
    clock.setTimer(10, () => set('second', 10))
    clock.advance(20)
    assert.deepEqual(fired, ['second at 20'])
  })

  it('forgets a timer that was cancelled, before and after it fired', () => {
    const { clock, fired, set } = aClock()
    const cancelled = set('cancelled', 10)
    const first = set('first', 10)
    cancelled.cancel()
    clock.advance(10)
    first.cancel()
    assert.deepEqual(fired, ['first at 10'])
    assert.equal(clock.pendingTimers, 0)
  })

  it('takes a delay below 0 as 0, and never goes back', () => {
    const { clock, fired, set } = aClock()
    set('overdue', -50)
    clock.advance(0)
    assert.deepEqual(fired, ['overdue at 0'])
  })

  it('fires nothing while time only passes; what fell due fires late', () => {
    const { clock, fired, set } = aClock()
    set('late', 10)
    clock.pass(25)
    assert.deepEqual(fired, [])
    clock.advance(0)
    assert.deepEqual(fired, ['late at 25'])
  })

  it('lets run what a timer has settled before the next one fires, when asked to', async () => {
    const { clock, fired, set } = aClock()
    const wait = (delayMs: number) => new Promise<void>((resolve) => clock.setTimer(delayMs, resolve))
    const done = wait(10).then(() => set('set by the one before', 10))
    set('last', 30)
    await clock.advanceAndSettle(30)
    await done
    assert.deepEqual(fired, ['set by the one before at 20', 'last at 30'])
  })

  it('tells when the next timer falls due', () => {
    const { clock, set } = aClock()
    assert.equal(clock.nextTimerAt, undefined)
    set('later', 30)
    set('sooner', 10)
    assert.equal(clock.nextTimerAt, clock.now() + 10)
    clock.advance(10)
    assert.equal(clock.nextTimerAt, clock.now() + 20)
  })
})
