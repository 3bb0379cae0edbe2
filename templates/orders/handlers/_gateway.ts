// A stand-in for a payment gateway: files that begin with `_` are no handlers. Put the real one here.
import { setTimeout as sleep } from 'node:timers/promises'

export type ChargeResult = 'charged' | 'busy' | 'declined'

export interface ChargeOptions {
  /** The same whenever the same order comes: charging twice with it charges once. */
  readonly idempotencyKey: string
  readonly signal: AbortSignal
}

const seen = new Set<string>()

/** Totals above 100,000 are declined; those that end in 7 find the gateway busy the first time. */
export async function charge(total: number, { idempotencyKey, signal }: ChargeOptions): Promise<ChargeResult> {
  await sleep(5, undefined, { signal })
  if (total > 100_000) return 'declined'
  if (total % 10 === 7 && !seen.has(idempotencyKey)) {
    seen.add(idempotencyKey)
    return 'busy'
  }
  return 'charged'
}
