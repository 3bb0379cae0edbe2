/** Keeps the newest dead letters of all that are seen, in whatever order the partitions bring them; so a topic of any size fits into memory. */
import type { DeadLetter } from './dead-letter.ts'

/** So many more than wanted are kept before the oldest are cut off, so that not every letter costs a sort. */
const SLACK = 1_000

export class NewestLetters {
  readonly #limit: number
  #kept: DeadLetter[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  add(letter: DeadLetter): void {
    this.#kept.push(letter)
    if (this.#kept.length >= this.#limit + SLACK) this.#kept = this.#newest()
  }

  /** The oldest of them first. */
  all(): readonly DeadLetter[] {
    return this.#newest()
  }

  #newest(): DeadLetter[] {
    const sorted = this.#kept.sort(byAge)
    return sorted.slice(Math.max(0, sorted.length - this.#limit))
  }
}

function byAge({ record: a }: DeadLetter, { record: b }: DeadLetter): number {
  return a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset
}
