/** Counts attempts by how long they took, for the percentiles that the console shows. */
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import { bucketOf, durationBounds } from '../../../framework/observability/record-meters.ts'

export class AttemptCounts {
  readonly #byHandler = new Map<string, number[]>()

  onEvent(event: RuntimeEvent): void {
    if (event.kind !== 'record.done' && event.kind !== 'record.retry' && event.kind !== 'record.parked') return
    let buckets = this.#byHandler.get(event.handlerId)
    if (buckets === undefined) {
      buckets = new Array<number>(durationBounds.length + 1).fill(0)
      this.#byHandler.set(event.handlerId, buckets)
    }
    const bucket = bucketOf(event.durationMs / 1_000)
    buckets[bucket] = (buckets[bucket] ?? 0) + 1
  }

  bucketsOf(handlerId: string): readonly number[] | undefined {
    return this.#byHandler.get(handlerId)
  }
}
