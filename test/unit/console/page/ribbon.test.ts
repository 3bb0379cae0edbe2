import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { partitionRows } from '../../../../framework/console/page/models/partition-rows.ts'
import {
  crashText,
  runAt,
  runAtPixel,
  runShapes,
  runText,
  stateCounts,
  wholeOf,
  within,
  zoomed,
} from '../../../../framework/console/page/models/ribbon.ts'
import { rowsInView } from '../../../../framework/console/page/models/virtual-rows.ts'
import type { RunRow } from '../../../../framework/console/protocol-records.ts'
import type { PartitionMetrics, SystemMetrics } from '../../../../framework/model/snapshot.ts'

const runs: readonly RunRow[] = [
  ['committed', 0, 10],
  ['waiting', 10, 11, 5_000],
  ['done-above-gap', 11, 30],
  ['in-flight', 30, 40],
]
const whole = { from: 0, to: 40 }

describe('the ribbon of the console', () => {
  it('places runs by their offsets, and cuts them where it ends', () => {
    const shapes = runShapes(runs, { from: 5, to: 35 }, 300).map(({ state, x, width }) => `${state} ${x} ${width}`)
    assert.deepEqual(shapes, ['committed 0 50', 'done-above-gap 60 190', 'in-flight 250 50', 'waiting 50 10'])
  })

  it('shows a single waiting offset among a million, above its neighbours', () => {
    const many: readonly RunRow[] = [
      ['done-above-gap', 0, 500_000],
      ['waiting', 500_000, 500_001],
      ['done-above-gap', 500_001, 1_000_000],
    ]
    const shapes = runShapes(many, { from: 0, to: 1_000_000 }, 1_000)
    assert.equal(shapes.at(-1)?.state, 'waiting')
    assert.equal(shapes.at(-1)?.width, 1)
    assert.equal(runAtPixel(many, { from: 0, to: 1_000_000 }, 1_000, 500.7), 1)
  })

  it('draws no more shapes of one state than there are pixels', () => {
    const many = Array.from(
      { length: 2_000 },
      (_, index): RunRow => [index % 2 === 0 ? 'waiting' : 'queued', index, index + 1],
    )
    const shapes = runShapes(many, { from: 0, to: 2_000 }, 100)
    assert.ok(shapes.length <= 200, `${shapes.length} shapes`)
    for (const state of ['waiting', 'queued']) {
      const covered = shapes.filter((each) => each.state === state).reduce((sum, { width }) => sum + width, 0)
      assert.ok(covered >= 99, `${state} covers ${covered} pixels of 100`)
    }
  })

  it('finds the run of an offset, and none beyond the ends', () => {
    assert.deepEqual(
      [0, 9, 10, 11, 39, 40, -1].map((offset) => runAt(runs, offset)),
      [0, 0, 1, 2, 3, -1, -1],
    )
    assert.equal(runAt([], 3), -1)
  })

  it('comes closer around an offset, stays within all there is, and never shows fewer than eight', () => {
    assert.deepEqual(zoomed(whole, whole, 0.5, 20), { from: 10, to: 30 })
    assert.deepEqual(zoomed(whole, whole, 0.5, 39), { from: 20, to: 40 })
    assert.deepEqual(zoomed({ from: 10, to: 18 }, whole, 0.5, 14), { from: 10, to: 18 })
    assert.deepEqual(zoomed({ from: 10, to: 20 }, whole, 100, 14), whole)
    assert.deepEqual(within({ from: -5, to: 15 }, whole), { from: 0, to: 20 })
    assert.deepEqual(within({ from: 35, to: 55 }, { from: 30, to: 60 }), { from: 35, to: 55 })
  })

  it('says of a run what it is, where, and when it is due', () => {
    assert.equal(runText(['waiting', 10, 11, 8_000], 5_000), 'offset 10: waiting for its retry, in 3.0 s')
    const several = 'offsets 1,000 to 1,009 (10): waiting for its retry, the first due now'
    assert.equal(runText(['waiting', 1_000, 1_010, 0], 5_000), several)
    assert.equal(crashText(1), 'A crash now would run 1 record again.')
    assert.equal(crashText(0), 'A crash now would run nothing again.')
    assert.deepEqual(wholeOf(runs), whole)
    assert.equal(wholeOf([]), undefined)
  })

  it('counts the offsets of each state, in the order of the legend', () => {
    assert.deepEqual(stateCounts([...runs, ['committed', 40, 45]]), [
      { state: 'committed', count: 15 },
      { state: 'done-above-gap', count: 19 },
      { state: 'in-flight', count: 10 },
      { state: 'waiting', count: 1 },
    ])
  })
})

describe('the list of partitions', () => {
  it('draws the rows in view and some on both sides, and none that does not exist', () => {
    assert.deepEqual(rowsInView(100, 900, 50, 1_000, 2), { from: 0, to: 18 })
    assert.deepEqual(rowsInView(-4_900, 900, 50, 1_000, 2), { from: 96, to: 118 })
    assert.deepEqual(rowsInView(-100_000, 900, 50, 1_000, 2), { from: 1_000, to: 1_000 })
    assert.deepEqual(rowsInView(100, 900, 50, 0, 2), { from: 0, to: 0 })
  })

  it('is ordered by name, by how long something is held back, or by lag, and searched by name', () => {
    const partition = (topic: string, number: number, ageMs: number, trueLag: number | null) =>
      ({ topic, partition: number, trueLag, blocking: ageMs === 0 ? null : { ageMs } }) as PartitionMetrics
    const partitions = [partition('b', 10, 0, 5), partition('b', 9, 3_000, null), partition('a', 0, 9_000, 7)]
    const metrics = { groups: [{ group: 'shop', partitions }] } as unknown as SystemMetrics
    const names = (search: string, by: 'place' | 'blocked' | 'lag') =>
      partitionRows(metrics, search, by).map((row) => `${row.partition.topic}${row.partition.partition}`)
    assert.deepEqual(names('', 'place'), ['a0', 'b9', 'b10'])
    assert.deepEqual(names('', 'blocked'), ['a0', 'b9', 'b10'])
    assert.deepEqual(names('', 'lag'), ['a0', 'b10', 'b9'])
    assert.deepEqual(names('B[10]', 'place'), ['b10'])
  })
})
