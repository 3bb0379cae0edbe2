/** What `setTimeout` and `setInterval` return in a simulation, and a sleep: by the clock of whoever asked, with the ways of Node's. */
import type { Timer } from '../../time/clock.ts'
import { type TimeOwner, withTimeOf } from './time-owner.ts'

const LONGEST_MS = 2 ** 31 - 1

export class SimulatedTimeout {
  readonly #owner: TimeOwner
  readonly #fire: () => void
  readonly #delayMs: number
  readonly #repeats: boolean
  #timer: Timer

  constructor(owner: TimeOwner, fire: () => void, delay: number | undefined, repeats: boolean) {
    this.#owner = owner
    this.#fire = fire
    // As Node does it: what is no delay is one millisecond.
    this.#delayMs = delay !== undefined && delay >= 1 && delay <= LONGEST_MS ? delay : 1
    this.#repeats = repeats
    this.#timer = this.#arm()
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return true
  }

  refresh(): this {
    this.#timer.cancel()
    this.#timer = this.#arm()
    return this
  }

  close(): this {
    this.#timer.cancel()
    return this
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #arm(): Timer {
    return this.#owner.setTimer(this.#delayMs, () => {
      if (this.#repeats) this.#timer = this.#arm()
      withTimeOf(this.#owner, this.#fire)
    })
  }
}

/** As `setTimeout` of `node:timers/promises`. */
export function sleepOf<T>(owner: TimeOwner, delay: number | undefined, value: T, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      timeout.close()
      reject(abortError(signal?.reason))
    }
    if (signal?.aborted === true) {
      reject(abortError(signal.reason))
      return
    }
    const timeout = new SimulatedTimeout(
      owner,
      () => {
        signal?.removeEventListener('abort', abort)
        resolve(value)
      },
      delay,
      false,
    )
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** What Node rejects with. */
function abortError(cause: unknown): Error {
  const error = new Error('The operation was aborted', { cause })
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}
