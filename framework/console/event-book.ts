/** What the console remembers of events: dead letters of the last minute, failures, who was fenced. Bounded; `record.done` is none of its business. */
import type { RuntimeEvent } from '../model/events.ts'

const SLOTS = 6
const SLOT_MS = 10_000

export class EventBook {
  readonly #now: () => number
  /** By group and handler: so many in each of the last six slots of ten seconds. */
  readonly #dead = new Map<string, { slot: number; readonly counts: number[] }>()
  /** Groups that have lost partitions and were assigned none since, with the time. */
  readonly fenced = new Map<string, number>()
  /** Ever since. */
  failed = 0
  dead = 0

  /** @param now milliseconds since the Unix epoch */
  constructor(now: () => number) {
    this.#now = now
  }

  onEvent(group: string, event: RuntimeEvent): void {
    switch (event.kind) {
      case 'record.retry':
      case 'record.parked':
        this.failed += 1
        return
      case 'record.dead':
        this.dead += 1
        this.#countDead(`${group} ${event.handlerId}`)
        return
      case 'partition.lost':
        if (!this.fenced.has(group)) this.fenced.set(group, this.#now())
        return
      case 'partition.assigned':
        this.fenced.delete(group)
        return
      default:
      // What else happens shows in the snapshot.
    }
  }

  deadPerMinute(group: string, handlerId: string): number {
    const of = this.#dead.get(`${group} ${handlerId}`)
    if (of === undefined) return 0
    this.#advance(of)
    return of.counts.reduce((sum, each) => sum + each, 0)
  }

  #countDead(name: string): void {
    const slot = this.#slot()
    const of = this.#dead.get(name) ?? { slot, counts: new Array<number>(SLOTS).fill(0) }
    this.#dead.set(name, of)
    this.#advance(of)
    of.counts[slot % SLOTS] = (of.counts[slot % SLOTS] ?? 0) + 1
  }

  #advance(of: { slot: number; readonly counts: number[] }): void {
    const slot = this.#slot()
    for (let next = Math.max(of.slot + 1, slot - SLOTS + 1); next <= slot; next++) of.counts[next % SLOTS] = 0
    of.slot = slot
  }

  #slot(): number {
    return Math.floor(this.#now() / SLOT_MS)
  }
}
