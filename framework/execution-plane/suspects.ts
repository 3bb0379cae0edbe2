/** Remembers which records were running when a thread died. Bounded; knows no thread. */
import { placeId } from '../model/record.ts'
import type { WorkItem } from '../model/work.ts'

/** The oldest is forgotten first: it is then run among others like any record. */
const MAX_SUSPECTS = 10_000

/**
 * One of the records that a thread ran when it died has killed it, and nobody can say which. Run again among others, it would take them
 * along each time, up to their own cap: so each runs alone until it has shown that it ends.
 */
export class Suspects {
  readonly #places = new Set<string>()

  add(item: WorkItem): void {
    for (const record of item.records) {
      this.#places.add(placeId(record))
      if (this.#places.size > MAX_SUSPECTS) for (const oldest of this.#places) return void this.#places.delete(oldest)
    }
  }

  clear(item: WorkItem): void {
    if (this.#places.size > 0) for (const record of item.records) this.#places.delete(placeId(record))
  }

  has(item: WorkItem): boolean {
    return this.#places.size > 0 && item.records.some((record) => this.#places.has(placeId(record)))
  }
}
