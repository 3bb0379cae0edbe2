import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { latencyRun } from '../../bench/matrix/measure-latency.ts'
import { parseLedger, recoveryRun } from '../../bench/matrix/measure-recovery.ts'
import { cellOf, type Run } from '../../bench/matrix/results.ts'
import { farBehind } from '../../bench/matrix/run-workload.ts'
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

  it('fails when one of its runs failed', () => {
    const cell = cellOf('b', 'ours', [rate(90), { kind: 'failed', why: 'order broken' }], undefined)
    assert.deepEqual([cell.state, cell.why, cell.rate], ['failed', 'order broken', undefined])
  })
})
