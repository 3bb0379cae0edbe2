/** The checker of the demo must really notice: each kind of violation is played to it, and so is every lawful story. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Delivery, OrderChecker } from '../../../../../cli/dev/traffic/order-checker.ts'
import type { Ordering } from '../../../../../framework/model/work.ts'

function checker(ordering: Ordering): OrderChecker {
  return new OrderChecker(new Map([['h', ordering]]))
}

/** The n-th record of a key; its offset is apart from its number. */
function record(number: number, key: string | null = 'k', partition = 0): Delivery {
  return { handlerId: 'h', topic: 't', partition, offset: 100 + number * 3, key, number }
}

function handled(checker: OrderChecker, delivery: Delivery): void {
  checker.started(delivery)
  checker.ended(delivery, true)
  checker.settled(delivery)
}

describe('OrderChecker', () => {
  it('numbers the records of each key of each topic on their own', () => {
    const it = checker('key')
    assert.deepEqual(
      [it.numberOf('t', 'a'), it.numberOf('t', 'b'), it.numberOf('t', 'a'), it.numberOf('u', 'a')],
      [1, 1, 2, 1],
    )
  })

  it('does not count records without a key among those of the empty key', () => {
    const it = checker('key')
    const keys = ['', null, '', null, '']
    assert.deepEqual(
      keys.map((key) => it.numberOf('t', key)),
      [1, 1, 2, 2, 3],
    )
    for (const number of [1, 2, 3]) handled(it, record(number, ''))
    assert.deepEqual(it.violations, [])
  })

  it('finds nothing wrong with a record that is parked alone, passed by those behind it, and tried later', () => {
    const it = checker('key')
    it.started(record(1))
    it.ended(record(1), false)
    it.parkedAlone(record(1))
    handled(it, record(2))
    handled(it, record(1))
    handled(it, record(3))
    assert.deepEqual([it.violations, it.repeats], [[], 0])
  })

  it('finds a record that is parked alone and tried beside another one of its key', () => {
    const it = checker('key')
    it.started(record(1))
    it.ended(record(1), false)
    it.parkedAlone(record(1))
    it.started(record(2))
    it.started(record(1))
    assert.match(it.violations[0] ?? '', /#1\) started while #2 was running/)
  })

  it('shows the empty key as one', () => {
    const it = checker('key')
    it.started(record(2, ''))
    assert.match(it.violations[0] ?? '', /\(key '', #2\)/)
  })

  it('finds nothing wrong with keys that interleave, retries, filtered records and dead letters', () => {
    const it = checker('key')
    handled(it, record(1, 'a'))
    it.started(record(2, 'a'))
    handled(it, record(1, 'b'))
    it.ended(record(2, 'a'), false)
    handled(it, record(2, 'b'))
    it.started(record(2, 'a'))
    it.ended(record(2, 'a'), false)
    it.settled(record(2, 'a'))
    it.settled(record(3, 'a'))
    handled(it, record(4, 'a'))
    assert.deepEqual(it.violations, [])
    assert.equal(it.violationCount, 0)
    assert.equal(it.repeats, 0)
    assert.equal(it.starts, 6)
    assert.equal(it.sequences, 2)
  })

  it('lets what is done in a batch settle before those of its key that were given up in it', () => {
    const it = checker('key')
    it.settled(record(1), 'done in a batch')
    it.settled(record(3), 'done in a batch')
    it.settled(record(2), 'dead')
    it.settled(record(4), 'done in a batch')
    assert.deepEqual(it.violations, [])
  })

  it('notices a record of a batch that is done after one behind it', () => {
    const it = checker('key')
    it.settled(record(2), 'done in a batch')
    it.settled(record(1), 'done in a batch')
    assert.deepEqual(it.violations, ['h: t[0]@103 (key k, #1) was done after #2, which is behind it'])
  })

  it('notices two records of one key that run at once', () => {
    const it = checker('key')
    it.started(record(1))
    it.started(record(2))
    assert.equal(it.violationCount, 1)
    assert.equal(it.violations[0], 'h: t[0]@106 (key k, #2) started while #1 was running')
  })

  it('notices a record that starts while the one before it waits for a retry', () => {
    const it = checker('key')
    it.started(record(1))
    it.ended(record(1), false)
    it.started(record(2))
    assert.match(it.violations[0] ?? '', /#2\) started before #1 was done/)
  })

  it('notices a record that is passed over', () => {
    const it = checker('key')
    handled(it, record(1))
    handled(it, record(3))
    assert.match(it.violations[0] ?? '', /#3\) came after #1: those between were passed over/)
  })

  it('notices that the first record of a key did not come first', () => {
    const it = checker('key')
    it.started(record(2))
    assert.equal(it.violationCount, 1)
  })

  it('notices a record that is settled without a handler while the one before it is open', () => {
    const it = checker('key')
    it.started(record(1))
    it.settled(record(2))
    assert.match(it.violations[0] ?? '', /#2\) was settled before #1 was done/)
  })

  it('counts a record that runs again after it was done as a repeat, not as a violation', () => {
    const it = checker('key')
    handled(it, record(1))
    handled(it, record(1))
    handled(it, record(2))
    assert.equal(it.repeats, 1)
    assert.equal(it.violationCount, 0)
  })

  it('compares offsets, over all keys, where the order is that of the partition', () => {
    const it = checker('partition')
    handled(it, record(1, 'a'))
    it.started(record(2, 'b'))
    it.started(record(3, 'c'))
    assert.match(it.violations[0] ?? '', /started while #107 was running/)
    assert.equal(it.sequences, 1)
  })

  it('does not take the gaps of a partition for records that were passed over', () => {
    const it = checker('partition')
    handled(it, record(1))
    handled(it, record(9))
    assert.equal(it.violationCount, 0)
  })

  it('compares nothing where there is no order to keep', () => {
    for (const [it, key] of [
      [checker('unordered'), 'k'],
      [checker('key'), null],
    ] as const) {
      it.started(record(2, key))
      it.started(record(1, key))
      assert.equal(it.violationCount, 0)
    }
  })

  it('keeps the first 20 violations as texts and counts all', () => {
    const it = checker('key')
    for (let number = 1; number <= 30; number++) it.started(record(number))
    assert.equal(it.violationCount, 29)
    assert.equal(it.violations.length, 20)
  })
})
