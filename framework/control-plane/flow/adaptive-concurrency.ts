/** Decides how many attempts of a handler may run at once, from how long they take and whether more are waiting. Pure: durations and time are handed in. */
import type { AdaptiveSettings } from '../../model/settings.ts'

/** What one attempt tells. */
export interface Sample {
  readonly durationMs: number
  /** It ran into its deadline. */
  readonly isOverload: boolean
  /** More could have started, had the limit been higher: there is a backlog, which is what lag is made of. */
  readonly isLimiting: boolean
}

const FIRST_LIMIT = 8
/** Fewer say nothing about a mean. */
const MIN_SAMPLES = 10
/** Attempts that wait in the service called: below the lower mark there is room, above the upper one it is saturated. In between nothing changes. */
const FEW_WAITING = 3
const MANY_WAITING = 6
/** The same as parts of the limit, for large ones, where durations vary by more than that. */
const FEW_WAITING_PART = 0.1
const MANY_WAITING_PART = 0.2
const STEP_PART = 0.1
const OVERLOAD_PART = 0.7
/** After so many decisions the unloaded duration is measured anew, at half the limit or the minimum: the service may have become slower by itself, or faster. */
const PROBE_EVERY = 30

/**
 * TCP Vegas (Brakmo and Peterson, 1994) for calls instead of packets: of `limit` attempts at once, `limit * (1 - unloaded / duration)` do not run but wait
 * in the service. While few do, and there is a backlog, the limit is raised; when many do, it is lowered; so it stays where the service saturates.
 */
export class AdaptiveConcurrency {
  readonly #settings: AdaptiveSettings
  readonly #max: number
  #limit: number
  /** The shortest mean since the last probe. Milliseconds. */
  #unloadedMs = Number.POSITIVE_INFINITY
  #windowFrom: number | undefined
  #count = 0
  #sumMs = 0
  #hasOverload = false
  #isLimiting = false
  #changedAt = Number.NEGATIVE_INFINITY
  #decisions = 0
  /** The limit before the probe that runs. */
  #beforeProbe: number | undefined

  /** @param max the handler's `concurrency` */
  constructor(settings: AdaptiveSettings, max: number) {
    this.#settings = settings
    this.#max = max
    this.#limit = Math.min(max, Math.max(settings.min, FIRST_LIMIT))
  }

  get limit(): number {
    return this.#limit
  }

  /** @returns whether the limit has changed */
  observe({ durationMs, isOverload, isLimiting }: Sample, now: number): boolean {
    // It began under another limit, so it says nothing about this one.
    if (now - durationMs < this.#changedAt) return false
    this.#windowFrom ??= now
    this.#count += 1
    this.#sumMs += durationMs
    this.#hasOverload ||= isOverload
    this.#isLimiting ||= isLimiting
    if (this.#count < MIN_SAMPLES || now - this.#windowFrom < this.#settings.intervalMs) return false
    const before = this.#limit
    this.#limit = this.#decide(Math.max(this.#sumMs / this.#count, 0.01))
    this.#windowFrom = undefined
    this.#count = 0
    this.#sumMs = 0
    this.#hasOverload = false
    this.#isLimiting = false
    if (this.#limit !== before) this.#changedAt = now
    return this.#limit !== before
  }

  #decide(meanMs: number): number {
    const { min } = this.#settings
    if (this.#beforeProbe !== undefined) {
      const before = this.#beforeProbe
      this.#beforeProbe = undefined
      this.#unloadedMs = meanMs
      return this.#hasOverload ? this.#limit : before
    }
    this.#unloadedMs = Math.min(this.#unloadedMs, meanMs)
    this.#decisions += 1
    if (this.#hasOverload) return Math.max(min, Math.floor(this.#limit * OVERLOAD_PART))
    if (this.#decisions % PROBE_EVERY === 0) {
      this.#beforeProbe = this.#limit
      return Math.max(min, Math.ceil(this.#limit / 2))
    }
    const waiting = this.#limit * (1 - this.#unloadedMs / meanMs)
    const step = Math.max(1, Math.round(this.#limit * STEP_PART))
    if (waiting > Math.max(MANY_WAITING, this.#limit * MANY_WAITING_PART)) return Math.max(min, this.#limit - step)
    const hasRoom = waiting < Math.max(FEW_WAITING, this.#limit * FEW_WAITING_PART)
    return hasRoom && this.#isLimiting ? Math.min(this.#max, this.#limit + step) : this.#limit
  }
}
