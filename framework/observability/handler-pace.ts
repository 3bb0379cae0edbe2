/** How fast the work of one handler comes and goes: its partitions' log ends, what is done, and how long it takes. Knows no clock. */
import type { HandlerScale } from '../model/snapshot.ts'
import type { HandlerReading, HandlerWork, PartitionReading } from '../model/workload.ts'
import { Growth } from './growth.ts'
import { type PartitionDemand, processesNeeded } from './processes-needed.ts'

/** Rates are of so long. Milliseconds. */
const WINDOW_MS = 60_000
/** Of a shorter time no rate is concluded: ten records in the first second are not yet ten a second. Milliseconds. */
const LEAST_MS = 15_000

interface PartitionPace {
  readonly arrivals: Growth
  /** Where it stood when it was last known. */
  logEnd: number
  backlog: number
}

export class HandlerPace {
  /** By epoch: a handler of several topics has several partitions of one number. */
  readonly #partitions = new Map<number, PartitionPace>()
  readonly #done = new Growth(WINDOW_MS)
  readonly #busyMs = new Growth(WINDOW_MS)
  /** Attempts in flight, times milliseconds. */
  readonly #occupied = new Growth(WINDOW_MS)
  readonly #totals = { done: 0, busyMs: 0, occupied: 0 }
  #last: { readonly at: number; readonly busyMs: number } | undefined
  #secondsPerRecord: number | null = null

  /** The last that is known: how long records take does not change because none came for a minute. */
  get secondsPerRecord(): number | null {
    return this.#secondsPerRecord
  }

  /** @returns how many offsets were done since the last time */
  sample(reading: HandlerReading, now: number): number {
    const { partitions, busyMs, inFlight } = reading
    // Of a partition whose end was never heard, nothing has come. All at once are not known while the brokers do not answer.
    const isKnown = partitions.some(({ notArrived }) => notArrived !== null)
    const done = partitions.reduce((sum, each) => sum + this.#samplePartition(each, now), 0)
    const present = new Set(partitions.map(({ epoch }) => epoch))
    for (const epoch of this.#partitions.keys()) if (!present.has(epoch)) this.#partitions.delete(epoch)
    const last = this.#last ?? { at: now, busyMs }
    const totals = this.#totals
    totals.done += done
    // Time without the records that it was spent on would make them look slow.
    if (isKnown) totals.busyMs += busyMs >= last.busyMs ? busyMs - last.busyMs : busyMs
    totals.occupied += inFlight * (now - last.at)
    this.#last = { at: now, busyMs }
    this.#done.add(now, totals.done)
    this.#busyMs.add(now, totals.busyMs)
    this.#occupied.add(now, totals.occupied)
    if (this.#done.total >= 1) this.#secondsPerRecord = this.#busyMs.total / this.#done.total / 1_000
    return done
  }

  /**
   * @param drainSeconds the time in which the backlog is to be done
   * @returns the figures, and the records a second that are to be done for that
   */
  figures(
    work: HandlerWork,
    drainSeconds: number,
    now: number,
  ): { readonly scale: HandlerScale; readonly demand: number } {
    const { handlerId, topic, inFlight, adaptiveLimit, rateLimit, isPaused, isIntakeHeld } = work
    const slots = this.#slotsOf(work)
    const { spanMs } = this.#occupied
    const inUse = spanMs === 0 ? inFlight : this.#occupied.total / spanMs
    const utilisation = Math.min(1, inUse / Math.max(1, slots))
    const partitions = work.partitions.map(
      (each): PartitionDemand => ({ ...each, arrivalsPerSecond: this.#arrivalsOf(each) }),
    )
    const secondsPerRecord = this.#secondsPerRecord
    const own = { slots, inFlight, utilisation, secondsPerRecord, adaptiveLimit, rateLimit }
    const demand = { ...own, isPaused, isIntakeHeld, partitions }
    const need = processesNeeded(demand, drainSeconds)
    const { processesNeeded: needed, limit } = need
    const scale = {
      handlerId,
      topic,
      processesNeeded: needed,
      limit,
      backlog: backlogOf(partitions),
      oldestAgeSeconds: oldestAge(partitions, now),
      arrivalsPerSecond: thousandths(partitions.reduce((sum, each) => sum + each.arrivalsPerSecond, 0)),
      completionsPerSecond: thousandths(Math.max(0, this.#done.perSecond(LEAST_MS))),
      partitions: partitions.length,
      slots,
      utilisation: thousandths(utilisation),
      secondsPerRecord: secondsPerRecord === null ? null : Number(secondsPerRecord.toPrecision(3)),
    }
    return { scale, demand: need.demand }
  }

  #samplePartition({ epoch, logEnd, notArrived, records }: PartitionReading, now: number): number {
    if (logEnd === null || notArrived === null) return 0
    const backlog = records + notArrived
    const before = this.#partitions.get(epoch)
    if (before === undefined) {
      // What was there when the partition came has not arrived since.
      const arrivals = new Growth(WINDOW_MS)
      arrivals.add(now, logEnd)
      this.#partitions.set(epoch, { arrivals, logEnd, backlog })
      return 0
    }
    const done = logEnd - before.logEnd - (backlog - before.backlog)
    before.arrivals.add(now, logEnd)
    before.logEnd = logEnd
    before.backlog = backlog
    return done
  }

  #arrivalsOf({ epoch }: PartitionReading): number {
    const pace = this.#partitions.get(epoch)
    return pace === undefined ? 0 : Math.max(0, pace.arrivals.perSecond(LEAST_MS))
  }

  /** A thread computes one record at a time, however many it was given; one whose handlers wait has more of them at once. */
  #slotsOf({ capacity, threads }: HandlerReading): number {
    if (threads === null) return capacity
    const { spanMs } = this.#busyMs
    return Math.min(capacity, Math.max(threads, spanMs === 0 ? 0 : Math.round(this.#busyMs.total / spanMs)))
  }
}

/** More digits say nothing. */
export function thousandths(value: number): number {
  return Math.round(value * 1_000) / 1_000
}

function backlogOf(partitions: readonly PartitionReading[]): number | null {
  let sum = 0
  for (const { records, notArrived } of partitions) {
    if (notArrived === null) return null
    sum += records + notArrived
  }
  return sum
}

function oldestAge(partitions: readonly PartitionDemand[], now: number): number | null {
  const times = partitions.flatMap(({ oldestAt }) => oldestAt ?? [])
  if (times.length === 0) return backlogOf(partitions) === 0 ? 0 : null
  return Math.max(0, Math.round(now - Math.min(...times))) / 1_000
}
