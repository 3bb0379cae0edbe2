/** What a workload allows at most, whatever runs it. Pure arithmetic over what was measured beside it. */
import type { WorkTotals } from './records.ts'
import type { Workload } from './workloads.ts'

export type BoundName = 'client' | 'keys' | 'concurrency' | 'cores'

export interface Bound {
  readonly perSecond: number
  /** Which of the limits is the lowest. */
  readonly by: BoundName
}

/** What one runtime's timers, or one of its cores, were measured to allow without Kafka; see the peers' mode `calibrate`. */
export interface Calibration {
  /** How long one piece of work really takes, over how long it should. */
  readonly stretch: number
  /** Pieces of work in a second on one core, while the others are as busy. */
  readonly corePerSecond: number
}

export interface BoundFacts {
  readonly workload: Workload
  readonly totals: WorkTotals
  readonly cores: number
  /** Of the bare loop with a no-op handler in the same run; `undefined` when that was not run. */
  readonly clientPerSecond: number | undefined
  /** Of the runtime that the system runs on; `undefined` for work that needs none. */
  readonly calibration: Calibration | undefined
}

/** @returns the lowest of all limits that are known; `undefined` when none is */
export function boundOf({ workload, totals, cores, clientPerSecond, calibration }: BoundFacts): Bound | undefined {
  const bounds: Bound[] = []
  if (clientPerSecond !== undefined) bounds.push({ by: 'client', perSecond: clientPerSecond })
  if (workload.work === 'sleep' && calibration !== undefined && totals.work > 0) {
    // What all records sleep, spread over all that may be in flight; and what the records of one key sleep, one after the other.
    const perMs = (1_000 * totals.records) / calibration.stretch
    bounds.push({ by: 'concurrency', perSecond: (perMs * workload.concurrency) / totals.work })
    bounds.push({ by: 'keys', perSecond: perMs / totals.hottestKey })
  }
  if (workload.work === 'sha256' && calibration !== undefined) {
    bounds.push({ by: 'cores', perSecond: cores * calibration.corePerSecond })
  }
  return bounds.reduce<Bound | undefined>(
    (lowest, each) => (lowest === undefined || each.perSecond < lowest.perSecond ? each : lowest),
    undefined,
  )
}

/** Records a second that the workload can be expected to allow before anything was measured: decides how many records are made. */
export function expectedPerSecond(workload: Workload, cores: number): number {
  const { work, workMin, workMax, concurrency } = workload
  const mean = (workMin + workMax) / 2
  if (work === 'sha256') return (cores * HASHES_PER_SECOND) / mean
  if (work === 'none') return CLIENT_PER_SECOND
  return Math.min(CLIENT_PER_SECOND, (1_000 * concurrency) / mean, (1_000 * busyKeys(workload)) / mean)
}

/** How many keys have something to do at a time, on average, when the hottest one is never without. */
export function busyKeys({ keys, keyShares }: Workload): number {
  return keyShares === 'even' ? keys : harmonic(keys)
}

/** About what one core does in Java, which is the fastest at it, and what the client does of no-op records. Slower ones are cut off by time. */
const HASHES_PER_SECOND = 6_000_000
const CLIENT_PER_SECOND = 400_000

function harmonic(n: number): number {
  let sum = 0
  for (let each = 1; each <= n; each += 1) sum += 1 / each
  return sum
}
