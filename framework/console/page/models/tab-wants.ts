/** Which partitions the tabs of a browser show, as the tab that reads for all of them knows it. */
import { MAX_RIBBONS } from '../../protocol-stream.ts'

/** A tab says every second what it wants: one that has died cannot say that it is gone. */
const silenceMs = 5_000

export class TabWants {
  readonly #tabs = new Map<string, { readonly partitions: readonly string[]; readonly at: number }>()

  /** @returns whether the tab is a new one, or shows something else than before */
  set(tab: string, partitions: readonly string[], at: number): boolean {
    const before = this.#tabs.get(tab)
    this.#tabs.set(tab, { partitions, at })
    return before?.partitions.join() !== partitions.join()
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

  /** As many as a stream takes, in one order. Each tab gets its first ones before any gets more, `own` before the others. */
  union(own: readonly string[]): readonly string[] {
    const lists = [own, ...[...this.#tabs.values()].map(({ partitions }) => partitions)]
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
