/** What one reader of the stream has yet to be told of one filter's records. Bounded: the oldest are left out. */
import type { CompiledFilter } from './live-filter.ts'
import type { LiveFrame, LiveRow } from './protocol-live.ts'
import type { RecordTrace } from './record-trace.ts'
import { frameBytes } from './stream-frames.ts'

const MOST_ROWS = 100
const MOST_PENDING = 2 * MOST_ROWS

export class LiveQueue {
  readonly filter: CompiledFilter
  readonly #pending = new Set<RecordTrace>()
  #left = 0

  constructor(filter: CompiledFilter) {
    this.filter = filter
  }

  add(changed: readonly RecordTrace[]): void {
    for (const trace of changed) {
      if (!trace.shownBy.includes(this.filter.id)) continue
      // Told as it is by then; and at its new place.
      this.#pending.delete(trace)
      this.#pending.add(trace)
    }
    for (const oldest of this.#pending) {
      if (this.#pending.size <= MOST_PENDING) return
      this.#pending.delete(oldest)
      this.#left += 1
    }
  }

  /** @param maxBytes of the rows as JSON. @returns undefined where nothing has changed */
  frame(at: number, maxBytes: number): LiveFrame | undefined {
    const rows: LiveRow[] = []
    let bytes = 0
    for (const trace of this.#pending) {
      if (rows.length === MOST_ROWS) break
      const row = trace.row()
      bytes += frameBytes(row) + 1
      if (bytes > maxBytes && rows.length > 0) break
      this.#pending.delete(trace)
      if (this.filter.showsStatus(row.status)) rows.push(row)
    }
    if (rows.length === 0) return undefined
    const { id, sampler } = this.filter
    const left = this.#left
    this.#left = 0
    return { filter: id, at: Math.round(at), every: sampler.every(at), rate: sampler.rate(at), rows, left }
  }
}
