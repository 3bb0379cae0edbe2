/** Whether the leaders have to be asked for, and when again. One question at a time. */

/** Between two questions: the first pause, and the longest. */
const PAUSE_MS = 100
const MAX_PAUSE_MS = 1_000

export class LeaderQuestion {
  #isWanted = false
  #isOut = false
  #notBeforeMs = 0
  /** Answers in a row that have not brought all. */
  #failures = 0

  /** Also while a question is out: its answer may be older than the reason for this one. */
  want(): void {
    this.#isWanted = true
  }

  get dueAtMs(): number {
    return this.#isWanted && !this.#isOut ? this.#notBeforeMs : Number.POSITIVE_INFINITY
  }

  /** @returns whether it is to be asked now */
  ask(nowMs: number): boolean {
    if (nowMs < this.dueAtMs) return false
    this.#isOut = true
    this.#isWanted = false
    return true
  }

  answered(nowMs: number, hasAll: boolean): void {
    this.#isOut = false
    if (!hasAll) this.#isWanted = true
    this.#failures = hasAll ? 0 : this.#failures + 1
    this.#notBeforeMs = nowMs + Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** Math.min(this.#failures, 10))
  }
}
