/** The guards of a handler at work in the manager: rate, poisoned keys, records that block for too long, and the adaptive limit. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeCompleted } from '../../../framework/control-plane/offsets/metadata-encoder.ts'
import type { RecordHeader } from '../../../framework/model/record.ts'
import type { PoisonSettings, RetrySettings } from '../../../framework/model/settings.ts'
import type { Outcome, WorkItem } from '../../../framework/model/work.ts'
import {
  aFailure,
  aRecord,
  aRoute,
  Driver,
  failed,
  keyed,
  of,
  offsetsOf,
  range,
  recalled,
  succeeded,
  timedOut,
} from './builders.ts'

const hopeless: Outcome = { kind: 'failed', failure: aFailure({ retryable: false }) }
const declined: Outcome = { kind: 'failed', failure: aFailure({ reason: 'dead-letter', retryable: false }) }

describe('a rate limit', () => {
  it('starts so many records in a second, evenly, and wakes when the next may start', () => {
    const driver = new Driver({ route: { rateLimit: 100 } }).assign(0, 0).poll(...range(0, 500).map((n) => aRecord(n)))
    const starts: number[] = []
    for (let ticks = 0; driver.now < 2_000 && ticks < 1_000; ticks += 1) {
      for (const item of driver.start()) {
        starts.push(driver.now)
        driver.end(item)
      }
      assert.ok(driver.manager.nextWakeAt !== undefined && driver.manager.nextWakeAt > driver.now)
      driver.now = driver.manager.nextWakeAt
    }
    assert.ok(starts.length >= 200 && starts.length <= 211, `${starts.length} starts in two seconds`)
    for (let from = 0; from < 2_000; from += 250) {
      const count = starts.filter((at) => at >= from && at < from + 1_000).length
      assert.ok(count <= 111, `${count} starts in the second from ${from}`)
    }
  })

  it('counts retries like other starts', () => {
    const driver = new Driver({ route: { rateLimit: 1 } }).assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'b'))
    driver.end(driver.start()[0], failed)
    driver.now = 500
    assert.deepEqual(driver.startOffsets(), [], 'the retry is due, and has to wait for the rate')
    driver.now = 1_000
    assert.deepEqual(driver.startOffsets(), [0])
  })

  it('holds nothing back, and does not wake, once all that there is has started', () => {
    const driver = new Driver({ route: { rateLimit: 1 } }).assign(0, 0).poll(keyed(0, 'a'))
    driver.start()
    assert.deepEqual([driver.manager.restraintOf('orders').isHeldByRate, driver.manager.nextWakeAt], [false, undefined])
    driver.poll(keyed(1, 'a')).start()
    assert.equal(driver.manager.restraintOf('orders').isHeldByRate, false, 'it waits for its key, not for the rate')
    driver.poll(keyed(2, 'b')).start()
    assert.equal(driver.manager.restraintOf('orders').isHeldByRate, true)
  })

  it('does not wake for a handler that is paused', () => {
    const driver = new Driver({ route: { rateLimit: 1 } }).assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'b'))
    driver.start()
    assert.equal(driver.manager.nextWakeAt, 1_000)
    driver.manager.pause('charge')
    assert.equal(driver.manager.nextWakeAt, undefined)
  })

  it('is exchanged with the rules of its handler', () => {
    const driver = new Driver({ route: { rateLimit: 1 } }).assign(0, 0).poll(...range(0, 9).map((n) => aRecord(n)))
    assert.equal(driver.start().length, 1)
    driver.manager.replaceRoute(aRoute())
    assert.equal(driver.start().length, 8)
  })

  it('does not count what was taken back before it had begun, of a partition that is gone either', () => {
    const driver = new Driver({ route: { rateLimit: 1 } }).assign(0, 0).assign(1, 0)
    driver.poll(aRecord(0)).end(driver.start()[0], recalled)
    const [again] = driver.start()
    driver.manager.onRevoked([{ topic: 'orders', partition: 0 }])
    driver.end(again, recalled)
    driver.poll(aRecord(7, { partition: 1 }), aRecord(8, { partition: 1 }))
    assert.deepEqual(driver.startOffsets(), [7])
    assert.equal(driver.manager.nextWakeAt, 1_000)
  })

  it('gives nothing back twice: what was taken back after its second is over had its successor long ago', () => {
    const driver = new Driver({ route: { rateLimit: 1 } })
      .assign(0, 0)
      .poll(keyed(0, 'a'), keyed(1, 'b'), keyed(2, 'c'))
    const [first] = driver.start()
    driver.now = 1_000
    assert.deepEqual(driver.startOffsets(), [1])
    driver.end(first, recalled)
    assert.deepEqual(driver.startOffsets(), [])
  })

  it('gives back at most what it lets start at once', () => {
    const driver = new Driver({ route: { rateLimit: 100 } }).assign(0, 0).poll(...range(0, 99).map((n) => aRecord(n)))
    const started = driver.start()
    driver.now = 50
    started.push(...driver.start())
    assert.equal(started.length, 15)
    for (const item of started) driver.end(item, recalled)
    assert.equal(driver.start().length, 10)
  })
})

describe('a poisoned key', () => {
  const poison: PoisonSettings = { threshold: 2, cooldownMs: 1_000 }

  /** Offsets 0 and 1 of key a are given up: the breaker opens at time 0. */
  function poisoned(): Driver {
    const driver = new Driver({ route: { poison } })
      .assign(0, 0)
      .poll(...range(0, 6).map((n) => keyed(n, 'a')), keyed(6, 'b'))
    for (const offset of [0, 1]) {
      const items = driver.start()
      driver.end(
        items.find((item) => offsetsOf([item])[0] === offset),
        hopeless,
      )
      driver.manager.onDeadLettered(driver.takeDeadLetter())
    }
    return driver
  }

  it('has its records dead-lettered without running, and waits for each acknowledgement', () => {
    const driver = poisoned()
    assert.deepEqual(driver.startOffsets(), [])
    const request = driver.takeDeadLetter()
    assert.deepEqual([request.record.offset, request.failure.reason, request.failure.retryable], [2, 'poisoned', false])
    assert.equal(driver.commit()?.position, 2)
    driver.manager.onDeadLettered(request)
    assert.deepEqual(driver.startOffsets(), [])
    assert.equal(driver.takeDeadLetter().record.offset, 3)
    assert.equal(driver.commit()?.position, 3)
    assert.equal(driver.manager.gauges().inFlight, 1, 'only the record of key b')
  })

  it('says of a record that never ran that it had no attempt', () => {
    const driver = poisoned()
    driver.start()
    assert.equal(driver.takeDeadLetter().attempt, 0)
  })

  it('says of a record whose retry was refused how many attempts it had', () => {
    const driver = new Driver({ route: { poison, ordering: 'unordered' } }).assign(0, 0)
    const [first, second, third] = driver.poll(...range(0, 3).map((n) => keyed(n, 'a'))).start()
    driver.end(first, failed).end(second, hopeless).end(third, hopeless)
    driver.manager.takeDeadLetters()
    driver.now = 500
    assert.deepEqual(driver.startOffsets(), [])
    const request = driver.takeDeadLetter()
    assert.deepEqual([request.record.offset, request.failure.reason, request.attempt], [0, 'poisoned', 1])
  })

  it('is told, with its key and for how long', () => {
    const [opened] = poisoned().eventsOf('breaker.opened')
    assert.deepEqual([opened?.key, opened?.cooldownMs, opened?.partition], ['a', 1_000, 0])
  })

  it('runs its next record after the cool-down, and is healed by a success', () => {
    const driver = poisoned()
    driver.now = 1_000
    const items = driver.start()
    assert.deepEqual(offsetsOf(items), [2])
    driver.end(items[0])
    assert.equal(driver.eventsOf('breaker.closed')[0]?.key, 'a')
    driver.end(driver.start()[0], hopeless)
    driver.manager.onDeadLettered(driver.takeDeadLetter())
    assert.deepEqual(driver.startOffsets(), [4], 'one failure does not open it again')
  })

  it('is poisoned again at once when that record is given up', () => {
    const driver = poisoned()
    driver.now = 1_000
    driver.end(driver.start()[0], hopeless)
    driver.manager.onDeadLettered(driver.takeDeadLetter())
    assert.deepEqual(driver.startOffsets(), [])
    assert.equal(driver.takeDeadLetter().failure.reason, 'poisoned')
  })

  it('is not made by DeadLetter, which is a decision about one record and does not count towards the breaker', () => {
    const driver = new Driver({ route: { poison } }).assign(0, 0).poll(...range(0, 4).map((n) => keyed(n, 'a')))
    for (const offset of [0, 1, 2]) {
      const items = driver.start()
      assert.deepEqual(offsetsOf(items), [offset])
      driver.end(items[0], declined)
      driver.manager.onDeadLettered(driver.takeDeadLetter())
    }
    assert.deepEqual(driver.startOffsets(), [3])
  })

  for (const reason of ['undecodable', 'invalid'] as const) {
    const malformed: Outcome = { kind: 'failed', failure: aFailure({ reason, retryable: false }) }

    it(`is not what values make of it that are ${reason}: they say nothing of the next`, () => {
      const driver = new Driver({ route: { poison } }).assign(0, 0).poll(...range(0, 4).map((n) => keyed(n, 'a')))
      for (const offset of [0, 1, 2]) {
        const items = driver.start()
        assert.deepEqual(offsetsOf(items), [offset])
        driver.end(items[0], malformed)
        driver.manager.onDeadLettered(driver.takeDeadLetter())
      }
      assert.deepEqual(driver.startOffsets(), [3])
    })

    it(`is not healed by a value that is ${reason}, nor by a record that was filtered`, () => {
      const driver = poisoned()
      driver.now = 1_000
      driver.end(driver.start()[0], malformed)
      driver.manager.onDeadLettered(driver.takeDeadLetter())
      driver.end(driver.start()[0], { kind: 'succeeded', filtered: true })
      assert.deepEqual(driver.eventsOf('breaker.closed'), [])
      driver.end(driver.start()[0], hopeless)
      driver.manager.onDeadLettered(driver.takeDeadLetter())
      assert.deepEqual(driver.startOffsets(), [])
      assert.equal(driver.takeDeadLetter().failure.reason, 'poisoned')
    })
  }

  it('is not the key of records without one, and not that of another partition', () => {
    const driver = new Driver({ route: { poison } }).assign(0, 0).assign(1, 0)
    driver.poll(...range(0, 3).map((n) => aRecord(n)), keyed(0, 'a', { partition: 1 }))
    for (const item of driver.start()) driver.end(item, hopeless)
    driver.poll(aRecord(3), keyed(1, 'a', { partition: 1 }))
    for (const request of driver.manager.takeDeadLetters()) driver.manager.onDeadLettered(request)
    assert.equal(driver.start().length, 2)
  })

  it('is forgotten with its partition', () => {
    const driver = poisoned()
    driver.manager.onRevoked([of(0)])
    driver.assign(0, 2).poll(keyed(2, 'a'))
    assert.deepEqual(driver.startOffsets(), [2])
  })

  it('stays unknown where nobody asked for it', () => {
    const driver = new Driver().assign(0, 0).poll(...range(0, 30).map((n) => keyed(n, 'a')))
    for (const offset of range(0, 29)) {
      const items = driver.start()
      assert.deepEqual(offsetsOf(items), [offset])
      driver.end(items[0], hopeless)
      driver.manager.onDeadLettered(driver.takeDeadLetter())
    }
  })
})

describe('a record that blocks for too long', () => {
  const maxBlockingMs = 1_000

  it('is given up while it waits for its retry, at the moment its time is over', () => {
    const retry = { attempts: 100, backoff: 'fixed', minMs: 700, maxMs: 700, jitter: false } as const
    const driver = new Driver({ route: { maxBlockingMs, retry } })
      .assign(0, 0)
      .poll(keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'b'))
    const [a, b] = driver.start()
    driver.end(a, failed).end(b)
    driver.now = 700
    driver.end(driver.start()[0], failed)
    assert.equal(driver.manager.nextWakeAt, 1_000, 'before the retry at 1,400')
    driver.now = 999
    assert.deepEqual([driver.startOffsets(), driver.manager.takeDeadLetters()], [[], []])
    driver.now = 1_000
    assert.deepEqual(driver.startOffsets(), [])
    const request = driver.takeDeadLetter()
    assert.deepEqual([request.record.offset, request.failure.reason, request.attempt], [0, 'blocked', 2])
    assert.match(request.failure.message, /1000 ms; its last attempt: boom/)
    assert.equal(driver.manager.gauges().retriesWaiting, 0)
    driver.manager.onDeadLettered(request)
    assert.deepEqual(driver.startOffsets(), [1])
    assert.equal(driver.manager.nextWakeAt, undefined)
  })

  it('is given up by the failure of the attempt that ran when its time was over', () => {
    const driver = new Driver({ route: { maxBlockingMs } }).assign(0, 0).poll(keyed(0, 'a'))
    const [item] = driver.start()
    driver.now = 1_500
    driver.end(item, timedOut)
    assert.deepEqual([driver.takeDeadLetter().attempt, driver.manager.gauges().retriesWaiting], [1, 0])
  })

  it('may still succeed by an attempt that runs when its time is over', () => {
    const driver = new Driver({ route: { maxBlockingMs } }).assign(0, 0).poll(keyed(0, 'a'))
    const [item] = driver.start()
    driver.now = 5_000
    driver.start()
    driver.end(item)
    assert.deepEqual([driver.manager.takeDeadLetters(), driver.commit()?.position], [[], 1])
  })

  it('is not one that waits for a slot, or for its handler to be resumed', () => {
    const driver = new Driver({ route: { maxBlockingMs } }).assign(0, 0).poll(keyed(0, 'a'))
    driver.manager.pause('charge')
    driver.now = 60_000
    assert.deepEqual([driver.start(), driver.manager.takeDeadLetters()], [[], []])
    driver.manager.resume('charge')
    assert.deepEqual(driver.startOffsets(), [0])
  })

  it('is counted from when the position came to it', () => {
    const retry = { attempts: 100, backoff: 'fixed', minMs: 5_000, maxMs: 5_000, jitter: false } as const
    const driver = new Driver({ route: { maxBlockingMs, retry } }).assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'b'))
    const [a, b] = driver.start()
    driver.end(b, failed)
    driver.now = 900
    driver.end(a)
    assert.equal(driver.manager.nextWakeAt, 1_900)
  })

  it('is not given up while somebody has paused its handler, and that time does not count', () => {
    const driver = new Driver({ route: { maxBlockingMs } }).assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'b'))
    const [a, b] = driver.start()
    driver.end(a, failed)
    driver.manager.pause('charge')
    driver.now = 5_000
    assert.equal(driver.manager.nextWakeAt, 100, 'its retry')
    driver.end(b)
    assert.deepEqual([driver.start(), driver.manager.takeDeadLetters()], [[], []])
    driver.manager.resume('charge')
    driver.manager.resume('charge')
    driver.end(driver.start()[0], failed)
    assert.deepEqual(driver.manager.takeDeadLetters(), [], 'it got its attempt')
    driver.now = 5_999
    driver.manager.resume('charge')
    driver.end(driver.start()[0], failed)
    assert.deepEqual(driver.manager.takeDeadLetters().length, 1, 'the third of three')
  })

  it('counts from the resume on, once', () => {
    const retry = { attempts: 100, backoff: 'fixed', minMs: 5_000, maxMs: 5_000, jitter: false } as const
    const driver = new Driver({ route: { maxBlockingMs, retry } })
    driver.manager.pause('charge')
    driver.assign(0, 0).poll(keyed(0, 'a'))
    driver.now = 400
    driver.start()
    driver.manager.resume('charge')
    driver.end(driver.start()[0], failed)
    assert.equal(driver.manager.nextWakeAt, 1_400)
    driver.now = 900
    driver.start()
    driver.manager.resume('charge')
    assert.equal(driver.manager.nextWakeAt, 1_400, 'it was not paused')
  })

  it('stays with its retries while its partition drains', () => {
    const driver = new Driver({ route: { maxBlockingMs } }).assign(0, 0).poll(keyed(0, 'a'))
    driver.end(driver.start()[0], failed)
    driver.manager.startDraining([of(0)])
    driver.now = 5_000
    assert.deepEqual([driver.start(), driver.manager.takeDeadLetters()], [[], []])
  })

  it('blocks for as long as its retries take where nobody set a limit', () => {
    const driver = new Driver().assign(0, 0).poll(keyed(0, 'a'))
    driver.end(driver.start()[0], failed)
    driver.now = 1e9
    assert.deepEqual([driver.startOffsets(), driver.manager.takeDeadLetters()], [[0], []])
  })
})

describe('a record that is older than retry.maxAge', () => {
  const retry = { attempts: 9, backoff: 'fixed', minMs: 100, maxMs: 100, jitter: false, maxAgeMs: 60_000 } as const

  /** Fails each attempt, at once, from `from` on. */
  function attemptsOf(
    timestamp: number,
    from: number,
    over: Partial<RetrySettings> = {},
    headers: readonly RecordHeader[] = [],
  ) {
    const driver = new Driver({ route: { retry: { ...retry, ...over } } }).assign(0, 0)
    driver.now = from
    driver.poll(aRecord(0, { timestamp, headers }))
    let attempts = 0
    for (let items = driver.start(); items.length > 0; items = driver.start()) {
      attempts += 1
      driver.end(items[0], failed)
      driver.now += 100
    }
    return { attempts, request: driver.takeDeadLetter() }
  }

  it('has two attempts always, and then no more', () => {
    const { attempts, request } = attemptsOf(1_000, 3_600_000)
    assert.deepEqual([attempts, request.attempt, request.failure.reason], [2, 2, 'expired'])
    assert.match(request.failure.message, /^it is older than 60000 ms; its last attempt: boom$/)
  })

  it('is given up by the first failure after that', () => {
    assert.equal(attemptsOf(1_000, 60_700).attempts, 4)
  })

  it('is tried as often as ever while it is younger, from a clock that is ahead, or where its producer set no timestamp', () => {
    assert.equal(attemptsOf(1_000, 2_000).attempts, 9)
    assert.equal(attemptsOf(9_000_000, 2_000).attempts, 9)
    assert.equal(attemptsOf(-1, 3_600_000).attempts, 9)
  })

  it('is as old as its own timestamp, whatever its headers say: a replay is new', () => {
    const headers = [
      ['pyrallel-timestamp', Buffer.from('1000')],
      ['kafka_dlt-original-timestamp', Buffer.from('1000')],
    ] as const
    assert.equal(attemptsOf(3_600_000, 3_600_000, {}, headers).attempts, 9)
  })

  it('is tried as often as ever where nobody set an age', () => {
    assert.equal(attemptsOf(1_000, 3_600_000, { maxAgeMs: 0 }).attempts, 9)
    assert.equal(attemptsOf(1_000, 3_600_000, { maxAgeMs: undefined }).attempts, 9)
  })
})

describe('a record that leaves its partition no room for others', () => {
  const retry = { attempts: 28, backoff: 'fixed', minMs: 1_000, maxMs: 1_000, jitter: false } as const

  /** Key bad has the first record of a partition whose span is ten offsets. */
  function aBusyPartition(): Driver {
    return new Driver({ route: { retry }, limits: { maxOffsetSpan: 10 } })
      .assign(0, 0)
      .poll(keyed(0, 'bad'), ...range(1, 30).map((n) => keyed(n, 'good')))
  }

  /** Ends with success whatever starts, but what is of key bad. @returns those */
  function handleOthers(driver: Driver): WorkItem[] {
    const bad: WorkItem[] = []
    for (let items = driver.start(); items.length > 0; items = driver.start())
      for (const item of items) {
        if (String(item.records[0]?.key) === 'bad') bad.push(item)
        else driver.end(item)
      }
    return bad
  }

  it('is given up by its next failure where they succeed, and they go on', () => {
    const driver = aBusyPartition()
    const [first] = driver.start(1)
    driver.end(first, failed)
    handleOthers(driver)
    assert.equal(driver.eventsOf('record.done').length, 9, 'no room for more')
    driver.now = 1_000
    const [second] = handleOthers(driver)
    driver.end(second, failed)
    const request = driver.takeDeadLetter()
    assert.deepEqual([request.record.offset, request.attempt, request.failure.reason], [0, 2, 'in-the-way'])
    assert.match(request.failure.message, /its last attempt: boom$/)
    driver.manager.onDeadLettered(request)
    handleOthers(driver)
    assert.equal(driver.eventsOf('record.done').length, 29)
  })

  it('is tried once more where its first attempt alone took all the room', () => {
    const driver = aBusyPartition()
    const [first] = handleOthers(driver)
    driver.end(first, timedOut)
    assert.deepEqual(driver.manager.takeDeadLetters(), [])
    driver.now = 1_000
    driver.end(driver.start()[0], timedOut)
    assert.equal(driver.takeDeadLetter().failure.reason, 'in-the-way')
  })

  it('was not tried where it was taken back before it had begun', () => {
    const driver = aBusyPartition()
    const [bad] = driver.start(1)
    handleOthers(driver)
    driver.end(bad, recalled)
    for (const _ of range(0, 5)) {
      driver.end(driver.start()[0], failed)
      driver.now += 1_000
    }
    assert.deepEqual(driver.manager.takeDeadLetters(), [], 'no other has succeeded since it was first tried')
  })

  it('has all of its attempts while nothing succeeds, even where what was done before leaves no room', () => {
    const metadata = encodeCompleted(0, [{ start: 1, end: 20 }], 4_095).text
    const driver = new Driver({ route: { retry }, limits: { maxOffsetSpan: 10 } }).assign(0, 0, metadata)
    driver.poll(keyed(0, 'bad'), keyed(20, 'good'))
    let attempts = 0
    for (let items = driver.start(); items.length > 0; items = driver.start()) {
      attempts += 1
      driver.end(items[0], failed)
      driver.now += 1_000
    }
    const request = driver.takeDeadLetter()
    assert.deepEqual([attempts, request.failure.reason], [28, 'handler'])
  })

  it('has all of its attempts while another one is in the way', () => {
    const driver = new Driver({ route: { retry }, limits: { maxOffsetSpan: 10 } }).assign(0, 0)
    driver.poll(keyed(0, 'slow'), keyed(1, 'bad'), ...range(2, 30).map((n) => keyed(n, 'good')))
    driver.end(driver.start()[1], failed)
    handleOthers(driver)
    for (const _ of range(0, 5)) {
      driver.now += 1_000
      for (const item of handleOthers(driver)) driver.end(item, failed)
    }
    assert.deepEqual(driver.manager.takeDeadLetters(), [])
  })
})

describe('a record that is dropped', () => {
  it('leaves the rest of its key to start at once, when it has blocked for too long', () => {
    const retry = { attempts: 9, backoff: 'fixed', minMs: 5_000, maxMs: 5_000, jitter: false } as const
    const driver = new Driver({ route: { deadLetterTopic: null, maxBlockingMs: 1_000, retry } }).assign(0, 0)
    driver.poll(keyed(0, 'a'), keyed(1, 'a')).end(driver.start()[0], failed)
    driver.now = 1_000
    assert.deepEqual(driver.startOffsets(), [1])
  })

  it('leaves the rest of its key to go on, when the key is poisoned', () => {
    const poison: PoisonSettings = { threshold: 1, cooldownMs: 1_000 }
    const driver = new Driver({ route: { deadLetterTopic: null, poison } }).assign(0, 0)
    driver.poll(...range(0, 5).map((n) => keyed(n, 'a'))).end(driver.start()[0], hopeless)
    assert.deepEqual(driver.startOffsets(), [])
    assert.deepEqual([driver.eventsOf('record.dead').length, driver.commit()?.position], [5, 5])
  })
})

describe('an adaptive limit', () => {
  it('starts small, is never above concurrency, and says when it has changed', () => {
    const driver = new Driver({ route: { concurrency: 20, adaptive: { min: 1, intervalMs: 10 } } }).assign(0, 0)
    let most = 0
    for (let round = 0; round < 60; round += 1) {
      driver.poll(...range(round * 40, round * 40 + 40).map((n) => aRecord(n)))
      const items = driver.start()
      most = Math.max(most, items.length)
      if (round === 0) assert.equal(items.length, 8)
      driver.now += 20
      for (const item of items) driver.end(item)
    }
    assert.equal(most, 20)
    assert.ok(driver.eventsOf('concurrency.changed').some(({ limit }) => limit === 20))
    assert.equal(driver.manager.limitOf('orders'), 20)
  })

  it('stays where it is while what waits is waiting for its key', () => {
    const driver = new Driver({ route: { adaptive: { min: 1, intervalMs: 10 } } }).assign(0, 0)
    driver.poll(...range(0, 800).map((n) => keyed(n, `k${n % 8}`)))
    for (let round = 0; round < 25; round += 1) {
      const items = driver.start()
      assert.equal(items.length, 8)
      driver.now += 20
      for (const item of items) driver.end(item)
    }
    assert.equal(driver.manager.limitOf('orders'), 8)
  })

  it('stays where it is while nothing more is waiting', () => {
    const driver = new Driver({ route: { adaptive: { min: 1, intervalMs: 10 } } }).assign(0, 0)
    for (let round = 0; round < 60; round += 1) {
      driver.poll(aRecord(round))
      driver.now += 20
      for (const item of driver.start()) driver.end(item)
    }
    assert.equal(driver.manager.limitOf('orders'), 8)
  })

  for (const [what, outcome] of [
    ['a service that fails at once is not a fast one', failed],
    ['a filter that says no is not a fast service', { kind: 'succeeded', filtered: true }],
  ] as const) {
    it(`learns from attempts that have succeeded: ${what}`, () => {
      const driver = new Driver({ route: { adaptive: { min: 1, intervalMs: 10 } } }).assign(0, 0)
      let offset = 0
      const round = (durationMs: number, ending: Outcome) => {
        driver.poll(...range(offset, offset + 40).map((n) => aRecord(n)))
        offset += 40
        const items = driver.start()
        driver.now += durationMs
        for (const { id } of items) driver.manager.onCompletion({ workId: id, outcome: ending, durationMs }, driver.now)
      }
      for (let rounds = 0; rounds < 25; rounds += 1) round(20, succeeded)
      const before = driver.manager.limitOf('orders')
      assert.ok(before > 20)
      for (let rounds = 0; rounds < 25; rounds += 1) round(1, outcome)
      assert.equal(driver.manager.limitOf('orders'), before, 'nothing was learnt meanwhile')
      for (let rounds = 0; rounds < 3; rounds += 1) round(20, succeeded)
      assert.ok(driver.manager.limitOf('orders') >= before, 'and 20 ms are what they were')
    })
  }

  it('is the plain concurrency where nobody asked for it', () => {
    const driver = new Driver({ route: { concurrency: 70 } }).assign(0, 0).poll(...range(0, 99).map((n) => aRecord(n)))
    assert.equal(driver.start().length, 70)
  })
})
