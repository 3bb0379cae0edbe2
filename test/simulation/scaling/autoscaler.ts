/**
 * How Kubernetes and KEDA get from a number to a number of processes, with their defaults. From the documents of the HorizontalPodAutoscaler (its algorithm,
 * and the default behaviour) and of KEDA 2.20. Not a test itself.
 */

/** An autoscaler that has been told what there is. Seconds. */
export interface Asked {
  readonly second: number
  /** The metric, in targets: 1 asks for one process. */
  readonly wanted: number
  /** Work that takes the number away from zero, or keeps it there. */
  readonly isActive: boolean
}

/** The HPA asks so often. */
export const SYNC_SECONDS = 15
/** KEDA looks so often whether there is work, and takes the last process away after so long without. */
const POLL_SECONDS = 30
const COOLDOWN_SECONDS = 300
/** A metric that is off by less leaves everything as it is. */
const TOLERANCE = 0.1
/** Going down, the largest number of the last five minutes counts. */
const STABILISE_SECONDS = 300
/** Going up, so many in 15 s, or twice as many as there are. */
const STEP_UP = 4

export class Autoscaler {
  readonly #most: number
  #asked: { readonly second: number; readonly number: number }[] = []
  #activeAt: number

  /** @param most processes */
  constructor(most: number, startAt: number) {
    this.#most = most
    this.#activeAt = startAt
  }

  /** @returns how many processes there should be */
  decide({ second, wanted, isActive }: Asked, current: number): number {
    const isPolled = second % POLL_SECONDS === 0
    if (isPolled && isActive) this.#activeAt = second
    if (current === 0) return isPolled && isActive ? 1 : 0
    if (isPolled && !isActive && second - this.#activeAt >= COOLDOWN_SECONDS) {
      this.#asked = []
      return 0
    }
    const isNear = Math.abs(wanted / current - 1) <= TOLERANCE
    const desired = Math.min(this.#most, Math.max(1, isNear ? current : Math.ceil(wanted - 1e-9)))
    this.#asked.push({ second, number: desired })
    this.#asked = this.#asked.filter((each) => each.second > second - STABILISE_SECONDS)
    if (desired > current) return Math.min(desired, Math.max(current + STEP_UP, current * 2))
    return Math.min(current, Math.max(...this.#asked.map(({ number }) => number)))
  }
}
