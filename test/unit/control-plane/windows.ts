/** Seeded windows of completed offsets for the tests and benchmarks of the commit metadata. Not a test itself. */
import type { OffsetRange } from '../../../framework/control-plane/offsets/range-list.ts'

/** Numbers from 0 to below 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Whether the offset that lies `distance` above the position is completed. */
export type Shape = (distance: number) => boolean

export const shapes: Readonly<Record<string, (random: () => number) => Shape>> = {
  'random, half': (random) => () => random() < 0.5,
  'random, 10 % completed': (random) => () => random() < 0.1,
  'random, 90 % completed': (random) => () => random() < 0.9,
  'random, 1 % completed': (random) => () => random() < 0.01,
  'all completed': () => () => true,
  alternating: () => (distance) => distance % 2 === 1,
  'ten keys in rotation, four wait': () => (distance) => [1, 2, 4, 5, 6, 9].includes(distance % 10),
  'clustered, about 20 and 50': (random) => {
    let isCompleted = false
    return () => {
      if (random() < (isCompleted ? 1 / 50 : 1 / 20)) isCompleted = !isCompleted
      return isCompleted
    }
  },
}

/** The window from `position` on, `length` offsets: the position is incomplete, the last offset completed, those between by shape. */
export function windowOf(position: number, length: number, isCompleted: Shape): OffsetRange[] {
  const ranges: OffsetRange[] = []
  let start = -1
  for (let distance = 1; distance < length; distance++) {
    if (isCompleted(distance) || distance === length - 1) {
      if (start < 0) start = distance
    } else if (start >= 0) {
      ranges.push({ start: position + start, end: position + distance })
      start = -1
    }
  }
  if (start >= 0) ranges.push({ start: position + start, end: position + length })
  return ranges
}

/** Alternating run lengths as ranges: incomplete, completed, ... */
export function rangesOfRuns(position: number, runs: readonly number[]): OffsetRange[] {
  const ranges: OffsetRange[] = []
  let at = position
  for (let index = 0; index < runs.length; index += 2) {
    const start = at + runs[index]!
    at = start + runs[index + 1]!
    ranges.push({ start, end: at })
  }
  return ranges
}

/** What lies below `end`. */
export function below(end: number, ranges: readonly OffsetRange[]): OffsetRange[] {
  return ranges
    .filter((range) => range.start < end)
    .map((range) => ({ start: range.start, end: Math.min(range.end, end) }))
}
