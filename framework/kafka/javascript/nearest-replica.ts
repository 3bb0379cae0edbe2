/**
 * From which replica one partition is read, where its leader has named one that is nearer to this client (KIP-392). A synchronous state machine.
 * The leader hands out nothing to whom it has named one. So a replica that fails is left for a while, and the leader is asked as by a client that is
 * nowhere, or the two would send it to and fro.
 */

/** After so long the leader is asked again: another one may be nearer by now. As in the Java client, whose metadata is as old by then. */
const NAMED_FOR_MS = 300_000
const LEFT_FOR_MS = 60_000

export class NearestReplica {
  #id: number | undefined
  #untilMs = 0
  #leftUntilMs = 0

  /** `undefined`: the leader is read. */
  get id(): number | undefined {
    return this.#id
  }

  /** What the leader says. */
  named(id: number, nowMs: number): void {
    this.#id = id
    this.#untilMs = nowMs + NAMED_FOR_MS
  }

  /** It has failed, or does not have what is wanted. */
  leave(nowMs: number): void {
    if (this.#id === undefined) return
    this.#id = undefined
    this.#leftUntilMs = nowMs + LEFT_FOR_MS
  }

  /** There is another leader, which may name another. */
  forget(): void {
    this.#id = undefined
  }

  expire(nowMs: number): void {
    if (nowMs >= this.#untilMs) this.#id = undefined
  }

  /** Whether the leader may name one. */
  isWanted(nowMs: number): boolean {
    return nowMs >= this.#leftUntilMs
  }
}
