/** What the control plane says of its records, at moments of random schedules, against the books of the oracle: the same answers are what the console shows. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { play } from './play.ts'
import { scheduleOf } from './schedule.ts'

const MOMENTS = 1_000
/** Each seed gives some. */
const EVERY = 17

describe('what is said of records in the simulation', () => {
  it(`is what is so, at ${MOMENTS} moments, and so is what a crash would run again`, () => {
    const total = { moments: 0, offsets: 0, partitions: 0, exact: 0, waits: 0 }
    for (let seed = 1; total.moments < MOMENTS; seed += 1) {
      play(scheduleOf(seed), (game, step) => {
        if ((step + seed) % EVERY !== 0 || total.moments >= MOMENTS) return
        const { offsets, partitions, exact, waits } = game.compareAnswers()
        if (partitions === 0) return
        total.moments += 1
        total.offsets += offsets
        total.partitions += partitions
        total.exact += exact
        total.waits += waits
      })
    }
    assert.ok(total.offsets > 20_000, `${total.offsets} offsets`)
    assert.ok(total.waits > 1_000, `${total.waits} waits`)
    assert.ok(total.exact > total.partitions * 0.9, `${total.exact} of ${total.partitions} exact`)
  })
})
