/** The manager's verbs, in the order of a record's way, and what comes back too late. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MAX_INTERRUPTIONS } from '../../../framework/control-plane/failures/retry-policy.ts'
import { encodeCompleted } from '../../../framework/control-plane/offsets/metadata-encoder.ts'
import type { WorkItem } from '../../../framework/model/work.ts'
import { aFailure, aRecord, Driver, failed, interrupted, keyed, of, range, timedOut } from './builders.ts'

const idle = { records: 0, bytes: 0, inFlight: 0, retriesWaiting: 0, delayed: 0, parked: 0, deadLetters: 0 }

describe('a record on its way', () => {
  it('is taken in, started, completed and committed, and leaves nothing behind', () => {
    const driver = new Driver().assign(0, 5).poll(keyed(5, 'a'), keyed(6, 'a'))
    assert.deepEqual(driver.manager.gauges(), { ...idle, records: 2, bytes: 194 })
    const [first] = driver.start()
    assert.deepEqual([first?.handlerId, first?.attempts, first?.records[0]?.offset], ['charge', [1], 5])
    assert.equal(driver.manager.gauges().inFlight, 1)
    driver.end(first).endAll(driver.start())
    assert.deepEqual(driver.manager.gauges(), idle)
    assert.equal(driver.commit()?.position, 7)
    assert.deepEqual(driver.kinds(), ['partition.assigned', 'record.done', 'record.done'])
  })

  it('tells a filtered record from a handled one', () => {
    const driver = new Driver().assign(0, 0).poll(aRecord(0))
    driver.end(driver.start()[0], { kind: 'succeeded', filtered: true })
    assert.equal(driver.eventsOf('record.done')[0]?.filtered, true)
  })

  it('is dropped when its partition is not assigned', () => {
    const driver = new Driver().assign(0, 0).poll(aRecord(0, { partition: 7 }))
    assert.deepEqual([driver.startOffsets(), driver.manager.gauges()], [[], idle])
  })

  it('is dropped while its partition drains: the next owner gets it', () => {
    const driver = new Driver().assign(0, 0)
    driver.manager.startDraining([of(0)])
    driver.poll(aRecord(0))
    assert.deepEqual(driver.manager.gauges(), idle)
    assert.equal(driver.commit(), undefined)
  })
})

describe('a record that fails', () => {
  it('goes to the dead-letter topic with as much of it as its handler wants there', () => {
    for (const deadLetterPayload of ['full', 'metadata'] as const) {
      const driver = new Driver({ route: { deadLetterPayload } }).assign(0, 0).poll(keyed(0, 'a'))
      driver.end(driver.start()[0], { kind: 'failed', failure: aFailure({ retryable: false }) })
      assert.equal(driver.takeDeadLetter().payload, deadLetterPayload)
    }
  })

  it('runs again after its delay, with the next attempt number, and holds its key meanwhile', () => {
    const driver = new Driver().assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'b'))
    const [a, b] = driver.start()
    driver.end(a, failed).end(b)
    assert.deepEqual([driver.startOffsets(), driver.manager.nextWakeAt], [[], 100])
    assert.equal(driver.manager.gauges().retriesWaiting, 1)
    assert.deepEqual([driver.commit()?.position, driver.manager.gauges().inFlight], [0, 0])
    driver.now = 99
    assert.deepEqual(driver.startOffsets(), [])
    driver.now = 100
    const [again] = driver.start()
    assert.deepEqual([again?.records[0]?.offset, again?.attempts], [0, [2]])
    const [retry] = driver.eventsOf('record.retry')
    assert.deepEqual([retry?.attempt, retry?.attempts, retry?.delayMs], [1, 3, 100])
    driver.end(again)
    assert.deepEqual(driver.startOffsets(), [1])
  })

  for (const [name, outcome] of [
    ['throws', failed],
    ['times out', timedOut],
  ] as const) {
    it(`is given up after its last attempt when it ${name} each time, and is incomplete until the dead letter is acknowledged`, () => {
      const driver = new Driver().assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'a'))
      for (const attempt of [1, 2, 3]) {
        const [item] = driver.start()
        assert.deepEqual(item?.attempts, [attempt])
        driver.end(item, outcome)
        driver.now += 10_000
      }
      assert.deepEqual([driver.startOffsets(), driver.commit()?.position], [[], 0])
      assert.equal(driver.manager.gauges().deadLetters, 1)
      const request = driver.takeDeadLetter()
      assert.deepEqual([request.topic, request.attempt, request.record.offset], ['orders.dlq', 3, 0])
      assert.deepEqual(driver.manager.takeDeadLetters(), [])
      driver.manager.onDeadLettered(request)
      assert.deepEqual([driver.commit()?.position, driver.startOffsets()], [1, [1]])
      assert.equal(driver.eventsOf('record.dead')[0]?.deadLetterTopic, 'orders.dlq')
    })
  }

  it('is given up at once when it cannot be retried', () => {
    const driver = new Driver().assign(0, 0).poll(aRecord(0))
    driver.end(driver.start()[0], { kind: 'failed', failure: aFailure({ reason: 'invalid', retryable: false }) })
    assert.deepEqual([driver.takeDeadLetter().attempt, driver.manager.nextWakeAt], [1, undefined])
  })

  it('is dropped at the end when its owner has written that there is no dead-letter topic', () => {
    const driver = new Driver({ route: { deadLetterTopic: null } }).assign(0, 0).poll(aRecord(0))
    driver.end(driver.start()[0], { kind: 'failed', failure: aFailure({ retryable: false }) })
    assert.deepEqual([driver.commit()?.position, driver.manager.takeDeadLetters()], [1, []])
    assert.equal(driver.eventsOf('record.dead')[0]?.deadLetterTopic, null)
  })

  it('runs again at once when it was interrupted, without using up an attempt, but not for ever', () => {
    const driver = new Driver({ route: { retry: { ...aRetry(), attempts: 1 } } }).assign(0, 0).poll(aRecord(0))
    for (let interruptions = 0; interruptions < MAX_INTERRUPTIONS; interruptions += 1) {
      const [item] = driver.start()
      assert.deepEqual(item?.attempts, [1])
      driver.end(item, interrupted)
    }
    driver.end(driver.start()[0], interrupted)
    assert.equal(driver.takeDeadLetter().failure.reason, 'interrupted')
    assert.deepEqual(driver.startOffsets(), [])
  })
})

function aRetry() {
  return { attempts: 3, backoff: 'fixed', minMs: 100, maxMs: 100, jitter: false } as const
}

describe('what comes back from an earlier assignment', () => {
  function withZombie(outcomeKey = 'a') {
    const driver = new Driver().assign(0, 0).poll(keyed(0, outcomeKey))
    const [zombie] = driver.start()
    driver.manager.onRevoked([of(0)])
    driver.assign(0, 0)
    driver.events.length = 0
    return { driver, zombie }
  }

  for (const [name, outcome] of [
    ['success', undefined],
    ['failure', failed],
    ['last failure', { kind: 'failed', failure: aFailure({ retryable: false }) }],
    ['interruption', interrupted],
  ] as const) {
    it(`changes nothing and is told: a ${name}`, () => {
      const { driver, zombie } = withZombie()
      driver.end(zombie, outcome)
      assert.deepEqual(driver.kinds(), ['stale.dropped'])
      assert.deepEqual([driver.commit(), driver.manager.gauges()], [undefined, idle])
      assert.deepEqual([driver.manager.nextWakeAt, driver.manager.takeDeadLetters()], [undefined, []])
    })
  }

  it('is dropped when it comes twice', () => {
    const driver = new Driver().assign(0, 0).poll(aRecord(0), aRecord(1))
    const [first] = driver.start()
    driver.end(first).end(first)
    assert.deepEqual(driver.kinds().slice(-2), ['record.done', 'stale.dropped'])
    assert.equal(driver.manager.gauges().records, 1)
  })

  it('lets the next record of its key go on only when its handler has ended', () => {
    const { driver, zombie } = withZombie()
    driver.poll(keyed(0, 'a'), keyed(1, 'b'))
    assert.deepEqual(driver.startOffsets(), [1])
    driver.end(zombie)
    assert.deepEqual(driver.startOffsets(), [0])
  })

  it('is dropped: a dead letter that is acknowledged after the partition was given up', () => {
    const driver = new Driver().assign(0, 0).poll(aRecord(0))
    driver.end(driver.start()[0], { kind: 'failed', failure: aFailure({ retryable: false }) })
    const request = driver.takeDeadLetter()
    assert.equal(driver.manager.isWanted(request), true)
    driver.manager.onLost([of(0)])
    assert.equal(driver.manager.isWanted(request), false)
    driver.assign(0, 0).poll(aRecord(0))
    driver.manager.onDeadLettered(request)
    assert.equal(driver.kinds().at(-1), 'stale.dropped')
    assert.deepEqual([driver.commit(), driver.startOffsets()], [undefined, [0]])
  })

  it('is dropped: a commit that is acknowledged after the partition was given up', () => {
    const driver = new Driver().assign(0, 0).poll(aRecord(0))
    driver.endAll(driver.start())
    const commits = driver.manager.collectCommits()
    driver.manager.onRevoked([of(0)])
    driver.assign(0, 0)
    driver.manager.onCommitted(commits)
    assert.equal(driver.kinds().at(-1), 'stale.dropped')
    driver.poll(aRecord(0)).endAll(driver.start())
    assert.equal(driver.commit()?.position, 1)
  })

  it('never starts: a retry that was waiting when the partition was given up', () => {
    const driver = new Driver().assign(0, 0).poll(aRecord(0))
    driver.end(driver.start()[0], failed)
    driver.manager.onRevoked([of(0)])
    driver.assign(0, 0)
    driver.now = 10_000
    assert.deepEqual([driver.startOffsets(), driver.manager.nextWakeAt], [[], undefined])
  })
})

describe('the brake of the commit metadata', () => {
  it('comes off with a commit that finds room, without waiting for the next completion', () => {
    // Below a span of 196 offsets 40 characters are enough in any case; from 300 on nothing above may start.
    const driver = new Driver({
      route: { ordering: 'unordered', concurrency: 1_000 },
      maxMetadataLength: 40,
      limits: { maxOffsetSpan: 300 },
    })
    driver.assign(0, 0).poll(...range(0, 301).map((offset) => aRecord(offset)))
    const items: WorkItem[] = driver.start(300)
    driver.endAll(items, range(2, 300))
    assert.deepEqual(driver.startOffsets(), [])
    driver.commit()
    driver.endAll(items, [0])
    assert.deepEqual(driver.startOffsets(), [])
    driver.commit()
    assert.deepEqual(driver.startOffsets(), [300])
  })
})

describe('the count of what is done and in no acknowledged commit', () => {
  it('has what is done here, and nothing of an earlier owner, also when the position passes that', () => {
    const odd = range(0, 5).map((n) => ({ start: 2 * n + 1, end: 2 * n + 2 }))
    const driver = new Driver().assign(0, 0, encodeCompleted(0, odd, 4_095).text)
    const items = driver.poll(...range(0, 20).map((n) => aRecord(n))).start()
    driver.endAll(items, [0, 2, 4, 6, 8])
    assert.equal(driver.manager.countUncommitted(), 5)
    assert.equal(driver.commit()?.position, 10)
    assert.equal(driver.manager.countUncommitted(), 0)
    driver.endAll(items, range(10, 16))
    assert.equal(driver.manager.countUncommitted(), 6)
  })
})

describe('intake', () => {
  it('is in no hurry while all slots could start something now, with enough behind it', () => {
    const driver = new Driver().assign(0, 0)
    driver.poll(...range(0, 16).map((offset) => keyed(offset, 'one key')))
    assert.deepEqual([driver.manager.hasPlenty(1), driver.manager.hasPlenty(2)], [true, false])
    driver.poll(keyed(16, 'another key'))
    assert.deepEqual([driver.manager.hasPlenty(2), driver.manager.hasPlenty(3)], [true, false])
    driver.start(2)
    assert.deepEqual([driver.manager.hasPlenty(1), driver.manager.hasPlenty(2)], [false, false])
  })

  it('has ready what may start, and is told what to pause', () => {
    const driver = new Driver({ limits: { maxRecordsPerPartition: 8 } }).assign(0, 0)
    assert.equal(driver.manager.hasPlenty(1), false)
    driver.poll(...range(0, 8).map((offset) => aRecord(offset)))
    assert.deepEqual([driver.manager.hasPlenty(1), driver.manager.hasPlenty(2)], [true, false])
    assert.deepEqual(driver.manager.takeIntakeChange().pause, [of(0)])
    assert.deepEqual(driver.manager.pausedPartitions(), [of(0)])
    driver.endAll(driver.start())
    assert.deepEqual(driver.manager.takeIntakeChange().resume, [of(0)])
    assert.deepEqual(driver.manager.pausedPartitions(), [])
  })

  it('is wanted while a handler has slots and nothing to start in them, and a partition is open', () => {
    const driver = new Driver({ route: { concurrency: 2 } }).assign(0, 0)
    const { manager } = driver
    assert.equal(manager.isStarvedByFull, true)
    driver.poll(keyed(0, 'a'), keyed(1, 'b'), keyed(2, 'a'))
    assert.equal(manager.isStarvedByFull, false, 'something may start')
    const items = driver.start()
    assert.equal(manager.isStarvedByFull, false, 'no slot is free')
    driver.endAll(items, [1])
    assert.equal(manager.isStarvedByFull, true, 'the only record that is left waits for its key')
    driver.endAll(items, [0])
    assert.equal(manager.isStarvedByFull, false)
    driver.endAll(driver.start())
    manager.pause('charge')
    assert.equal(manager.isStarvedByFull, false, 'a handler that is paused wants nothing')
  })

  it('is held as a whole and says by which limit', () => {
    const driver = new Driver({ limits: { maxRecords: 4 } }).assign(0, 0).assign(1, 0)
    driver.poll(...[0, 1].flatMap((partition) => range(0, 2).map((offset) => aRecord(offset, { partition }))))
    assert.deepEqual([driver.manager.pollSize(), driver.manager.heldBecause], [0, 'records'])
    driver.endAll(driver.start())
    assert.deepEqual([driver.manager.pollSize(), driver.manager.heldBecause], [1, null])
  })
})
