/** What is in flight, found by unique ids. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type InFlight, InFlightTable } from '../../../../framework/control-plane/partition/in-flight.ts'

function entryOf(id: number): InFlight {
  return { item: { id }, state: {}, pendings: [] } as unknown as InFlight
}

function addTo(table: InFlightTable): number {
  const id = table.nextId()
  table.add(entryOf(id))
  return id
}

describe('InFlightTable', () => {
  it('gives each entry back once, by its id, whatever comes and goes meanwhile', () => {
    const table = new InFlightTable()
    const open = new Set<number>()
    let seed = 1
    for (let turn = 0; turn < 50_000; turn += 1) {
      seed = (seed * 48_271) % 2_147_483_647
      // Grows to some thousands, and shrinks again.
      if (seed % 1_000 < (turn < 25_000 ? 600 : 400)) {
        const id = addTo(table)
        assert.ok(!open.has(id))
        open.add(id)
      } else {
        const [id] = open
        if (id === undefined) continue
        assert.equal(table.take(id)?.item.id, id)
        assert.equal(table.take(id), undefined)
        open.delete(id)
      }
    }
    assert.deepEqual(new Set([...table].map(({ item }) => item.id)), open)
  })

  it('passes over an id whose slot is taken by one that runs for long', () => {
    const table = new InFlightTable()
    const long = addTo(table)
    for (let i = 0; i < 5_000; i += 1) {
      const id = addTo(table)
      assert.notEqual(id, long)
      assert.equal(table.take(id)?.item.id, id)
    }
    assert.equal(table.take(long)?.item.id, long)
    assert.deepEqual([...table], [])
  })

  it('knows no id that another table has given', () => {
    const [one, other] = [new InFlightTable(), new InFlightTable()]
    const id = addTo(one)
    assert.equal(other.take(id), undefined)
    assert.notEqual(addTo(other), id)
  })
})
