/** What the tabs of a browser show, as the tab that reads for all of them knows it. */
import { MAX_LIVE, MAX_RIBBONS } from '../../protocol-stream.ts'

/** What one tab shows. */
export interface TabWant {
  /** As the stream names them. */
  readonly partitions: readonly string[]
  /** The filter of its records. */
  readonly live: string | undefined
}

/** A tab says every second what it wants: one that has died cannot say that it is gone. */
const silenceMs = 5_000

export class TabWants {
  readonly #tabs = new Map<string, { readonly want: TabWant; readonly at: number }>()

  /** @returns whether the tab is a new one, or shows other partitions than before */
  set(tab: string, want: TabWant, at: number): boolean {
    const before = this.#tabs.get(tab)
    this.#tabs.set(tab, { want, at })
    return before?.want.partitions.join() !== want.partitions.join()
  }

  forget(tab: string): void {
    this.#tabs.delete(tab)
  }

  /** @returns whether there were any */
  forgetSilent(at: number): boolean {
    const silent = [...this.#tabs].filter(([, each]) => at - each.at > silenceMs)
    for (const [tab] of silent) this.#tabs.delete(tab)
    return silent.length > 0
  }

  /** The process knows none of the filters any more: tabs tell their new ones. */
  forgetLive(): void {
    for (const [tab, { want, at }] of this.#tabs) this.#tabs.set(tab, { want: { ...want, live: undefined }, at })
  }

  /** Filters of all, as many as a stream takes, `own` before the others. */
  live(own: TabWant): readonly string[] {
    const all = [own, ...[...this.#tabs.values()].map(({ want }) => want)]
    return [...new Set(all.flatMap(({ live }) => live ?? []))].slice(0, MAX_LIVE).sort()
  }

  /** Partitions: as many as a stream takes, in one order. Each tab gets its first ones before any gets more, `own` before the others. */
  partitions(own: TabWant): readonly string[] {
    const lists = [own.partitions, ...[...this.#tabs.values()].map(({ want }) => want.partitions)]
    const longest = Math.max(...lists.map(({ length }) => length))
    const wanted = new Set<string>()
    for (let turn = 0; turn < longest; turn++) {
      for (const list of lists) {
        const next = list[turn]
        if (next !== undefined && wanted.size < MAX_RIBBONS) wanted.add(next)
      }
    }
    return [...wanted].sort()
  }
}
