/**
 * Time as users' handlers see it in a simulation: their timers, `Date` and `Math.random`. Who asks from outside of one gets the machine's, as ever.
 */
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import { promisify } from 'node:util'
import { SimulatedTimeout, sleepOf } from './simulated-timeout.ts'
import { timeOwner } from './time-owner.ts'
import { Turns } from './turns.ts'

let isTaken = false

export interface TakenTime {
  /** Of handlers and of the framework. */
  readonly turns: Turns
  giveBack(): void
}

/**
 * From now on, handlers have the time of their owners.
 * @throws TypeError while another simulation of this process runs
 */
export function takeOverTime(): TakenTime {
  if (isTaken) throw new TypeError('simulate(): another simulation runs in this process. Await it first.')
  isTaken = true
  const turns = new Turns(setImmediate, clearImmediate)
  const real = {
    timers: { setTimeout, setInterval, clearTimeout, clearInterval },
    turns: { setImmediate, clearImmediate },
    turn: timersPromises.setImmediate,
    sleep: timersPromises.setTimeout,
    abortAfter: AbortSignal.timeout,
    random: Math.random,
    date: Date,
  }
  place({
    timers: timersOver(real.timers, sleepOver(real.sleep)),
    turns: turns.functions,
    turn: turns.sleep,
    sleep: sleepOver(real.sleep),
    abortAfter: (ms: number) => abortedAfter(ms) ?? real.abortAfter.call(AbortSignal, ms),
    random: () => timeOwner()?.random() ?? real.random(),
    date: dateOver(real.date),
  })
  const giveBack = () => {
    place(real)
    isTaken = false
  }
  return { turns, giveBack }
}

interface Placed {
  readonly timers: object
  readonly turns: object
  readonly turn: unknown
  readonly sleep: unknown
  readonly abortAfter: unknown
  readonly random: unknown
  readonly date: unknown
}

function place({ timers: set, turns, turn, sleep, abortAfter, random, date }: Placed): void {
  Object.assign(globalThis, set, turns, { Date: date })
  Object.assign(timers, set, turns)
  Object.assign(timersPromises, { setTimeout: sleep, setImmediate: turn })
  Object.assign(AbortSignal, { timeout: abortAfter })
  Object.assign(Math, { random })
  // Or `import { setTimeout } from 'node:timers/promises'` would go on with what it has.
  syncBuiltinESMExports()
}

type RealTimers = Pick<typeof globalThis, 'setTimeout' | 'setInterval' | 'clearTimeout' | 'clearInterval'>
type Callback = (...args: unknown[]) => void
type Handle = SimulatedTimeout | NodeJS.Timeout | string | number | undefined

function timersOver(real: RealTimers, sleep: unknown): object {
  const once = (callback: Callback, delay?: number, ...args: unknown[]) => {
    const owner = timeOwner()
    if (owner === undefined) return real.setTimeout(callback, delay, ...args)
    return new SimulatedTimeout(owner, () => callback(...args), delay, false)
  }
  const again = (callback: Callback, delay?: number, ...args: unknown[]) => {
    const owner = timeOwner()
    if (owner === undefined) return real.setInterval(callback, delay, ...args)
    return new SimulatedTimeout(owner, () => callback(...args), delay, true)
  }
  // One that was set before the simulation may be cleared within.
  const clear = (handle: Handle) => (handle instanceof SimulatedTimeout ? handle.close() : real.clearTimeout(handle))
  const setTimeout = Object.assign(once, { [promisify.custom]: sleep })
  return { setTimeout, setInterval: again, clearTimeout: clear, clearInterval: clear }
}

function sleepOver(real: typeof timersPromises.setTimeout) {
  return (delay?: number, value?: unknown, options?: { readonly signal?: AbortSignal }): Promise<unknown> => {
    const owner = timeOwner()
    return owner === undefined ? real(delay, value, options) : sleepOf(owner, delay, value, options?.signal)
  }
}

function abortedAfter(ms: number): AbortSignal | undefined {
  const owner = timeOwner()
  if (owner === undefined) return undefined
  const controller = new AbortController()
  const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
  owner.setTimer(ms, () => controller.abort(reason))
  return controller.signal
}

function dateOver(real: DateConstructor): DateConstructor {
  const now = () => Math.floor(timeOwner()?.now() ?? real.now())
  return new Proxy(real, {
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new real(now()).toString(),
  })
}
