/** Whole runtimes in one group while members come and go, partitions are lost and commits fail: every record is accounted for. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { calm, discovery, GroupOfRuntimes, growth, storm } from './group-of-runtimes.ts'

const STEPS = 250

describe('a group of runtimes', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`loses nothing and keeps the order of each key in a storm: seed ${seed}`, async () => {
      const group = new GroupOfRuntimes(seed, storm)
      await group.play(STEPS)
      await group.finish()
      const { done, dead, attempts } = group.ledger
      assert.ok(done > 500 && dead > 5 && attempts > done, JSON.stringify({ done, dead, attempts }))
    })
  }

  for (const seed of [11, 12]) {
    it(`handles each record exactly once while members only come and go: seed ${seed}`, async () => {
      const group = new GroupOfRuntimes(seed, calm)
      await group.play(STEPS)
      await group.finish()
      const { done, repeated, attempts } = group.ledger
      assert.ok(done > 500)
      assert.deepEqual([repeated, attempts - done], [0, 0])
    })
  }

  for (const seed of [21, 22, 23]) {
    it(`from 'latest', loses nothing of what came after it, in its absence and in partitions that were added, and handles nothing older: seed ${seed}`, async () => {
      const group = new GroupOfRuntimes(seed, growth, 'latest')
      await group.play(STEPS)
      await group.finish()
      const { done, attempts } = group.ledger
      assert.ok(done > 400 && attempts > done, JSON.stringify({ done, attempts }))
    })
  }

  for (const seed of [31, 32, 33]) {
    for (const startFrom of ['earliest', 'latest'] as const) {
      it(`loses nothing of a topic that its pattern finds later, from '${startFrom}': seed ${seed}`, async () => {
        const group = new GroupOfRuntimes(seed, discovery, startFrom)
        await group.play(STEPS)
        await group.finish()
        const { done, attempts } = group.ledger
        assert.ok(done > 400 && attempts > done, JSON.stringify({ done, attempts }))
      })
    }
  }

  it('plays the same for the same seed', async () => {
    const played = async () => {
      const group = new GroupOfRuntimes(7, storm)
      await group.play(60)
      const { done, dead, attempts, repeated } = group.ledger
      await group.finish()
      return { done, dead, attempts, repeated }
    }
    assert.deepEqual(await played(), await played())
  })
})
