/** What has happened to this member of the group so far, as far as its standing depends on it. Decides nothing. */
import { Credentials } from './credentials.ts'

/** Times are undefined until it has happened. Milliseconds since the Unix epoch. */
export interface MemberTimes {
  readonly subscribedAt: number | undefined
  /** When the last poll settled. */
  readonly polledAt: number | undefined
  readonly hadPartitions: boolean
  /** When the last of its partitions was taken away, as long as none has come since. */
  readonly lostAt: number | undefined
}

export class MemberPast {
  readonly credentials = new Credentials()
  #subscribedAt: number | undefined
  #polledAt: number | undefined
  #hadPartitions = false
  #lostAt: number | undefined

  get times(): MemberTimes {
    return {
      subscribedAt: this.#subscribedAt,
      polledAt: this.#polledAt,
      hadPartitions: this.#hadPartitions,
      lostAt: this.#lostAt,
    }
  }

  onSubscribed(now: number): void {
    this.#subscribedAt = now
  }

  onPolled(now: number): void {
    this.#polledAt = now
  }

  onAssigned(): void {
    this.#hadPartitions = true
    this.#lostAt = undefined
  }

  /** It has none left. */
  onLostAll(now: number): void {
    this.#lostAt = now
  }
}
