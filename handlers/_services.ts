/** Stand-ins for the services that real handlers would call: they take time, and fail now and then in a way that can be foreseen. */
import { setTimeout as sleep } from 'node:timers/promises'

/** How often a call with one key has failed so far; forgotten when it succeeds. */
const failures = new Map<string, number>()

/** True for the first `times` calls with this key. */
function failsAgain(key: string, times: number): boolean {
  const failed = failures.get(key) ?? 0
  if (failed >= times) {
    failures.delete(key)
    return false
  }
  failures.set(key, failed + 1)
  return true
}

/** Takes 2 to 8 ms. The server of `slow.example` refuses each address twice before it takes the mail. */
export async function sendMail(to: string, _subject: string, signal: AbortSignal): Promise<void> {
  await sleep(2 + (to.length % 7), undefined, { signal })
  if (to.endsWith('@slow.example') && failsAgain(to, 2)) throw new Error('451 greylisted, try again later')
}

export interface Charge {
  readonly orderId: string
  readonly amount: number
}

export type ChargeResult = { readonly status: 'charged' | 'throttled' | 'declined' }

/** Takes 5 to 14 ms. Totals that end in 07 are throttled once, those that end in 09 meet a broken connection twice, those above 980 are declined. */
export async function charge(
  { amount }: Charge,
  options: { readonly idempotencyKey: string; readonly signal: AbortSignal },
): Promise<ChargeResult> {
  await sleep(5 + (amount % 10), undefined, { signal: options.signal })
  if (amount > 980) return { status: 'declined' }
  if (amount % 100 === 7 && failsAgain(options.idempotencyKey, 1)) return { status: 'throttled' }
  if (amount % 100 === 9 && failsAgain(options.idempotencyKey, 2)) throw new Error('connection reset by gateway')
  return { status: 'charged' }
}
