/** A drain ends when nothing is in flight, when its time is over, or when nobody wants to wait any longer. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Drain } from '../../../../framework/control-plane/shell/drain.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { of } from '../builders.ts'

function aDrain(unsettled: Record<number, number>) {
  const clock = new ManualClock(0)
  const drain = new Drain(clock, (partitions) =>
    partitions.reduce((sum, { partition }) => sum + (unsettled[partition] ?? 0), 0),
  )
  return { clock, drain }
}

describe('Drain', () => {
  it('is over at once when nothing is in flight', async () => {
    const { clock, drain } = aDrain({})
    assert.equal(await drain.until([of(0)], 1_000), 0)
    assert.equal(clock.pendingTimers, 0)
  })

  it('ends with the last record of its own partitions, whatever others do', async () => {
    const unsettled: Record<number, number> = { 0: 2, 1: 5 }
    const { clock, drain } = aDrain(unsettled)
    const waiting = drain.until([of(0)], 1_000)
    unsettled[0] = 1
    drain.check()
    assert.equal(clock.pendingTimers, 1)
    unsettled[0] = 0
    drain.check()
    assert.equal(await waiting, 0)
    assert.equal(clock.pendingTimers, 0)
  })

  it('ends when its time is over, and tells what is left behind', async () => {
    const { clock, drain } = aDrain({ 0: 3 })
    const waiting = drain.until([of(0)], 1_000)
    clock.advance(1_000)
    assert.equal(await waiting, 3)
  })

  it('does not wait at all when it is given no time', async () => {
    const { clock, drain } = aDrain({ 0: 3 })
    assert.equal(await drain.until([of(0)], 0), 3)
    assert.equal(clock.pendingTimers, 0)
  })

  it('ends at once for all who wait, and for all who come later, when it is given up', async () => {
    const { clock, drain } = aDrain({ 0: 3, 1: 4 })
    const waiting = [drain.until([of(0)], 1_000), drain.until([of(1)], 9_000)]
    drain.giveUp()
    assert.deepEqual(await Promise.all(waiting), [3, 4])
    assert.equal(await drain.until([of(0)], 1_000), 3)
    assert.equal(clock.pendingTimers, 0)
  })
})
