/** Order within a shard, fairness between shards, and that the queue of those that are ready does not grow. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Pending, Ring, ShardQueue } from '../../../../framework/control-plane/partition/shard-queue.ts'
import type { Ordering } from '../../../../framework/model/work.ts'
import { aRecord, keyed, range } from '../builders.ts'

const anything = () => true
const offsetOf = (pending: Pending | undefined) => pending?.record.offset

function queueOf(keys: readonly (string | null)[], ordering: Ordering = 'key') {
  const queue = new ShardQueue()
  const pendings = keys.map((key, offset) => {
    const record = key === null ? aRecord(offset) : keyed(offset, key)
    return queue.enqueue(record, 1, ordering)
  })
  const takeAll = () => {
    const taken: number[] = []
    for (let pending = queue.take(anything); pending !== undefined; pending = queue.take(anything)) {
      taken.push(pending.record.offset)
    }
    return taken
  }
  return { queue, pendings, takeAll }
}

describe('ShardQueue', () => {
  it('gives one record of each shard, and the next one of a shard only after its release', () => {
    const { queue, pendings, takeAll } = queueOf(['a', 'a', 'b', 'a', 'b'])
    assert.deepEqual(takeAll(), [0, 2])
    assert.deepEqual(takeAll(), [])
    queue.release(pendings[0]!)
    assert.deepEqual(takeAll(), [1])
    queue.release(pendings[1]!)
    queue.release(pendings[2]!)
    assert.deepEqual(takeAll(), [3, 4])
  })

  it('goes round: a shard with much to do waits behind the others after each of its records', () => {
    const { queue } = queueOf(['hot', 'hot', 'hot', 'hot', 'cold', 'cool'])
    const order: (number | undefined)[] = []
    for (let pending = queue.take(anything); pending !== undefined; pending = queue.take(anything)) {
      order.push(offsetOf(pending))
      queue.release(pending)
    }
    assert.deepEqual(order, [0, 4, 5, 1, 2, 3])
  })

  it('keeps a shard whose record runs again from going on, and gives the same record again', () => {
    const { queue, pendings, takeAll } = queueOf(['a', 'a'])
    assert.deepEqual(takeAll(), [0])
    queue.requeue(pendings[0]!)
    assert.deepEqual(takeAll(), [0])
  })

  it('leaves those their turn that a rule refuses for now', () => {
    const { queue, takeAll } = queueOf(['a', 'b', 'c'])
    assert.equal(offsetOf(queue.take(({ record }) => record.offset === 1)), 1)
    assert.equal(
      queue.take(() => false),
      undefined,
    )
    assert.deepEqual(takeAll().toSorted(), [0, 2])
  })

  it('starts a record out of turn only when it is the head of a shard that is free', () => {
    const { queue, pendings, takeAll } = queueOf(['a', 'a', 'b'])
    assert.equal(queue.takeNow(pendings[1]!), false)
    assert.equal(queue.takeNow(pendings[0]!), true)
    assert.equal(queue.takeNow(pendings[0]!), false)
    assert.deepEqual(takeAll(), [2])
  })

  it('forgets shards that have nothing left', () => {
    const { queue, pendings, takeAll } = queueOf(['a', 'b', null])
    assert.equal(queue.size, 2)
    takeAll()
    for (const pending of pendings) queue.release(pending)
    assert.deepEqual([queue.size, queue.ready], [0, 0])
  })

  it('does not start a key that is occupied, nor records of it that come later, until everyone is gone', () => {
    const queue = new ShardQueue()
    queue.occupy('a')
    queue.occupy('a')
    const first = queue.enqueue(keyed(0, 'a'), 1, 'key')
    queue.enqueue(keyed(1, 'b'), 1, 'key')
    assert.equal(offsetOf(queue.take(anything)), 1)
    assert.equal(queue.takeNow(first), false)
    queue.vacate('a')
    assert.equal(queue.take(anything), undefined)
    queue.vacate('a')
    assert.equal(offsetOf(queue.take(anything)), 0)
  })

  it('forgets an occupied key of which no record has come', () => {
    const queue = new ShardQueue()
    queue.occupy('a')
    queue.vacate('a')
    queue.enqueue(keyed(0, 'a'), 1, 'key')
    assert.equal(offsetOf(queue.take(anything)), 0)
  })

  for (const ordering of ['key', 'unordered'] as const) {
    // With one slot per partition the blocking record is always the one that starts, so the ring is never walked.
    it(`keeps the ready ring as small as its content while every record starts out of turn: ${ordering}`, () => {
      const queue = new ShardQueue()
      const waiting = range(0, 10).map((offset) => queue.enqueue(keyed(offset, `k${offset}`), 1, ordering))
      for (const offset of range(10, 10_000)) {
        waiting.push(queue.enqueue(keyed(offset, `k${offset}`), 1, ordering))
        const blocking = waiting.shift()!
        assert.equal(queue.takeNow(blocking), true)
        queue.release(blocking)
      }
      assert.ok(queue.ready <= 11, `${queue.ready} places in the ring for 10 shards`)
    })
  }
})

describe('Ring', () => {
  it('keeps the order while it grows and turns over', () => {
    const ring = new Ring<number>()
    const out: (number | undefined)[] = []
    for (const i of range(0, 100)) {
      ring.push(2 * i)
      ring.push(2 * i + 1)
      out.push(ring.shift())
    }
    while (ring.size > 0) out.push(ring.shift())
    assert.deepEqual(out, range(0, 200))
    assert.equal(ring.shift(), undefined)
  })
})
