/** Random schedules against the control plane, watched by an oracle that keeps its own books. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seen } from './oracle.ts'
import { runSchedules } from './run-schedules.ts'
import { type Schedule, scheduleOf, shorten } from './schedule.ts'

const SCHEDULES = 10_000

describe('simulation', () => {
  it(`holds every invariant over ${SCHEDULES} random schedules`, () => {
    assert.equal(runSchedules(1, SCHEDULES), undefined)
  })

  it('met what it is about: zombies, restored completions, rewinds, crashes, dead letters, retries, pauses, guards, hands', () => {
    const { beyondEnd, inTheWay, closedByHand, relieved, discarded, expired, ...often } = seen
    for (const [what, count] of Object.entries(often)) assert.ok(count >= 100, `${what}: ${count}`)
    // It takes a cut between the position and the highest completion.
    assert.ok(beyondEnd >= 10, `beyondEnd: ${beyondEnd}`)
    // It takes a key that is poisoned at that moment.
    assert.ok(closedByHand >= 50, `closedByHand: ${closedByHand}`)
    // It takes a parked record, and others that want its room, or somebody's hand.
    assert.ok(relieved >= 30, `relieved: ${relieved}`)
    assert.ok(discarded >= 10, `discarded: ${discarded}`)
    // It takes a limit on the age, and a record that fails twice after it.
    assert.ok(expired >= 50, `expired: ${expired}`)
    // It takes a record that fails twice while others succeed, and fill the room behind it.
    assert.ok(inTheWay >= 10, `inTheWay: ${inTheWay}`)
  })

  it('gives the same schedule for the same seed', () => {
    assert.deepEqual(scheduleOf(7), scheduleOf(7))
    assert.notDeepEqual(scheduleOf(7).steps, scheduleOf(8).steps)
  })

  it('shortens a failing schedule to the steps that matter', () => {
    const hasCommitAfterPoll = ({ steps }: Schedule): boolean => {
      const poll = steps.findIndex(({ kind }) => kind === 'poll')
      return poll >= 0 && steps.slice(poll).some(({ kind }) => kind === 'commit')
    }
    const schedule = Array.from({ length: 100 }, (_, seed) => scheduleOf(seed)).find(hasCommitAfterPoll)
    assert.ok(schedule !== undefined && schedule.steps.length > 2)
    const shortest = shorten(schedule, hasCommitAfterPoll)
    assert.deepEqual(
      shortest.steps.map(({ kind }) => kind),
      ['poll', 'commit'],
    )
  })
})
