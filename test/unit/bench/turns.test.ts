import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compare, type Mark, missingRecords, turnRates } from '../../bench/matrix/turns.ts'

/** A piece is a second of its own time, and half of it is the processor's. */
function marksOf(...done: readonly number[]): readonly Mark[] {
  return done.map((each, index) => ({ done: each, activeMs: index * 1_000, cpuMs: index * 500 }))
}

describe('rates of systems that run in turns', () => {
  it('are of the system’s own time, with the processor time of a record', () => {
    const rates = turnRates(marksOf(1_000, 1_100, 1_400))
    assert.deepEqual(rates, { perSecond: 200, cpuUs: 2_500, pieces: [100, 300] })
  })

  it('are compared over all pieces, and piece by piece', () => {
    const comparison = compare('ours', turnRates(marksOf(0, 100, 400)), 'bare', turnRates(marksOf(0, 100, 200)))
    assert.deepEqual(comparison, { kind: 'ratio', ratio: 2, pieces: { median: 2, min: 1, max: 3 } })
  })

  it('are not compared where one of both has done nothing in a piece, and the words say who and where', () => {
    const [steady, idle] = [turnRates(marksOf(0, 100, 200, 300)), turnRates(marksOf(0, 100, 100, 100))]
    const why = 'no ratio: fast has done nothing in pieces 2, 3 of 3'
    assert.deepEqual(compare('fast', idle, 'slow', steady), { kind: 'refused', why })
    assert.deepEqual(compare('slow', steady, 'fast', idle), { kind: 'refused', why })
  })

  it('tell no processor time where it is not known', () => {
    const marks = [0, 100].map((done) => ({ done, activeMs: done, cpuMs: undefined }))
    assert.equal(turnRates(marks).cpuUs, undefined)
  })
})

describe('the topic of systems that run in turns', () => {
  it('gets what the fastest would need for some turns more', () => {
    assert.equal(missingRecords(1_000, { mostDone: 900, mostInTurn: 200 }, 10), 1_900)
  })

  it('gets nothing while there is enough', () => {
    assert.equal(missingRecords(5_000, { mostDone: 900, mostInTurn: 200 }, 10), 0)
  })
})
