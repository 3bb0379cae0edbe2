/** The two ways in which the framework waits for time. Both leave no timer behind. */
import type { Clock } from '../runtime/clock.ts'

export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve)
  })
}

/** True when the promise has settled in time, false when the time was over first. A rejection is passed on. */
export async function settlesWithin(clock: Clock, promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  let cancel = () => {}
  const limit = new Promise<boolean>((resolve) => {
    const timer = clock.setTimer(limitMs, () => resolve(false))
    cancel = () => timer.cancel()
  })
  try {
    return await Promise.race([promise.then(() => true), limit])
  } finally {
    cancel()
  }
}
