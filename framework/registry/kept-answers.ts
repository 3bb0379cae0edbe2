/** Keeps what never changes: the answers that were used last, up to a number, and one question at a time for each. */

export class KeptAnswers<T> {
  readonly #limit: number
  /** The one that was used last stands last. */
  readonly #kept = new Map<string, T>()
  readonly #asked = new Map<string, Promise<T>>()

  /** @param limit answers, at least 1 */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whoever asks meanwhile gets the same answer, and the same error; an error is not kept. */
  async get(key: string, ask: () => Promise<T>): Promise<T> {
    const kept = this.#kept.get(key)
    if (kept !== undefined) {
      this.#kept.delete(key)
      this.#kept.set(key, kept)
      return kept
    }
    return this.#asked.get(key) ?? this.#ask(key, ask)
  }

  #ask(key: string, ask: () => Promise<T>): Promise<T> {
    const asked = ask()
      .then((answer) => {
        this.#kept.set(key, answer)
        for (const oldest of this.#kept.keys()) {
          if (this.#kept.size <= this.#limit) break
          this.#kept.delete(oldest)
        }
        return answer
      })
      .finally(() => this.#asked.delete(key))
    this.#asked.set(key, asked)
    return asked
  }
}
