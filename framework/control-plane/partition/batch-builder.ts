/** Puts the records of one partition's next batch together, and remembers how long they have waited for others. Owns no record. */
import type { BatchSettings } from '../../model/settings.ts'
import type { Pending } from './shard-queue.ts'

/** Where the records come from. */
export interface BatchSource {
  /** Records that are neither in flight nor wait for anything. */
  readonly queued: number
  take(): Pending | undefined
  /** The next record of the same shard, if it may start behind this one. */
  takeFollower(of: Pending): Pending | undefined
  putBack(pending: Pending): void
  /** Takes a record over that may not run. */
  mayRun(pending: Pending): boolean
  refuse(pending: Pending): void
}

export class BatchBuilder {
  /** Since when records wait for others; undefined while none does. Milliseconds since the Unix epoch. */
  #since: number | undefined
  /** The one that has waited since then. It may leave without a batch: given up, or finished by an earlier assignment's handler. */
  #first: Pending | undefined
  /** Incomplete records that may only run in smaller batches. */
  #limited = 0

  /** When the records that wait for others start without them; undefined when none waits. */
  dueAt({ waitMs }: BatchSettings): number | undefined {
    return this.#since === undefined ? undefined : this.#since + waitMs
  }

  /** The record has failed in a larger batch: from now on it runs in those of at most `limit` records. */
  limit(pending: Pending, limit: number): void {
    if (pending.batchLimit === Number.POSITIVE_INFINITY) this.#limited += 1
    pending.batchLimit = Math.min(pending.batchLimit, limit)
  }

  onCompleted({ batchLimit }: Pending): void {
    if (batchLimit !== Number.POSITIVE_INFINITY) this.#limited -= 1
  }

  /**
   * Records of different shards, and consecutive ones of a shard. None while there are fewer than a whole batch, until they have waited long
   * enough for others. What may not run is refused before it is in a batch.
   */
  take({ size, waitMs }: BatchSettings, now: number, source: BatchSource): readonly Pending[] {
    // Asked with every record that comes: to take them all and put them back each time would cost too much.
    if (this.#isWaiting(now, waitMs) && this.#limited === 0 && source.queued < size) return []
    const { taken, most } = takeTogether(size, source)
    const first = longestWaiting(taken)
    const since = first?.waitsSince ?? now
    const starts = first === undefined || taken.length === most || now >= since + waitMs
    this.#since = starts ? undefined : since
    this.#first = starts ? undefined : first
    for (const pending of taken) {
      pending.waitsSince = starts ? undefined : (pending.waitsSince ?? now)
      if (!starts) source.putBack(pending)
    }
    return starts ? taken : []
  }

  #isWaiting(now: number, waitMs: number): boolean {
    return this.#since !== undefined && this.#first?.state === 'queued' && now < this.#since + waitMs
  }
}

function longestWaiting(taken: readonly Pending[]): Pending | undefined {
  let longest = taken[0]
  for (const pending of taken) {
    if (pending.waitsSince !== undefined && !(pending.waitsSince >= (longest?.waitsSince ?? Number.POSITIVE_INFINITY)))
      longest = pending
  }
  return longest
}

/** @returns with the records the size of a whole batch, which is less than `size` when one of them has failed in a larger one */
function takeTogether(
  size: number,
  source: BatchSource,
): { readonly taken: readonly Pending[]; readonly most: number } {
  const taken: Pending[] = []
  let most = size
  while (taken.length < most) {
    const pending = takeNext(taken, source)
    if (pending === undefined) break
    if (!source.mayRun(pending)) {
      source.refuse(pending)
      continue
    }
    if (pending.batchLimit <= taken.length) {
      source.putBack(pending)
      break
    }
    most = Math.min(most, pending.batchLimit)
    taken.push(pending)
  }
  return { taken, most }
}

/**
 * The next record of the same shard comes first. A record that a guard refuses is given up only when it is the first of its shard: behind
 * another one, it waits for what becomes of that.
 */
function takeNext(taken: readonly Pending[], source: BatchSource): Pending | undefined {
  const last = taken.at(-1)
  const next = last?.next
  const mayFollow = next !== undefined && next.batchLimit > taken.length && source.mayRun(next)
  return (last !== undefined && mayFollow ? source.takeFollower(last) : undefined) ?? source.take()
}
