/** How long attempts of the last minute took: percentiles out of the meters' buckets, so that a record costs nothing more than it costs for /metrics. */
import { durationBounds } from '../observability/record-meters.ts'

/** Attempts by the lowest bucket that holds their duration, ever since; undefined where nobody counts. */
export type BucketsOf = (group: string, handlerId: string) => readonly number[] | undefined

const MAX_LOOKS = 6

export class Durations {
  readonly #bucketsOf: BucketsOf
  /** By group and handler, the oldest first: one look every ten seconds. */
  readonly #looks = new Map<string, (readonly number[])[]>()

  constructor(bucketsOf: BucketsOf) {
    this.#bucketsOf = bucketsOf
  }

  /** Every ten seconds, with all handlers that there are. */
  look(handlers: readonly { readonly group: string; readonly handlerId: string }[]): void {
    for (const { group, handlerId } of handlers) {
      const buckets = this.#bucketsOf(group, handlerId)
      if (buckets === undefined) continue
      const looks = this.#looks.get(`${group} ${handlerId}`) ?? []
      looks.push([...buckets])
      if (looks.length > MAX_LOOKS) looks.shift()
      this.#looks.set(`${group} ${handlerId}`, looks)
    }
  }

  /** The bound below which that share of them was, a minute for all above the last bound; `null`: there were none, or nobody counts. */
  percentileOf(group: string, handlerId: string, share: number): number | null {
    const now = this.#bucketsOf(group, handlerId)
    if (now === undefined) return null
    const before = this.#looks.get(`${group} ${handlerId}`)?.[0]
    const counts = now.map((count, index) => count - (before?.[index] ?? 0))
    const total = counts.reduce((sum, each) => sum + each, 0)
    if (total === 0) return null
    let seen = 0
    for (const [index, count] of counts.entries()) {
      seen += count
      if (seen >= total * share) return (durationBounds[index] ?? 60) * 1_000
    }
    return null
  }
}
