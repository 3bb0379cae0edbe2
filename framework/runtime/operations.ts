/** What operators get of a runtime, started and stopped as one: the HTTP server, the metrics, the watch for what blocks. Decides nothing about records. */
import { configDefaults } from '../config/resolve-config.ts'
import type { EventSink } from '../model/events.ts'
import { inOrder } from '../model/in-order.ts'
import type { Logger } from '../model/logger.ts'
import type { HttpSettings, ScaleSettings } from '../model/settings.ts'
import type { ScaleMetrics, SystemMetrics } from '../model/snapshot.ts'
import { BlockingWatch } from '../observability/blocking-watch.ts'
import { HttpServer } from '../observability/http-server.ts'
import { OperatorPages } from '../observability/operator-pages.ts'
import { PrometheusMetrics } from '../observability/prometheus.ts'
import { ScaleMeter } from '../observability/scale-meter.ts'
import type { Clock } from '../time/clock.ts'
import type { RunningGroup } from './running-group.ts'
import type { ResolvedHandler } from './runtime.ts'

export interface OperationsOptions {
  /** Undefined, or not enabled: no server and no metrics. */
  readonly http: HttpSettings | undefined
  /** Pages without a server, for one of the application's own. */
  readonly hasListener?: boolean | undefined
  readonly handlers: readonly ResolvedHandler[]
  readonly snapshot: () => SystemMetrics
  readonly load: MeasuredLoad
  readonly log: Logger
  readonly clock: Clock
}

/** What scaling out is decided by. */
export interface MeasuredLoad extends Partial<ScaleSettings> {
  readonly groups: () => readonly Pick<RunningGroup, 'reading' | 'work'>[]
}

export class Operations {
  readonly #watch: BlockingWatch
  readonly #metrics: PrometheusMetrics | undefined
  readonly #server: HttpServer | undefined
  readonly #meter: ScaleMeter | undefined
  /** Undefined where nobody can ask. */
  readonly pages: OperatorPages | undefined

  private constructor(
    watch: BlockingWatch,
    metrics: PrometheusMetrics | undefined,
    pages: OperatorPages | undefined,
    server: HttpServer | undefined,
    meter: ScaleMeter | undefined,
  ) {
    this.#watch = watch
    this.#metrics = metrics
    this.pages = pages
    this.#server = server
    this.#meter = meter
  }

  /** @throws PyrallelError PYR_PORT_IN_USE, or PYR_CONFIG_INVALID when nothing can listen there */
  static async start(options: OperationsOptions): Promise<Operations> {
    const { http, snapshot, log, clock } = options
    const asked = http !== undefined && (http.enabled || options.hasListener === true) ? http : undefined
    const metrics = asked?.metrics === true ? await createMetrics(options) : undefined
    const meter = asked === undefined ? undefined : createMeter(options)
    const pages = meter === undefined || asked === undefined ? undefined : pagesOf(asked, metrics, meter, options)
    const server = pages !== undefined && http?.enabled === true ? await listen(http, pages, metrics, log) : undefined
    const watch = new BlockingWatch({ snapshot, log, clock })
    watch.start()
    meter?.start()
    return new Operations(watch, metrics, pages, server, meter)
  }

  /** What is to be told of a group's events; undefined when nobody counts, so that it costs nothing. */
  sinkFor(group: string): EventSink | undefined {
    const metrics = this.#metrics
    return metrics === undefined ? undefined : (event) => metrics.onEvent(group, event)
  }

  /** What scaling out is decided by, at most a second old; null where nobody can ask, and nothing is measured. */
  scale(): ScaleMetrics | null {
    return this.#meter?.recent() ?? null
  }

  /** Last in the shutdown: until then, `/readyz` says that the process is stopping. Bounded. */
  async stop(): Promise<void> {
    await inOrder([
      () => this.#watch.stop(),
      () => this.#meter?.stop(),
      () => this.#server?.close(),
      () => this.#metrics?.close(),
    ])
  }
}

function createMetrics({ snapshot, handlers }: OperationsOptions): Promise<PrometheusMetrics> {
  const metered = handlers.map(({ group, route }) => ({ group, topic: route.topic, handler: route.handlerId }))
  return PrometheusMetrics.create(snapshot, metered)
}

function createMeter({ load, clock }: OperationsOptions): ScaleMeter {
  const { groups, drainTargetMs = configDefaults.scale.drainTargetMs } = load
  return new ScaleMeter({
    read: () => groups().map((group) => group.reading()),
    work: (mostPerKeyOf) => groups().map((group) => group.work(mostPerKeyOf)),
    drainTargetMs,
    clock,
  })
}

function pagesOf(
  { names, stallAfterMs }: HttpSettings,
  metrics: PrometheusMetrics | undefined,
  meter: ScaleMeter,
  { snapshot, log }: OperationsOptions,
): OperatorPages {
  const page = metrics === undefined ? undefined : () => metrics.page()
  return new OperatorPages({ names, stallAfterMs, snapshot, scale: () => meter.metrics(), metrics: page, log })
}

async function listen(
  { host, port }: HttpSettings,
  pages: OperatorPages,
  metrics: PrometheusMetrics | undefined,
  log: Logger,
): Promise<HttpServer> {
  const server = new HttpServer({ host, port, pages, log })
  try {
    log.info({ url: await server.listen() }, 'operators are answered over HTTP')
  } catch (error) {
    metrics?.close()
    throw error
  }
  return server
}
