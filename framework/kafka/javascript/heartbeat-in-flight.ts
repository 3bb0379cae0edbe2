/** The one heartbeat that waits for its answer, and what was true when it was sent. Answers to any other are too late. */
import type { HeartbeatRequest } from './membership-steps.ts'

export interface SentHeartbeat {
  readonly request: HeartbeatRequest
  readonly atMs: number
  /** Of the join that it belongs to. */
  readonly session: number
  /** Of the partitions that it tells of; `undefined`: it tells of none. */
  readonly version: number | undefined
}

export class HeartbeatInFlight {
  #lastId = 0
  #sent: SentHeartbeat | undefined

  get isEmpty(): boolean {
    return this.#sent === undefined
  }

  /** Ever. */
  get hasSent(): boolean {
    return this.#lastId > 0
  }

  send(said: Omit<HeartbeatRequest, 'id'>, facts: Omit<SentHeartbeat, 'request'>): HeartbeatRequest {
    this.#lastId += 1
    const request = { id: this.#lastId, ...said }
    this.#sent = { request, ...facts }
    return request
  }

  end(id: number): SentHeartbeat | undefined {
    const sent = this.#sent
    if (sent?.request.id !== id) return undefined
    this.#sent = undefined
    return sent
  }
}
