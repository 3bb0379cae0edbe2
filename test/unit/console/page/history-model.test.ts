import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Curve,
  curveText,
  linesOf,
  nearest,
  seriesTexts,
  topOf,
  valueText,
  withPoints,
} from '../../../../framework/console/page/models/history.ts'
import { historySeries } from '../../../../framework/console/protocol.ts'

const answer = (...points: Curve) => ({ of: 'done', everyMs: 10_000, points }) as const

describe('the curves of the last hour', () => {
  it('are one for each series that the server keeps', () => {
    assert.deepEqual(seriesTexts.map(({ of }) => of).sort(), [...historySeries].sort())
  })

  it('grow by what has come since, in records a second where that is counted, and keep an hour', () => {
    const first = withPoints([], answer([10_000, 50], [20_000, null]), 'rate')
    assert.deepEqual(first, [
      [10_000, 5],
      [20_000, null],
    ])
    assert.deepEqual(withPoints(first, answer([20_000, 7], [30_000, 10]), 'rate').slice(2), [[30_000, 1]])
    assert.deepEqual(withPoints([], answer([10_000, 50]), 'count'), [[10_000, 50]])
    const long = Array.from({ length: 400 }, (_, index) => [index, index] as const)
    const kept = withPoints([], answer(...long), 'count')
    assert.deepEqual([kept.length, kept[0]?.[0]], [360, 40])
  })

  it('are drawn from left to right with a gap where nothing was known, and fit below a round number', () => {
    const curve: Curve = [
      [0, 0],
      [50, 130],
      [60, null],
      [100, 200],
    ]
    assert.equal(topOf(curve), 200)
    assert.deepEqual([topOf([]), topOf([[0, 0.2]]), topOf([[0, 201]]), topOf([[0, 999]])], [1, 1, 500, 1_000])
    const frame = { from: 0, to: 100, top: 200, width: 1_000, height: 100 }
    assert.deepEqual(linesOf(curve, frame), ['0,100 500,35', '1000,0'])
    assert.deepEqual(linesOf([], frame), [])
  })

  it('are told in words, and the point under the pointer by its time', () => {
    const curve: Curve = [
      [0, 4],
      [60_000, 12.04],
      [120_000, null],
    ]
    assert.equal(curveText(curve, 'rate'), '12/s; 4/s to 12/s in 2 min')
    assert.equal(curveText([], 'rate'), 'not known yet')
    assert.deepEqual(
      [valueText('bytes', 1_200), valueText('count', 9_999), valueText('count', 12_000)],
      ['1.2 kB', '9,999', '12k'],
    )
    assert.deepEqual(nearest(curve, 50_000), [60_000, 12.04])
    assert.equal(nearest([], 1), undefined)
  })
})
