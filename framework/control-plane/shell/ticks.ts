/** Says when each handler ticks: what it does again and again without a record. Runs nothing itself, and neither waits for records nor moves an offset. */
import type { ExecutionEngine } from '../../execution-plane/execution-engine.ts'
import { toError } from '../../model/errors.ts'
import type { EventSink } from '../../model/events.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { Route } from '../../model/settings.ts'
import type { TickMetrics } from '../../model/snapshot.ts'
import type { TickOutcome, TickSettings } from '../../model/tick.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import type { AssignedNow } from '../partition/partition-table.ts'

/** While partitions are being given up, ticks come so often, or as often as they do anyway. Milliseconds. */
const DRAIN_EVERY_MS = 100

export interface TicksOptions {
  readonly routes: readonly Route[]
  /** By handler id. */
  readonly engines: ReadonlyMap<string, ExecutionEngine>
  /** What is assigned now. */
  readonly assigned: () => readonly AssignedNow[]
  readonly clock: Clock
  readonly onEvent?: EventSink | undefined
  /** Whoever listens has thrown. */
  readonly onError: (error: Error) => void
}

/** What should tick. */
interface Wanted {
  /** Of an assignment, its epoch: the partition may go and come back. */
  readonly name: string
  readonly of: TopicPartition | null
  readonly isDraining: boolean
}

/** The process for a handler, or one of its partitions. */
interface Beat extends Omit<Wanted, 'isDraining'> {
  readonly gone: AbortController
  /** When the next one begins, once the last has ended. Milliseconds since the Unix epoch. */
  dueAt: number
  isDraining: boolean
  isRunning: boolean
  timer: Timer | undefined
}

interface Ticking {
  readonly settings: TickSettings
  readonly topics: ReadonlySet<string>
  readonly beats: Map<string, Beat>
  done: number
  failed: number
  endedAt: number | undefined
}

export class Ticks {
  readonly #options: TicksOptions
  /** By handler id. */
  readonly #handlers = new Map<string, Ticking>()
  #isStopped = false

  constructor(options: TicksOptions) {
    this.#options = options
    this.setRoutes(options.routes)
  }

  /** The handlers are other ones, or have other rules. What they have counted stays. */
  setRoutes(routes: readonly Route[]): void {
    const topicsOf = (handlerId: string) =>
      routes.filter((each) => each.handlerId === handlerId).map(({ topic }) => topic)
    const before = new Map(this.#handlers)
    this.#handlers.clear()
    for (const { handlerId, tick } of routes) {
      if (tick === undefined || this.#handlers.has(handlerId)) continue
      const known = before.get(handlerId)
      const counts = known ?? { done: 0, failed: 0, endedAt: undefined }
      const isAsBefore = known?.settings.everyPer === tick.everyPer
      const beats = isAsBefore ? known.beats : new Map<string, Beat>()
      if (isAsBefore) before.delete(handlerId)
      this.#handlers.set(handlerId, { ...counts, settings: tick, topics: new Set(topicsOf(handlerId)), beats })
    }
    for (const [handlerId, ticking] of this.#handlers) this.#hasten(handlerId, ticking)
    for (const { beats } of before.values()) this.#end(beats, [...beats.keys()])
    this.look()
  }

  /** Partitions have come, gone, or are being given up. */
  look(): void {
    if (this.#isStopped || this.#handlers.size === 0) return
    const assigned = this.#options.assigned()
    for (const [handlerId, ticking] of this.#handlers) {
      const own = assigned.filter(({ topic }) => ticking.topics.has(topic))
      const wanted = ticking.settings.everyPer === 'process' ? together(own) : own.map(apart)
      const names = wanted.map(({ name }) => name)
      this.#end(
        ticking.beats,
        [...ticking.beats.keys()].filter((name) => !names.includes(name)),
      )
      for (const each of wanted) this.#keep(handlerId, ticking, each)
    }
  }

  /** No tick begins from here on. What runs is its engine's to end. */
  stop(): void {
    this.#isStopped = true
    for (const { beats } of this.#handlers.values()) for (const { timer } of beats.values()) timer?.cancel()
  }

  /** `null`: the handler has none. */
  metricsOf(handlerId: string, now: number): TickMetrics | null {
    const ticking = this.#handlers.get(handlerId)
    if (ticking === undefined) return null
    const { settings, beats, done, failed, endedAt } = ticking
    return {
      everyMs: settings.everyMs,
      per: settings.everyPer,
      running: [...beats.values()].filter(({ isRunning }) => isRunning).length,
      done,
      failed,
      sinceLastMs: endedAt === undefined ? null : Math.max(0, Math.round(now - endedAt)),
    }
  }

  #keep(handlerId: string, ticking: Ticking, { name, of, isDraining }: Wanted): void {
    const now = this.#options.clock.now()
    let beat = ticking.beats.get(name)
    if (beat === undefined) {
      const dueAt = now + ticking.settings.everyMs
      beat = { name, of, gone: new AbortController(), dueAt, isDraining: false, isRunning: false, timer: undefined }
      ticking.beats.set(name, beat)
    } else if (beat.isDraining === isDraining) return
    // At once: what waits in memory holds up those who wait for the partition.
    beat.dueAt = isDraining ? now : now + ticking.settings.everyMs
    beat.isDraining = isDraining
    this.#arm(handlerId, ticking, beat)
  }

  /** Its period may be shorter than when the next one was set. */
  #hasten(handlerId: string, ticking: Ticking): void {
    const latest = this.#options.clock.now() + ticking.settings.everyMs
    for (const beat of ticking.beats.values()) {
      if (beat.dueAt <= latest) continue
      beat.dueAt = latest
      this.#arm(handlerId, ticking, beat)
    }
  }

  #arm(handlerId: string, ticking: Ticking, beat: Beat): void {
    beat.timer?.cancel()
    beat.timer = undefined
    if (beat.isRunning || beat.gone.signal.aborted || this.#isStopped) return
    const { clock } = this.#options
    beat.timer = clock.setTimer(Math.max(0, beat.dueAt - clock.now()), () => this.#tick(handlerId, ticking, beat))
  }

  #tick(handlerId: string, armed: Ticking, beat: Beat): void {
    const { engines, clock, onError } = this.#options
    const { everyMs } = (this.#handlers.get(handlerId) ?? armed).settings
    const { of, isDraining, gone } = beat
    beat.timer = undefined
    beat.isRunning = true
    beat.dueAt = clock.now() + (isDraining ? Math.min(everyMs, DRAIN_EVERY_MS) : everyMs)
    void engines
      .get(handlerId)
      ?.tick({ of, isDraining, signal: gone.signal })
      .then((outcome) => this.#onEnded(handlerId, armed, beat, outcome))
      .catch((thrown: unknown) => onError(toError(thrown)))
  }

  #onEnded(handlerId: string, armed: Ticking, beat: Beat, outcome: TickOutcome): void {
    // Its rules may have changed meanwhile.
    const ticking = this.#handlers.get(handlerId) ?? armed
    beat.isRunning = false
    this.#count(handlerId, ticking, beat, outcome)
    if (ticking.beats.get(beat.name) === beat) this.#arm(handlerId, ticking, beat)
  }

  #count(handlerId: string, ticking: Ticking, { of }: Beat, outcome: TickOutcome): void {
    ticking.endedAt = this.#options.clock.now()
    if (outcome.kind === 'done') ticking.done += 1
    else ticking.failed += 1
    const { kind, ...facts } = outcome
    const told = { handlerId, of, ...facts }
    this.#options.onEvent?.('failure' in told ? { kind: 'tick.failed', ...told } : { kind: 'tick.done', ...told })
  }

  #end(beats: Map<string, Beat>, names: readonly string[]): void {
    for (const name of names) {
      const beat = beats.get(name)
      beat?.timer?.cancel()
      beat?.gone.abort()
      beats.delete(name)
    }
  }
}

/** What waits in memory may be of any partition. */
function together(own: readonly AssignedNow[]): readonly Wanted[] {
  return own.length === 0 ? [] : [{ name: 'process', of: null, isDraining: own.some((each) => each.isDraining) }]
}

function apart({ topic, partition, epoch, isDraining }: AssignedNow): Wanted {
  return { name: String(epoch), of: { topic, partition }, isDraining }
}
