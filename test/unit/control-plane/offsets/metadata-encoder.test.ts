/** The commit metadata: what is written is read back, and whatever does not fit is a true prefix. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  decodeCompleted,
  encodeCompleted,
  encodeMetadata,
} from '../../../../framework/control-plane/offsets/metadata-encoder.ts'
import { MAX_RUNS, MAX_SPAN } from '../../../../framework/control-plane/offsets/run-codecs.ts'
import { decoded, encoded, LIMIT, triedFrom } from '../metadata-samples.ts'
import { below, rangesOfRuns, seeded, shapes, windowOf } from '../windows.ts'

describe('a window that fits', () => {
  it('needs no text when nothing is completed above the position', () => {
    assert.deepEqual(encodeCompleted(42, [], LIMIT), { text: '', coveredTo: 42, truncated: false })
    assert.deepEqual(decodeCompleted(42, ''), { kind: 'none' })
  })

  it('comes back exactly, in every shape and length', () => {
    for (const [name, shape] of Object.entries(shapes)) {
      for (const length of [1, 2, 3, 15, 16, 100, 1_000, 32_767, 32_768, 60_000]) {
        for (const position of [0, 1, 4_294_967_295, 9_000_000_000_000_000]) {
          const ranges = windowOf(position, length, shape(seeded(length)))
          const { text, coveredTo, truncated } = encodeCompleted(position, ranges, LIMIT)
          assert.ok(text.length <= LIMIT)
          assert.deepEqual({ coveredTo, truncated }, { coveredTo: ranges.at(-1)?.end ?? position, truncated: false })
          assert.deepEqual(decoded(position, text), ranges, `${name}, ${length}`)
        }
      }
    }
  })

  it('holds 65,536 offsets of every pattern that has one', () => {
    for (const [name, shape] of Object.entries(shapes)) {
      if (name === 'random, half') continue
      const ranges = windowOf(7, 65_536, shape(seeded(1)))
      assert.deepEqual(decoded(7, encoded(7, ranges)), ranges, name)
    }
  })

  it('comes back whatever the runs are', () => {
    const run = fc.oneof(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 2 ** 24 }),
    )
    const pairs = fc.array(fc.tuple(run, run), { minLength: 1, maxLength: 120 })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 52 }), pairs, (position, runs) => {
        const ranges = rangesOfRuns(position, runs.flat())
        const { text, coveredTo, truncated } = encodeCompleted(position, ranges, LIMIT)
        assert.deepEqual(decoded(position, text), below(coveredTo, ranges))
        assert.equal(truncated, coveredTo < ranges.at(-1)!.end)
      }),
      { seed: 1, numRuns: 2_000 },
    )
  })

  it('merges ranges that touch', () => {
    const text = encoded(3, [
      { start: 5, end: 6 },
      { start: 6, end: 9 },
      { start: 9, end: 10 },
    ])
    assert.deepEqual(decoded(3, text), [{ start: 5, end: 10 }])
  })

  it('is refused when it is not sorted, is empty somewhere, or is not above the position: such a text could lie', () => {
    const wrong: readonly (readonly (readonly [number, number])[])[] = [
      [[10, 12]],
      [[9, 12]],
      [[12, 12]],
      [[13, 12]],
      [
        [11, 14],
        [13, 15],
      ],
      [
        [14, 15],
        [11, 12],
      ],
      [[11.5, 13]],
      [[11, Number.NaN]],
      [[11, 2 ** 53]],
    ]
    for (const pairs of wrong) {
      const ranges = pairs.map(([start, end]) => ({ start, end }))
      assert.throws(() => encodeCompleted(10, ranges, LIMIT), { code: 'PYR_BUG' }, JSON.stringify(pairs))
    }
  })
})

describe('attempts of records that are not done', () => {
  const attemptsIn = (position: number, text: string) => {
    const told = decodeCompleted(position, text)
    return told.kind === 'completed' ? (told.attempts ?? []) : []
  }

  it('come back with the completed offsets, in every encoding, and alone', () => {
    for (const position of [0, 500, 2 ** 40]) {
      for (const shape of Object.values(shapes)) {
        for (const length of [0, 40, 3_000]) {
          const ranges = length === 0 ? [] : windowOf(position, length, shape(seeded(length)))
          const carried = triedFrom(position, 50)
          const { text } = encodeMetadata(position, ranges, LIMIT, { carried, maxLength: LIMIT })
          assert.deepEqual(decodeCompleted(position, text), { kind: 'completed', ranges, attempts: carried })
        }
      }
    }
  })

  it('leave the text as it is where there are none', () => {
    const ranges = [{ start: 6, end: 9 }]
    const none = { carried: [], maxLength: LIMIT }
    assert.deepEqual(encodeMetadata(5, ranges, LIMIT, none), encodeCompleted(5, ranges, LIMIT))
    assert.deepEqual(encodeMetadata(5, [], LIMIT, none), encodeCompleted(5, [], LIMIT))
  })

  it('take the room that is left, the lowest offsets first, and none from completed offsets', () => {
    const ranges = windowOf(500, 400, shapes['random, half']!(seeded(1)))
    const alone = encodeCompleted(500, ranges, LIMIT).text
    const carried = triedFrom(500, 200)
    let fewest = Number.POSITIVE_INFINITY
    for (let room = alone.length + 120; room >= 0; room -= 7) {
      const { text, truncated } = encodeMetadata(500, ranges, LIMIT, { carried, maxLength: room })
      const told = attemptsIn(500, text)
      assert.deepEqual([truncated, decoded(500, text)], [false, ranges])
      assert.ok(text.length <= Math.max(room, alone.length), `${text.length} of ${room}`)
      assert.deepEqual(told, carried.slice(0, told.length))
      assert.ok(told.length <= fewest)
      fewest = told.length
    }
    assert.equal(fewest, 0)
  })

  it('are those of 256 records at most, up to 2^31 - 1 offsets above the position', () => {
    const many = encodeMetadata(7, [], LIMIT, { carried: triedFrom(7, 300), maxLength: LIMIT }).text
    assert.deepEqual(attemptsIn(7, many), triedFrom(7, 256))
    const far = [7 + MAX_SPAN, 8 + MAX_SPAN].map((offset) => ({ offset, tried: 1 }))
    const { text } = encodeMetadata(7, [], LIMIT, { carried: far, maxLength: LIMIT })
    assert.deepEqual(attemptsIn(7, text), far.slice(0, 1))
  })

  it('are left out where completed offsets are', () => {
    const ranges = windowOf(500, 30_000, shapes['random, half']!(seeded(2)))
    const { text, truncated } = encodeMetadata(500, ranges, 300, { carried: triedFrom(500, 9), maxLength: 300 })
    assert.deepEqual([truncated, attemptsIn(500, text)], [true, []])
  })
})

describe('a window that does not fit', () => {
  it('keeps a true prefix, ends it with a completed offset, and says where', () => {
    for (const [name, shape] of Object.entries(shapes)) {
      for (const maxLength of [9, 12, 20, 50, 300, 1_000]) {
        const ranges = windowOf(500, 30_000, shape(seeded(maxLength)))
        const { text, coveredTo, truncated } = encodeCompleted(500, ranges, maxLength)
        assert.ok(text.length <= maxLength, name)
        assert.equal(truncated, coveredTo < ranges.at(-1)!.end)
        assert.deepEqual(decoded(500, text), below(coveredTo, ranges), `${name}, ${maxLength}`)
        if (text !== '') assert.ok(ranges.some(({ start, end }) => start < coveredTo && coveredTo <= end))
      }
    }
  })

  it('uses the room: a random pattern of 100,000 offsets keeps more than 61,000 in 4,095 characters', () => {
    const { text, coveredTo, truncated } = encodeCompleted(
      0,
      windowOf(0, 100_000, shapes['random, half']!(seeded(3))),
      LIMIT,
    )
    assert.ok(truncated && coveredTo > 61_000, `${coveredTo}`)
    assert.ok(text.length <= LIMIT && text.length > LIMIT - 10)
  })

  it('is the empty text when not even the first completed offset fits', () => {
    for (const maxLength of [0, 1, 2, 5, 8]) {
      assert.deepEqual(encodeCompleted(5, [{ start: 6, end: 7 }], maxLength), {
        text: '',
        coveredTo: 5,
        truncated: true,
      })
    }
  })

  it('ends where the format does: after 2^31 - 1 offsets', () => {
    const far = { start: 2 ** 33, end: 2 ** 33 + 5 }
    const near = encodeCompleted(8, [{ start: 9, end: 11 }, far], LIMIT)
    assert.deepEqual([near.coveredTo, near.truncated], [11, true])
    assert.deepEqual(decoded(8, near.text), [{ start: 9, end: 11 }])
    const across = encodeCompleted(8, [{ start: 9, end: 2 ** 33 }, far], LIMIT)
    assert.deepEqual([across.coveredTo, across.truncated], [8 + MAX_SPAN, true])
    assert.deepEqual(decoded(8, across.text), [{ start: 9, end: 8 + MAX_SPAN }])
    const onlyFar = encodeCompleted(8, [far], LIMIT)
    assert.deepEqual(onlyFar, { text: '', coveredTo: 8, truncated: true })
  })

  it('ends after 2^20 gaps, which is what a reader unfolds at most', () => {
    const ranges = Array.from({ length: MAX_RUNS / 2 + 1 }, (_, index) => ({
      start: 2 * index + 1,
      end: 2 * index + 2,
    }))
    const { text, coveredTo, truncated } = encodeCompleted(0, ranges, LIMIT)
    assert.deepEqual([coveredTo, truncated], [MAX_RUNS, true])
    assert.equal(decoded(0, text).length, MAX_RUNS / 2)
  })

  it('never writes a text longer than 10,922 characters, which is what the oldest commit request can carry', () => {
    const { text } = encodeCompleted(0, windowOf(0, 300_000, shapes['random, half']!(seeded(4))), 1_000_000)
    assert.ok(text.length <= 10_922 && Buffer.byteLength(text) <= 32_767)
    assert.ok(decodeCompleted(0, text).kind === 'completed')
  })
})
