/** What is remembered of records that ran when a thread died. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Suspects } from '../../../../framework/execution-plane/worker/suspects.ts'
import type { Epoch, WorkItem } from '../../../../framework/model/work.ts'

function item(...offsets: readonly number[]): WorkItem {
  const records = offsets.map((offset) => {
    return { topic: 'orders', partition: 0, offset, key: null, value: null, headers: [], timestamp: 0 }
  })
  return { id: offsets[0] ?? 0, handlerId: 'h', epoch: 1 as Epoch, records, attempts: offsets.map(() => 1) }
}

describe('suspects', () => {
  it('are those that may have ended a thread, until they have ended by themselves', () => {
    const suspects = new Suspects()
    suspects.suspect(item(1))
    assert.deepEqual([suspects.has(item(1)), suspects.rankOf(item(1)), suspects.has(item(2))], [true, 'near', false])
    suspects.suspect(item(1))
    assert.equal(suspects.rankOf(item(1)), 'often')
    suspects.clear(item(1))
    assert.deepEqual([suspects.has(item(1)), suspects.rankOf(item(1))], [false, 'untried'])
  })

  it('are not those that another one has cut, unless it was twice', () => {
    const suspects = new Suspects()
    suspects.cut(item(1))
    assert.equal(suspects.has(item(1)), false)
    suspects.cut(item(1))
    assert.deepEqual([suspects.has(item(1)), suspects.rankOf(item(1))], [true, 'often'])
  })

  it('stay guilty, whatever else they were near', () => {
    const suspects = new Suspects()
    suspects.convict(item(1))
    suspects.cut(item(1))
    assert.equal(suspects.rankOf(item(1)), 'guilty')
  })

  it('of a batch are all its records, and none of them is guilty yet', () => {
    const suspects = new Suspects()
    suspects.convict(item(1, 2))
    assert.deepEqual([suspects.rankOf(item(2)), suspects.has(item(2, 3))], ['near', true])
  })

  it('are forgotten, the oldest first, beyond 10,000', () => {
    const suspects = new Suspects()
    for (let offset = 0; offset <= 10_000; offset++) suspects.convict(item(offset))
    assert.deepEqual([suspects.has(item(0)), suspects.has(item(1)), suspects.has(item(10_000))], [false, true, true])
  })
})
