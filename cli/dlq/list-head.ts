/** The first lines of a list: how many dead letters there are, and how many records that nothing shows to be one. Pure. */
import type { DeadLetter } from '../../framework/dead-letters/dead-letter.ts'
import { harmless } from '../../framework/model/plain-text.ts'
import { plural } from '../../framework/model/plural.ts'

/** Counts the records of a topic: all of them, and those that somebody has selected. */
export class ListCounts {
  #letters = { all: 0, selected: 0 }
  #others = { all: 0, selected: 0 }
  #replayed = 0

  see({ family }: DeadLetter): void {
    this.#of(family).all += 1
  }

  select({ family }: DeadLetter, isReplayed: boolean): void {
    this.#of(family).selected += 1
    if (isReplayed) this.#replayed += 1
  }

  get selected(): number {
    return this.#letters.selected + this.#others.selected
  }

  /** @param topics all of the cluster; asked for only where no record is a dead letter */
  async head(topic: string, topics: () => Promise<readonly string[]>): Promise<readonly string[]> {
    const marked = this.#replayed === 0 ? '' : `, ${this.#replayed} of them replayed`
    if (this.#letters.all > 0 || this.#others.all === 0) {
      const { selected } = this.#others
      const more = selected === 0 ? '' : `, and ${plural(selected, 'record')} without the headers of one`
      return [`${topic}: ${counted(this.#letters, 'dead letter')}${more}${marked}`]
    }
    const found = (await topics()).filter((each) => mayHaveLettersOf(topic, each))
    const next =
      found.length === 0
        ? "A handler's dead-letter topic is <topic>.<group>.dlq unless it names another."
        : `Its dead letters: ${found.map((each) => `pyrallel dlq list ${harmless(each)}`).join(', ')}.`
    return [
      `${topic}: ${counted(this.#others, 'record')}, and none has the headers of a dead letter${marked}`,
      `  This is no dead-letter topic, or one of a tool that is not known here. ${next}`,
    ]
  }

  #of(family: DeadLetter['family']): { all: number; selected: number } {
    return family === 'none' ? this.#others : this.#letters
  }
}

function counted({ all, selected }: { readonly all: number; readonly selected: number }, what: string): string {
  return selected === all ? plural(all, what) : `${selected} of ${plural(all, what)}`
}

/** `orders.shop.dlq`, `orders-dlt`, `orders.DLT` of `orders`. */
function mayHaveLettersOf(topic: string, name: string): boolean {
  return name.startsWith(topic) && /^[.-](?:.*[.-])?dl[qt]$/i.test(name.slice(topic.length))
}
