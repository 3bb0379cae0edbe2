import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseStat } from '../../bench/matrix/process-usage.ts'
import { percentileOf, spreadOf } from '../../bench/matrix/statistics.ts'
import { bucketMs, bucketOf, merged, percentileMs } from '../../bench/peers/histogram.ts'

describe('median and spread', () => {
  it('takes the middle of an odd number of values, and between the two of an even one', () => {
    assert.deepEqual(spreadOf([30, 10, 20]), { median: 20, min: 10, max: 30 })
    assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 })
    assert.deepEqual(spreadOf([7]), { median: 7, min: 7, max: 7 })
  })

  it('knows nothing of no values', () => {
    assert.equal(spreadOf([]), undefined)
  })
})

describe('the histogram', () => {
  it('finds a duration again within 1 %', () => {
    for (const us of [11, 100, 5_000, 123_456, 30_000_000]) {
      const found = bucketMs(bucketOf(us)) * 1_000
      assert(Math.abs(found - us) / us < 0.0101, `${us} became ${found}`)
    }
  })

  it('has one bucket for all that is too short to tell apart, and for clocks that go backwards', () => {
    assert.deepEqual([bucketOf(0), bucketOf(10), bucketOf(-5)], [0, 0, 0])
  })

  it('gives the percentile that a share of all does not exceed', () => {
    const counts = [
      [bucketOf(1_000), 98],
      [bucketOf(10_000), 1],
      [bucketOf(100_000), 1],
    ] as const
    const at = (share: number) => Number(percentileMs(counts, share)?.toPrecision(1))
    assert.deepEqual([at(0.5), at(0.98), at(0.99), at(0.999)], [1, 1, 10, 100])
    assert.equal(percentileMs([], 0.5), undefined)
  })

  it('adds up several histograms', () => {
    const both = merged([
      [
        [5, 1],
        [2, 2],
      ],
      [[5, 3]],
    ])
    assert.deepEqual(both, [
      [2, 2],
      [5, 4],
    ])
  })
})

describe('what a process uses', () => {
  it('is read from /proc, whatever the command is called', () => {
    const before = '4711 (a (strange) name) S 1 4700 4700 0 -1 4194304 100 0 0 0 '
    const stat = parseStat(`${before}250 50 0 0 20 0 11 0 12345 999999 2048 184467`)
    assert.deepEqual(stat, { group: 4_700, ticks: 300, pages: 2_048 })
  })
})

describe('a percentile', () => {
  it('is the smallest value that so many do not exceed', () => {
    const values = Array.from({ length: 20 }, (_, index) => 20 - index)
    assert.deepEqual([percentileOf(values, 0.5), percentileOf(values, 0.95), percentileOf(values, 1)], [10, 19, 20])
    assert.deepEqual([percentileOf([7], 0.95), percentileOf([], 0.5)], [7, Number.NaN])
  })
})
