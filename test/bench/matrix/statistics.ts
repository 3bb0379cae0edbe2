/** Median and spread of a few repetitions. Pure. */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** @returns `undefined` for no values */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) return undefined
  return { median: medianOfSorted(sorted), min, max }
}

function medianOfSorted(sorted: readonly number[]): number {
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * The smallest value that so large a part does not exceed.
 * @param part 0.95 for p95
 * @returns NaN for no values
 */
export function percentileOf(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}
