/** What somebody does by hand about one record or one key, and when that is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ActionResult, RecordAction } from '../../../framework/model/action.ts'
import { Driver, failed, keyed, of } from './builders.ts'

const hopeless = { kind: 'failed', failure: { reason: 'handler', name: 'E', message: 'no', retryable: false } } as const
const around = (driver: Driver) => ({ now: driver.now, capacityOf: () => 1_000, logEnd: () => undefined })

function seen(driver: Driver, offset: number): RecordAction {
  const now = driver.manager.explainer.explain({ ...of(0), offset }, around(driver))
  return { ...of(0), offset, epoch: now?.epoch ?? 0, attempt: now?.attempt ?? 0 }
}

const retryNow = (driver: Driver, action: RecordAction) => driver.manager.byHand.retryNow(action, around(driver))
const giveUp = (driver: Driver, action: RecordAction) => driver.manager.byHand.giveUp(action, around(driver))
const why = (result: ActionResult) => (result.isDone ? 'done' : result.why)

describe('retry now', () => {
  it('starts a record that waits, once, and keeps the order of its key', () => {
    const driver = new Driver().assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'a'))
    driver.end(driver.start()[0], failed)
    assert.deepEqual(driver.startOffsets(), [])
    assert.equal(why(retryNow(driver, seen(driver, 0))), 'done')
    const items = driver.start()
    assert.deepEqual(
      items.map(({ records, attempts }) => [records[0]?.offset, attempts[0]]),
      [[0, 2]],
    )
    driver.now = 1_000
    assert.deepEqual(driver.startOffsets(), [], 'what was due then has run')
    driver.end(items[0])
    assert.deepEqual(driver.startOffsets(), [1])
    assert.deepEqual(
      driver.eventsOf('record.hurried').map(({ attempt }) => attempt),
      [2],
    )
  })

  it('ends the pause of a record whose batch has failed', () => {
    const driver = new Driver({ route: { batch: { size: 2, waitMs: 0 } } }).assign(0, 0)
    driver.poll(keyed(0, 'a'), keyed(1, 'b'), keyed(2, 'c'), keyed(3, 'd'))
    for (const item of driver.start()) driver.end(item, failed)
    for (const item of driver.start()) driver.end(item)
    driver.poll(keyed(4, 'e'), keyed(5, 'f'), keyed(6, 'g'), keyed(7, 'h'))
    for (const item of driver.start()) driver.end(item, failed)
    const waiting = [6, 7].filter((offset) => why(retryNow(driver, seen(driver, offset))) === 'done')
    assert.ok(waiting.length > 0)
    assert.ok(driver.startOffsets().length > 0)
  })

  it('is refused for what runs, waits for nothing, is another attempt or assignment, is not here, or drains', () => {
    const driver = new Driver().assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'a'))
    assert.equal(why(retryNow(driver, seen(driver, 0))), 'other-state')
    const [item] = driver.start()
    assert.equal(why(retryNow(driver, seen(driver, 0))), 'in-flight')
    driver.end(item, failed)
    const record = seen(driver, 0)
    const refused = retryNow(driver, { ...record, attempt: 1 })
    assert.equal(why(refused), 'other-attempt')
    assert.deepEqual(refused.isDone ? undefined : [refused.now?.state, refused.now?.attempt], ['waiting', 2])
    assert.equal(why(retryNow(driver, { ...record, epoch: record.epoch - 1 })), 'other-epoch')
    assert.equal(why(retryNow(driver, { ...record, partition: 5 })), 'not-assigned')
    assert.equal(why(retryNow(driver, seen(driver, 9))), 'other-state')
    driver.manager.startDraining([of(0)])
    assert.equal(why(retryNow(driver, record)), 'draining')
    assert.deepEqual(driver.eventsOf('record.hurried'), [])
  })

  it('is refused while the breaker of its key is open, as it would be given up', () => {
    const poison = { threshold: 2, cooldownMs: 1_000 }
    const driver = new Driver({ route: { poison, ordering: 'unordered' } }).assign(0, 0)
    const [first, second, third] = driver.poll(keyed(0, 'a'), keyed(1, 'a'), keyed(2, 'a')).start()
    driver.end(first, failed).end(second, hopeless).end(third, hopeless)
    assert.equal(why(retryNow(driver, seen(driver, 0))), 'poisoned')
  })
})

describe('give up by hand', () => {
  it('sends a record that waits to the dead-letter topic, once, and the position waits for that', () => {
    const driver = new Driver().assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'a'))
    driver.end(driver.start()[0], failed)
    assert.equal(why(giveUp(driver, seen(driver, 0))), 'done')
    assert.equal(why(giveUp(driver, seen(driver, 0))), 'other-state')
    const request = driver.takeDeadLetter()
    assert.deepEqual([request.record.offset, request.attempt, request.failure.reason], [0, 1, 'by-hand'])
    assert.match(request.failure.message, /by hand; its last attempt: boom/)
    driver.now = 10_000
    assert.deepEqual([driver.startOffsets(), driver.manager.takeDeadLetters().length], [[], 0])
    assert.equal(driver.commit(), undefined, 'the position stays where it was')
    driver.manager.onDeadLettered(request)
    assert.equal(driver.commit()?.position, 1)
    assert.deepEqual(driver.startOffsets(), [1])
    assert.deepEqual(
      driver.eventsOf('record.given-up').map(({ attempt }) => attempt),
      [1],
    )
  })

  it('takes the next record of a key that has not run, and none behind it', () => {
    const driver = new Driver().assign(0, 0).poll(keyed(0, 'a'), keyed(1, 'a'))
    assert.equal(why(giveUp(driver, seen(driver, 1))), 'not-first')
    assert.equal(why(giveUp(driver, seen(driver, 0))), 'done')
    assert.deepEqual(driver.startOffsets(), [])
    assert.equal(driver.takeDeadLetter().attempt, 0)
  })

  it('is refused where it would lose the record, for what runs, and while an earlier assignment is at work on its key', () => {
    const dropping = new Driver({ route: { deadLetterTopic: null } }).assign(0, 0).poll(keyed(0, 'a'))
    assert.equal(why(giveUp(dropping, seen(dropping, 0))), 'no-dead-letter-topic')
    const driver = new Driver().assign(0, 0).poll(keyed(0, 'a'))
    driver.start()
    assert.equal(why(giveUp(driver, seen(driver, 0))), 'in-flight')
    driver.manager.onRevoked([of(0)])
    driver.assign(0, 0).poll(keyed(0, 'a'))
    assert.equal(why(giveUp(driver, seen(driver, 0))), 'not-first')
  })

  it('opens no breaker: it is a decision about one record', () => {
    const driver = new Driver({ route: { poison: { threshold: 1, cooldownMs: 1_000 } } }).assign(0, 0)
    driver.poll(keyed(0, 'a'), keyed(1, 'a'))
    giveUp(driver, seen(driver, 0))
    driver.manager.onDeadLettered(driver.takeDeadLetter())
    assert.deepEqual(driver.startOffsets(), [1])
  })
})

describe('closing a breaker by hand', () => {
  it('lets the records of its key run, and no others', () => {
    const poison = { threshold: 1, cooldownMs: 1_000 }
    const driver = new Driver({ route: { poison } }).assign(0, 0)
    driver.poll(...['a', 'b', 'a', 'b'].map((key, offset) => keyed(offset, key)))
    for (const item of driver.start()) driver.end(item, hopeless)
    for (const request of driver.manager.takeDeadLetters()) driver.manager.onDeadLettered(request)
    const [b, a] = driver.manager.explainer.openBreakers(0, 10)
    assert.deepEqual([b?.key.toString(), a?.key.toString(), a?.givenUp, a?.until], ['b', 'a', 1, 1_000])
    const action = { ...of(0), epoch: a?.epoch ?? 0, breaker: a?.id ?? 0 }
    const close = (over: object) => why(driver.manager.byHand.closeBreaker({ ...action, ...over }, driver.now))
    assert.equal(close({ epoch: action.epoch - 1 }), 'other-epoch')
    assert.equal(close({ breaker: action.breaker + 1_000 }), 'no-breaker')
    assert.equal(close({ partition: 9 }), 'not-assigned')
    assert.equal(close({}), 'done')
    assert.equal(close({}), 'no-breaker')
    assert.deepEqual(driver.startOffsets(), [2])
    assert.deepEqual(
      driver.eventsOf('breaker.closed').map(({ key, isByHand }) => [key, isByHand]),
      [['a', true]],
    )
  })
})
