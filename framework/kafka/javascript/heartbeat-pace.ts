/** When the next heartbeat is due, and since when the group may wait for something. Knows nothing of what a heartbeat says. */

/** Between two tries after failures in a row: the first pause, and the longest. */
const RETRY_MS = 100
const MAX_RETRY_MS = 1_000
/** As long as no broker has named one. */
const DEFAULT_INTERVAL_MS = 3_000

export class HeartbeatPace {
  #dueAtMs = 0
  #intervalMs = DEFAULT_INTERVAL_MS
  /** In a row. */
  #failures = 0
  #oldestUnansweredMs: number | undefined
  #findsCoordinator = true

  get dueAtMs(): number {
    return this.#dueAtMs
  }

  /** The coordinator is not known, or not any more. */
  get findsCoordinator(): boolean {
    return this.#findsCoordinator
  }

  /**
   * @param intervalMs the broker's; 0 leaves the one before
   * @returns the moment from which on the group may have waited for what this answer tells: an answer that was lost may have told it before
   */
  answered(sentAtMs: number, nowMs: number, intervalMs: number): number {
    const toldSinceMs = this.#oldestUnansweredMs ?? sentAtMs
    if (intervalMs > 0) this.#intervalMs = intervalMs
    this.#failures = 0
    this.#oldestUnansweredMs = undefined
    this.#findsCoordinator = false
    this.#dueAtMs = nowMs + this.#intervalMs
    return toldSinceMs
  }

  /** Whether it was done is not known. */
  unanswered(sentAtMs: number, nowMs: number): void {
    this.#oldestUnansweredMs ??= sentAtMs
    this.#findsCoordinator = true
    this.failed(nowMs)
  }

  /** Refused, and nothing was done. */
  failed(nowMs: number): void {
    this.#dueAtMs = nowMs + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(this.#failures, 10))
    this.#failures += 1
  }

  /** The coordinator must be asked for before the next request. */
  lostCoordinator(): void {
    this.#findsCoordinator = true
  }

  /** Whoever was asked is the coordinator. */
  foundCoordinator(): void {
    this.#findsCoordinator = false
  }

  /** Something has to be said: now, but not before the pause after a failure is over. */
  hurry(nowMs: number): void {
    if (this.#failures === 0) this.#dueAtMs = Math.min(this.#dueAtMs, nowMs)
  }

  /** A coordinator has answered, and wants a new beginning: what it told an earlier member counts no more. */
  beginAnew(nowMs: number, afterMs: number): void {
    this.#failures = 0
    this.#oldestUnansweredMs = undefined
    this.#dueAtMs = nowMs + afterMs
  }
}
