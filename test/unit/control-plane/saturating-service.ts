/** A service that runs so many calls at once and queues the others, simulated in time; the caller always has more to call. Not a test itself. */
import type { AdaptiveConcurrency } from '../../../framework/control-plane/flow/adaptive-concurrency.ts'
import { RetryQueue } from '../../../framework/control-plane/partition/retry-queue.ts'
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'

export interface ServiceSetup {
  readonly servers: number
  /** The mean of a call that does not wait; each takes from half to one and a half of it. */
  readonly serviceMs: number
  readonly seed: number
}

export interface Observed {
  /** The limit at each end of a call. */
  readonly limits: readonly number[]
  /** Calls per second. */
  readonly throughput: number
  /** From a call to its answer. */
  readonly meanMs: number
  readonly durationsMs: readonly number[]
}

/** Whatever says how many calls there may be at once, fixed or not. */
export type CallLimit = Pick<AdaptiveConcurrency, 'limit' | 'observe'>

interface Call {
  readonly calledAt: number
}

export class SaturatingService {
  servers: number
  serviceMs: number
  readonly #limit: CallLimit
  readonly #random: () => number
  readonly #running = new RetryQueue<Call>()
  readonly #queue: Call[] = []
  #now = 0

  constructor(limit: CallLimit, { servers, serviceMs, seed }: ServiceSetup) {
    this.#limit = limit
    this.servers = servers
    this.serviceMs = serviceMs
    this.#random = seededRandom(seed)
  }

  run(forMs: number): Observed {
    const until = this.#now + forMs
    const limits: number[] = []
    const durationsMs: number[] = []
    while (this.#now < until) {
      while (this.#running.size + this.#queue.length < this.#limit.limit) this.#queue.push({ calledAt: this.#now })
      while (this.#running.size < this.servers && this.#queue.length > 0) this.#serve(this.#queue.shift())
      this.#now = this.#running.nextDueAt ?? until
      for (let call = this.#running.takeDue(this.#now); call !== undefined; call = this.#running.takeDue(this.#now)) {
        const durationMs = this.#now - call.calledAt
        durationsMs.push(durationMs)
        this.#limit.observe({ durationMs, isOverload: false, isLimiting: true }, this.#now)
        limits.push(this.#limit.limit)
      }
    }
    const meanMs = durationsMs.reduce((sum, each) => sum + each, 0) / durationsMs.length
    return { limits, throughput: (limits.length / forMs) * 1_000, meanMs, durationsMs }
  }

  #serve(call: Call | undefined): void {
    if (call !== undefined) this.#running.push(this.#now + this.serviceMs * (0.5 + this.#random()), call)
  }
}
