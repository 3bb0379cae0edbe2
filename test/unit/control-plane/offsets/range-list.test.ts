/** Ranges in eight bytes each say what a list of objects says. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RangeList } from '../../../../framework/control-plane/offsets/range-list.ts'

/** Above 2^32, as offsets of old topics are. */
const position = 5_000_000_000
const runs = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })), { maxLength: 12 })

describe('RangeList', () => {
  it('holds the ranges that it was made of, from runs as from objects', () => {
    fc.assert(
      fc.property(runs, (pairs) => {
        const list = RangeList.ofRuns(position, pairs.flat())
        const ranges = [...list]
        assert.equal(list.length, pairs.length)
        assert.deepEqual([...RangeList.of(position, ranges)], ranges)
        assert.deepEqual(
          ranges.map(({ start, end }) => end - start),
          pairs.map(([, completed]) => completed),
        )
        assert.equal(list.end, ranges.at(-1)?.end)
        assert.equal(
          list.offsets,
          pairs.reduce((sum, [, completed]) => sum + completed, 0),
        )
      }),
    )
  })

  it('has an offset, and is cut below one, as the objects would be', () => {
    fc.assert(
      fc.property(runs, fc.integer({ min: -2, max: 130 }), (pairs, distance) => {
        const list = RangeList.ofRuns(position, pairs.flat())
        const offset = position + distance
        const ranges = [...list]
        assert.equal(
          list.has(offset),
          ranges.some(({ start, end }) => start <= offset && offset < end),
        )
        const below = ranges.flatMap(({ start, end }) => (start < offset ? { start, end: Math.min(end, offset) } : []))
        assert.deepEqual([...list.below(offset)], below)
        assert.deepEqual([...list], ranges, 'it is not changed')
      }),
    )
  })
})
