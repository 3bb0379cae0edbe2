/** Records that cannot be read yet, because their schema is not here: no attempt, no slot, their key waits, and nothing is lost. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Route } from '../../../framework/model/settings.ts'
import type { Outcome } from '../../../framework/model/work.ts'
import { aRoute, Driver, failed, keyed, succeeded, TOPIC } from './builders.ts'

const notReady = (waiting?: ReadonlySet<number>): Outcome => ({
  kind: 'not-ready',
  why: 'the registry does not answer',
  ...(waiting === undefined ? {} : { waiting }),
})

const driverOf = (route: Partial<Route> = {}) => new Driver({ route }).assign(0, 0)
const around = (driver: Driver) => ({ now: driver.now, capacityOf: () => 100, logEnd: () => undefined })

describe('a record that cannot be read yet', () => {
  it('holds its key, takes no slot, and has used up no attempt when it runs', () => {
    const driver = driverOf({ concurrency: 1 }).poll(keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'b'))
    driver.end(driver.start()[0], notReady())
    const [b] = driver.start()
    assert.equal(b?.records[0]?.offset, 2)
    driver.end(b)
    assert.deepEqual(driver.startOffsets(), [])
    const { delayed, inFlight, retriesWaiting } = driver.manager.gauges()
    assert.deepEqual([delayed, inFlight, retriesWaiting], [1, 0, 0])
    driver.now = driver.manager.nextWakeAt ?? Number.NaN
    const [again] = driver.start()
    assert.deepEqual([again?.records[0]?.offset, again?.attempts], [0, [1]])
    driver.end(again)
    assert.deepEqual(driver.startOffsets(), [1])
  })

  it('waits longer each time, up to 5 s, and is never given up for that', () => {
    const driver = driverOf({ maxBlockingMs: 100, retry: { ...aRoute().retry, attempts: 1, maxAgeMs: 1 } })
    driver.poll(keyed(0, 'a'))
    const waits: number[] = []
    for (let round = 0; round < 12; round += 1) {
      const [item] = driver.start()
      assert.deepEqual(item?.attempts, [1])
      driver.end(item, notReady()).start()
      const wakeAt = driver.manager.nextWakeAt ?? Number.NaN
      waits.push(wakeAt - driver.now)
      driver.now = wakeAt
    }
    assert.deepEqual(waits.slice(0, 4), [15, 30, 60, 120])
    assert.equal(waits.at(-1), 3_750)
    assert.equal(driver.manager.takeDeadLetters().length, 0)
    const kinds = new Set(driver.kinds())
    assert.deepEqual([...kinds], ['partition.assigned', 'record.not-ready'])
  })

  it('counts what it has had to wait neither as blocking nor as age', () => {
    const driver = driverOf({ maxBlockingMs: 1_000, retry: { ...aRoute().retry, attempts: 9, maxAgeMs: 1_000 } })
    driver.poll(keyed(0, 'a'))
    while (driver.now < 10_000) {
      driver.end(driver.start()[0], notReady()).start()
      driver.now = driver.manager.nextWakeAt ?? Number.NaN
    }
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      driver.end(driver.start()[0], failed)
      driver.now += 200
    }
    assert.equal(driver.manager.takeDeadLetters().length, 0)
    assert.equal(driver.eventsOf('record.retry').length, 2)
  })

  it('begins with a short wait again once it could be read', () => {
    const driver = driverOf({ retry: { ...aRoute().retry, attempts: 9 } }).poll(keyed(0, 'a'))
    const turn = (outcome: Outcome) => {
      driver.end(driver.start()[0], outcome).start()
      const from = driver.now
      driver.now = driver.manager.nextWakeAt ?? Number.NaN
      return driver.now - from
    }
    for (let round = 0; round < 5; round += 1) turn(notReady())
    turn(failed)
    assert.equal(turn(notReady()), 15)
    assert.deepEqual(driver.start()[0]?.attempts, [2])
  })

  it('gives back what it has cost of the rate', () => {
    const driver = driverOf({ rateLimit: 1 }).poll(keyed(0, 'a'), keyed(1, 'b'))
    driver.end(driver.start()[0], notReady())
    assert.deepEqual(driver.startOffsets(), [1])
  })

  it('says what it waits for, and is told once for each time', () => {
    const driver = driverOf().poll(keyed(0, 'a'))
    driver.end(driver.start()[0], notReady()).start()
    const answer = driver.manager.explainer.explain({ topic: TOPIC, partition: 0, offset: 0 }, around(driver))
    assert.deepEqual(answer?.waitsFor, [{ kind: 'not-ready', dueAt: 15, why: 'the registry does not answer' }])
    assert.equal(answer?.state, 'delayed')
    const [event] = driver.eventsOf('record.not-ready')
    assert.deepEqual([event?.why, event?.delayMs, event?.attempt], ['the registry does not answer', 15, 1])
    assert.equal(driver.manager.notReady, 1)
    driver.now = 15
    driver.endAll(driver.start())
    assert.equal(driver.manager.notReady, 0)
  })

  it('is forgotten with its assignment', () => {
    const driver = driverOf().poll(keyed(0, 'a'))
    driver.end(driver.start()[0], notReady()).start()
    driver.manager.onRevoked([{ topic: TOPIC, partition: 0 }])
    assert.deepEqual(
      [driver.manager.notReady, driver.manager.gauges().delayed, driver.manager.nextWakeAt],
      [0, 0, undefined],
    )
  })

  it('can be given up by hand', () => {
    const driver = driverOf().poll(keyed(0, 'a'))
    driver.end(driver.start()[0], notReady()).start()
    const told = driver.manager.explainer.explain({ topic: TOPIC, partition: 0, offset: 0 }, around(driver))
    const of = { topic: TOPIC, partition: 0, offset: 0, epoch: told?.epoch ?? 0, attempt: 1 }
    assert.equal(driver.manager.byHand.giveUp(of, around(driver)).isDone, true)
    assert.equal(driver.takeDeadLetter().failure.reason, 'by-hand')
    assert.equal(driver.manager.notReady, 0)
  })
})

describe('a batch in which records cannot be read yet', () => {
  const batch = { size: 4, waitMs: 0 }

  it('runs at once without them, and never what is behind them in their key', () => {
    const driver = driverOf({ batch }).poll(keyed(0, 'a'), keyed(1, 'b'), keyed(2, 'a'), keyed(3, 'c'))
    const [all] = driver.start()
    assert.deepEqual(
      all?.records.map(({ offset }) => offset),
      [0, 2, 1, 3],
    )
    driver.end(all, notReady(new Set([0])))
    const [others] = driver.start()
    assert.deepEqual(
      others?.records.map(({ offset }) => offset),
      [1, 3],
    )
    assert.deepEqual(others?.attempts, [1, 1])
    driver.end(others, succeeded)
    assert.deepEqual(driver.startOffsets(), [])
    driver.now = driver.manager.nextWakeAt ?? Number.NaN
    assert.deepEqual(
      driver.start()[0]?.records.map(({ offset }) => offset),
      [0, 2],
    )
  })

  it('runs what is before them in their key, without asking for them again at once', () => {
    const driver = driverOf({ batch }).poll(keyed(0, 'a'), keyed(1, 'a'))
    const [both] = driver.start()
    driver.end(both, notReady(new Set([1])))
    const [first] = driver.start()
    assert.deepEqual(
      first?.records.map(({ offset }) => offset),
      [0],
    )
    driver.end(first, succeeded)
    assert.deepEqual(driver.startOffsets(), [])
    assert.equal(driver.manager.notReady, 1)
    driver.now = driver.manager.nextWakeAt ?? Number.NaN
    assert.deepEqual(driver.startOffsets(), [1])
  })
})
