/** Random schedules against the state machines of the JavaScript client: the brokers are models, written from what real ones were seen to answer. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fetchSeen } from './javascript-client/fetch-oracle.ts'
import { groupSeen } from './javascript-client/group-oracle.ts'
import { runFetchSchedules, runGroupSchedules } from './javascript-client/run.ts'

const SCHEDULES = 10_000

function metOften(seen: Readonly<Record<string, number>>, least: number): void {
  for (const [what, count] of Object.entries(seen)) assert.ok(count >= least, `${what}: ${count}`)
}

describe('the simulation of the JavaScript client', () => {
  it(`holds every invariant of membership over ${SCHEDULES} random schedules`, async () => {
    assert.equal(await runGroupSchedules(1, SCHEDULES), undefined)
  })

  it('met what membership is about: fences, revokes that are overdue, names in use, lost answers, refused and late commits', () => {
    metOften(groupSeen, 30)
  })

  it(`holds every invariant of fetching over ${SCHEDULES} random schedules`, async () => {
    assert.equal(await runFetchSchedules(1, SCHEDULES), undefined)
  })

  it('met what fetching is about: cut logs, positions outside, damaged batches, large records, moved leaders, late answers', () => {
    metOften(fetchSeen, 100)
  })
})
