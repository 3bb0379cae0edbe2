/** Durations in buckets that grow by 2 %, so that a percentile is off by 1 % at most. The peers in Java and Python count in the same buckets. */
import type { BucketCounts } from './protocol.ts'

const SMALLEST_US = 10
const LOG_GROWTH = Math.log(1.02)

export function bucketOf(us: number): number {
  return us <= SMALLEST_US ? 0 : Math.ceil(Math.log(us / SMALLEST_US) / LOG_GROWTH)
}

/** The middle of a bucket, in milliseconds. */
export function bucketMs(bucket: number): number {
  return (SMALLEST_US * Math.exp((bucket - 0.5) * LOG_GROWTH)) / 1_000
}

/**
 * The duration that a share of all does not exceed, in milliseconds; `undefined` when there is none.
 * @param share 0 to 1: 0.99 for the 99th percentile
 */
export function percentileMs(counts: BucketCounts, share: number): number | undefined {
  const sorted = [...counts].sort(([a], [b]) => a - b)
  const total = sorted.reduce((sum, [, count]) => sum + count, 0)
  const rank = Math.max(1, Math.ceil(share * total))
  let seen = 0
  for (const [bucket, count] of sorted) {
    seen += count
    if (seen >= rank) return bucketMs(bucket)
  }
  return undefined
}

/** One histogram of several. */
export function merged(histograms: readonly BucketCounts[]): BucketCounts {
  const sum = new Map<number, number>()
  for (const [bucket, count] of histograms.flat()) sum.set(bucket, (sum.get(bucket) ?? 0) + count)
  return [...sum].sort(([a], [b]) => a - b)
}
