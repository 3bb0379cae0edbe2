/** What waits for a point in time comes out when it is due, earliest first. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RetryQueue, type RetryTicket } from '../../../../framework/control-plane/partition/retry-queue.ts'

function takeAll<Item>(queue: RetryQueue<Item>, now: number): Item[] {
  const taken: Item[] = []
  for (let item = queue.takeDue(now); item !== undefined; item = queue.takeDue(now)) taken.push(item)
  return taken
}

describe('RetryQueue', () => {
  it('gives nothing before its time, and exactly then', () => {
    const queue = new RetryQueue<string>()
    assert.equal(queue.nextDueAt, undefined)
    queue.push(100, 'a')
    assert.deepEqual([queue.size, queue.nextDueAt, queue.takeDue(99)], [1, 100, undefined])
    assert.deepEqual([queue.takeDue(100), queue.size, queue.nextDueAt], ['a', 0, undefined])
    assert.equal(queue.takeDue(1_000), undefined)
  })

  it('gives what is due at the same time in the order of arrival', () => {
    const queue = new RetryQueue<string>()
    for (const item of ['a', 'b', 'c', 'd', 'e']) queue.push(7, item)
    queue.push(6, 'first')
    assert.deepEqual(takeAll(queue, 7), ['first', 'a', 'b', 'c', 'd', 'e'])
  })

  it('is still in order after some were removed', () => {
    const queue = new RetryQueue<number>()
    for (const at of [9, 3, 8, 1, 7, 2, 6, 4, 5]) queue.push(at, at)
    queue.removeWhere((at) => at % 2 === 1)
    assert.deepEqual([queue.size, queue.nextDueAt], [4, 2])
    queue.push(3, 3)
    assert.deepEqual(takeAll(queue, 9), [2, 3, 4, 6, 8])
    queue.removeWhere(() => true)
    assert.equal(queue.size, 0)
  })

  it('removes one by its ticket, once, wherever it is', () => {
    const queue = new RetryQueue<number>()
    const tickets = [9, 3, 8, 1, 7].map((at) => queue.push(at, at))
    const [nine, , , one] = tickets
    if (nine === undefined || one === undefined) assert.fail('five were pushed')
    for (const ticket of [one, nine, one, nine]) queue.remove(ticket)
    assert.deepEqual([queue.size, takeAll(queue, 9)], [3, [3, 7, 8]])
    for (const ticket of tickets) queue.remove(ticket)
    assert.equal(queue.size, 0)
  })

  it('is still in order where what takes the place of the removed one comes from a branch that is due earlier', () => {
    const queue = new RetryQueue<number>()
    const tickets = [1, 10, 2, 11, 12, 3, 4].map((at) => queue.push(at, at))
    queue.remove(tickets[3] ?? assert.fail('seven were pushed'))
    for (const at of [13, 14, 15]) queue.push(at, at)
    assert.deepEqual(takeAll(queue, 15), [1, 2, 3, 4, 10, 12, 13, 14, 15])
  })

  it('compares few of many to remove one', () => {
    const queue = new RetryQueue<number>()
    let looks = 0
    const times = Array.from({ length: 10_000 }, (_, index) => ({
      valueOf() {
        looks += 1
        return (index * 7_919) % 10_007
      },
    }))
    const tickets = times.map((at, index) => queue.push(at as unknown as number, index))
    looks = 0
    for (const ticket of tickets.slice(0, 100)) queue.remove(ticket)
    assert.equal(queue.size, 9_900)
    assert.ok(looks / 100 < 200, `${looks / 100} for one`)
  })

  it('gives what a sorted list would, for any times, removals and moments of asking', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ push: fc.nat(20) }) },
      { weight: 2, arbitrary: fc.record({ take: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ remove: fc.nat(3) }) },
      { weight: 2, arbitrary: fc.record({ cancel: fc.nat(79) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = new RetryQueue<number>()
        const tickets = new Map<number, RetryTicket>()
        let list: { readonly at: number; readonly id: number }[] = []
        for (const [id, each] of steps.entries()) {
          if ('push' in each) {
            tickets.set(id, queue.push(each.push, id))
            list = [...list, { at: each.push, id }].toSorted((a, b) => a.at - b.at || a.id - b.id)
          } else if ('take' in each) {
            const due = list.filter(({ at }) => at <= each.take).map(({ id: of }) => of)
            assert.deepEqual(takeAll(queue, each.take), due)
            list = list.filter(({ at }) => at > each.take)
          } else if ('cancel' in each) {
            const ticket = tickets.get(each.cancel)
            if (ticket !== undefined) queue.remove(ticket)
            list = list.filter(({ id: of }) => of !== each.cancel)
          } else {
            queue.removeWhere((of) => of % 4 === each.remove)
            list = list.filter(({ id: of }) => of % 4 !== each.remove)
          }
          assert.deepEqual([queue.size, queue.nextDueAt], [list.length, list[0]?.at])
        }
      }),
      { numRuns: 500, seed: 20_261_123 },
    )
  })
})
