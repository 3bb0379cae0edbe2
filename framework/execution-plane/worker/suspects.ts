/** Remembers which records were running when a thread died, and how often. Bounded; knows no thread. */
import { placeId } from '../../model/record.ts'
import type { WorkItem } from '../../model/work.ts'

/** The oldest is forgotten first: it is then run among others like any record. */
const MAX_REMEMBERED = 10_000
/** A record that was cut by another's fault runs among others again, but not as often as it takes to be given up for it. */
const MOST_CUTS = 2

/** `untried`: no thread has died of it. `near`: of one thread that died it was one of several. `often`: of more than one. `guilty`: it ended its thread. */
export type Rank = 'untried' | 'near' | 'often' | 'guilty'

interface Past {
  readonly deaths: number
  readonly isSuspect: boolean
  readonly isGuilty: boolean
}

const clean: Past = { deaths: 0, isSuspect: false, isGuilty: false }

/**
 * Of the records that a thread ran when it died, one has killed it. Often it is known which: the thread could still say so, it ran alone, or it ignored
 * its signal. Else nobody knows, and each of them runs apart from all others until it has shown that it ends.
 */
export class Suspects {
  readonly #records = new Map<string, Past>()

  /** It has ended its thread. Of a batch, some record has: they come again in smaller ones. */
  convict(item: WorkItem): void {
    const isGuilty = item.records.length === 1
    this.#change(item, ({ deaths }) => ({ deaths: deaths + 1, isSuspect: true, isGuilty }))
  }

  /** It may have ended its thread. */
  suspect(item: WorkItem): void {
    this.#change(item, ({ deaths, isGuilty }) => ({ deaths: deaths + 1, isSuspect: true, isGuilty }))
  }

  /** It ran on a thread that another one has ended. */
  cut(item: WorkItem): void {
    this.#change(item, ({ deaths, isSuspect, isGuilty }) => {
      return { deaths: deaths + 1, isSuspect: isSuspect || deaths + 1 >= MOST_CUTS, isGuilty }
    })
  }

  clear(item: WorkItem): void {
    if (this.#records.size > 0) for (const record of item.records) this.#records.delete(placeId(record))
  }

  /** It runs apart. */
  has(item: WorkItem): boolean {
    return this.#records.size > 0 && this.#of(item).some(({ isSuspect }) => isSuspect)
  }

  rankOf(item: WorkItem): Rank {
    const past = this.#of(item)
    if (past.some(({ isGuilty }) => isGuilty)) return 'guilty'
    const deaths = Math.max(0, ...past.map((each) => each.deaths))
    if (deaths === 0) return 'untried'
    return deaths === 1 ? 'near' : 'often'
  }

  #change(item: WorkItem, changed: (past: Past) => Past): void {
    for (const record of item.records) {
      const id = placeId(record)
      this.#records.set(id, changed(this.#records.get(id) ?? clean))
      if (this.#records.size > MAX_REMEMBERED) this.#forgetOldest()
    }
  }

  #forgetOldest(): void {
    for (const oldest of this.#records.keys()) return void this.#records.delete(oldest)
  }

  #of(item: WorkItem): readonly Past[] {
    return item.records.flatMap((record) => this.#records.get(placeId(record)) ?? [])
  }
}
