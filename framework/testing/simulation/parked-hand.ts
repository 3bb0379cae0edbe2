/** Somebody who looks after parked records, once nothing goes wrong any more: each is tried once more in its assignment, and given up if it is parked again there. */
import { recordPlace } from '../../model/record.ts'
import type { SimulatedProcess } from './process.ts'

export class ParkedHand {
  readonly #groups: readonly string[]
  /** By group, place and assignment. */
  readonly #tried = new Set<string>()

  constructor(groups: Iterable<string>) {
    this.#groups = [...new Set(groups)]
  }

  lookAfter(processes: Iterable<Pick<SimulatedProcess, 'records'>>): void {
    for (const { records } of processes) {
      if (records === undefined) continue
      for (const group of this.#groups) {
        for (const row of records.inspection.retries(group).parked) {
          const name = `${group} ${recordPlace(row)} ${row.epoch}`
          // What is refused now, as the breaker of its key is open, is asked for again.
          if (this.#tried.has(name)) records.giveUp(group, row)
          else if (records.retryNow(group, row).isDone) this.#tried.add(name)
        }
      }
    }
  }
}
