import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MAX_CARRIED } from '../../../../framework/control-plane/offsets/carried-attempts.ts'
import { AttemptCounts } from '../../../../framework/control-plane/partition/attempt-counts.ts'

describe('the attempts that a commit carries', () => {
  it('are those of the lowest offsets from the position on, in whatever order they came', () => {
    const offsets = fc.uniqueArray(fc.nat(5_000), { minLength: 600, maxLength: 2_000 })
    fc.assert(
      fc.property(offsets, fc.nat(1_000), (came, position) => {
        const told = came.map((offset) => ({ offset, tried: 1 + (offset % 7) }))
        const wanted = told.filter(({ offset }) => offset >= position).sort((a, b) => a.offset - b.offset)
        assert.deepEqual(new AttemptCounts(told).from(position), wanted.slice(0, MAX_CARRIED))
      }),
    )
  })
})
