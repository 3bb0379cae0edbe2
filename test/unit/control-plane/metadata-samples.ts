/** Sample windows, one or more for each codec of the commit metadata, and the two steps that most of its tests begin with. Not a test itself. */
import assert from 'node:assert/strict'
import {
  decodeCompleted,
  encodeCompleted,
  encodeMetadata,
} from '../../../framework/control-plane/offsets/metadata-encoder.ts'
import type { OffsetRange } from '../../../framework/control-plane/offsets/range-list.ts'

/** The most UTF-16 units that our client can carry through an ordinary broker. */
export const LIMIT = 4095

export /** One of each codec, with its run lengths made by a formula. */
const samples = [
  { codec: 1, position: 100, runs: [1, 2, 1, 2] },
  { codec: 1, position: 5, runs: [1, 49_995] },
  {
    codec: 2,
    position: 2 ** 40,
    runs: Array.from({ length: 120 }, (_, i) => 1 + Math.clz32(Math.imul(i + 1, 0x9e3779b1))),
  },
  { codec: 3, position: 0, runs: Array.from({ length: 180 }, (_, i) => (i % 2 === 0 ? 1 : 1 + ((i * i * 11) % 61))) },
  { codec: 4, position: 77, runs: Array.from({ length: 900 }, (_, i) => [1, 2, 1, 3, 2, 1][i % 6]!) },
] as const

/** Records that were tried and are not done: some of the lowest offsets, as often as a formula says. */
export function triedFrom(position: number, count: number) {
  return Array.from({ length: count }, (_, i) => ({ offset: position + 3 * i, tried: 1 + ((i * 131) % 1_000) }))
}

/** A text for each sample, with attempts and without, and one with attempts only. */
export function sampleTexts(
  rangesOf: (position: number, runs: readonly number[]) => readonly OffsetRange[],
): readonly { readonly position: number; readonly text: string }[] {
  const attempts = (position: number) => ({ carried: triedFrom(position, 5), maxLength: LIMIT })
  return [
    ...samples.flatMap(({ position, runs }) => {
      const ranges = rangesOf(position, runs)
      const { text } = encodeMetadata(position, ranges, LIMIT, attempts(position))
      return [
        { position, text: encoded(position, ranges) },
        { position, text },
      ]
    }),
    { position: 300, text: encodeMetadata(300, [], LIMIT, attempts(300)).text },
  ]
}

export function decoded(position: number, text: string): readonly OffsetRange[] {
  const metadata = decodeCompleted(position, text)
  if (metadata.kind === 'rejected') assert.fail(metadata.why)
  return metadata.kind === 'none' ? [] : metadata.ranges
}

/** Fails when not everything fits. */
export function encoded(position: number, ranges: readonly OffsetRange[]): string {
  const { text, truncated } = encodeCompleted(position, ranges, LIMIT)
  assert.equal(truncated, false)
  return text
}
