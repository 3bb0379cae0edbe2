/** Random schedules of an exactly-once group: two members, each a real state machine, on model brokers with books of what readers see. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seen } from './exactly-once/model-broker.ts'
import { runExactlyOnce } from './exactly-once/run.ts'

const SCHEDULES = 3_000

describe('the simulation of exactly-once groups', () => {
  it(`shows each output once, with its offset, over ${SCHEDULES} random schedules`, () => {
    assert.equal(runExactlyOnce(1, SCHEDULES), undefined)
  })

  it('met what it is about: aborted, unknown and overwritten transactions, refused outputs and metadata, dead letters, crashes, limits', () => {
    const { overwritten, refusedMetadata, ...often } = seen
    for (const [what, count] of Object.entries(often)) assert.ok(count >= 100, `${what}: ${count}`)
    // It takes a commit that nobody answers, and another owner that has stored something since.
    assert.ok(overwritten >= 5, `overwritten: ${overwritten}`)
    // It takes a coordinator that takes less than the client sends.
    assert.ok(refusedMetadata >= 20, `refusedMetadata: ${refusedMetadata}`)
  })
})
