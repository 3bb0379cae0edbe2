/** Looks at the process: a snapshot at most every 100 ms, shared by all who ask, and one every ten seconds for the history while nobody does. */
import type { RuntimeEvent } from '../model/events.ts'
import type { SystemMetrics } from '../model/snapshot.ts'
import type { Clock, Timer } from '../time/clock.ts'
import { type BucketsOf, Durations } from './durations.ts'
import { EventBook } from './event-book.ts'
import { GroupBook } from './group-book.ts'
import { HISTORY_EVERY_MS, History, type HistoryPoint } from './history.ts'
import { notRunning } from './http/fault.ts'
import type { Verdict, VerdictKind } from './protocol.ts'
import { backlogOf, Throughput } from './throughput.ts'
import { verdictOf } from './verdict.ts'
import type { WatchedRuntime } from './watched-runtime.ts'

const FRESH_MS = 100

export interface LooksOptions {
  readonly runtime: () => WatchedRuntime | undefined
  readonly bucketsOf: BucketsOf
  readonly clock: Clock
}

export interface Look {
  readonly metrics: SystemMetrics
  readonly verdict: Verdict
}

export class Looks {
  readonly history = new History()
  readonly throughput = new Throughput()
  readonly durations: Durations
  readonly events: EventBook
  readonly groups: GroupBook
  readonly #options: LooksOptions
  #last: { readonly at: number; readonly look: Look } | undefined
  /** Since when the verdict is what it is. */
  #since: { readonly kind: VerdictKind; readonly at: number } | undefined
  #timer: Timer | undefined
  /** What was done and had failed at the last point of the history. */
  #counted = { done: 0, failed: 0, dead: 0 }

  constructor(options: LooksOptions) {
    this.#options = options
    this.durations = new Durations(options.bucketsOf)
    this.events = new EventBook(() => options.clock.now())
    this.groups = new GroupBook(() => options.clock.now())
  }

  start(): void {
    this.#timer = this.#options.clock.setTimer(HISTORY_EVERY_MS, () => {
      this.#keep()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  onEvent(group: string, event: RuntimeEvent): void {
    this.events.onEvent(group, event)
    this.groups.onEvent(group, event)
  }

  /** @throws ApiFault while nothing runs */
  now(): Look {
    const runtime = this.runtime()
    const at = this.#options.clock.now()
    if (this.#last !== undefined && at - this.#last.at < FRESH_MS) return this.#last.look
    const metrics = runtime.snapshot()
    this.throughput.look(metrics)
    const { rate, shrinking } = this.throughput
    const found = verdictOf(metrics, { rate, shrinking, fenced: this.events.fenced })
    if (this.#since?.kind !== found.kind) this.#since = { kind: found.kind, at }
    const look = { metrics, verdict: { ...found, sinceAt: found.sinceAt ?? this.#since.at } }
    this.#last = { at, look }
    return look
  }

  /** @throws ApiFault while nothing runs */
  runtime(): WatchedRuntime {
    const runtime = this.#options.runtime()
    if (runtime === undefined) throw notRunning()
    return runtime
  }

  #keep(): void {
    const runtime = this.#options.runtime()
    if (runtime === undefined) return
    const { metrics } = this.now()
    this.history.add(this.#options.clock.now(), this.#pointOf(metrics))
    this.durations.look(runtime.handlers.map(({ group, route }) => ({ group, handlerId: route.handlerId })))
  }

  /** Of what only grows, the difference to the point before. */
  #pointOf(metrics: SystemMetrics): HistoryPoint {
    const { groups } = metrics
    const before = this.#counted
    const { failed, dead } = this.events
    this.#counted = { done: this.throughput.total, failed, dead }
    const sum = (read: (of: (typeof groups)[number]) => number) =>
      groups.reduce((total, group) => total + read(group), 0)
    return {
      done: this.#counted.done - before.done,
      failed: failed - before.failed,
      dead: dead - before.dead,
      'in-flight': sum(({ inFlight }) => inFlight),
      queued: sum(({ queued }) => queued),
      retries: sum(({ retriesWaiting }) => retriesWaiting),
      backlog: backlogOf(metrics),
      memory: sum(({ bytes }) => bytes),
      uncommitted: sum(({ uncommitted }) => uncommitted),
    }
  }
}
