/** Batches: which records run together, how long they wait for others, and what becomes of them when some, or all, have failed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BatchSettings, Route } from '../../../framework/model/settings.ts'
import type { HandlerFailure, Outcome, WorkItem } from '../../../framework/model/work.ts'
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
    assert.deepEqual(driver.manager.gauges(), {
      records: 0,
      bytes: 0,
      inFlight: 0,
      retriesWaiting: 0,
      parked: 0,
      delayed: 0,
      deadLetters: 0,
    })
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

/** All that the engine would say of a batch function that threw `RetryAfter`. */
function pause(
  records: number,
  retryAfterMs: number,
  over: Partial<Record<number, HandlerFailure | 'filtered'>> = {},
): Outcome {
  const asked = aFailure({ name: 'RetryAfter', message: 'busy', retryAfterMs })
  const [failures, filtered] = [new Map<number, HandlerFailure>(), new Set<number>()]
  for (const index of range(0, records)) {
    const own = over[index] ?? asked
    if (own === 'filtered') filtered.add(index)
    else failures.set(index, own)
  }
  return { kind: 'partial', failures, filtered, pause: asked }
}

describe('a batch that throws RetryAfter', () => {
  it('waits so long, runs again as it is, and has used up an attempt of each record', () => {
    const driver = driverOf({ size: 4, waitMs: 0 }).poll(...range(0, 4).map((at) => aRecord(at)))
    driver.end(driver.start()[0], pause(4, 5_000))
    assert.deepEqual([driver.manager.nextWakeAt, driver.eventsOf('batch.split')], [5_000, []])
    assert.deepEqual(
      driver.eventsOf('record.retry').map(({ record, attempt, delayMs }) => [record.offset, attempt, delayMs]),
      range(0, 4).map((at) => [at, 1, 5_000]),
    )
    driver.now = 4_999
    assert.deepEqual(driver.start(), [])
    driver.now = 5_000
    const [again, ...others] = driver.start()
    assert.deepEqual([offsetsIn(again), again?.attempts, others], [[0, 1, 2, 3], [2, 2, 2, 2], []])
  })

  it('gives up those whose attempts are used up', () => {
    const driver = driverOf({ size: 2, waitMs: 0 }).poll(aRecord(0), aRecord(1))
    for (const attempt of [1, 2, 3]) {
      const [item] = driver.start()
      assert.deepEqual(item?.attempts, [attempt, attempt])
      driver.end(item, pause(2, 1_000))
      driver.now += 1_000
    }
    assert.deepEqual(
      driver.manager.takeDeadLetters().map(({ record, attempt, failure }) => [record.offset, attempt, failure.message]),
      [
        [0, 3, 'busy'],
        [1, 3, 'busy'],
      ],
    )
  })

  it('keeps the order of a key, and gives no record up behind another one of its key', () => {
    const driver = driverOf({ size: 3, waitMs: 0 }).poll(...range(0, 3).map((offset) => keyed(offset, 'a')))
    const numbers: (readonly number[] | undefined)[] = []
    for (const _ of [1, 2, 3]) {
      const [item] = driver.start()
      numbers.push(item?.attempts)
      driver.end(item, pause(3, 1_000))
      driver.now += 1_000
    }
    assert.deepEqual(numbers, [
      [1, 1, 1],
      [2, 2, 2],
      [3, 3, 3],
    ])
    const request = driver.takeDeadLetter()
    assert.deepEqual([request.record.offset, driver.manager.takeDeadLetters(), driver.start()], [0, [], []])
    driver.manager.onDeadLettered(request)
    const [rest] = driver.start()
    assert.deepEqual(
      [offsetsIn(rest), rest?.attempts],
      [
        [1, 2],
        [3, 3],
      ],
    )
    driver.end(rest)
    assert.equal(driver.commit()?.position, 3)
  })

  it('lets go of what it was not given: malformed values and filtered records', () => {
    const driver = driverOf({ size: 3, waitMs: 0 }).poll(...range(0, 3).map((at) => aRecord(at)))
    const malformed = aFailure({ reason: 'undecodable', retryable: false })
    driver.end(driver.start()[0], pause(3, 1_000, { 0: malformed, 1: 'filtered' }))
    assert.equal(driver.takeDeadLetter().failure.reason, 'undecodable')
    assert.deepEqual(
      driver.eventsOf('record.done').map(({ record, filtered }) => [record.offset, filtered]),
      [[1, true]],
    )
    assert.equal(driver.manager.gauges().retriesWaiting, 1)
  })
})

describe('a handler whose batches all fail as a whole', () => {
  const retry = { attempts: 28, backoff: 'exponential', minMs: 200, maxMs: 30_000, jitter: false } as const

  /** Every call fails until `upAt`; ends when nothing is left to do, or at `until`. */
  function play(driver: Driver, upAt: number, until: number): { readonly calls: number[]; readonly dead: number[] } {
    const [calls, dead]: [number[], number[]] = [[], []]
    while (driver.now <= until) {
      for (let items = driver.start(); items.length > 0; items = driver.start()) {
        for (const item of items) {
          calls.push(driver.now)
          driver.end(item, driver.now < upAt ? failed : undefined)
        }
      }
      for (const request of driver.manager.takeDeadLetters()) {
        dead.push(driver.now)
        driver.manager.onDeadLettered(request)
      }
      const { nextWakeAt } = driver.manager
      if (nextWakeAt === undefined) break
      driver.now = Math.max(driver.now + 1, nextWakeAt)
    }
    return { calls, dead }
  }

  it('is called ever less often, and gives up nothing for five minutes', () => {
    const driver = driverOf({ size: 200, waitMs: 0 }, { retry }).poll(...range(0, 200).map((at) => aRecord(at)))
    const { calls, dead } = play(driver, Number.POSITIVE_INFINITY, 300_000)
    assert.deepEqual(calls.slice(0, 4), [0, 0, 0, 200])
    const inFirstSeconds = calls.filter((at) => at <= 10_000).length
    assert.ok(inFirstSeconds <= 15, `${inFirstSeconds} calls in ten seconds`)
    assert.deepEqual(dead, [])
  })

  it('runs all of them again with the first success', () => {
    const driver = driverOf({ size: 200, waitMs: 0 }, { retry }).poll(...range(0, 200).map((at) => aRecord(at)))
    play(driver, 20_000, 19_999)
    const split = driver.eventsOf('batch.split').length
    const { calls } = play(driver, 20_000, 300_000)
    assert.equal(driver.eventsOf('batch.split').length, split)
    assert.equal(new Set(calls).size, 1, `at once: ${[...new Set(calls)]}`)
    assert.equal(driver.eventsOf('record.done').length, 200)
  })

  it('is one whose failures are worth another attempt: else they are split at once', () => {
    const driver = driverOf({ size: 8, waitMs: 0 }).poll(...range(0, 8).map((at) => aRecord(at)))
    const hopeless: Outcome = { kind: 'failed', failure: aFailure({ retryable: false }) }
    for (let items = driver.start(); items.length > 0; items = driver.start())
      for (const item of items) driver.end(item, hopeless)
    assert.equal(driver.manager.takeDeadLetters().length, 8)
    assert.deepEqual(new Set(driver.eventsOf('batch.split').map(({ delayMs }) => delayMs)), new Set([0]))
  })

  it('holds no record for too long by its pauses: none is given up as blocking before it has run without the others', () => {
    const driver = driverOf({ size: 4, waitMs: 0 }, { maxBlockingMs: 100, retry }).poll(
      ...range(0, 4).map((at) => aRecord(at)),
    )
    for (const item of driver.start()) driver.end(item, failed)
    for (const item of driver.start()) driver.end(item, failed)
    driver.now = 150
    assert.deepEqual([driver.start(), driver.manager.takeDeadLetters()], [[], []])
    assert.ok((driver.manager.nextWakeAt ?? 0) > 150)
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

  it('learn nothing about the limit from calls in which nothing was handled', () => {
    const adaptive = { min: 1, intervalMs: 10 }
    const driver = driverOf({ size: 2, waitMs: 0 }, { adaptive, concurrency: 64 })
    let offset = 0
    const round = (durationMs: number, outcome: Outcome) => {
      driver.poll(...range(offset, offset + 400).map((at) => aRecord(at)))
      offset += 400
      const items = driver.start()
      driver.now += durationMs
      for (const { id } of items) driver.manager.onCompletion({ workId: id, outcome, durationMs }, driver.now)
      for (const request of driver.manager.takeDeadLetters()) driver.manager.onDeadLettered(request)
    }
    const malformed = aFailure({ reason: 'undecodable', retryable: false })
    const unrun: Outcome[] = [
      {
        kind: 'partial',
        failures: new Map([
          [0, malformed],
          [1, malformed],
        ]),
      },
      { kind: 'partial', failures: new Map([[0, malformed]]), filtered: new Set([1]) },
      partial({ 0: false, 1: false }),
    ]
    for (let rounds = 0; rounds < 25; rounds += 1) round(20, { kind: 'succeeded' })
    const before = driver.manager.limitOf('orders')
    assert.ok(before > 20)
    for (const outcome of unrun) for (let rounds = 0; rounds < 15; rounds += 1) round(1, outcome)
    assert.equal(driver.manager.limitOf('orders'), before, 'nothing was learnt meanwhile')
    for (let rounds = 0; rounds < 3; rounds += 1) round(20, { kind: 'succeeded' })
    assert.ok(driver.manager.limitOf('orders') >= before, 'and 20 ms are what they were')
  })

  it('learn about the limit from the calls, whatever their number of records', () => {
    const driver = driverOf({ size: 5, waitMs: 0 }, { adaptive: { min: 1, intervalMs: 10 }, concurrency: 64 })
    driver.poll(...range(0, 500).map((at) => aRecord(at)))
    assert.equal(driver.start().length, 8)
  })
})
