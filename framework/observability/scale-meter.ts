/** Measures how fast work comes and goes, once a second, and makes the figures of it that an autoscaler asks for. Decides nothing about records. */
import type { HandlerScale, ScaleFigures, ScaleMetrics } from '../model/snapshot.ts'
import type { GroupReading, GroupWork, HandlerReading } from '../model/workload.ts'
import type { Clock, Timer } from '../time/clock.ts'
import { Growth } from './growth.ts'
import { HandlerPace, thousandths } from './handler-pace.ts'
import { roundedUp } from './processes-needed.ts'

const SAMPLE_EVERY_MS = 1_000
/** Shorter than that of other rates: a burst must not be judged by the minute before it, in which the loop did little but poll. */
const LOOP_WINDOW_MS = 15_000
/** From here on the loop's time is taken up by records, so that twice the records would take twice the time. */
const BUSY_LOOP = 0.7

export interface ScaleMeterOptions {
  readonly read: () => readonly GroupReading[]
  /** @param mostPerKeyOf records of one key that one slot of the handler can do in the time in which the backlog is to be done */
  readonly work: (mostPerKeyOf: (handlerId: string) => number) => readonly GroupWork[]
  /** The time in which a backlog is to be done. Milliseconds. */
  readonly drainTargetMs: number
  readonly clock: Clock
  /** For how long the event loop has been busy since the process began; default as Node says. Milliseconds. */
  readonly loopBusyMs?: () => number
}

export class ScaleMeter {
  readonly #options: ScaleMeterOptions
  readonly #loopBusyMs: () => number
  /** By id, which is unique in the process. */
  readonly #paces = new Map<string, HandlerPace>()
  readonly #loop = new Growth(LOOP_WINDOW_MS)
  readonly #done = new Growth(LOOP_WINDOW_MS)
  #doneTotal = 0
  #timer: Timer | undefined
  #made: { readonly at: number; readonly metrics: ScaleMetrics } | undefined

  constructor(options: ScaleMeterOptions) {
    this.#options = options
    this.#loopBusyMs = options.loopBusyMs ?? (() => performance.eventLoopUtilization().active)
  }

  start(): void {
    this.#sample()
    this.#timer = this.#options.clock.setTimer(SAMPLE_EVERY_MS, () => this.start())
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** At most a second old. Snapshots are taken many times a second, and to look at every record each time would cost more than all else of them. */
  recent(): ScaleMetrics {
    const now = this.#options.clock.now()
    // What is not known may be known a moment later.
    const isRecent =
      this.#made !== undefined && now - this.#made.at < SAMPLE_EVERY_MS && this.#made.metrics.backlog !== null
    if (this.#made === undefined || !isRecent) this.#made = { at: now, metrics: this.metrics() }
    return this.#made.metrics
  }

  metrics(): ScaleMetrics {
    const { work, drainTargetMs, clock } = this.#options
    const drainSeconds = drainTargetMs / 1_000
    const now = clock.now()
    const mostPerKeyOf = (handlerId: string) => {
      const seconds = this.#paces.get(handlerId)?.secondsPerRecord ?? 0
      return seconds > 0 ? Math.max(1, drainSeconds / seconds) : Number.POSITIVE_INFINITY
    }
    let demand = 0
    const groups = work(mostPerKeyOf).map(({ group, handlers }) => {
      const scales = handlers.map((handler): HandlerScale => {
        const figures = this.#paceOf(handler).figures(handler, drainSeconds, now)
        demand += figures.demand
        return figures.scale
      })
      return { group, ...together(scales), handlers: scales }
    })
    return { ...withLoop(together(groups), this.#loopNeed(demand)), groups }
  }

  #sample(): void {
    const now = this.#options.clock.now()
    const present = new Set<string>()
    for (const { handlers } of this.#options.read()) {
      for (const handler of handlers) {
        present.add(handler.handlerId)
        this.#doneTotal += this.#paceOf(handler).sample(handler, now)
      }
    }
    for (const id of this.#paces.keys()) if (!present.has(id)) this.#paces.delete(id)
    this.#done.add(now, this.#doneTotal)
    this.#loop.add(now, this.#loopBusyMs())
  }

  #paceOf({ handlerId }: HandlerReading): HandlerPace {
    const known = this.#paces.get(handlerId) ?? new HandlerPace()
    this.#paces.set(handlerId, known)
    return known
  }

  /** What the demand takes of the one event loop that each process has, all handlers together. In processes. */
  #loopNeed(demand: number): number {
    const { spanMs } = this.#loop
    if (spanMs === 0 || demand === 0) return 0
    const utilisation = Math.min(1, this.#loop.total / spanMs)
    const done = this.#done.perSecond(spanMs)
    const times = done > 0 ? demand / done : 1
    // A loop that waits most of the time does not say how many records it could do: polling takes some of it, too.
    return utilisation * (utilisation < BUSY_LOOP ? Math.min(1, times) : times)
  }
}

/** Each process has the slots of all handlers, so the one that needs most decides. */
function together(parts: readonly ScaleFigures[]): ScaleFigures {
  const total = (read: (part: ScaleFigures) => number) => parts.reduce((sum, part) => sum + read(part), 0)
  const needed = Math.max(0, ...parts.map((part) => part.processesNeeded))
  const ages = parts.flatMap(({ oldestAgeSeconds }) => oldestAgeSeconds ?? [])
  const slots = total((part) => part.slots)
  return {
    processesNeeded: needed,
    limit: parts.find((part) => part.processesNeeded === needed)?.limit ?? 'none',
    backlog: parts.some(({ backlog }) => backlog === null) ? null : total(({ backlog }) => backlog ?? 0),
    oldestAgeSeconds: ages.length < parts.length && Math.max(0, ...ages) === 0 ? null : Math.max(0, ...ages),
    arrivalsPerSecond: thousandths(total((part) => part.arrivalsPerSecond)),
    completionsPerSecond: thousandths(total((part) => part.completionsPerSecond)),
    partitions: total((part) => part.partitions),
    slots,
    utilisation: slots === 0 ? 0 : thousandths(total((part) => part.utilisation * part.slots) / slots),
  }
}

/** A partition goes to one process whatever it takes there. */
function withLoop(figures: ScaleFigures, loopNeed: number): ScaleFigures {
  const needed = Math.min(loopNeed, figures.partitions)
  if (needed <= figures.processesNeeded) return figures
  const limit = needed >= BUSY_LOOP ? 'loop' : figures.limit
  return { ...figures, processesNeeded: roundedUp(needed), limit }
}
