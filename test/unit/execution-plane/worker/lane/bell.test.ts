/** When a busy thread is looked at, with its thread played by hand on the memory that they share. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LaneBell } from '../../../../../framework/execution-plane/worker/lane/bell.ts'
import { LaneItems } from '../../../../../framework/execution-plane/worker/lane/items.ts'
import type { Epoch, WorkItem } from '../../../../../framework/model/work.ts'
import { ManualClock } from '../../../../../framework/testing/manual-clock.ts'

/** A lane of 64 items, which its thread comes to one after the other. */
class BusyLane {
  readonly clock = new ManualClock()
  readonly items = new LaneItems(64)
  /** How many had ended at each look, and when it was. */
  readonly looks: (readonly [atMs: number, ended: number])[] = []
  readonly #bell = new LaneBell(this.clock, this.items, (ended) => this.looks.push([this.clock.now(), ended.length]))
  readonly #slots: number[] = []
  #rings = 0

  constructor() {
    for (let id = 0; id < 64; id++) {
      const item: WorkItem = { id, handlerId: 'h', epoch: 1 as Epoch, records: [], attempts: [] }
      this.#slots.push(this.items.add(item).slot)
    }
  }

  get rings(): number {
    return this.#rings
  }

  /** The thread ends the next `count` items, each after this time, and rings when it must. */
  work(count: number, eachMs: number): void {
    for (let n = 0; n < count; n++) {
      const slot = this.#slots.shift() ?? assert.fail('nothing is left')
      this.items.memory.claim(slot, this.clock.now())
      this.clock.advance(eachMs)
      this.items.memory.succeed(slot, false, eachMs)
      if (!this.items.memory.ringBell()) continue
      this.#rings++
      this.#bell.look()
    }
  }

  /** Times between the looks. */
  get pauses(): readonly number[] {
    return this.looks.slice(1).map(([at], index) => at - (this.looks[index]?.[0] ?? 0))
  }
}

describe('the bell of a busy thread', () => {
  it('rings once, and is looked at from then on', () => {
    const lane = new BusyLane()
    lane.work(32, 0.25)
    assert.equal(lane.rings, 1)
    assert.ok(lane.looks.length > 2)
  })

  it('is looked at after 4 ms at most, when it has more to do than that', () => {
    const lane = new BusyLane()
    lane.work(40, 0.5)
    const [first, ...others] = lane.pauses
    assert.equal(first, 1)
    assert.ok(others.length > 2)
    for (const pause of others) assert.equal(pause, 4)
  })

  it('is looked at when it should be through with what is left, after a millisecond at least', () => {
    const lane = new BusyLane()
    lane.work(64, 0.125)
    // One has ended at the ring, 9 at the first look and 41 at the next: 23 are left.
    assert.deepEqual(lane.pauses.slice(0, 3), [1, 4, 23 * 0.125])
  })

  it('rings again after a look that has found nothing, and its pace is learnt anew', () => {
    const lane = new BusyLane()
    lane.work(8, 0.5)
    lane.clock.advance(20)
    assert.equal(lane.looks.at(-1)?.[1], 0)
    lane.work(6, 0.5)
    assert.equal(lane.rings, 2)
    const at = lane.looks.findIndex(([, ended]) => ended === 0)
    assert.equal(lane.pauses[at + 1], 1)
  })
})
