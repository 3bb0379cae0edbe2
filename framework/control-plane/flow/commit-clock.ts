/**
 * The one clock of a member: when the group's coordinator last said that it is one. Only a member gets a commit acknowledged, so that counts, and from
 * when it was sent: by the time the answer comes, the member may have been expelled. Synchronous; time comes from outside.
 */

/** Of the session time-out: a group that has nothing to commit commits what it has again after so much of it. */
const RENEW_AFTER = 1 / 6
/** After two questions that were not answered, what was heard of the brokers may be old. */
const STALE_AFTER = 1 / 3
/** From here on nothing starts: at the whole of it, others may be given what this member still holds. The rest is for heartbeats, which come between commits. */
const STOP_AFTER = 2 / 3

export class CommitClock {
  readonly #sessionTimeoutMs: number
  #heardAt: number | undefined
  #answersSince: number | undefined

  /** @param sessionTimeoutMs after so long without a word of a member, its group gives its partitions to others */
  constructor(sessionTimeoutMs: number) {
    this.#sessionTimeoutMs = sessionTimeoutMs
  }

  /** @param sentAt when what was answered now was asked */
  heard(sentAt: number): void {
    if (this.#heardAt === undefined || this.isCutOff(sentAt)) this.#answersSince = sentAt
    this.#heardAt = Math.max(this.#heardAt ?? sentAt, sentAt)
  }

  /** When that was asked which was answered last. Undefined: nothing was. Milliseconds since the Unix epoch. */
  get heardAt(): number | undefined {
    return this.#heardAt
  }

  /** Since when it has been answering without a silence that stops everything. Milliseconds since the Unix epoch. */
  get answersSince(): number | undefined {
    return this.#answersSince
  }

  /** When the next question is due; at once when nothing was ever answered. */
  get renewAt(): number {
    return this.#after(RENEW_AFTER) ?? 0
  }

  /** When nothing starts any more. */
  get stopsAt(): number | undefined {
    return this.#after(STOP_AFTER)
  }

  isStale(now: number): boolean {
    const at = this.#after(STALE_AFTER)
    return at !== undefined && now >= at
  }

  isCutOff(now: number): boolean {
    return this.stopsAt !== undefined && now >= this.stopsAt
  }

  #after(part: number): number | undefined {
    return this.#heardAt === undefined ? undefined : this.#heardAt + this.#sessionTimeoutMs * part
  }
}
