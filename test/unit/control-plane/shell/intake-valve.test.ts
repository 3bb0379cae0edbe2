/** What is paused at the client, and when: late, because a pause is dear, and never longer than needed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IntakeValve } from '../../../../framework/control-plane/shell/intake-valve.ts'
import { WorkManager } from '../../../../framework/control-plane/work-manager.ts'
import { partitionId, type TopicPartition } from '../../../../framework/model/record.ts'
import type { Limits } from '../../../../framework/model/settings.ts'
import type { WorkItem } from '../../../../framework/model/work.ts'
import { ManualClock } from '../../../../framework/testing/manual-clock.ts'
import { aRecord, aRoute, Driver, of, range, someLimits } from '../builders.ts'

/** @param concurrency of the handler; as many as the limits allow, unless something is to be left idle */
function aValve(limits: Partial<Limits>, concurrency = 8) {
  const clock = new ManualClock(0)
  const driver = new Driver({ limits, route: { ordering: 'unordered', concurrency } }).assign(0, 0).assign(1, 0)
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
    assert.ok(valve.apply() > 0)
    const items = [...take(4, 0), ...take(4, 1)]
    assert.equal(valve.apply(), 0)
    clock.pass(249)
    assert.equal(valve.apply(), 0)
    assert.equal(valve.isPaused, false)
    finish([...items.slice(0, 2), ...items.slice(4, 6)])
    assert.ok(valve.apply() > 0)
    assert.deepEqual(calls, [])
  })

  it('is paused once it has been held for 250 ms, and resumed when there is room', () => {
    const { clock, driver, calls, valve, take, finish } = aValve({ maxRecords: 8 })
    const items = [...take(4, 0), ...take(4, 1)]
    valve.apply()
    clock.pass(250)
    assert.equal(valve.apply(), 0)
    assert.deepEqual([calls, valve.isPaused], [['pause 0,1'], true])
    clock.pass(60_000)
    valve.apply()
    finish([...items.slice(0, 1), ...items.slice(4, 5)])
    valve.apply()
    assert.deepEqual(calls, ['pause 0,1'])
    finish([...items.slice(1, 2), ...items.slice(5, 6)])
    assert.ok(valve.apply() > 0)
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
      const items = [...take(4, 0), ...take(4, 1)]
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
    const items = [...take(4, 0), ...take(4, 1)]
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

  it('is paused at once when the handler has nothing else to do, and others may bring something', () => {
    const { calls, valve, take } = aValve({ maxRecordsPerPartition: 8 }, 9)
    take(8)
    assert.equal(valve.apply(), 2)
    assert.deepEqual(calls, ['pause 0'])
  })

  it('is not paused at once when all are full: nothing would come of it', () => {
    const { clock, calls, valve, take } = aValve({ maxRecords: 100, maxRecordsPerPartition: 8 }, 100)
    take(8, 0)
    take(8, 1)
    assert.equal(valve.apply(), 0)
    clock.pass(249)
    assert.equal(valve.apply(), 0)
    assert.deepEqual(calls, [])
    clock.pass(1)
    valve.apply()
    assert.deepEqual(calls, ['pause 0,1'])
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
    const { clock, driver, paused, valve, take, finish } = aValve({ maxRecords: 20, maxRecordsPerPartition: 12 }, 100)
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

  it('a full partition that has room again while all are paused is resumed with them', () => {
    const { clock, paused, valve, take, finish } = aValve({ maxRecords: 20, maxRecordsPerPartition: 12 }, 100)
    const hot = take(11, 0)
    valve.apply()
    clock.pass(250)
    valve.apply()
    const other = take(9, 1)
    valve.apply()
    clock.pass(250)
    valve.apply()
    finish(hot)
    valve.apply()
    assert.deepEqual([...paused], [1])
    finish(other)
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

describe('what is paused as a whole', () => {
  it('is resumed also where a partition was full for a moment before', () => {
    const { clock, driver, paused, valve, take, finish } = aValve({ maxRecords: 80, maxRecordsPerPartition: 60 }, 100)
    const items = [take(20, 0), take(20, 1), take(20, 0), take(20, 1)].flat()
    valve.apply()
    clock.pass(250)
    valve.apply()
    driver.assign(2, 0)
    valve.onAssigned([of(2)])
    valve.apply()
    finish(items)
    clock.pass(100)
    valve.apply()
    clock.pass(60_000)
    valve.apply()
    assert.deepEqual([driver.manager.pausedPartitions(), [...paused]], [[], []])
  })

  it('does not hold back a handler because another one of its group stands still', () => {
    for (const standing of [1, 4, 12, 30]) {
      const routes = [aRoute({ handlerId: 'a', topic: 'a' }), aRoute({ handlerId: 'b', topic: 'b' })]
      const limits = someLimits({ maxRecords: 10_000, maxRecordsPerPartition: 5_000 })
      const rest = {
        recovery: 'metadata',
        maxMetadataLength: 4_095,
        sessionTimeoutMs: Number.POSITIVE_INFINITY,
        random: () => 0.5,
      } as const
      const manager = new WorkManager({ routes, limits, ...rest })
      const own = { topic: 'b', partition: 0 }
      const all = [...range(0, standing).map((partition) => ({ topic: 'a', partition })), own]
      manager.onAssigned(all.map((each) => ({ ...each, position: 0, metadata: '' })))
      manager.pause('a')
      const [clock, paused] = [new ManualClock(0), new Set<string>()]
      const client = {
        pause: (partitions: readonly TopicPartition[]) => {
          for (const each of partitions) paused.add(partitionId(each))
        },
        resume: (partitions: readonly TopicPartition[]) => {
          for (const each of partitions) paused.delete(partitionId(each))
        },
      }
      const valve = new IntakeValve(client, manager, clock, undefined)
      const next = new Map<string, number>()
      let doneInTheEnd = 0
      for (let round = 0; round < 2_000; round += 1) {
        clock.pass(20)
        const size = valve.apply()
        const open = all.filter((each) => !paused.has(partitionId(each)))
        const from = open[round % open.length]
        if (size > 0 && from !== undefined) {
          const offset = next.get(partitionId(from)) ?? 0
          next.set(partitionId(from), offset + size)
          manager.onPolled(range(offset, offset + size).map((each) => ({ ...aRecord(each), ...from })))
        }
        for (const { id } of manager.takeReady(clock.now(), () => 100)) {
          manager.onCompletion({ workId: id, outcome: { kind: 'succeeded' }, durationMs: 1 }, clock.now())
          if (round > 1_900) doneInTheEnd += 1
        }
      }
      assert.ok(doneInTheEnd > 0, `${standing} partitions of another handler stop it`)
    }
  })
})
