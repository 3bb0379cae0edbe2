/** How much a broker is asked for in one request, and how long it may wait with the answer. Pure. */

export interface FetchLimits {
  /** Of a whole response. A first batch that is larger comes all the same. */
  readonly maxBytes: number
  /** The bytes that one partition is asked for: an equal share of `maxBytes`, within these. */
  readonly minShareBytes: number
  readonly maxShareBytes: number
  /** One partition, and all together, with so many bytes not handed out are not asked for. Blocks count whole; the last one may pass the limit. */
  readonly partitionBufferBytes: number
  readonly totalBufferBytes: number
  /** How long a broker that has nothing waits: a millisecond for each partition that it is asked for, within these. */
  readonly minWaitMs: number
  readonly maxWaitMs: number
  /** The same while a partition of it is left out. Milliseconds. */
  readonly shortWaitMs: number
}

export function shareOf({ maxBytes, minShareBytes, maxShareBytes }: FetchLimits, partitions: number): number {
  return Math.max(minShareBytes, Math.min(maxShareBytes, Math.floor(maxBytes / partitions)))
}

/**
 * A request cannot be called back, and what is assigned meanwhile waits for its answer: so it is short. But each costs both sides the more the more
 * partitions it lists.
 * @param isComplete no partition of the broker is left out
 */
export function waitOf({ minWaitMs, maxWaitMs, shortWaitMs }: FetchLimits, partitions: number, isComplete: boolean) {
  return isComplete ? Math.max(minWaitMs, Math.min(maxWaitMs, partitions)) : shortWaitMs
}
