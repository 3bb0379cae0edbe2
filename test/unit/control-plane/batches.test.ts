/** Batches: which records run together, how long they wait for others, and what becomes of them when some, or all, have failed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BatchSettings, Route } from '../../../framework/model/settings.ts'
import type { Outcome, WorkItem } from '../../../framework/model/work.ts'
import { aFailure, aRecord, Driver, failed, interrupted, keyed, offsetsOf, range, timedOut } from './builders.ts'

function driverOf(batch: BatchSettings, route: Partial<Route> = {}): Driver {
  return new Driver({ route: { ...route, batch } }).assign(0, 0)
}

const offsetsIn = (item: WorkItem | undefined) => item?.records.map(({ offset }) => offset)
const batches = (items: readonly WorkItem[]) => items.map(offsetsIn)

function partial(failures: Readonly<Record<number, boolean>>): Outcome {
  const entries = Object.entries(failures).map(
    ([index, retryable]) => [Number(index), aFailure({ retryable })] as const,
  )
  return { kind: 'partial', failures: new Map(entries) }
}

describe('a batch', () => {
  it('has records of different keys, and consecutive ones of a key, up to its size', () => {
    const driver = driverOf({ size: 3, waitMs: 0 })
    driver.poll(keyed(0, 'a'), keyed(1, 'b'), keyed(2, 'a'), keyed(3, 'c'), aRecord(4), aRecord(5), aRecord(6))
    const items = driver.start()
    assert.deepEqual(batches(items), [[0, 2, 1], [3, 4, 5], [6]])
    assert.deepEqual(items[0]?.attempts, [1, 1, 1])
    assert.equal(driver.manager.gauges().inFlight, 7)
  })

  it('holds no record of a key that another one has', () => {
    const driver = driverOf({ size: 2, waitMs: 0 }).poll(keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'a'), keyed(3, 'b'))
    const [first, second, ...others] = driver.start()
    assert.deepEqual([offsetsIn(first), offsetsIn(second), others], [[0, 1], [3], []])
    assert.deepEqual(batches(driver.end(first).start()), [[2]])
  })

  it('is of one partition', () => {
    const driver = driverOf({ size: 10, waitMs: 0 }).assign(1, 0)
    driver.poll(aRecord(0), aRecord(0, { partition: 1 }))
    assert.deepEqual(batches(driver.start()), [[0], [0]])
  })

  it('keeps the order of its partition when that is asked for', () => {
    const driver = driverOf({ size: 4, waitMs: 0 }, { ordering: 'partition' })
    driver.poll(...range(0, 6).map((offset) => keyed(offset, `k${offset}`)))
    const [first, ...others] = driver.start()
    assert.deepEqual([offsetsIn(first), others], [[0, 1, 2, 3], []])
    assert.deepEqual(batches(driver.end(first).start()), [[4, 5]])
  })

  it('counts as one call against the concurrency', () => {
    const driver = driverOf({ size: 2, waitMs: 0 }, { concurrency: 2 }).poll(...range(0, 6).map((at) => aRecord(at)))
    assert.deepEqual(batches(driver.start()), [
      [0, 1],
      [2, 3],
    ])
  })
})

describe('a batch that is not whole', () => {
  it('waits for others, and says when it will not any longer', () => {
    const driver = driverOf({ size: 3, waitMs: 50 })
    driver.now = 1_000
    driver.poll(aRecord(0), aRecord(1))
    assert.deepEqual(driver.start(), [])
    assert.equal(driver.manager.nextWakeAt, 1_050)
    assert.equal(driver.manager.gauges().inFlight, 0)
    driver.now = 1_049
    assert.deepEqual(driver.start(), [])
    driver.now = 1_050
    assert.deepEqual(batches(driver.start()), [[0, 1]])
    assert.equal(driver.manager.nextWakeAt, undefined)
  })

  it('starts as soon as it is whole', () => {
    const driver = driverOf({ size: 3, waitMs: 50 }).poll(aRecord(0), aRecord(1))
    assert.deepEqual(driver.start(), [])
    assert.deepEqual(batches(driver.poll(aRecord(2), aRecord(3)).start()), [[0, 1, 2]])
    assert.equal(driver.manager.nextWakeAt, 50)
  })

  it('wakes nobody while there is no slot for it', () => {
    const driver = driverOf({ size: 3, waitMs: 50 }, { concurrency: 1 }).poll(...range(0, 4).map((at) => aRecord(at)))
    const [whole] = driver.start()
    driver.now = 500
    assert.deepEqual([driver.start(), driver.manager.nextWakeAt], [[], undefined])
    driver.end(whole)
    assert.deepEqual([driver.start(), driver.manager.nextWakeAt], [[], 550])
  })

  it('waits no less for a retry that is due later', () => {
    const driver = driverOf({ size: 2, waitMs: 50 }).poll(aRecord(0), aRecord(1), aRecord(2))
    driver.end(driver.start()[0], partial({ 0: true }))
    assert.deepEqual([driver.start(), driver.manager.nextWakeAt], [[], 50])
    driver.now = 50
    assert.deepEqual([batches(driver.start()), driver.manager.nextWakeAt], [[[2]], 100])
  })

  it('waits anew when the one that has waited longest was given up meanwhile', () => {
    const retry = { attempts: 9, backoff: 'fixed', minMs: 100, maxMs: 100, jitter: false } as const
    const driver = driverOf({ size: 3, waitMs: 1_000 }, { retry, maxBlockingMs: 1_500 }).poll(aRecord(0))
    driver.start()
    driver.now = 1_000
    driver.end(driver.start()[0], failed)
    for (const now of [1_100, 1_500]) {
      driver.now = now
      assert.deepEqual(driver.start(), [])
    }
    driver.manager.onDeadLettered(driver.takeDeadLetter())
    driver.now = 1_600
    assert.deepEqual(driver.poll(aRecord(1)).start(), [])
    assert.equal(driver.manager.nextWakeAt, 2_600)
    driver.now = 2_599
    assert.deepEqual(driver.start(), [])
    driver.now = 2_600
    assert.deepEqual(batches(driver.start()), [[1]])
  })

  it('is not started once its partition drains, and leaves nothing behind', () => {
    const driver = driverOf({ size: 3, waitMs: 50 }).poll(aRecord(0))
    driver.start()
    driver.manager.startDraining([{ topic: 'orders', partition: 0 }])
    driver.now = 100
    assert.deepEqual(driver.start(), [])
    driver.manager.onRevoked([{ topic: 'orders', partition: 0 }])
    assert.deepEqual([driver.start(), driver.manager.nextWakeAt], [[], undefined])
    assert.equal(driver.manager.gauges().records, 0)
  })
})

describe('a batch with failed records', () => {
  it('settles each by itself', () => {
    const driver = driverOf({ size: 4, waitMs: 0 }).poll(...range(0, 4).map((at) => aRecord(at)))
    driver.end(driver.start()[0], partial({ 1: true, 2: false }))
    assert.deepEqual(
      driver.eventsOf('record.done').map(({ record }) => record.offset),
      [0, 3],
    )
    assert.equal(driver.eventsOf('record.retry')[0]?.record.offset, 1)
    assert.equal(driver.takeDeadLetter().record.offset, 2)
    driver.now = 100
    const [again] = driver.start()
    assert.deepEqual([offsetsIn(again), again?.attempts], [[1], [2]])
  })

  it('tells filtered records from handled ones', () => {
    const driver = driverOf({ size: 2, waitMs: 0 }).poll(aRecord(0), aRecord(1))
    driver.end(driver.start()[0], { kind: 'partial', failures: new Map(), filtered: new Set([1]) })
    assert.deepEqual(
      driver.eventsOf('record.done').map(({ filtered }) => filtered),
      [false, true],
    )
  })

  it('runs those again that were behind one of their key which is tried again, after it', () => {
    const driver = driverOf({ size: 4, waitMs: 0 })
    driver.poll(keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'a'), keyed(3, 'b'))
    driver.end(driver.start()[0], partial({ 1: true }))
    assert.deepEqual(
      driver.eventsOf('record.done').map(({ record }) => record.offset),
      [0, 3],
    )
    assert.equal(driver.commit()?.position, 1)
    assert.deepEqual(driver.start(), [])
    driver.now = 100
    const [again] = driver.start()
    assert.deepEqual(
      [offsetsIn(again), again?.attempts],
      [
        [1, 2],
        [2, 1],
      ],
    )
    driver.end(again)
    assert.equal(driver.commit()?.position, 4)
    assert.deepEqual(driver.manager.gauges(), { records: 0, bytes: 0, inFlight: 0, retriesWaiting: 0, deadLetters: 0 })
  })

  it('counts those as done that were behind one of their key which is given up, up to the next that failed', () => {
    const driver = driverOf({ size: 4, waitMs: 0 })
    driver.poll(...range(0, 5).map((offset) => keyed(offset, 'a')))
    driver.end(driver.start()[0], partial({ 0: false, 2: true }))
    assert.deepEqual(
      driver.eventsOf('record.done').map(({ record }) => record.offset),
      [1],
    )
    // The key goes on once the dead letter is acknowledged, with what failed behind it: its attempt does not count. Nor does what came
    // behind that, though it has succeeded: it would be done before it.
    assert.deepEqual(driver.start(), [])
    driver.manager.onDeadLettered(driver.takeDeadLetter())
    const [next] = driver.start()
    assert.deepEqual(
      [offsetsIn(next), next?.attempts],
      [
        [2, 3, 4],
        [1, 1, 1],
      ],
    )
    driver.end(next)
    assert.equal(driver.commit()?.position, 5)
  })
})

describe('a batch that fails as a whole', () => {
  for (const [how, outcome] of [
    ['throws', failed],
    ['times out', timedOut],
    ['is interrupted', interrupted],
    ['gives up', { kind: 'failed', failure: aFailure({ retryable: false, reason: 'dead-letter' }) }],
  ] as const) {
    it(`is split until the record that is to blame is alone, when it ${how}; the others are done, in their first attempt`, () => {
      const driver = driverOf({ size: 16, waitMs: 1_000 }).poll(...range(0, 16).map((at) => aRecord(at)))
      const bad = 11
      let calls = 0
      for (let items = driver.start(); items.length > 0; items = driver.start()) {
        for (const item of items) {
          const isBad = offsetsIn(item)?.includes(bad) === true
          if (isBad && item.records.length === 1) {
            assert.deepEqual(item.attempts, [1])
            driver.end(item, { kind: 'failed', failure: aFailure({ retryable: false }) })
          } else driver.end(item, isBad ? outcome : undefined)
          calls++
        }
      }
      assert.equal(driver.takeDeadLetter().record.offset, bad)
      assert.deepEqual(
        driver
          .eventsOf('record.done')
          .map(({ record, attempt }) => [record.offset, attempt])
          .sort(([a = 0], [b = 0]) => a - b),
        range(0, 16)
          .filter((at) => at !== bad)
          .map((at) => [at, 1]),
      )
      assert.ok(calls <= 9, `${calls} calls`)
      assert.deepEqual(
        driver.eventsOf('batch.split').map(({ records }) => records),
        [16, 8, 4, 2],
      )
    })
  }

  it('keeps the order of a key over all that', () => {
    const driver = driverOf({ size: 4, waitMs: 0 }).poll(...range(0, 4).map((offset) => keyed(offset, 'a')))
    driver.end(driver.start()[0], failed)
    const [half] = driver.start()
    assert.deepEqual(offsetsIn(half), [0, 1])
    assert.deepEqual(offsetsOf(driver.start()), [])
    assert.deepEqual(batches(driver.end(half).start()), [[2, 3]])
  })

  it('fails like a single record when it is one', () => {
    const driver = driverOf({ size: 4, waitMs: 0 }).poll(aRecord(0))
    driver.end(driver.start()[0], failed)
    assert.equal(driver.eventsOf('record.retry').length, 1)
    assert.equal(driver.eventsOf('batch.split').length, 0)
  })
})

describe('the guards of a batch handler', () => {
  const hopeless = { kind: 'failed', failure: aFailure({ retryable: false }) } as const

  it('count every record for a rate, and let the whole batch go', () => {
    const driver = driverOf({ size: 4, waitMs: 0 }, { rateLimit: 10 }).poll(...range(0, 8).map((at) => aRecord(at)))
    assert.deepEqual(batches(driver.start()), [[0, 1, 2, 3]])
    driver.now = 300
    assert.deepEqual(driver.start(), [], 'four records are the share of 400 ms')
    assert.equal(driver.manager.nextWakeAt, 400)
    driver.now = 400
    assert.deepEqual(batches(driver.start()), [[4, 5, 6, 7]])
  })

  it('keep the records of a poisoned key out of a batch, also while it waits for others', () => {
    const poison = { threshold: 1, cooldownMs: 1_000 }
    const driver = driverOf({ size: 3, waitMs: 50 }, { poison }).poll(keyed(0, 'a'), keyed(1, 'b'), keyed(2, 'b'))
    driver.end(driver.start()[0], partial({ 0: false }))
    driver.manager.onDeadLettered(driver.takeDeadLetter())
    driver.poll(keyed(3, 'a'), keyed(4, 'b'), keyed(5, 'c'))
    assert.deepEqual(driver.start(), [])
    const request = driver.takeDeadLetter()
    assert.deepEqual([request.record.offset, request.failure.reason], [3, 'poisoned'])
    driver.poll(keyed(6, 'b'))
    assert.deepEqual(batches(driver.start()), [[4, 6, 5]])
  })

  it('end a batch before the record of a poisoned key that is not the first of its shard', () => {
    const poison = { threshold: 1, cooldownMs: 1_000 }
    const driver = driverOf({ size: 3, waitMs: 0 }, { poison, ordering: 'partition' })
    driver.poll(keyed(0, 'a')).end(driver.start()[0], hopeless)
    driver.manager.onDeadLettered(driver.takeDeadLetter())
    driver.poll(keyed(1, 'b'), keyed(2, 'a'), keyed(3, 'b'))
    const [first] = driver.start()
    assert.deepEqual(offsetsIn(first), [1])
    assert.deepEqual(driver.manager.takeDeadLetters(), [])
    driver.end(first)
    assert.deepEqual(driver.start(), [])
    assert.equal(driver.takeDeadLetter().record.offset, 2)
  })

  it('give up no record that blocks only because its batch has failed, before it has run without the others', () => {
    const driver = driverOf({ size: 2, waitMs: 0 }, { maxBlockingMs: 100 }).poll(keyed(0, 'a'), keyed(1, 'b'))
    const [whole] = driver.start()
    driver.now = 200
    driver.end(whole, timedOut)
    const [first] = driver.start()
    assert.deepEqual(offsetsIn(first), [0])
    driver.end(first, failed)
    assert.equal(driver.takeDeadLetter().failure.reason, 'blocked')
  })

  it('learn about the limit from the calls, whatever their number of records', () => {
    const driver = driverOf({ size: 5, waitMs: 0 }, { adaptive: { min: 1, intervalMs: 10 }, concurrency: 64 })
    driver.poll(...range(0, 500).map((at) => aRecord(at)))
    assert.equal(driver.start().length, 8)
  })
})
