/** Which record starts next: the blocking one first, else fair turns, and never more than the engine can hold. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Scheduler } from '../../../../framework/control-plane/flow/scheduler.ts'
import { WorkManager } from '../../../../framework/control-plane/work-manager.ts'
import type { KafkaRecord } from '../../../../framework/model/record.ts'
import {
  aRecord,
  aRoute,
  Driver,
  failed,
  keyed,
  offsetsOf,
  range,
  someLimits,
  succeeded,
  timedOut,
} from '../builders.ts'

const at = (partition: number) => (records: readonly KafkaRecord[]) =>
  records.map((record) => ({ ...record, partition }))

describe('the order of starts', () => {
  it('takes the blocking offset first, also when its shard has just had a turn', () => {
    const driver = new Driver({ route: { concurrency: 1 } }).assign(0, 0)
    driver.poll(keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'b'), keyed(3, 'c'))
    const order: number[] = []
    for (let items = driver.start(); items.length > 0; items = driver.start()) {
      order.push(...offsetsOf(items))
      driver.endAll(items)
    }
    assert.deepEqual(order, [0, 1, 2, 3])
  })

  it('starts as many more as an engine has set aside, which take no slot', () => {
    const driver = new Driver({ route: { concurrency: 2, ordering: 'unordered' } }).assign(0, 0)
    driver.poll(...range(0, 10).map((offset) => aRecord(offset)))
    const { manager, now } = driver
    const counts = [0, 1, 2, 0].map(
      (setAside) =>
        manager.takeReady(
          now,
          () => 2,
          () => setAside,
        ).length,
    )
    assert.deepEqual(counts, [2, 1, 1, 0])
  })

  it('takes the blocking offset first when it comes back for its retry', () => {
    const driver = new Driver({ route: { concurrency: 2, ordering: 'unordered' } }).assign(0, 0)
    driver.poll(...range(0, 10).map((offset) => aRecord(offset)))
    const [first, second] = driver.start()
    driver.end(first, failed)
    driver.now += 1_000
    assert.deepEqual(driver.startOffsets(), [0])
    driver.end(second)
    assert.deepEqual(driver.startOffsets(), [2])
  })

  it('gives every partition its turn, however much one of them has waiting', () => {
    const driver = new Driver({ route: { concurrency: 3, ordering: 'unordered' } })
      .assign(0, 0)
      .assign(1, 0)
      .assign(2, 0)
    driver.poll(...range(0, 100).map((offset) => aRecord(offset)))
    driver.poll(...at(1)([aRecord(0), aRecord(1)]), ...at(2)([aRecord(0), aRecord(1)]))
    const partitions: (number | undefined)[] = []
    for (let round = 0; round < 2; round += 1) {
      const items = driver.start()
      partitions.push(...items.map(({ records: [record] }) => record?.partition))
      driver.endAll(items)
    }
    assert.deepEqual(partitions.toSorted(), [0, 0, 1, 1, 2, 2])
  })

  it('starves no key beside a hot one, and no partition beside a hot one', () => {
    const driver = new Driver({ route: { concurrency: 4 } }).assign(0, 0).assign(1, 0)
    // The blocking record never ends, so all others are in rotation.
    driver.poll(keyed(0, 'stuck'), ...range(1, 1_000).map((offset) => keyed(offset, 'hot')))
    driver.poll(...range(1_000, 1_020).map((offset) => keyed(offset, `cold ${offset}`)))
    driver.poll(...at(1)(range(0, 20).map((offset) => keyed(offset, `other ${offset}`))))
    const [stuck, ...rest] = driver.start()
    assert.deepEqual(offsetsOf([stuck!]), [0])
    const started = [...rest]
    let running = rest
    while (started.length < 130) {
      driver.endAll(running)
      running = driver.start()
      started.push(...running)
    }
    const rank = (is: (record: KafkaRecord) => boolean) => started.findLastIndex(({ records: [record] }) => is(record!))
    const cold = rank(({ partition, offset }) => partition === 0 && offset >= 1_000)
    const other = rank(({ partition }) => partition === 1)
    assert.ok(
      cold < 90 && other < 90,
      `the last cold key started as number ${cold}, the last of partition 1 as ${other}`,
    )
    assert.equal(new Set(started.map(({ id }) => id)).size, started.length)
  })

  it('starts no more than the handler allows, and no more than its engine can hold', () => {
    const driver = new Driver({ route: { concurrency: 5, ordering: 'unordered' } }).assign(0, 0)
    driver.poll(...range(0, 20).map((offset) => aRecord(offset)))
    const items = driver.start(3)
    assert.equal(items.length, 3)
    assert.deepEqual(driver.startOffsets(3), [])
    assert.deepEqual(driver.startOffsets(100), [3, 4])
    driver.end(items[0])
    assert.deepEqual(driver.startOffsets(0), [])
    assert.deepEqual(driver.startOffsets(100), [5])
  })

  it('keeps the slots of two handlers apart', () => {
    const manager = new WorkManager({
      routes: [
        aRoute({ topic: 'orders', handlerId: 'slow', concurrency: 1 }),
        aRoute({ topic: 'invoices', handlerId: 'fast', concurrency: 2 }),
      ],
      limits: someLimits(),
      recovery: 'metadata',
      maxMetadataLength: 4_095,
      sessionTimeoutMs: Number.POSITIVE_INFINITY,
      random: () => 0,
    })
    for (const topic of ['orders', 'invoices']) {
      manager.onAssigned([{ topic, partition: 0, position: 0, metadata: '' }])
      manager.onPolled(range(0, 3).map((offset) => aRecord(offset, { topic })))
    }
    const items = manager.takeReady(0, () => 10)
    assert.deepEqual(
      items.map(({ handlerId }) => handlerId),
      ['slow', 'fast', 'fast'],
    )
    manager.onCompletion({ workId: items[1]!.id, outcome: succeeded, durationMs: 1 }, 0)
    assert.deepEqual(
      manager.takeReady(0, () => 10).map(({ handlerId }) => handlerId),
      ['fast'],
    )
  })

  it('counts the slot of a handler that outlived its assignment until it is done', () => {
    const driver = new Driver({ route: { concurrency: 1 } }).assign(0, 0)
    driver.poll(keyed(0, 'a'))
    const [zombie] = driver.start()
    driver.manager.onLost([{ topic: 'orders', partition: 0 }])
    driver.assign(0, 0).poll(keyed(0, 'b'))
    assert.deepEqual(driver.startOffsets(), [])
    driver.end(zombie, timedOut)
    assert.deepEqual(driver.startOffsets(), [0])
  })

  it('refuses two handlers for one topic, and a topic without one, as bugs', () => {
    assert.throws(() => new Scheduler([aRoute({ handlerId: 'a' }), aRoute({ handlerId: 'b' })]), { code: 'PYR_BUG' })
    assert.throws(() => new Scheduler([aRoute()]).routeOf('nobody reads this'), { code: 'PYR_BUG' })
  })
})
