/** What each attempt of each record is to do when real engines play a schedule: chosen by its seed, the same in the test and in a thread. */
import { seededRandom } from '../../framework/runtime/seeded-random.ts'
import { scheduleOf } from './schedule.ts'

export interface Told {
  readonly seed: number
  readonly uid: number
}

/**
 * How it ends. `deaf` heeds no signal, and returns in the end. `pause` is `retryAfter` of the whole batch. `stray` leaves behind what rejects, and
 * returns after that.
 */
export type Ending =
  | 'return'
  | 'stray'
  | 'throw'
  | 'reject'
  | 'retryAfter'
  | 'pause'
  | 'giveUp'
  | 'hang'
  | 'deaf'
  | 'exit'

export interface Plan {
  readonly ending: Ending
  /** Turns of the event loop before that. */
  readonly turns: number
  /** Publishes that it runs. */
  readonly isTold: boolean
  /** First of a batch: the handler publishes for all of it, too. */
  readonly isOfAll: boolean
  readonly isLogged: boolean
}

/** The handler's filter leaves these out. */
const FILTERED = 0.04
const failures: readonly Ending[] = [
  ...(['throw', 'throw', 'throw', 'reject', 'reject', 'reject'] as const),
  ...(['retryAfter', 'pause', 'giveUp', 'hang', 'deaf', 'stray'] as const),
]
/** Of batches. */
const OF_ALL = 0.15
/** Of the failures of first attempts: they cost a thread each. */
const EXITS = 0.02

const rates = new Map<number, number>()
const batches = new Map<number, boolean>()

export function isLeftOut({ seed, uid }: Told): boolean {
  return seededRandom(seed * 31 + uid)() < FILTERED
}

export function planOf({ seed, uid }: Told, attempt: number): Plan {
  const random = seededRandom(seed * 1_009 + uid * 17 + attempt)
  const turns = Math.floor(random() ** 2 * 5)
  const [isTold, isLogged] = [random() < 0.5, random() < 0.2]
  const isOfAll = seededRandom(seed * 613 + uid * 7 + attempt)() < OF_ALL
  const plan = { turns, isTold, isOfAll, isLogged }
  if (random() >= failureRateOf(seed)) return { ...plan, ending: 'return' }
  if (attempt === 1 && random() < EXITS) return { ...plan, ending: 'exit' }
  return { ...plan, ending: failures[Math.floor(random() * failures.length)] ?? 'throw' }
}

/** Whether a handler that does this, and returns, has asked for its signal: those of single records do before they wait for anything. */
export function asksForSignal({ seed }: Told, { ending, turns }: Plan): boolean {
  return ending === 'deaf' || (turns > 0 && !isOfBatches(seed))
}

/** Stands in every message, so that an outcome can be told from another one's. */
export function nameOf({ uid }: Told, attempt: number): string {
  return `record ${uid}, attempt ${attempt}`
}

function failureRateOf(seed: number): number {
  const rate = rates.get(seed) ?? scheduleOf(seed).setup.failureRate
  rates.set(seed, rate)
  return rate
}

export function isOfBatches(seed: number): boolean {
  const known = batches.get(seed) ?? scheduleOf(seed).setup.batch !== undefined
  batches.set(seed, known)
  return known
}
