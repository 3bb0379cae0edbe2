/** Records that name the time before which they must not start: their key waits, no slot is taken, and nothing is lost. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import type { DelaySettings, Route } from '../../../framework/model/settings.ts'
import { aRoute, Driver, failed, HANDLER, keyed, of, range, TOPIC } from './builders.ts'

/** Digits are the time, other texts say that there is none. */
function timeOf({ headers }: KafkaRecord): number | string | undefined {
  const text = headers[0]?.[1]?.toString()
  return text === undefined || /^\d+$/.test(text) === false ? text : Number(text)
}

const delay: DelaySettings = { notBefore: timeOf, maxDelayMs: 1_000 }
const at = (offset: number, key: string, time: number | string) =>
  keyed(offset, key, { headers: [['not-before', Buffer.from(String(time))]] })

const delaying = (route: Partial<Route> = {}) => new Driver({ route: { delay, ...route } }).assign(0, 0)
const around = (driver: Driver) => ({ now: driver.now, capacityOf: () => 100, logEnd: () => undefined })

describe('a record that may not start before its time', () => {
  it('is no reason for a parked one to go: it moves by itself when its time has come', () => {
    const limits = { maxRecords: 1_000, maxRecordsPerPartition: 8 }
    const retry = { ...aRoute().retry, attempts: 1, then: 'park' } as const
    const driver = new Driver({ route: { delay, retry }, limits }).assign(0, 0)
    driver.poll(keyed(0, 'a'), at(1, 'b', 500), ...range(2, 8).map((offset) => keyed(offset, 'a')))
    for (const item of driver.start()) driver.end(item, failed)
    const { parked, delayed } = driver.manager.gauges()
    assert.deepEqual([parked, delayed, driver.manager.pausedPartitions().length], [1, 1, 1])
    driver.start()
    assert.equal(driver.manager.takeDeadLetters().length, 0)
    driver.now = 500
    driver.endAll(driver.start())
    driver.start()
    assert.equal(driver.takeDeadLetter().record.offset, 0, 'all that is left waits behind it')
  })

  it('counts, with those behind it, for nothing that more slots could run', () => {
    const driver = delaying().poll(at(0, 'a', 500), keyed(1, 'a'), keyed(2, 'b'))
    assert.deepEqual(driver.startOffsets(), [2])
    const work = driver.manager.readings
      .work(
        () => 3,
        () => Number.POSITIVE_INFINITY,
      )
      .get(TOPIC)?.[0]
    assert.deepEqual([work?.startable, work?.runnable, work?.queued], [0, 0, 1])
  })

  it('holds its key, takes no slot, and starts when its time has come', () => {
    const driver = delaying({ concurrency: 1 }).poll(at(0, 'a', 500), keyed(1, 'a'), keyed(2, 'b'), keyed(3, 'c'))
    const [b] = driver.start()
    assert.equal(b?.records[0]?.offset, 2)
    driver.end(b).endAll(driver.start())
    assert.deepEqual(driver.startOffsets(), [])
    const { inFlight, delayed } = driver.manager.gauges()
    assert.deepEqual([inFlight, delayed, driver.manager.nextWakeAt], [0, 1, 500])
    assert.equal(driver.commit()?.position, 0)
    driver.now = 499
    assert.deepEqual(driver.startOffsets(), [])
    driver.now = 500
    const [a] = driver.start()
    assert.deepEqual([a?.records[0]?.offset, a?.attempts, driver.manager.gauges().delayed], [0, [1], 0])
    driver.end(a)
    assert.deepEqual(driver.startOffsets(), [1])
  })

  it('is asked for its time when its turn comes, and once', () => {
    const asked: number[] = []
    const notBefore = (record: KafkaRecord) => {
      asked.push(record.offset)
      return 100 * asked.length
    }
    const driver = delaying({ delay: { notBefore, maxDelayMs: 1_000 } }).poll(keyed(0, 'a'), keyed(1, 'a'))
    assert.deepEqual([driver.startOffsets(), asked], [[], [0]])
    driver.now = 100
    const [first] = driver.start()
    assert.deepEqual([first?.records[0]?.offset, asked], [0, [0]])
    driver.end(first, failed)
    driver.now = 1_000
    const [again] = driver.start()
    assert.deepEqual([again?.attempts, asked], [[2], [0]])
    driver.end(again)
    assert.deepEqual([driver.startOffsets(), asked], [[1], [0, 1]])
  })

  it('starts at once where it names no time, or one that is over', () => {
    const driver = delaying().poll(keyed(0, 'a'), at(1, 'b', 0))
    assert.deepEqual(driver.startOffsets(), [0, 1])
  })

  for (const [name, time, says] of [
    ['is further away than the longest delay', 1_001, /1001 ms away, and maxDelay is 1000 ms/],
    ['is none', 'its header at is no time', /its header at is no time/],
  ] as const) {
    it(`goes to the dead-letter topic without an attempt where its time ${name}, and its key goes on`, () => {
      const driver = delaying().poll(at(0, 'a', time), keyed(1, 'a'))
      assert.deepEqual(driver.startOffsets(), [])
      const request = driver.takeDeadLetter()
      assert.deepEqual([request.failure.reason, request.attempt, request.failure.retryable], ['not-before', 0, false])
      assert.match(request.failure.message, says)
      driver.manager.onDeadLettered(request)
      assert.deepEqual([driver.startOffsets(), driver.commit()?.position], [[1], 1])
    })
  }

  it('counts for no breaker of its key when it is given up, and an open one gives it up before its time', () => {
    const poison = { threshold: 1, cooldownMs: 5_000 }
    const driver = delaying({ poison, retry: { ...aRoute().retry, attempts: 1 } }).poll(at(0, 'a', 'none'))
    driver.start()
    driver.manager.onDeadLettered(driver.takeDeadLetter())
    driver.poll(keyed(1, 'a'), at(2, 'a', 900))
    driver.end(driver.start()[0], failed)
    driver.manager.onDeadLettered(driver.takeDeadLetter())
    driver.start()
    assert.equal(driver.takeDeadLetter().failure.reason, 'poisoned')
  })

  it('waits in no batch, and comes into one when its time has come', () => {
    const driver = delaying({ batch: { size: 2, waitMs: 50 } }).poll(at(0, 'a', 500), keyed(1, 'b'), keyed(2, 'c'))
    const [batch] = driver.start()
    assert.deepEqual(
      batch?.records.map(({ offset }) => offset),
      [1, 2],
    )
    driver.end(batch)
    driver.now = 500
    assert.deepEqual(driver.startOffsets(), [])
    driver.now = 550
    assert.deepEqual(driver.startOffsets(), [0])
  })

  it('follows no other of its key in a batch before its time', () => {
    const driver = delaying({ batch: { size: 3, waitMs: 0 } }).poll(keyed(0, 'a'), at(1, 'a', 300), keyed(2, 'b'))
    const [batch] = driver.start()
    assert.deepEqual(
      batch?.records.map(({ offset }) => offset),
      [0, 2],
    )
    driver.end(batch)
    assert.deepEqual([driver.startOffsets(), driver.manager.gauges().delayed], [[], 1])
  })

  it('is judged by how far its time is away when its turn comes, not while it stands behind others of a batch', () => {
    const driver = delaying({ batch: { size: 3, waitMs: 0 } }).poll(keyed(0, 'a'), at(1, 'a', 1_200))
    const [batch] = driver.start()
    driver.now = 300
    driver.end(batch)
    assert.deepEqual([driver.startOffsets(), driver.manager.gauges().delayed], [[], 1])
  })

  it('does not count as blocking, or as older, before its time', () => {
    const retry = { ...aRoute().retry, attempts: 9, minMs: 10, maxMs: 10, maxAgeMs: 200 }
    const driver = delaying({ maxBlockingMs: 300, retry }).poll(at(0, 'a', 900))
    driver.start()
    driver.now = 900
    const see = () => driver.manager.readings.metrics(driver.now, () => undefined, 1)[0]?.blocking
    driver.end(driver.start()[0], failed)
    assert.deepEqual([see()?.state, see()?.unpausedMs, driver.manager.gauges().retriesWaiting], ['waiting', 0, 1])
    driver.now = 910
    driver.end(driver.start()[0], failed)
    assert.equal(driver.manager.gauges().retriesWaiting, 1)
    driver.now = 1_100
    driver.end(driver.start()[0], failed)
    assert.equal(driver.takeDeadLetter().failure.reason, 'expired')
  })

  it('is nothing that a drain waits for, and waits again at the next owner', () => {
    const driver = delaying().poll(at(0, 'a', 500))
    driver.start()
    driver.manager.startDraining([of(0)])
    assert.equal(driver.manager.unsettled([of(0)]), 0)
    driver.now = 600
    assert.deepEqual(driver.startOffsets(), [])
    driver.manager.onRevoked([of(0)])
    const { records, delayed } = driver.manager.gauges()
    assert.deepEqual([records, delayed, driver.manager.nextWakeAt], [0, 0, undefined])
    driver.assign(0, 0).poll(at(0, 'a', 700))
    assert.deepEqual([driver.startOffsets(), driver.manager.gauges().delayed], [[], 1])
  })

  it('stays where it is while its handler is paused, and starts with the handler', () => {
    const driver = delaying().poll(at(0, 'a', 500))
    driver.start()
    driver.manager.pause(HANDLER)
    driver.now = 600
    assert.deepEqual([driver.startOffsets(), driver.manager.gauges().delayed], [[], 0])
    driver.manager.resume(HANDLER)
    assert.deepEqual(driver.startOffsets(), [0])
  })

  it('says what it waits for, in every view', () => {
    const driver = delaying().poll(at(0, 'a', 500), keyed(1, 'a'))
    driver.start()
    const explain = (offset: number) =>
      driver.manager.explainer.explain({ topic: TOPIC, partition: 0, offset }, around(driver))
    assert.deepEqual([explain(0)?.state, explain(0)?.waitsFor], ['delayed', [{ kind: 'not-before', at: 500 }]])
    assert.deepEqual(explain(1)?.waitsFor, [{ kind: 'record', offset: 0, state: 'delayed', attempt: 1, ahead: 1 }])
    const [metrics] = driver.manager.readings.metrics(0, () => undefined, 1)
    const { delayed, queued, blocking, ribbon } = metrics ?? {}
    assert.deepEqual([delayed, queued, blocking?.state, ribbon?.cells], [1, 1, 'delayed', 'ww'])
    const view = driver.manager.explainer.view(of(0), around(driver), { looks: 10, runs: 10 })
    assert.deepEqual(view?.runs[0], { from: 0, to: 1, state: 'delayed', dueAt: 500 })
  })

  it('can be given up by hand, and is not hurried', () => {
    const driver = delaying().poll(at(0, 'a', 500))
    driver.start()
    const { epoch = 0 } =
      driver.manager.explainer.explain({ topic: TOPIC, partition: 0, offset: 0 }, around(driver)) ?? {}
    const record = { topic: TOPIC, partition: 0, offset: 0, epoch, attempt: 1 }
    const refused = driver.manager.byHand.retryNow(record, around(driver))
    assert.deepEqual([refused.isDone, driver.startOffsets()], [false, []])
    assert.equal(driver.manager.byHand.giveUp(record, around(driver)).isDone, true)
    assert.equal(driver.takeDeadLetter().failure.reason, 'by-hand')
    assert.deepEqual([driver.manager.gauges().delayed, driver.manager.nextWakeAt], [0, undefined])
  })
})
