/** The memory that a lane shares with its thread. Both sides are played here by one thread: each call is one atomic step. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LaneMemory, slotState } from '../../../../../framework/execution-plane/worker/thread/lane-memory.ts'

function bothSides(slots: number): readonly [engine: LaneMemory, thread: LaneMemory] {
  const engine = LaneMemory.create(slots)
  return [engine, LaneMemory.of(engine.buffer)]
}

describe('lane memory', () => {
  it('lets either the thread start an item or the engine take it back, never both', () => {
    const [engine, thread] = bothSides(2)
    engine.offer(0)
    assert.equal(thread.claim(0, 1_000), true)
    assert.equal(engine.takeBack(0), false)
    engine.offer(1)
    assert.equal(engine.takeBack(1), true)
    assert.equal(thread.claim(1, 1_001), false)
    assert.equal(engine.startedAt(0), 1_000)
    assert.equal(engine.passed, 2)
  })

  it('tells what has ended, once each, in order', () => {
    const [engine, thread] = bothSides(3)
    for (const slot of [0, 1, 2]) {
      engine.offer(slot)
      thread.claim(slot, 0)
    }
    thread.succeed(1, false, 1.5)
    thread.succeed(0, true, 2.5)
    assert.deepEqual([...engine.drain('silent')], [1, 0])
    assert.deepEqual([...engine.drain('silent')], [])
    assert.deepEqual([engine.stateOf(1), engine.durationMs(1)], [slotState.succeeded, 1.5])
    assert.deepEqual([engine.stateOf(0), engine.durationMs(0)], [slotState.filtered, 2.5])
    assert.equal(engine.stateOf(2), slotState.running)
  })

  it('does not count as running what a message tells of', () => {
    const [engine, thread] = bothSides(1)
    engine.offer(0)
    thread.claim(0, 0)
    thread.tell(0)
    assert.equal(engine.stateOf(0), slotState.told)
    assert.equal(engine.takeBack(0), false)
    assert.deepEqual([...engine.drain('silent')], [])
  })

  it('rings once until the engine has looked', () => {
    const [engine, thread] = bothSides(1)
    assert.deepEqual([thread.ringBell(), thread.ringBell(), thread.ringHungry()], [true, false, false])
    assert.deepEqual([...engine.drain('silent')], [])
    assert.equal(thread.ringBell(), true)
    assert.deepEqual([...engine.drain('silent')], [])
    assert.equal(thread.ringHungry(), true)
  })

  it('rings only for a thread that has little left while the engine looks by itself', () => {
    const [engine, thread] = bothSides(1)
    assert.deepEqual([...engine.drain('watched')], [])
    assert.deepEqual([thread.ringBell(), thread.ringHungry(), thread.ringHungry()], [false, true, false])
  })

  it('goes round its ring for ever', () => {
    const [engine, thread] = bothSides(3)
    for (let round = 0; round < 1_000; round++) {
      const slot = round % 3
      engine.offer(slot)
      thread.claim(slot, round)
      thread.succeed(slot, false, round)
      assert.deepEqual([...engine.drain('silent')], [slot])
      assert.equal(engine.durationMs(slot), round)
      engine.free(slot)
    }
  })

  it('lets a thread be only so many log lines ahead', () => {
    const [engine, thread] = bothSides(1)
    thread.waitForLines(9, 10)
    for (let line = 0; line < 5; line++) engine.takeLine()
    // Would wait for ever if the five did not count.
    thread.waitForLines(14, 10)
  })
})
