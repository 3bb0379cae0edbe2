/** How the framework waits: for time, for a promise, for topics. Nothing here leaves a timer behind. */
import type { Clock } from './clock.ts'

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

export interface TopicWait {
  readonly clock: Clock
  readonly limitMs: number
  readonly everyMs: number
  /** Nobody wants to know any more. */
  readonly isGivenUp?: () => boolean
}

/** A topic that was just created is not known to every broker yet: asks until none is missing, or the time is over. @returns what is missing still */
export async function stillMissing(
  ask: () => Promise<readonly string[]>,
  { clock, limitMs, everyMs, isGivenUp }: TopicWait,
): Promise<readonly string[]> {
  const until = clock.now() + limitMs
  let missing = await ask()
  while (missing.length > 0 && clock.now() < until && isGivenUp?.() !== true) {
    await sleep(clock, everyMs)
    missing = await ask()
  }
  return missing
}
