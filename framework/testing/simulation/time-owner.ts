/** Whose time it is: known by the asynchronous context, so that users' handlers need no change. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Timer } from '../../time/clock.ts'

/** The process that a handler runs in. Its timers end with it. */
export interface TimeOwner {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** 0 up to, not including, 1. */
  random(): number
  setTimer(delayMs: number, fire: () => void): Timer
}

const owners = new AsyncLocalStorage<TimeOwner>()

/** All that `run` does, and what it leaves to be done later, has this owner's time. */
export function withTimeOf<T>(owner: TimeOwner, run: () => T): T {
  return owners.run(owner, run)
}

/** Undefined outside of a simulated handler. */
export function timeOwner(): TimeOwner | undefined {
  return owners.getStore()
}
