/** Whose a static member's name is, as far as this member can know, and how long it has been waiting for it. */

export class StaticName {
  readonly #limitMs: number
  /** The group has taken this member in under it. */
  #isOurs = false
  /** A join was not answered: it may have been taken in. */
  #mayBeOurs = false
  #refusedSinceMs: number | undefined

  /** @param limitMs after so long a name in use is another live member's: its session would be over */
  constructor(limitMs: number) {
    this.#limitMs = limitMs
  }

  get isOurs(): boolean {
    return this.#isOurs
  }

  /** A name in use may be so by this very member. */
  get isWorthReleasing(): boolean {
    return this.#mayBeOurs
  }

  joinUnanswered(): void {
    this.#mayBeOurs = true
  }

  joined(): void {
    this.#isOurs = true
    this.#mayBeOurs = false
    this.#refusedSinceMs = undefined
  }

  /** Given back, or taken away by the group. */
  released(): void {
    this.#isOurs = false
    this.#mayBeOurs = false
  }

  /** @returns what to do: `first` and `again` wait, `over` is the end */
  refused(nowMs: number): 'first' | 'again' | 'over' {
    this.released()
    if (this.#refusedSinceMs === undefined) {
      this.#refusedSinceMs = nowMs
      return 'first'
    }
    return nowMs - this.#refusedSinceMs > this.#limitMs ? 'over' : 'again'
  }
}
