/** Each encoding on its own: whole windows, prefixes within a budget, and bytes that nobody wrote. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MAX_RUNS, MAX_SPAN, type Runs, runCodecs } from '../../../../framework/control-plane/offsets/run-codecs.ts'
import { seeded } from '../windows.ts'

const random = seeded(11)

function randomRuns(count: number, mean: number): Runs {
  return Array.from({ length: count }, () => 1 + Math.floor(-Math.log(1 - random()) * mean))
}

function sum(runs: Runs): number {
  return runs.reduce((total, run) => total + run, 0)
}

/** The runs of the first `span` offsets. */
function prefix(runs: Runs, span: number): Runs {
  const kept: number[] = []
  let left = span
  for (const run of runs) {
    if (left === 0) break
    kept.push(Math.min(run, left))
    left -= Math.min(run, left)
  }
  return kept
}

for (const codec of runCodecs) {
  describe(`codec ${codec.id}`, () => {
    it('brings back whole windows', () => {
      for (const count of [64, 66, 300, 3_000]) {
        for (const mean of [0.01, 0.5, 3, 50]) {
          const runs = randomRuns(count, mean)
          const { bytes, span } = codec.encode(runs, 100_000)
          assert.equal(span, sum(runs))
          assert.deepEqual(codec.decode(bytes, span, MAX_RUNS), runs)
        }
      }
    })

    it('keeps a true prefix within any budget, and more with a bigger one', () => {
      for (const mean of [0.01, 0.5, 3, 50]) {
        const runs = randomRuns(800, mean)
        let reached = 0
        for (const budget of [1, 2, 3, 5, 8, 13, 21, 50, 100, 200, 400]) {
          const { bytes, span } = codec.encode(runs, budget)
          assert.ok(bytes.length <= budget)
          assert.ok(span >= reached)
          reached = span
          if (span > 0) assert.deepEqual(codec.decode(bytes, span, MAX_RUNS), prefix(runs, span))
        }
        assert.ok(reached > 0)
      }
    })

    it('carries runs up to the longest', () => {
      const runs = [...randomRuns(64, 5), 1, MAX_SPAN - 2_000_000]
      const { bytes, span } = codec.encode(runs, 10_000)
      if (codec.id === 2) assert.ok(span < sum(runs), 'a bitset has a bit for each')
      else assert.deepEqual(codec.decode(bytes, span, MAX_RUNS), runs)
    })

    it('reads any bytes without failing, and what it returns is what it says', () => {
      for (let count = 0; count < 20_000; count++) {
        const bytes = Uint8Array.from({ length: Math.floor(random() * 20) }, () => Math.floor(random() * 256))
        const span = 1 + Math.floor(random() ** 8 * 20_000)
        const runs = codec.decode(bytes, span, MAX_RUNS)
        if (runs === undefined) continue
        assert.equal(sum(runs), span)
        assert.equal(runs.length % 2, 0)
        assert.ok(runs.every((run) => run >= 1) && runs.length <= MAX_RUNS)
      }
    })
  })
}

it('the models are worth their time: less than 70 % of a bitset where 10 % wait, next to nothing where the pattern repeats', () => {
  const [, bitset, biased, periodic] = runCodecs
  const skewed = Array.from({ length: 2_000 }, (_, index) =>
    index % 2 === 0 ? 1 : 1 + Math.floor(-Math.log(1 - random()) * 9),
  )
  const sizes = [bitset!, biased!].map((codec) => codec.encode(skewed, 100_000).bytes.length)
  assert.ok(sizes[1]! < 0.7 * sizes[0]!, sizes.join())
  const repeating = Array.from({ length: 2_000 }, (_, index) => [1, 2, 1, 3, 2, 1][index % 6]!)
  assert.ok(periodic!.encode(repeating, 100_000).bytes.length < 30)
})

it('a decoder unfolds no more runs than it may, from however few bytes', () => {
  const runs = new Array<number>(1_000).fill(1)
  for (const codec of runCodecs) {
    const { bytes, span } = codec.encode(runs, 1_000)
    assert.deepEqual(codec.decode(bytes, span, 40), runs.slice(0, 40), `codec ${codec.id}`)
  }
  const million = new Array<number>(MAX_RUNS + 2).fill(1)
  for (const codec of runCodecs.slice(2)) {
    const { bytes, span } = codec.encode(million, 1_000)
    assert.deepEqual([span, codec.decode(bytes, span, MAX_RUNS)?.length], [MAX_RUNS + 2, MAX_RUNS])
  }
})
