import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { boundOf, expectedPerSecond } from '../../bench/matrix/bounds.ts'
import { RecordSequence, zipfShares } from '../../bench/matrix/records.ts'
import { selectWorkloads, type Workload } from '../../bench/matrix/workloads.ts'
import type { BenchValue } from '../../bench/peers/protocol.ts'

function workload(id: string): Workload {
  const [found] = selectWorkloads([id])
  assert(found)
  return found
}

const exact = { stretch: 1, corePerSecond: 0 }
const facts = { cores: 2, clientPerSecond: undefined, calibration: undefined }

describe('the bound of a workload', () => {
  it('is the bare loop for handlers that do nothing', () => {
    const totals = { records: 1_000, work: 0, hottestKey: 0 }
    assert.deepEqual(boundOf({ ...facts, workload: workload('a-1p'), totals, clientPerSecond: 90_000 }), {
      by: 'client',
      perSecond: 90_000,
    })
  })

  it('is the concurrency over the latency when there are more keys than may be in flight', () => {
    const totals = { records: 1_000, work: 10_000, hottestKey: 10 }
    assert.deepEqual(boundOf({ ...facts, workload: workload('e-10ms-100'), totals, calibration: exact }), {
      by: 'concurrency',
      perSecond: 10_000,
    })
  })

  it('is what the hottest key takes, one record after the other', () => {
    const totals = { records: 1_000, work: 1_000, hottestKey: 250 }
    assert.deepEqual(boundOf({ ...facts, workload: workload('f'), totals, calibration: exact }), {
      by: 'keys',
      perSecond: 4_000,
    })
  })

  it('is lower where the timers take longer than they should', () => {
    const totals = { records: 1_000, work: 10_000, hottestKey: 10 }
    const calibration = { ...exact, stretch: 1.25 }
    assert.equal(boundOf({ ...facts, workload: workload('e-10ms-100'), totals, calibration })?.perSecond, 8_000)
  })

  it('is all cores at one core’s rate for work that keeps them busy', () => {
    const totals = { records: 1_000, work: 500_000, hottestKey: 5_000 }
    const calibration = { stretch: 1, corePerSecond: 1_300 }
    assert.deepEqual(boundOf({ ...facts, workload: workload('d-500'), totals, calibration }), {
      by: 'cores',
      perSecond: 2_600,
    })
  })

  it('is the lowest of those that are known, and unknown when none is', () => {
    const totals = { records: 1_000, work: 10_000, hottestKey: 10 }
    const e = workload('e-10ms-5000')
    assert.equal(boundOf({ ...facts, workload: e, totals, calibration: exact, clientPerSecond: 70_000 })?.by, 'client')
    assert.equal(boundOf({ ...facts, workload: e, totals }), undefined)
  })
})

describe('the number of records', () => {
  it('follows from the workload, so that each is measured for as long', () => {
    assert.equal(expectedPerSecond(workload('b'), 2), 20_000)
    assert.equal(expectedPerSecond(workload('c-1'), 2), 400)
    assert.equal(expectedPerSecond(workload('e-100ms-100'), 2), 1_000)
    assert.equal(Math.round(expectedPerSecond(workload('f'), 2)), 7_485)
  })
})

describe('the records of a workload', () => {
  const parsed = (id: string, count: number) => {
    const sequence = new RecordSequence(workload(id))
    const records = Array.from({ length: count }, () => sequence.next())
    const values = records.map(({ value }) => JSON.parse(String(value)) as BenchValue)
    return { records, values, totals: sequence.totals }
  }

  it('are the same each time', () => {
    assert.deepEqual(parsed('c-10', 100).values, parsed('c-10', 100).values)
  })

  it('are numbered from 1 within their key, and a key stays in its partition', () => {
    const { records, values } = parsed('f', 2_000)
    const last = new Map<number, number>()
    const partitions = new Map<number, number>()
    for (const [index, { i, k, n }] of values.entries()) {
      assert.equal(i, index)
      assert.equal(n, (last.get(k) ?? 0) + 1)
      last.set(k, n)
      assert.equal(records[index]?.partition, partitions.get(k) ?? records[index]?.partition)
      partitions.set(k, records[index]?.partition ?? -1)
      assert.equal(String(records[index]?.key), `key-${k}`)
    }
  })

  it('have the size that the workload asks for', () => {
    for (const { value } of parsed('i', 20).records) assert.equal(value.length, 1_024)
  })

  it('sum up to what their keys ask for', () => {
    const { values, totals } = parsed('c-10', 1_000)
    const work = values.reduce((sum, { w }) => sum + w, 0)
    assert.deepEqual([totals.records, totals.work], [1_000, work])
    const ofKeys = [...Array(10).keys()].map((key) =>
      values.filter(({ k }) => k === key).reduce((sum, { w }) => sum + w, 0),
    )
    assert.equal(totals.hottestKey, Math.max(...ofKeys))
  })

  it('have Zipf keys where the workload says so', () => {
    const shares = zipfShares(1_000)
    const { values } = parsed('f', 20_000)
    const ofFirst = values.filter(({ k }) => k === 0).length / values.length
    assert(Math.abs(ofFirst - (shares[0] ?? 0)) < 0.01, `the first key has ${ofFirst}`)
    assert.equal(shares.at(-1), 1)
  })
})
