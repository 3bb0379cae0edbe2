/** Remembers which records were running when a thread died. Bounded; knows no thread. */
import { recordId } from '../model/record.ts'
import type { WorkItem } from '../model/work.ts'

/** The oldest is forgotten first: it is then run among others like any record. */
const MAX_SUSPECTS = 10_000

/**
 * One of the records that a thread ran when it died has killed it, and nobody can say which. Run again among others, it would take them
 * along each time, up to their own cap: so each runs alone until it has shown that it ends.
 */
export class Suspects {
  readonly #ids = new Set<string>()

  add(item: WorkItem): void {
    for (const record of item.records) {
      this.#ids.add(recordId(record))
      if (this.#ids.size > MAX_SUSPECTS) for (const oldest of this.#ids) return void this.#ids.delete(oldest)
    }
  }

  clear(item: WorkItem): void {
    if (this.#ids.size > 0) for (const record of item.records) this.#ids.delete(recordId(record))
  }

  has(item: WorkItem): boolean {
    return this.#ids.size > 0 && item.records.some((record) => this.#ids.has(recordId(record)))
  }
}
