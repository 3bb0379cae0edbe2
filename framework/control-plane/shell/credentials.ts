/** Remembers for how long the brokers have refused this member's credentials, and only that. Synchronous; time comes from outside. */

/** A client that is refused tries again within some seconds. Without a refusal for so long, it is something else that keeps it out. */
const REPEATS_WITHIN_MS = 60_000

export class Credentials {
  #since: number | undefined
  #lastAt = 0

  onRefused(now: number): void {
    if (this.#since === undefined || now - this.#lastAt > REPEATS_WITHIN_MS) this.#since = now
    this.#lastAt = now
  }

  /** A broker has answered something that it tells nobody else. */
  onAccepted(): void {
    this.#since = undefined
  }

  /** Undefined while they are not refused. Milliseconds. */
  refusedFor(now: number): number | undefined {
    return this.#since === undefined || now - this.#lastAt > REPEATS_WITHIN_MS ? undefined : now - this.#since
  }
}
