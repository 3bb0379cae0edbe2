/** What is paused at the client, and when: late, because a pause is dear, and never longer than needed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IntakeValve } from '../../../framework/control-plane/intake-valve.ts'
import type { TopicPartition } from '../../../framework/model/record.ts'
import type { Limits } from '../../../framework/model/settings.ts'
import type { WorkItem } from '../../../framework/model/work.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { aRecord, Driver, of, range } from './builders.ts'

function aValve(limits: Partial<Limits>) {
  const clock = new ManualClock(0)
  const driver = new Driver({ limits, route: { ordering: 'unordered' } }).assign(0, 0).assign(1, 0)
  const calls: string[] = []
  const paused = new Set<number>()
  const tell = (verb: string, change: (partition: number) => void) => (partitions: readonly TopicPartition[]) => {
    calls.push(`${verb} ${partitions.map(({ partition }) => partition)}`)
    for (const { partition } of partitions) change(partition)
  }
  const client = {
    pause: tell('pause', (partition) => paused.add(partition)),
    resume: tell('resume', (partition) => paused.delete(partition)),
  }
  const valve = new IntakeValve(client, driver.manager, clock, (event) => driver.events.push(event))
  const next = [0, 0, 0]
  const take = (count: number, partition = 0) => {
    const from = next[partition] ?? 0
    next[partition] = from + count
    driver.poll(...range(from, from + count).map((offset) => aRecord(offset, { partition })))
    return driver.start()
  }
  const finish = (items: readonly WorkItem[]) => driver.endAll(items)
  return { clock, driver, calls, paused, valve, take, finish }
}

describe('intake as a whole', () => {
  it('takes nothing while it is held, and pauses nothing for a moment', () => {
    const { clock, calls, valve, take, finish } = aValve({ maxRecords: 8 })
    assert.equal(valve.apply(), 2)
    const items = take(8)
    assert.equal(valve.apply(), 0)
    clock.pass(249)
    assert.equal(valve.apply(), 0)
    assert.equal(valve.isPaused, false)
    finish(items.slice(0, 3))
    assert.equal(valve.apply(), 2)
    assert.deepEqual(calls, [])
  })

  it('is paused once it has been held for 250 ms, and resumed when there is room', () => {
    const { clock, driver, calls, valve, take, finish } = aValve({ maxRecords: 8 })
    const items = take(8)
    valve.apply()
    clock.pass(250)
    assert.equal(valve.apply(), 0)
    assert.deepEqual([calls, valve.isPaused], [['pause 0,1'], true])
    clock.pass(60_000)
    valve.apply()
    finish(items.slice(0, 2))
    valve.apply()
    assert.deepEqual(calls, ['pause 0,1'])
    finish(items.slice(2, 3))
    assert.equal(valve.apply(), 2)
    assert.deepEqual([calls, valve.isPaused], [['pause 0,1', 'resume 0,1'], false])
    assert.deepEqual(driver.kinds().slice(-2).length, 2)
    assert.deepEqual(
      driver.kinds().filter((kind) => kind.startsWith('partitions.')),
      ['partitions.paused', 'partitions.resumed'],
    )
  })

  it('counts the 250 ms anew each time', () => {
    const { clock, calls, valve, take, finish } = aValve({ maxRecords: 8 })
    for (let round = 0; round < 5; round += 1) {
      const items = take(8)
      valve.apply()
      clock.pass(200)
      valve.apply()
      finish(items)
      valve.apply()
    }
    assert.deepEqual(calls, [])
  })

  it('pauses partitions that come while it is paused, and resumes them with the others', () => {
    const { clock, driver, paused, valve, take, finish } = aValve({ maxRecords: 8 })
    const items = take(8)
    valve.apply()
    clock.pass(250)
    valve.apply()
    driver.assign(2, 0)
    valve.onAssigned([of(2)])
    assert.deepEqual([...paused], [0, 1, 2])
    finish(items)
    valve.apply()
    assert.deepEqual([...paused], [])
  })
})

describe('one partition that is full', () => {
  it('stops all intake for 250 ms, then is paused alone, so that the others go on', () => {
    const { clock, calls, valve, take } = aValve({ maxRecordsPerPartition: 8 })
    take(8)
    assert.equal(valve.apply(), 0)
    clock.pass(249)
    assert.equal(valve.apply(), 0)
    assert.deepEqual(calls, [])
    clock.pass(1)
    assert.equal(valve.apply(), 2)
    assert.deepEqual(calls, ['pause 0'])
  })

  it('is not paused when it has room again before that', () => {
    const { clock, calls, valve, take, finish } = aValve({ maxRecordsPerPartition: 8 })
    const items = take(8)
    valve.apply()
    clock.pass(100)
    finish(items)
    assert.equal(valve.apply(), 2)
    clock.pass(1_000)
    valve.apply()
    assert.deepEqual(calls, [])
  })

  it('is resumed when it has room', () => {
    const { clock, calls, valve, take, finish } = aValve({ maxRecordsPerPartition: 8 })
    const items = take(8)
    valve.apply()
    clock.pass(250)
    valve.apply()
    finish(items)
    valve.apply()
    assert.deepEqual(calls, ['pause 0', 'resume 0'])
  })

  it('stays paused when all others are resumed', () => {
    const { clock, driver, paused, valve, take, finish } = aValve({ maxRecords: 20, maxRecordsPerPartition: 12 })
    take(11, 0)
    valve.apply()
    clock.pass(250)
    valve.apply()
    assert.deepEqual([...paused], [0])
    const items = take(9, 1)
    valve.apply()
    clock.pass(250)
    valve.apply()
    assert.deepEqual([...paused].toSorted(), [0, 1])
    finish(items)
    valve.apply()
    assert.deepEqual([...paused], [0])
    driver.endAll(driver.start())
  })

  it('that has room again while all are paused is resumed with them', () => {
    const { clock, paused, valve, take, finish } = aValve({ maxRecords: 20, maxRecordsPerPartition: 12 })
    const hot = take(11, 0)
    valve.apply()
    clock.pass(250)
    valve.apply()
    take(9, 1)
    valve.apply()
    clock.pass(250)
    valve.apply()
    finish(hot)
    valve.apply()
    assert.deepEqual([...paused], [])
  })

  it('is forgotten when it goes, so that nothing pauses it after it has come back', () => {
    const { clock, driver, calls, valve, take } = aValve({ maxRecordsPerPartition: 8 })
    take(8)
    valve.apply()
    driver.manager.onLost([of(0)])
    valve.onGone([of(0)])
    driver.assign(0, 0)
    valve.onAssigned([of(0)])
    clock.pass(1_000)
    assert.equal(valve.apply(), 2)
    assert.deepEqual(calls, [])
  })
})
