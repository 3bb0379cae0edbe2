/** Which broker has a fetch out, and which one must be left alone for a while after a failure. One fetch at a time for each. */

/** Between two tries after failures in a row: the first pause, and the longest. */
const RETRY_MS = 100
const MAX_RETRY_MS = 1_000

interface Turn {
  /** The fetch that is out. */
  requestId: number | undefined
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

  begin(brokerId: number, requestId: number): void {
    const turn = this.#turns.get(brokerId) ?? { requestId, failures: 0, notBeforeMs: 0 }
    turn.requestId = requestId
    this.#turns.set(brokerId, turn)
    this.#brokers.set(requestId, brokerId)
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
