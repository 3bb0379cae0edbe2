/** What is left on a lane when its thread has ended, with the thread played by hand. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LaneItems } from '../../../../../framework/execution-plane/worker/lane/items.ts'
import type { Epoch, WorkItem } from '../../../../../framework/model/work.ts'

describe('lane items', () => {
  it('are overdue only when they still ran: one whose message is lost has ended in time', () => {
    const items = new LaneItems(8)
    const added = [1, 2, 3, 4, 5].map((id) => {
      const item: WorkItem = { id, handlerId: 'h', epoch: 1 as Epoch, records: [], attempts: [] }
      return items.add(item).slot
    })
    const [old, told, young, done] = added as [number, number, number, number, number]
    const { memory } = items
    memory.claim(old, 1_000)
    memory.claim(told, 1_000)
    memory.claim(young, 1_900)
    memory.claim(done, 1_000)
    memory.tell(told)
    memory.succeed(done, false, 1)
    const left = items.takeLeft(2_000, 1_500)
    const ids = (all: readonly { readonly item: WorkItem }[]) => all.map(({ item }) => item.id)
    assert.deepEqual([ids(left.overdue), ids(left.interrupted), ids(left.ended)], [[1], [2, 3], [4]])
    assert.deepEqual(
      left.unstarted.map(({ id }) => id),
      [5],
    )
    assert.equal(items.size, 0)
  })
})
