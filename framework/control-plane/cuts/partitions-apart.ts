/** Partitions whose offsets, or outputs, were refused: each goes in a transaction of its own, and what is refused alone waits with growing delays. Synchronous. */
import type { PartitionState } from '../partition/partition-state.ts'

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 10_000

interface Apart {
  /** Milliseconds since the Unix epoch. */
  readonly until: number
  readonly waitMs: number
}

export class PartitionsApart {
  readonly #apart = new Map<PartitionState, Apart>()
  /** Whose turn it is, of those together and those apart: neither keeps the other waiting. */
  #turn = 0

  /** It was refused together with others, so nobody knows which is to blame. */
  setApart(state: PartitionState): void {
    if (!this.#apart.has(state)) this.#apart.set(state, { until: 0, waitMs: 0 })
  }

  putOff(state: PartitionState, now: number): void {
    const before = this.#apart.get(state)?.waitMs ?? 0
    const waitMs = before === 0 ? FIRST_WAIT_MS : Math.min(before * 2, LONGEST_WAIT_MS)
    this.#apart.set(state, { until: now + waitMs, waitMs })
  }

  forget(state: PartitionState): void {
    this.#apart.delete(state)
  }

  /**
   * Which of these go together, in the order in which they are to be tried.
   * @param isLast there is no later: those that wait are tried too
   */
  inTurns(states: readonly PartitionState[], now: number, isLast: boolean): readonly (readonly PartitionState[])[] {
    if (this.#apart.size === 0) return [states]
    const together = states.filter((state) => !this.#apart.has(state))
    const due = states.flatMap((state) => {
      const apart = this.#apart.get(state)
      return apart !== undefined && (isLast || apart.until <= now) ? [{ state, apart }] : []
    })
    const alone = due.sort((a, b) => a.apart.until - b.apart.until).map(({ state }) => [state])
    this.#turn += 1
    return this.#turn % 2 === 0 ? [...alone, together] : [together, ...alone]
  }
}
