/** What Confluent Parallel Consumer's own encoders make of some maps: each is read as what it was made from. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { decodePredecessor } from '../../../../framework/control-plane/offsets/predecessor-metadata.ts'

interface Vector {
  readonly what: string
  readonly position: number
  /** The highest completed offset. */
  readonly highest: number
  /** Distances from the position. */
  readonly incomplete: readonly number[]
  /** By the tool's name of the encoding. */
  readonly texts: Readonly<Record<string, string>>
}

// test/e2e/predecessors/write-vectors.ts writes them.
const file = new URL('./parallel-consumer-vectors.json', import.meta.url)
const vectors: readonly Vector[] = JSON.parse(readFileSync(file, 'utf8'))

/** Between one incomplete offset and the next. */
function completedOf({ position, highest, incomplete }: Vector): readonly object[] {
  return incomplete.flatMap((distance, index) => {
    const start = position + distance + 1
    const end = index + 1 < incomplete.length ? position + (incomplete[index + 1] ?? 0) : highest + 1
    return start < end ? [{ start, end }] : []
  })
}

describe('an offset map that Parallel Consumer has encoded', () => {
  for (const vector of vectors) {
    for (const [encoding, text] of Object.entries(vector.texts)) {
      it(`is read as it was: ${vector.what}, ${encoding}`, () => {
        const { position, highest } = vector
        const told = { position, text, logEnd: highest + 1, maxRanges: 10_000 }
        const decoded = decodePredecessor('parallel-consumer', told)
        assert.equal(decoded?.kind, 'completed', JSON.stringify(decoded))
        assert.deepEqual(decoded?.kind === 'completed' && [...decoded.ranges], completedOf(vector))
        assert.equal(decodePredecessor('parallel-consumer', { ...told, logEnd: highest })?.kind, 'rejected')
      })
    }
  }

  it('is there in each of the eight encodings', () => {
    const encodings = new Set(vectors.flatMap(({ texts }) => Object.keys(texts)))
    assert.deepEqual(
      [...encodings].sort(),
      ['BitSet', 'BitSetV2', 'RunLength', 'RunLengthV2'].flatMap((name) => [name, `${name}Compressed`]).sort(),
    )
  })
})
