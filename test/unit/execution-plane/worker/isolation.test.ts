/** Records that run apart, as no thread may survive them: which of them starts when, by whatever clock. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Isolation } from '../../../../framework/execution-plane/worker/isolation.ts'
import type { Lane } from '../../../../framework/execution-plane/worker/lane/lane.ts'
import { Suspects } from '../../../../framework/execution-plane/worker/suspects.ts'
import type { Epoch, WorkItem } from '../../../../framework/model/work.ts'
import { aRecord } from '../../control-plane/builders.ts'

const item: WorkItem = { id: 1, handlerId: 'h', epoch: 1 as Epoch, records: [aRecord(0)], attempts: [1] }
/** After its first thread. Milliseconds. */
const PAUSE_MS = 100
/** Between one look at the clock and the next. Milliseconds. */
const TICK_MS = 0.05

describe('a record that threads have died of', () => {
  it('starts, or has a timer that it waits for, whenever the pause before it ends', () => {
    for (let early = -1; early <= 1; early += 0.01) {
      let time = 0
      let [given, timers] = [0, 0]
      const clock = {
        now: () => {
          time += TICK_MS
          return time
        },
        setTimer: () => {
          timers += 1
          return { cancel() {} }
        },
        atTurnEnd: () => {},
      }
      const cell: Lane = {
        ...{ isOverdue: false, backlog: 0, unstarted: 0 },
        get size() {
          return given
        },
        add: () => {
          given += 1
        },
        takeBack: () => [],
      }
      const suspects = new Suspects()
      suspects.convict(item)
      const cells = { cell, wantCell() {}, endCell() {}, onGiven() {} }
      const isolation = new Isolation(clock, cells, suspects, () => {})
      isolation.push(item)
      isolation.onDeath()
      const diedAt = time
      time = diedAt + PAUSE_MS + early
      isolation.serve(1)
      assert.equal(given + timers, 1, `${early.toFixed(2)} ms after its end`)
    }
  })
})
