/** What the schedule wants to go wrong next, until it meets something that it can befall. */
import type { StepKind } from './schedule.ts'

export class Faults {
  readonly #waiting = new Map<StepKind, number[]>()
  readonly #onHit: (kind: StepKind) => void

  /** @param onHit a step of the schedule has had an effect */
  constructor(onHit: (kind: StepKind) => void) {
    this.#onHit = onHit
  }

  add(kind: StepKind, forMs: number): void {
    this.#waiting.set(kind, [...(this.#waiting.get(kind) ?? []), forMs])
  }

  /** @returns how long it lasts, in milliseconds; undefined when nothing of the kind is to happen */
  take(kind: StepKind): number | undefined {
    const forMs = this.#waiting.get(kind)?.shift()
    if (forMs !== undefined) this.#onHit(kind)
    return forMs
  }

  /** Nothing goes wrong any more. */
  clear(): void {
    this.#waiting.clear()
  }
}
