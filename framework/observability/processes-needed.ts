/** How many processes the work of one handler in this process needs, and what keeps it from being done faster. Pure: the rule of scaling out. */
import type { BindingLimit } from '../model/snapshot.ts'
import type { PartitionWork } from '../model/workload.ts'

export interface HandlerDemand {
  /** Attempts that can run at once. */
  readonly slots: number
  /** Attempts in flight. */
  readonly inFlight: number
  /** Of the slots, how many were in use of late: 0 to 1. */
  readonly utilisation: number
  /** For how long one record occupies a slot; `null` as long as none was handled. */
  readonly secondsPerRecord: number | null
  /** Of the slots, how many the adaptive limit leaves at this moment; `null` without one. */
  readonly adaptiveLimit: number | null
  /** Records that may start in a second; `null` where nothing limits them. */
  readonly rateLimit: number | null
  readonly isPaused: boolean
  readonly isIntakeHeld: boolean
  readonly partitions: readonly PartitionDemand[]
}

export interface PartitionDemand extends PartitionWork {
  readonly arrivalsPerSecond: number
}

export interface Need {
  /** In processes like this one; a part of one, too. */
  readonly processesNeeded: number
  readonly limit: BindingLimit
  /** Records a second that are to be done, so that what could run is done in time. */
  readonly demand: number
}

/** What is left when any work is: with 0, the last process would be taken away. No autoscaler sees smaller parts. */
export const LEAST = 0.001
/** A need that is higher by less than this is what an autoscaler takes for the same. */
const TOLERANCE = 1.1

/**
 * The sum over all processes is the number of processes that is needed.
 *
 * 1. Records arrive at a rate, and what could run is to be done within `drainSeconds`: each takes a slot for so long, and a process has so many.
 * 2. What waits for its own key, for a retry or for a dead letter could not run: it asks for nothing, whatever arrives behind it.
 * 3. A partition is never divided, so it asks for one process at most.
 * 4. A rate limit and an adaptive limit are those of each process, and guard what the handler calls. More processes would call it more, so what they
 *    hold back keeps the processes that there are, and asks for no more of them.
 * 5. Who does not know how much there is, or how long it takes, asks for one process: for the number that is there.
 * 6. While anything is left, it is above 0.
 */
export function processesNeeded(of: HandlerDemand, drainSeconds: number): Need {
  const { partitions, secondsPerRecord } = of
  const isLeft = partitions.some(({ records, notArrived }) => records > 0 || notArrived !== 0)
  if (of.isPaused) return { processesNeeded: isLeft ? LEAST : 0, limit: 'none', demand: 0 }
  const demands = partitions.map((each) => each.arrivalsPerSecond + couldRun(each, of) / drainSeconds)
  const demand = sum(demands)
  const held = heldBy(of)
  const asked = demands.map((each) => (each * (secondsPerRecord ?? 0)) / slotsThatCount(of, held))
  const divided = sum(asked.map((each) => Math.min(1, each)))
  const guarded = Math.max(
    of.rateLimit === null ? 0 : demand / of.rateLimit,
    of.adaptiveLimit === null ? 0 : (demand * (secondsPerRecord ?? 0)) / of.adaptiveLimit,
  )
  // What only waits for a retry says nothing of how long it takes, and will not before it ends.
  const isUntimed = secondsPerRecord === null && (demand > 0 || of.inFlight > 0)
  const isUnknown = isUntimed || partitions.some(isOfUnknownEnd)
  const bounded = held === 'keys' || held === 'failures' ? Math.min(divided, inUse(of)) : divided
  const needed = Math.max(bounded, Math.min(1, guarded), isUnknown ? 1 : 0, isLeft ? LEAST : 0)
  return {
    processesNeeded: roundedUp(needed),
    limit: limitOf(of, held, { asked: sum(asked), divided, guarded }),
    demand,
  }
}

/** Records of the partition that more slots would help with. */
function couldRun(partition: PartitionWork, { isIntakeHeld, inFlight, slots }: HandlerDemand): number {
  const { notArrived, runnable } = partition
  if (partition.isFull && isStuck(partition)) return 0
  // A thread has more of them than it is at work on: the others wait for it.
  const submitted = inFlight > slots ? partition.inFlight * (1 - slots / inFlight) : 0
  return submitted + runnable + (isIntakeHeld && isStuck(partition) ? 0 : (notArrived ?? 0))
}

/** Most of what is in memory waits for something else than a slot: it keeps out what comes behind it. */
function isStuck({ records, runnable, inFlight }: PartitionWork): boolean {
  return runnable + inFlight < records / 2
}

type Held = 'keys' | 'failures' | 'memory' | undefined

/** Why slots are free although there is work; undefined where none is, or there is no work. */
function heldBy(of: HandlerDemand): Held {
  const { partitions, isIntakeHeld } = of
  if (areAllInUse(of) || partitions.some(({ startable }) => startable > 0)) return undefined
  const isKeptOut = partitions.some((each) => (each.notArrived ?? 0) > 0)
  const canArrive = partitions.some((each) => (each.notArrived ?? 0) > 0 && !each.isFull && !isIntakeHeld)
  if (canArrive) return undefined
  if (partitions.some(({ queued }) => queued > 0)) return 'keys'
  if (!isKeptOut) return undefined
  return partitions.some((each) => each.records > 0 && isStuck(each)) ? 'failures' : 'memory'
}

function areAllInUse({ inFlight, slots, adaptiveLimit }: HandlerDemand): boolean {
  return inFlight >= Math.min(slots, adaptiveLimit ?? slots)
}

/** Where memory has room for few records only, these are all that can run at once. */
function slotsThatCount({ slots, inFlight, utilisation }: HandlerDemand, held: Held): number {
  return Math.max(1, held === 'memory' ? Math.max(inFlight, utilisation * slots) : slots)
}

/** What is in flight is all that can be. */
function inUse({ inFlight, slots, utilisation }: HandlerDemand): number {
  return Math.max(utilisation, inFlight / Math.max(1, slots))
}

interface Parts {
  readonly asked: number
  readonly divided: number
  /** By what guards that which the handler calls. */
  readonly guarded: number
}

function limitOf(of: HandlerDemand, held: Held, { asked, divided, guarded }: Parts): BindingLimit {
  if (held !== undefined) return held === 'keys' ? 'keys' : 'memory'
  if (guarded > 1 && guarded >= asked) return 'rate'
  if (asked > divided * TOLERANCE) return 'partitions'
  const isWaiting = of.partitions.some(({ startable }) => startable > 0)
  return isWaiting && areAllInUse(of) ? 'slots' : 'none'
}

function isOfUnknownEnd({ notArrived }: PartitionWork): boolean {
  return notArrived === null
}

/** In thousandths, as autoscalers count. */
export function roundedUp(value: number): number {
  // A billionth is forgiven: sums of fractions would else miss the whole thousandth by that much.
  return Math.max(0, Math.ceil(value * 1_000 - 1e-6)) / 1_000
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0)
}
