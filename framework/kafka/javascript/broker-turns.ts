/** Which broker has a fetch out, whether it takes too long, and which one must be left alone for a while after a failure. One fetch at a time for each. */

/** Between two tries after failures in a row: the first pause, and the longest. */
const RETRY_MS = 100
const MAX_RETRY_MS = 1_000
/**
 * A broker that has not answered for so long beyond what it was allowed to wait may be frozen, and its partitions led by others: Apache Kafka gives them new
 * leaders after 9 s (`broker.session.timeout.ms`). Its connection counts as broken only after the time-out of a request, as a large answer takes its time.
 */
const SILENCE_MS = 3_000

interface Turn {
  /** The fetch that is out. */
  requestId: number | undefined
  /** When its silence is to be noticed; then again after each `SILENCE_MS`. */
  doubtAtMs: number
  failures: number
  notBeforeMs: number
}

export class BrokerTurns {
  readonly #turns = new Map<number, Turn>()
  /** By the fetch that is out. */
  readonly #brokers = new Map<number, number>()

  /** When the next fetch may be sent; Infinity while one is out. */
  dueAtMs(brokerId: number): number {
    const turn = this.#turns.get(brokerId)
    if (turn === undefined) return 0
    return turn.requestId === undefined ? turn.notBeforeMs : Number.POSITIVE_INFINITY
  }

  /** @param answerAtMs by when it answers, if it has nothing */
  begin(brokerId: number, requestId: number, answerAtMs: number): void {
    const turn = this.#turns.get(brokerId) ?? { requestId, doubtAtMs: 0, failures: 0, notBeforeMs: 0 }
    turn.requestId = requestId
    turn.doubtAtMs = answerAtMs + SILENCE_MS
    this.#turns.set(brokerId, turn)
    this.#brokers.set(requestId, brokerId)
  }

  /** When the silence of a broker is to be noticed; Infinity while none owes an answer. */
  get doubtAtMs(): number {
    let doubtAtMs = Number.POSITIVE_INFINITY
    for (const turn of this.#turns.values()) {
      if (turn.requestId !== undefined) doubtAtMs = Math.min(doubtAtMs, turn.doubtAtMs)
    }
    return doubtAtMs
  }

  /** @returns whether a broker has been silent for too long since this was last asked */
  doubt(nowMs: number): boolean {
    let isSilent = false
    for (const turn of this.#turns.values()) {
      if (turn.requestId === undefined || nowMs < turn.doubtAtMs) continue
      turn.doubtAtMs = nowMs + SILENCE_MS
      isSilent = true
    }
    return isSilent
  }

  /** @returns the broker; `undefined` for a fetch that is not out */
  succeeded(requestId: number): number | undefined {
    const turn = this.#end(requestId)
    if (turn === undefined) return undefined
    turn.failures = 0
    turn.notBeforeMs = 0
    return this.#forget(requestId)
  }

  /** @returns as `succeeded` */
  failed(requestId: number, nowMs: number): number | undefined {
    const turn = this.#end(requestId)
    if (turn === undefined) return undefined
    turn.notBeforeMs = nowMs + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(turn.failures, 10))
    turn.failures += 1
    return this.#forget(requestId)
  }

  #end(requestId: number): Turn | undefined {
    const brokerId = this.#brokers.get(requestId)
    const turn = brokerId === undefined ? undefined : this.#turns.get(brokerId)
    if (turn !== undefined) turn.requestId = undefined
    return turn
  }

  #forget(requestId: number): number | undefined {
    const brokerId = this.#brokers.get(requestId)
    this.#brokers.delete(requestId)
    return brokerId
  }
}
