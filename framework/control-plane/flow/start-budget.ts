/** How many attempts of one handler may start, beyond what its engine has room for: its rate, and its adaptive limit. Knows no records. */
import type { Route } from '../../model/settings.ts'
import { AdaptiveConcurrency, type Sample } from './adaptive-concurrency.ts'
import { RateLimit } from './rate-limit.ts'

export class StartBudget {
  readonly #concurrency: number
  readonly #rate: RateLimit | undefined
  readonly #adaptive: AdaptiveConcurrency | undefined

  constructor({ concurrency, rateLimit, adaptive }: Route) {
    this.#concurrency = concurrency
    this.#rate = rateLimit === undefined ? undefined : new RateLimit(rateLimit)
    this.#adaptive = adaptive === undefined ? undefined : new AdaptiveConcurrency(adaptive, concurrency)
  }

  /** Attempts in flight at most, at this moment. */
  get limit(): number {
    return this.#adaptive?.limit ?? this.#concurrency
  }

  mayStart(now: number): boolean {
    return this.#rate?.hasToken(now) ?? true
  }

  /** The same, and changes nothing; undefined where it allows one now. */
  heldUntil(now: number): { readonly perSecond: number; readonly nextAt: number } | undefined {
    const nextAt = this.#rate?.firstAt(now) ?? now
    return this.#rate === undefined || nextAt <= now ? undefined : { perSecond: this.#rate.perSecond, nextAt }
  }

  onStarted(records: number, workId: number): void {
    this.#rate?.spend(records, workId)
  }

  /** It was started, and has not begun. */
  onTakenBack(records: number, workId: number): void {
    this.#rate?.return(records, workId)
  }

  /** When the rate allows the next start; undefined where there is none. */
  nextStartAt(now: number): number | undefined {
    return this.#rate?.nextAt(now)
  }

  /** @returns whether the limit has changed */
  onEnded(sample: Sample, now: number): boolean {
    return this.#adaptive?.observe(sample, now) ?? false
  }
}

/** Whether a budget made for one would do for the other: what it has learnt is worth keeping over an exchange of code. */
export function hasSameBudget(a: Route, b: Route): boolean {
  return (
    a.concurrency === b.concurrency &&
    a.rateLimit === b.rateLimit &&
    a.adaptive?.min === b.adaptive?.min &&
    a.adaptive?.intervalMs === b.adaptive?.intervalMs
  )
}
