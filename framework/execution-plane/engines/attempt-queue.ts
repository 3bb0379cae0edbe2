/** Attempts that were submitted and have not begun, in order. Starts none. */
import type { WorkItem } from '../../model/work.ts'
import type { Attempt } from '../attempt/attempt.ts'

/** So many places before the first are kept at most: to give each back at once would move all that is behind it. */
const MOST_EMPTY = 512

export class AttemptQueue {
  /** Those from `#next` on wait. */
  #attempts: Attempt[] = []
  #next = 0

  get isEmpty(): boolean {
    return this.#next === this.#attempts.length
  }

  get all(): readonly Attempt[] {
    return this.#attempts.slice(this.#next)
  }

  push(attempt: Attempt): void {
    this.#attempts.push(attempt)
  }

  take(): Attempt | undefined {
    const attempt = this.#attempts[this.#next]
    if (attempt === undefined) return undefined
    this.#next++
    if (this.#next === this.#attempts.length || this.#next === MOST_EMPTY) {
      this.#attempts = this.#attempts.slice(this.#next)
      this.#next = 0
    }
    return attempt
  }

  /** @returns those that were taken out */
  remove(isWanted: (item: WorkItem) => boolean): readonly Attempt[] {
    const waiting = this.all
    const taken = new Set(waiting.filter(({ item }) => isWanted(item)))
    this.#attempts = waiting.filter((attempt) => !taken.has(attempt))
    this.#next = 0
    return [...taken]
  }
}
