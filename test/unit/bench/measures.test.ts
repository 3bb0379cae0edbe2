import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { latencyRun } from '../../bench/matrix/measure-latency.ts'
import { rateRun } from '../../bench/matrix/measure-rate.ts'
import { parseLedger, recoveryRun } from '../../bench/matrix/measure-recovery.ts'
import { cellOf, type Run } from '../../bench/matrix/results.ts'
import { farBehind } from '../../bench/matrix/run-workload.ts'
import { cellText } from '../../bench/matrix/table.ts'
import { bucketOf } from '../../bench/peers/histogram.ts'

const result = { kind: 'done', done: 100, measured: 100, elapsedMs: 10, violations: 0, repeats: 0 } as const
const paced = { sent: 100, wanted: 100, perSecond: 50, limitMs: 4_000 }
const report = { kind: 'paced', sent: 100, lateMs: 1 } as const
const rate = (perSecond: number): Run => ({ kind: 'rate', perSecond, done: 1, cpuUs: undefined, peakBytes: undefined })

describe('a latency run', () => {
  it('counts records that were never done as if they had been done at the end', () => {
    const run = latencyRun({ ...result, done: 98, latency: [[bucketOf(1_000), 98]] }, paced, report)
    assert(run.kind === 'latency')
    assert.equal(run.unfinished, 2)
    assert.equal(Math.round(run.p50), 1)
    assert(run.p99 > 3_900, `p99 is ${run.p99}`)
  })

  it('fails when order was broken', () => {
    const run = latencyRun({ ...result, violations: 3, latency: [] }, paced, report)
    assert.deepEqual(run, { kind: 'failed', why: 'order broken 3 times in 100 records' })
  })
})

describe('a recovery run', () => {
  const at = (record: number, us = 0) => ({ record, us })

  it('counts what ran twice, what could not be committed any more, and what never ran', () => {
    const before = [at(0, 1_000), at(1, 1_000), at(2, 950_000)]
    const after = [at(2), at(3)]
    assert.deepEqual(recoveryRun(before, after, 6, 1_000_000), {
      kind: 'recovery',
      doneBefore: 3,
      executedAgain: 1,
      uncommitted: 1,
      lost: 2,
    })
  })

  it('passes over a line that SIGKILL has cut off', () => {
    assert.deepEqual(parseLedger('1 100\n2 200\n3'), [at(1, 100), at(2, 200)])
    assert.deepEqual(parseLedger(''), [])
  })
})

describe('a rate run', () => {
  const outcome = { kind: 'measured', cpuMs: 5, peakBytes: 1 } as const
  const doneIn = (done: number, measured: number) => ({
    ...outcome,
    result: { ...result, done, measured, latency: [] },
  })

  it('is cut off, and no failure, where the topic ended before the warm-up', () => {
    const run = rateRun(doneIn(5_000, 0), 5_000)
    const why = 'all 5,000 records were done before the warm-up was over; make --window longer'
    assert.deepEqual(run, { kind: 'cut-off', why })
    assert.equal(cellText(cellOf('a', 'ours', [run], undefined)), `cut off: ${why}`)
  })

  it('is cut off where nothing was done in the window', () => {
    const why = 'nothing was done in 10 ms, after 7 records; make --window longer'
    assert.deepEqual(rateRun(doneIn(7, 0), 5_000), { kind: 'cut-off', why })
  })

  it('tells the rate and the processor time of a record', () => {
    const expected = { kind: 'rate', perSecond: 1_000, done: 20, cpuUs: 500, peakBytes: 1 }
    assert.deepEqual(rateRun(doneIn(20, 10), 20), expected)
  })
})

describe('who is measured again', () => {
  it('is not who does less than a fifth of the fastest, nor who failed', () => {
    const behind = farBehind(
      new Map<string, readonly Run[]>([
        ['fast', [rate(100)]],
        ['near', [rate(20)]],
        ['slow', [rate(19)]],
        ['broken', [{ kind: 'failed', why: 'order broken' }]],
      ]),
    )
    assert.deepEqual([...behind], ['slow', 'broken'])
  })

  it('is everybody where rates are not what is measured', () => {
    const recovery = { kind: 'recovery', doneBefore: 1, executedAgain: 0, uncommitted: 0, lost: 0 } as const
    assert.equal(farBehind(new Map<string, readonly Run[]>([['ours', [recovery]]])).size, 0)
  })
})

describe('a cell', () => {
  it('has the median of its runs and its share of the bound', () => {
    const cell = cellOf('b', 'ours', [rate(90), rate(110), rate(100)], { by: 'keys', perSecond: 125 })
    assert.deepEqual(cell.rate, { median: 100, min: 90, max: 110 })
    assert.equal(cell.fraction, 0.8)
    assert.equal(cell.state, 'measured')
  })

  it('has no bound in records a second when it is no rate', () => {
    const run = { kind: 'recovery', doneBefore: 1, executedAgain: 0, uncommitted: 0, lost: 0 } as const
    assert.equal(cellOf('h', 'ours', [run], { by: 'keys', perSecond: 125 }).bound, undefined)
  })

  it('goes by the runs that were not cut off', () => {
    const cell = cellOf('b', 'ours', [{ kind: 'cut-off', why: 'too short' }, rate(90)], undefined)
    assert.deepEqual([cell.state, cell.rate?.median, cellText(cell)], ['measured', 90, '90.0/s'])
  })

  it('fails when one of its runs failed', () => {
    const cell = cellOf('b', 'ours', [rate(90), { kind: 'failed', why: 'order broken' }], undefined)
    assert.deepEqual([cell.state, cell.why, cell.rate], ['failed', 'order broken', undefined])
  })
})
