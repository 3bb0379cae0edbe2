/** The metrics page: counts events, shows a snapshot at each scrape, watches the event loop. Has a registry of its own, and loads prom-client only when asked. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { Gauge, Registry } from 'prom-client'
import type { RuntimeEvent } from '../model/events.ts'
import type { SystemMetrics } from '../model/snapshot.ts'
import { EventMeters } from './event-meters.ts'
import type { MeteredHandler } from './record-meters.ts'
import { SnapshotGauges } from './snapshot-gauges.ts'

/** How often the event loop is looked at. Its histogram counts this as lag, so it is subtracted. Milliseconds. */
const LAG_RESOLUTION_MS = 10

export interface MetricsPage {
  readonly contentType: string
  readonly text: string
}

export class PrometheusMetrics {
  readonly #registry: Registry
  readonly #meters: EventMeters
  readonly #gauges: SnapshotGauges
  readonly #snapshot: () => SystemMetrics
  readonly #delay: IntervalHistogram
  readonly #lag: Gauge<string>
  readonly #longestLag: Gauge<string>

  /** @param handlers all that there are, so that their counters start at 0 */
  static async create(snapshot: () => SystemMetrics, handlers: readonly MeteredHandler[]): Promise<PrometheusMetrics> {
    // By `default`: that is all which a bundle of a CommonJS package has.
    return new PrometheusMetrics((await import('prom-client')).default, snapshot, handlers)
  }

  private constructor(
    prom: typeof import('prom-client'),
    snapshot: () => SystemMetrics,
    handlers: readonly MeteredHandler[],
  ) {
    this.#registry = new prom.Registry()
    this.#snapshot = snapshot
    this.#meters = new EventMeters(prom, this.#registry, handlers)
    this.#gauges = new SnapshotGauges(prom, this.#registry)
    const lagOf = (name: string, which: string) =>
      new prom.Gauge({
        name,
        help: `${which} delay of the event loop since the last scrape.`,
        registers: [this.#registry],
      })
    this.#lag = lagOf('pyrallel_event_loop_lag_seconds', 'Mean')
    this.#longestLag = lagOf('pyrallel_event_loop_lag_max_seconds', 'Longest')
    this.#delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
    this.#delay.enable()
  }

  onEvent(group: string, event: RuntimeEvent): void {
    this.#meters.onEvent(group, event)
  }

  durationsOf(group: string, handlerId: string): readonly number[] | undefined {
    return this.#meters.durationsOf(group, handlerId)
  }

  async page(): Promise<MetricsPage> {
    this.#gauges.fill(this.#snapshot())
    this.#lag.set(lagSeconds(this.#delay.mean))
    this.#longestLag.set(lagSeconds(this.#delay.max))
    this.#delay.reset()
    const text = `${await this.#registry.metrics()}${this.#meters.text()}`
    return { contentType: this.#registry.contentType, text }
  }

  close(): void {
    this.#delay.disable()
    this.#registry.clear()
  }
}

/** @param nanoseconds NaN and nonsense before the first sample */
function lagSeconds(nanoseconds: number): number {
  const lagMs = nanoseconds / 1e6 - LAG_RESOLUTION_MS
  return lagMs > 0 && lagMs < 86_400_000 ? lagMs / 1_000 : 0
}
