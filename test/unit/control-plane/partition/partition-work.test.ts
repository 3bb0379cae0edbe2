import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PartitionWork } from '../../../../framework/model/workload.ts'
import { aRecord, Driver, type DriverOptions, failed, keyed, range, TOPIC } from '../builders.ts'

const UNBOUNDED = Number.POSITIVE_INFINITY

function workOf({ manager }: Driver, logEnd: number | undefined, mostPerKey = UNBOUNDED): PartitionWork {
  const [work] =
    manager.readings
      .work(
        () => logEnd,
        () => mostPerKey,
      )
      .get(TOPIC) ?? []
  assert.ok(work)
  return work
}

function waitingOf(driver: Driver, mostPerKey?: number) {
  const { queued, startable, runnable, inFlight } = workOf(driver, 1_000, mostPerKey)
  return { queued, startable, runnable, inFlight }
}

const driven = (options?: DriverOptions) => new Driver(options).assign(0, 100)

describe('what a partition has to do', () => {
  it('is what is in memory and not done, and what has not arrived', () => {
    const driver = driven().poll(...range(100, 110).map((offset) => aRecord(offset)))
    driver.endAll(driver.start(), [102, 103, 104])
    const { records, notArrived, logEnd } = workOf(driver, 150)
    assert.deepEqual({ records, notArrived, logEnd }, { records: 7, notArrived: 40, logEnd: 150 })
  })

  it('is not known without the end of the log or a position, and nothing where the log is empty', () => {
    assert.equal(workOf(driven(), undefined).notArrived, null)
    assert.equal(workOf(new Driver().assign(), 50).notArrived, null)
    assert.equal(workOf(new Driver().assign(), 0).notArrived, 0)
  })

  it('goes by what has arrived where that is beyond what was heard of the end', () => {
    const { notArrived, logEnd } = workOf(driven().poll(aRecord(199)), 150)
    assert.deepEqual({ notArrived, logEnd }, { notArrived: 0, logEnd: 200 })
  })

  it('is without what an earlier owner has done above the position', () => {
    const before = driven().poll(...range(100, 110).map((offset) => aRecord(offset)))
    before.endAll(before.start(), [105, 106, 107])
    const driver = new Driver().assign(0, 100, before.commit()?.metadata)
    assert.equal(workOf(driver, 200).notArrived, 97)
    assert.equal(workOf(driver, 106).notArrived, 5)
    driver.poll(aRecord(100), aRecord(106))
    const { records, notArrived } = workOf(driver, 200)
    assert.deepEqual({ records, notArrived }, { records: 1, notArrived: 92 })
  })

  it('could run all at once where there are no keys', () => {
    const driver = driven().poll(aRecord(100), aRecord(101), aRecord(102))
    assert.deepEqual(waitingOf(driver), { queued: 3, startable: 3, runnable: 3, inFlight: 0 })
    driver.start(1)
    assert.deepEqual(waitingOf(driver), { queued: 2, startable: 2, runnable: 2, inFlight: 1 })
  })

  it('could start one of each key, and of a key no more counts than one slot can do', () => {
    const driver = driven().poll(...range(100, 120).map((offset) => keyed(offset, offset < 110 ? 'a' : `${offset}`)))
    assert.deepEqual(waitingOf(driver), { queued: 20, startable: 11, runnable: 20, inFlight: 0 })
    assert.equal(waitingOf(driver, 3).runnable, 13)
  })

  it('goes on behind a record in flight, one after the other', () => {
    const driver = driven().poll(keyed(100, 'a'), keyed(101, 'a'), keyed(102, 'a'))
    driver.start()
    assert.deepEqual(waitingOf(driver), { queued: 2, startable: 0, runnable: 2, inFlight: 1 })
    assert.equal(waitingOf(driver, 1).runnable, 1)
  })

  it('cannot run behind a record that waits for its retry or its dead letter', () => {
    const driver = driven({ route: { retry: { attempts: 2, backoff: 'fixed', minMs: 10, maxMs: 10, jitter: false } } })
    driver.poll(keyed(100, 'a'), keyed(101, 'a'), keyed(102, 'b'))
    const [first] = driver.start()
    driver.end(first, failed)
    assert.deepEqual(waitingOf(driver), { queued: 1, startable: 0, runnable: 0, inFlight: 1 })
    driver.now = 20
    driver.end(driver.start()[0], failed)
    assert.deepEqual(waitingOf(driver), { queued: 1, startable: 0, runnable: 0, inFlight: 1 })
  })

  it('cannot run while a handler of an earlier assignment is at work on its key', () => {
    const driver = driven().poll(keyed(100, 'a'))
    const [old] = driver.start()
    driver.manager.onLost([{ topic: TOPIC, partition: 0 }])
    driver.assign(0, 100).poll(keyed(100, 'a'), keyed(101, 'a'), keyed(102, 'b'))
    assert.deepEqual(waitingOf(driver), { queued: 3, startable: 1, runnable: 1, inFlight: 0 })
    driver.end(old)
    assert.deepEqual(waitingOf(driver), { queued: 3, startable: 2, runnable: 3, inFlight: 0 })
  })

  it('takes in nothing more at its limit, and starts nothing more where its metadata has no room', () => {
    const driver = driven({ limits: { maxRecordsPerPartition: 3 } })
    driver.poll(aRecord(100), aRecord(101))
    assert.equal(workOf(driver, 200).isFull, false)
    driver.poll(aRecord(102))
    assert.equal(workOf(driver, 200).isFull, true)

    const tight = driven({ limits: { maxOffsetSpan: 4 } })
    tight.poll(keyed(100, 'a'), keyed(101, 'a'), ...range(102, 110).map((offset) => aRecord(offset)))
    tight.endAll(tight.start(), range(102, 110))
    tight.poll(aRecord(110), aRecord(111))
    const { isFull, startable, runnable, queued } = workOf(tight, 200)
    assert.deepEqual({ isFull, startable, runnable, queued }, { isFull: true, startable: 0, runnable: 0, queued: 3 })
  })

  it('has the timestamp of the lowest record that is not done', () => {
    const driver = driven().poll(aRecord(100, { timestamp: 5 }), aRecord(101, { timestamp: 6 }))
    assert.equal(workOf(driver, 200).oldestAt, 5)
    driver.endAll(driver.start(), [100])
    assert.equal(workOf(driver, 200).oldestAt, 6)
    assert.equal(workOf(driven(), 200).oldestAt, null)
    assert.equal(workOf(driven().poll(aRecord(100, { timestamp: -1 })), 200).oldestAt, null)
  })

  it('adds what its attempts have taken, whatever came of them, but for those that were taken back', () => {
    const driver = driven().poll(aRecord(100), aRecord(101), aRecord(102))
    const [first, second, third] = driver.start()
    driver.end(first).end(second, failed).end(third, { kind: 'recalled' })
    assert.equal(driver.manager.readings.busyMsOf(TOPIC), 2)
  })
})
