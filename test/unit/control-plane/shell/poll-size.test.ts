import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PollSize } from '../../../../framework/control-plane/shell/poll-size.ts'

const plenty = 10_000

/** Polls that bring so many records a millisecond, for 200 ms. */
function sizeAt(perMs: number, size = new PollSize(), from = 1_000): number {
  for (let ms = 0; ms < 200; ms += 1) size.onPolled(perMs, from + ms)
  return size.within(plenty)
}

describe('the size of a poll', () => {
  it('is small at first, and never above what there is room for', () => {
    const size = new PollSize()
    assert.deepEqual([size.within(plenty), size.within(10), size.within(0)], [64, 10, 0])
  })

  it('is what comes in 5 ms, from 64 to 500', () => {
    assert.deepEqual(
      [1, 12, 20, 60, 100, 300].map((perMs) => sizeAt(perMs)),
      [64, 64, 100, 300, 500, 500],
    )
  })

  it('follows the rate down again', () => {
    const size = new PollSize()
    assert.equal(sizeAt(60, size), 300)
    assert.equal(sizeAt(20, size, 1_200), 100)
  })

  it('is small again after a time in which polls brought nothing', () => {
    const size = new PollSize()
    assert.equal(sizeAt(60, size), 300)
    assert.equal(sizeAt(0, size, 1_200), 64)
    size.onPolled(300, 1_420)
    assert.equal(size.within(plenty), 64)
  })

  it('is what it was after a break without any poll, which says nothing of the rate', () => {
    const size = new PollSize()
    assert.equal(sizeAt(60, size), 300)
    size.onPolled(300, 60_000)
    assert.equal(size.within(plenty), 300)
    assert.equal(sizeAt(20, size, 60_001), 100)
  })
})
