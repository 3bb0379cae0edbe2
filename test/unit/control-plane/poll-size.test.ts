import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PollSize } from '../../../framework/control-plane/poll-size.ts'

const plenty = 10_000

describe('the size of a poll', () => {
  it('is small at first, and never above what there is room for', () => {
    const size = new PollSize()
    assert.deepEqual([size.within(plenty), size.within(10), size.within(0)], [64, 10, 0])
  })

  it('grows while engines idle, up to 500', () => {
    const size = new PollSize()
    const sizes = Array.from({ length: 5 }, () => {
      size.onLate()
      return size.within(plenty)
    })
    assert.deepEqual(sizes, [128, 256, 500, 500, 500])
  })

  it('shrinks again while there is plenty to do, down to 64', () => {
    const size = new PollSize()
    for (let i = 0; i < 4; i += 1) size.onLate()
    const sizes = Array.from({ length: 4 }, () => {
      size.onEarly()
      return size.within(plenty)
    })
    assert.deepEqual(sizes, [250, 125, 64, 64])
  })
})
