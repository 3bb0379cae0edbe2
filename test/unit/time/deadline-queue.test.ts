/** Many deadlines, one timer. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { DeadlineEntry, DeadlineQueue } from '../../../framework/time/deadline-queue.ts'

const START = 1_000_000

class Item extends DeadlineEntry {
  readonly name: string

  constructor(name: string) {
    super()
    this.name = name
  }
}

function arranged() {
  const clock = new ManualClock(START)
  const due: string[] = []
  const queue = new DeadlineQueue<Item>(clock, 100, ({ name }) => due.push(`${name} at ${clock.now() - START}`))
  const add = (name: string) => {
    const item = new Item(name)
    queue.add(item, clock.now())
    return item
  }
  return { clock, due, queue, add }
}

describe('DeadlineQueue', () => {
  it('calls each item when its own time is over', () => {
    const { clock, due, add } = arranged()
    add('a')
    clock.advance(30)
    add('b')
    add('c')
    clock.advance(200)
    assert.deepEqual(due, ['a at 100', 'b at 130', 'c at 130'])
  })

  it('holds one timer for all items, and none when it is empty', () => {
    const { clock, queue, add } = arranged()
    const items = ['a', 'b', 'c'].map(add)
    assert.equal(clock.pendingTimers, 1)
    for (const item of items) assert.equal(queue.delete(item), true)
    assert.equal(clock.pendingTimers, 0)
    add('d')
    clock.advance(100)
    assert.equal(clock.pendingTimers, 0)
  })

  it('does not call what was taken out, and says that it is gone', () => {
    const { clock, due, queue, add } = arranged()
    const a = add('a')
    clock.advance(50)
    const b = add('b')
    assert.equal(queue.delete(a), true)
    assert.equal(queue.delete(a), false)
    clock.advance(100)
    assert.deepEqual(due, ['b at 150'])
    assert.equal(queue.delete(b), false)
  })

  it('lists what waits, the oldest first', () => {
    const { queue, add } = arranged()
    const [a, , c] = ['a', 'b', 'c'].map(add)
    queue.delete(a!)
    assert.equal([...queue.items()].at(-1), c)
    assert.equal([...queue.items()].length, 2)
  })

  it('keeps its time for older items when one is added while it calls', () => {
    const clock = new ManualClock(START)
    const due: string[] = []
    const queue: DeadlineQueue<Item> = new DeadlineQueue(clock, 100, ({ name }) => {
      due.push(`${name} at ${clock.now() - START}`)
      if (name === 'a') queue.add(new Item('again'), clock.now())
    })
    queue.add(new Item('a'), clock.now())
    clock.advance(10)
    queue.add(new Item('b'), clock.now())
    clock.advance(300)
    assert.deepEqual(due, ['a at 100', 'b at 110', 'again at 200'])
    assert.equal(clock.pendingTimers, 0)
  })

  it('goes on with the others when a call throws', () => {
    const clock = new ManualClock(START)
    const due: string[] = []
    const queue = new DeadlineQueue<Item>(clock, 100, ({ name }) => {
      if (name === 'bad') throw new Error('bad')
      due.push(name)
    })
    queue.add(new Item('bad'), clock.now())
    queue.add(new Item('good'), clock.now())
    assert.throws(() => clock.advance(100), { message: 'bad' })
    clock.advance(1)
    assert.deepEqual(due, ['good'])
  })
})
