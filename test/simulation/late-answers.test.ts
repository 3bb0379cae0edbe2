/** Random schedules of a group that moves partitions while answers to its member are lost, against what the member does about it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lateAnswersSeen, runLateAnswers } from './late-answers/play.ts'

const SCHEDULES = 10_000

describe('the simulation of answers that come too late', () => {
  it(`holds every invariant over ${SCHEDULES} random schedules`, () => {
    assert.equal(runLateAnswers(1, SCHEDULES), undefined)
  })

  it('met what it is about: kept and unread partitions, members that hold nothing, waits for the pause, rests', () => {
    for (const [what, count] of Object.entries(lateAnswersSeen)) assert.ok(count >= 100, `${what}: ${count}`)
  })
})
