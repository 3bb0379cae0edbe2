/** Records out of attempts that are kept: in no slot, with their key or without it, until somebody or a limit decides. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ActionResult, RecordAction } from '../../../framework/model/action.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import type { RetrySettings } from '../../../framework/model/settings.ts'
import type { HandlerFailure, Outcome } from '../../../framework/model/work.ts'
import {
  aFailure,
  aRecord,
  aRoute,
  Driver,
  type DriverOptions,
  failed,
  interrupted,
  keyed,
  of,
  offsetsOf,
  range,
  succeeded,
} from './builders.ts'

const once: RetrySettings = { attempts: 1, backoff: 'fixed', minMs: 100, maxMs: 100, jitter: false }
const park: RetrySettings = { ...once, then: 'park' }
const parkAlone: RetrySettings = { ...once, then: 'park-alone' }
const around = (driver: Driver) => ({ now: driver.now, capacityOf: () => 1_000, logEnd: () => undefined })

function seen(driver: Driver, offset: number): RecordAction {
  const now = driver.manager.explainer.explain({ ...of(0), offset }, around(driver))
  return { ...of(0), offset, epoch: now?.epoch ?? 0, attempt: now?.attempt ?? 0 }
}

const why = (result: ActionResult) => (result.isDone ? 'done' : result.why)
const explained = (driver: Driver, offset: number) =>
  driver.manager.explainer.explain({ ...of(0), offset }, around(driver))
const retryNow = (driver: Driver, offset: number) =>
  why(driver.manager.byHand.retryNow(seen(driver, offset), around(driver)))
const giveUp = (driver: Driver, offset: number) =>
  why(driver.manager.byHand.giveUp(seen(driver, offset), around(driver)))
const discard = (driver: Driver, offset: number) =>
  why(driver.manager.byHand.discard(seen(driver, offset), around(driver)))

function parking(retry: RetrySettings, records: readonly KafkaRecord[], rest: DriverOptions = {}): Driver {
  return new Driver({ ...rest, route: { retry, ...rest.route } }).assign(0, 0).poll(...records)
}

/** Starts what may start, and fails these; the others go on. */
function failThese(driver: Driver, ...offsets: readonly number[]): number[] {
  const items = driver.start()
  for (const item of items) if (offsets.includes(offsetsOf([item])[0] ?? -1)) driver.end(item, failed)
  return offsetsOf(items)
}

describe('a record out of attempts that is parked', () => {
  it('stays incomplete in no slot, holds its key and lets other keys go on, and the commit tells what is done above it', () => {
    const driver = parking(park, [keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'b')], { route: { concurrency: 1 } })
    failThese(driver, 0)
    assert.deepEqual(driver.startOffsets(), [2], 'its slot is free, and its key is not')
    const { parked, inFlight, retriesWaiting, deadLetters, records } = driver.manager.gauges()
    assert.deepEqual([parked, inFlight, retriesWaiting, deadLetters, records], [1, 1, 0, 0, 3])
    assert.equal(driver.manager.takeDeadLetters().length, 0)
    driver.now = 1e9
    assert.deepEqual(driver.startOffsets(), [], 'time alone never starts it')
    assert.equal(driver.commit()?.position, 0)
    const [told] = driver.eventsOf('record.parked')
    assert.deepEqual([told?.record.offset, told?.attempt, told?.attempts, told?.isAlone], [0, 1, 1, false])
  })

  it('lets its key go on where that is chosen, and is before the later ones of it when it comes back', () => {
    const driver = parking(parkAlone, [keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'a'), keyed(3, 'a')])
    failThese(driver, 0)
    const [second] = driver.start()
    assert.deepEqual(offsetsOf(second === undefined ? [] : [second]), [1])
    assert.equal(retryNow(driver, 0), 'done')
    assert.deepEqual(driver.startOffsets(), [], 'never beside another one of its key')
    driver.end(second)
    assert.deepEqual(driver.startOffsets(), [0], 'before 2 and 3, though not before what ran')
    assert.equal(driver.commit()?.position, 0, 'a commit never passes it')
  })

  it('comes back in the order of the log among others that come back', () => {
    const driver = parking(
      parkAlone,
      range(0, 4).map((offset) => keyed(offset, 'a')),
    )
    for (const offset of range(0, 3)) failThese(driver, offset)
    const [last] = driver.start()
    for (const offset of [1, 2, 0]) assert.equal(retryNow(driver, offset), 'done')
    driver.end(last)
    const order: number[] = []
    for (let turn = 0; turn < 3; turn += 1) {
      const [item] = driver.start()
      order.push(...offsetsOf(item === undefined ? [] : [item]))
      driver.end(item)
    }
    assert.deepEqual(order, [0, 1, 2])
  })

  it('comes back behind those of a lower offset, also where one that had begun stands before them', () => {
    const driver = parking(
      { ...parkAlone, attempts: 2 },
      range(0, 4).map((offset) => keyed(offset, 'a')),
    )
    for (const offset of [0, 1]) {
      failThese(driver, offset)
      driver.now += 100
      failThese(driver, offset)
    }
    failThese(driver, 2)
    assert.equal(retryNow(driver, 0), 'done', '2 waits for its retry, before it')
    driver.now += 100
    assert.deepEqual(driver.startOffsets(0), [], 'it is due, and there is no slot')
    assert.equal(retryNow(driver, 1), 'done')
    const order: number[] = []
    for (let turn = 0; turn < 4; turn += 1) {
      const [item] = driver.start()
      order.push(...offsetsOf(item === undefined ? [] : [item]))
      driver.end(item)
    }
    assert.deepEqual(order, [2, 0, 1, 3])
  })

  it('holds a partition that is kept in order as a whole, and one record of a handler that keeps none', () => {
    const records = [keyed(0, 'a'), keyed(1, 'b')]
    const whole = parking(park, records, { route: { ordering: 'partition' } })
    failThese(whole, 0)
    assert.deepEqual(whole.startOffsets(), [])
    const none = parking(park, records, { route: { ordering: 'unordered' } })
    assert.deepEqual(failThese(none, 0), [0, 1])
    assert.equal(retryNow(none, 0), 'done')
    assert.deepEqual(none.startOffsets(), [0])
  })

  it('is parked for every way to run out of attempts, and no other failure is', () => {
    const parks = (outcome: Outcome, times = 1) => {
      const driver = parking({ ...park, attempts: 3 }, [keyed(0, 'a')])
      for (let time = 0; time < times; time += 1) {
        driver.end(driver.start()[0], outcome)
        driver.now += 1_000
      }
      return driver.manager.gauges().parked
    }
    const failure = (reason: HandlerFailure['reason']): Outcome => ({
      kind: 'failed',
      failure: aFailure({ reason, retryable: false }),
    })
    assert.deepEqual(
      [parks(failed, 3), parks(failed, 2), parks(interrupted, 4), parks(failure('handler'))],
      [1, 0, 1, 1],
    )
    const never = (['dead-letter', 'undecodable', 'invalid'] as const).map((reason) => parks(failure(reason)))
    assert.deepEqual(never, [0, 0, 0])
  })

  it('is parked when it is too old for another attempt', () => {
    const driver = parking({ ...park, attempts: 9, maxAgeMs: 500 }, [keyed(0, 'a')])
    for (let attempt = 0; attempt < 2; attempt += 1) {
      driver.end(driver.start()[0], failed)
      driver.now += 600
    }
    assert.deepEqual([driver.manager.gauges().parked, explained(driver, 0)?.lastFailure?.reason], [1, 'expired'])
  })

  it('counts once for the breaker of its key', () => {
    const poison = { threshold: 2, cooldownMs: 1_000 }
    const driver = parking(park, [keyed(0, 'a'), keyed(1, 'a')], { route: { poison, maxBlockingMs: 5_000 } })
    failThese(driver, 0)
    driver.now = 5_000
    driver.start()
    driver.manager.onDeadLettered(driver.takeDeadLetter())
    assert.deepEqual(driver.startOffsets(), [1], 'one record of the key has failed')
  })
})

describe('what somebody does about a parked record', () => {
  it('gives it one more attempt, which is the next number, and parks it again when that fails', () => {
    const driver = parking(park, [keyed(0, 'a'), keyed(1, 'a')])
    failThese(driver, 0)
    assert.equal(retryNow(driver, 0), 'done')
    const [item] = driver.start()
    assert.deepEqual([item?.attempts, driver.manager.gauges().parked], [[2], 0])
    driver.end(item, failed)
    assert.deepEqual([driver.manager.gauges().parked, explained(driver, 0)?.attempt], [1, 3])
    retryNow(driver, 0)
    driver.endAll(driver.start())
    assert.deepEqual([driver.startOffsets(), driver.commit()?.position], [[1], 1])
    assert.deepEqual(driver.manager.gauges().parked, 0)
  })

  it('gives it up: its dead letter is acknowledged before it is done, and before its key goes on', () => {
    const driver = parking(park, [keyed(0, 'a'), keyed(1, 'a')])
    failThese(driver, 0)
    assert.equal(giveUp(driver, 0), 'done')
    const request = driver.takeDeadLetter()
    assert.deepEqual([request.attempt, request.failure.reason], [1, 'by-hand'])
    assert.deepEqual(
      [driver.startOffsets(), driver.commit()?.position, driver.manager.gauges().parked],
      [[], undefined, 0],
    )
    driver.manager.onDeadLettered(request)
    assert.deepEqual([driver.startOffsets(), driver.commit()?.position], [[1], 1])
  })

  it('gives one up that was set apart, and its key has nothing to wait for', () => {
    const driver = parking(parkAlone, [keyed(0, 'a'), keyed(1, 'a')])
    failThese(driver, 0)
    assert.equal(giveUp(driver, 0), 'done')
    assert.deepEqual(driver.startOffsets(), [1])
    driver.manager.onDeadLettered(driver.takeDeadLetter())
    assert.equal(driver.commit()?.position, 1)
  })

  it('discards it: it is done without a dead letter, told as an event, and nothing else can be discarded', () => {
    const driver = parking(park, [keyed(0, 'a'), keyed(1, 'a')])
    assert.equal(discard(driver, 0), 'other-state')
    failThese(driver, 0)
    assert.equal(discard(driver, 1), 'other-state')
    assert.equal(discard(driver, 0), 'done')
    assert.deepEqual([driver.manager.takeDeadLetters().length, driver.commit()?.position], [0, 1])
    assert.deepEqual(driver.startOffsets(), [1])
    assert.deepEqual(driver.kinds().slice(-2), ['record.dead', 'record.discarded'])
    assert.equal(driver.eventsOf('record.dead')[0]?.deadLetterTopic, null)
  })

  it('is found by its key, also where that goes on without it', () => {
    const driver = parking(parkAlone, [keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'b')])
    const ofKey = (key: string) => {
      const found = driver.manager.explainer.explainKey('orders', Buffer.from(key), around(driver))
      return [found?.first?.offset, found?.first?.state, found?.depth]
    }
    failThese(driver, 0)
    assert.deepEqual(
      [ofKey('a'), ofKey('b')],
      [
        [0, 'parked', 2],
        [2, 'in-flight', 1],
      ],
    )
    failThese(driver, 1)
    assert.deepEqual(ofKey('a'), [0, 'parked', 2])
    for (const offset of [0, 1]) discard(driver, offset)
    assert.deepEqual(ofKey('a'), [undefined, undefined, undefined])
  })

  it('is refused what would give it up, and what is said of another attempt of it', () => {
    const poison = { threshold: 1, cooldownMs: 1_000 }
    const driver = parking(park, [keyed(0, 'a')], { route: { poison } })
    failThese(driver, 0)
    assert.equal(retryNow(driver, 0), 'poisoned')
    driver.now = 1_000
    const before = seen(driver, 0)
    assert.equal(retryNow(driver, 0), 'done')
    driver.end(driver.start()[0], failed)
    assert.equal(why(driver.manager.byHand.giveUp(before, around(driver))), 'other-attempt')
    driver.manager.startDraining([of(0)])
    assert.equal(giveUp(driver, 0), 'draining')
  })

  it('is read from the explanation, the list and the snapshot', () => {
    const driver = parking(park, [keyed(0, 'a'), keyed(1, 'a')], { route: { maxBlockingMs: 60_000 } })
    driver.now = 1_000
    failThese(driver, 0)
    driver.now = 3_000
    const first = explained(driver, 0)
    assert.deepEqual(
      [first?.state, first?.waitsFor],
      ['parked', [{ kind: 'parked', since: 1_000, holdsKey: true, until: 60_000 }]],
    )
    assert.deepEqual(explained(driver, 1)?.waitsFor, [
      { kind: 'record', offset: 0, state: 'parked', attempt: 2, ahead: 1 },
    ])
    const { parked, parkedCount } = driver.manager.explainer.retries(10)
    assert.deepEqual(
      [parked.map(({ offset, since, attempt, headers }) => [offset, since, attempt, headers]), parkedCount],
      [[[0, 1_000, 2, []]], 1],
    )
    assert.equal(driver.manager.explainer.retries(0).parkedCount, 1)
    const [metrics] = driver.manager.readings.metrics(driver.now, () => 2, 10)
    assert.deepEqual([metrics?.parked, metrics?.blocking?.state, metrics?.ribbon.cells], [1, 'parked', 'pw'])
    assert.equal(driver.manager.parkedSince, 1_000)
    assert.equal(
      driver.manager.explainer.view(of(0), around(driver), { looks: 10, runs: 10 })?.runs[0]?.state,
      'parked',
    )
  })
})

describe('a parked record that is in the way', () => {
  it('goes to the dead-letter topic when it has held back its partition for too long, and the shell is woken for that', () => {
    const driver = parking(park, [keyed(0, 'a'), keyed(1, 'a')], { route: { maxBlockingMs: 5_000 } })
    failThese(driver, 0)
    assert.deepEqual([driver.startOffsets(), driver.manager.nextWakeAt], [[], 5_000])
    driver.now = 5_000
    driver.start()
    const request = driver.takeDeadLetter()
    assert.deepEqual([request.failure.reason, request.attempt], ['blocked', 1])
    driver.manager.onDeadLettered(request)
    assert.deepEqual(driver.startOffsets(), [1])
  })

  it('goes when what is done above it leaves no room, as soon as another record wants some, and not before', () => {
    const driver = parking(
      park,
      range(0, 4).map((n) => keyed(n, `k${n}`)),
      { limits: { maxOffsetSpan: 4 } },
    )
    const items = driver.start()
    driver.end(items[0], failed).endAll(items.slice(1))
    driver.start()
    assert.deepEqual([driver.manager.gauges().parked, driver.manager.takeDeadLetters().length], [1, 0], 'nobody waits')
    driver.poll(keyed(4, 'k4'))
    assert.deepEqual(driver.startOffsets(), [])
    const request = driver.takeDeadLetter()
    assert.deepEqual([request.record.offset, request.failure.reason], [0, 'in-the-way'])
    assert.match(request.failure.message, /no room left behind it; its last attempt: boom/)
    driver.manager.onDeadLettered(request)
    assert.deepEqual(driver.startOffsets(), [4])
  })

  it('goes when its partition is full and all of it waits behind parked records, one after the other', () => {
    const limits = { maxRecords: 1_000, maxRecordsPerPartition: 8 }
    const records = range(0, 8).map((n) => keyed(n, n % 2 === 0 ? 'a' : 'b'))
    const driver = parking(park, records, { limits })
    failThese(driver, 0)
    assert.deepEqual([driver.startOffsets(), driver.manager.takeDeadLetters().length], [[], 0], '1 runs still')
    const running = driver.manager.gauges().inFlight
    assert.equal(running, 1)
    driver.manager.onCompletion({ workId: lastItem(driver), outcome: failed, durationMs: 1 }, 0)
    driver.start()
    const request = driver.takeDeadLetter()
    assert.deepEqual(
      [request.record.offset, request.failure.reason, driver.manager.gauges().parked],
      [0, 'in-the-way', 1],
    )
    assert.match(request.failure.message, /memory for records is full/)
    driver.start()
    assert.equal(driver.manager.takeDeadLetters().length, 0, 'the other one stays while that one may be enough')
  })

  it('goes for memory of a topic that was found later, too, though no other handler parks', () => {
    const driver = new Driver({ limits: { maxRecords: 1_000, maxRecordsPerPartition: 8 } })
    driver.manager.addRoute(aRoute({ topic: 'late', handlerId: 'late', retry: park }))
    driver.manager.onAssigned([{ topic: 'late', partition: 0, position: 0, metadata: '' }])
    driver.poll(...range(0, 8).map((offset) => keyed(offset, 'a', { topic: 'late' })))
    failThese(driver, 0)
    driver.start()
    assert.equal(driver.takeDeadLetter().record.offset, 0)
  })

  it('goes when intake is stopped as a whole, no partition is full, and all of them wait for somebody', () => {
    const driver = new Driver({ route: { retry: park }, limits: { maxRecords: 100, maxRecordsPerPartition: 100 } })
    for (const partition of range(0, 9)) driver.assign(partition, 0)
    const held = range(0, 9).flatMap((partition) => range(0, 8).map((n) => keyed(n, 'a', { partition })))
    const free = range(8, 36).map((n) => keyed(n, `k${n}`, { partition: 8 }))
    const items = driver.poll(...held, ...free).start()
    for (const item of items) driver.end(item, item.records[0]?.offset === 0 ? failed : succeeded)
    assert.deepEqual([driver.manager.gauges().parked, driver.manager.gauges().records], [9, 72])
    assert.deepEqual([driver.manager.pausedPartitions(), driver.manager.heldBecause], [[], 'records'])
    driver.start()
    const request = driver.takeDeadLetter()
    assert.match(request.failure.message, /memory for records is full/)
    driver.start()
    assert.equal(driver.manager.takeDeadLetters().length, 0, 'one may be enough')
    driver.manager.onDeadLettered(request)
    driver.endAll(driver.start())
    assert.deepEqual([driver.manager.heldBecause, driver.manager.gauges().parked], [null, 8], 'intake goes on')
  })

  it('stays while its handler is paused by hand, or its partition drains', () => {
    const driver = parking(park, [keyed(0, 'a')], { route: { maxBlockingMs: 5_000 } })
    failThese(driver, 0)
    driver.manager.pause('charge')
    driver.now = 50_000
    driver.start()
    assert.equal(driver.manager.takeDeadLetters().length, 0)
    driver.manager.resume('charge')
    driver.manager.startDraining([of(0)])
    driver.now = 500_000
    driver.start()
    assert.equal(driver.manager.takeDeadLetters().length, 0)
  })
})

/** The id of the only item in flight: the manager hands ids out in order. */
function lastItem(driver: Driver): number {
  return driver.lastStarted.at(-1)?.id ?? 0
}

describe('a parked record and its partition', () => {
  it('keeps no drain waiting, and the next owner tries it once more', () => {
    const driver = parking({ ...park, attempts: 3 }, [keyed(0, 'a'), keyed(1, 'b')])
    driver.endAll(driver.start(), [1])
    driver.manager.onCompletion({ workId: driver.lastStarted[0]?.id ?? 0, outcome: failed, durationMs: 1 }, 0)
    for (let attempt = 2; attempt <= 3; attempt += 1) {
      driver.now += 1_000
      driver.end(driver.start()[0], failed)
    }
    assert.equal(driver.manager.gauges().parked, 1)
    driver.manager.startDraining([of(0)])
    assert.equal(driver.manager.unsettled([of(0)]), 0)
    const commit = driver.commit()
    driver.manager.onRevoked([of(0)])
    assert.ok(Object.values(driver.manager.gauges()).every((gauge) => gauge === 0))
    const next = new Driver({ route: { retry: { ...park, attempts: 3 } } })
    next.assign(0, commit?.position, commit?.metadata).poll(keyed(0, 'a'))
    const [item] = next.start()
    assert.deepEqual(item?.attempts, [3], 'its last attempt again, not all of them')
    next.end(item, failed)
    assert.equal(next.manager.gauges().parked, 1)
  })

  it('is tried once more when its handler has new code, unless the breaker of its key is open', () => {
    const poison = { threshold: 2, cooldownMs: 1_000 }
    const driver = parking(parkAlone, [keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'b')], { route: { poison } })
    failThese(driver, 0, 2)
    failThese(driver, 1)
    assert.equal(driver.manager.gauges().parked, 3)
    driver.manager.replaceRoute(aRoute({ retry: park, poison }))
    assert.deepEqual(driver.startOffsets(), [2])
    assert.equal(driver.manager.gauges().parked, 2)
  })

  it('does not count as what more slots would help with', () => {
    const driver = parking(park, [keyed(0, 'a'), keyed(1, 'a')])
    failThese(driver, 0)
    const [work] =
      driver.manager.readings
        .work(
          () => 2,
          () => 10,
        )
        .get('orders') ?? []
    assert.deepEqual([work?.startable, work?.runnable, work?.records, work?.queued], [0, 0, 2, 1])
  })
})

describe('parked records of batches', () => {
  const batch = { size: 3, waitMs: 0 }
  const partial = (...indexes: readonly number[]): Outcome => ({
    kind: 'partial',
    failures: new Map(indexes.map((index) => [index, aFailure()])),
  })

  it('has nothing behind it done of its key where that waits, and all of it where that goes on', () => {
    const records = [keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'b')]
    const held = parking(park, records, { route: { batch } })
    held.end(held.start()[0], partial(0))
    assert.deepEqual([held.manager.gauges().parked, held.manager.gauges().records], [1, 2], 'only 2 is done')
    assert.deepEqual(held.startOffsets(), [])
    const free = parking(parkAlone, records, { route: { batch } })
    free.end(free.start()[0], partial(0))
    assert.deepEqual([free.manager.gauges().parked, free.manager.gauges().records], [1, 1])
  })

  it('parks each by itself, and its failure says how large the call was', () => {
    const driver = parking(parkAlone, [keyed(0, 'a'), keyed(1, 'a'), aRecord(2)], { route: { batch } })
    driver.end(driver.start()[0], partial(0, 1, 2))
    assert.deepEqual(
      driver.eventsOf('record.parked').map(({ record, batch: size }) => [record.offset, size]),
      [0, 1, 2].map((offset) => [offset, 3]),
    )
    for (const offset of [1, 0, 2]) assert.equal(retryNow(driver, offset), 'done')
    const [item] = driver.start()
    assert.deepEqual(
      item?.records.map(({ offset }) => offset).filter((offset) => offset < 2),
      [0, 1],
    )
  })

  it('is what is left of a batch that fails as a whole', () => {
    const driver = parking(park, [keyed(0, 'a'), keyed(1, 'b')], { route: { batch: { size: 2, waitMs: 0 } } })
    driver.end(driver.start()[0], failed)
    assert.equal(driver.manager.gauges().parked, 0, 'that was nobody’s attempt')
    failThese(driver, 0)
    assert.equal(driver.manager.gauges().parked, 1)
  })
})
