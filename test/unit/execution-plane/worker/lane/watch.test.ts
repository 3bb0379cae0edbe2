/** The watch of one lane, with its thread played by hand on the memory that they share. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LaneItems } from '../../../../../framework/execution-plane/worker/lane/items.ts'
import { LaneWatch } from '../../../../../framework/execution-plane/worker/lane/watch.ts'
import type { Epoch, WorkItem } from '../../../../../framework/model/work.ts'
import { ManualClock } from '../../../../../framework/testing/manual-clock.ts'

const TIMEOUT_MS = 1_000
const ABANDON_MS = 500

class WatchedLane {
  readonly clock = new ManualClock()
  readonly items = new LaneItems(8)
  readonly told: string[] = []
  readonly #watch: LaneWatch

  constructor() {
    const options = { clock: this.clock, timeoutMs: TIMEOUT_MS, abandonAfterMs: ABANDON_MS }
    this.#watch = new LaneWatch(options, this.items, {
      onOverdue: () => this.told.push('overdue'),
      onAbandon: () => this.told.push('abandon'),
      onStuck: (afterMs) => this.told.push(`stuck ${afterMs}`),
    })
  }

  add(): number {
    const item: WorkItem = { id: 1, handlerId: 'h', epoch: 1 as Epoch, records: [], attempts: [] }
    const { slot } = this.items.add(item)
    this.#watch.added()
    return slot
  }

  start(slot: number): void {
    this.items.memory.claim(slot, this.clock.now())
  }

  end(slot: number): void {
    this.items.memory.succeed(slot, false, 0)
    this.items.read('silent')
    this.#watch.ended()
  }
}

describe('lane watch', () => {
  it('tells of a thread that comes to nothing though nothing runs', () => {
    const lane = new WatchedLane()
    lane.add()
    lane.clock.advance(TIMEOUT_MS + ABANDON_MS - 1)
    assert.deepEqual(lane.told, [])
    lane.clock.advance(1)
    assert.deepEqual(lane.told, ['stuck 1500'])
  })

  it('counts from when the thread last did something, and not while a handler runs', () => {
    const lane = new WatchedLane()
    const first = lane.add()
    lane.clock.advance(900)
    lane.add()
    lane.start(first)
    lane.clock.advance(900)
    lane.end(first)
    lane.clock.advance(1_200)
    assert.deepEqual(lane.told, [])
    lane.clock.advance(TIMEOUT_MS + ABANDON_MS)
    assert.deepEqual(lane.told, ['stuck 1500'])
  })

  it('blames the handler that runs, not the thread, for what has to wait', () => {
    const lane = new WatchedLane()
    const [first] = [lane.add(), lane.add()]
    lane.clock.advance(1_400)
    lane.start(first)
    lane.clock.advance(TIMEOUT_MS)
    assert.deepEqual(lane.told, [])
    lane.clock.advance(ABANDON_MS)
    assert.deepEqual(lane.told, ['overdue', 'abandon'])
  })

  it('does not count the time in which the thread had nothing to do', () => {
    const lane = new WatchedLane()
    const first = lane.add()
    lane.start(first)
    lane.end(first)
    lane.clock.advance(60_000)
    lane.add()
    lane.clock.advance(TIMEOUT_MS)
    assert.deepEqual(lane.told, [])
  })

  it('tells of a thread that does not even pass over what was taken back from it', () => {
    const lane = new WatchedLane()
    const [first] = [lane.add(), lane.add()]
    lane.start(first)
    lane.items.takeBack(1, () => true)
    lane.end(first)
    lane.clock.advance(3 * TIMEOUT_MS)
    assert.deepEqual(lane.told, ['stuck 1500'])
  })

  it('holds no timer for a lane that has nothing, also when all of it was taken back', () => {
    const lane = new WatchedLane()
    const slot = lane.add()
    lane.items.takeBack(1, () => true)
    lane.items.memory.claim(slot, lane.clock.now())
    lane.items.memory.skip(slot)
    lane.items.read('silent')
    lane.clock.advance(TIMEOUT_MS)
    assert.equal(lane.clock.pendingTimers, 0)
    assert.deepEqual(lane.told, [])
  })

  it('tells of a handler that is overdue, and of one that does not heed its signal', () => {
    const lane = new WatchedLane()
    lane.start(lane.add())
    lane.clock.advance(TIMEOUT_MS + 50)
    assert.deepEqual(lane.told, ['overdue'])
    lane.clock.advance(ABANDON_MS - 50)
    assert.deepEqual(lane.told, ['overdue', 'abandon'])
  })
})
