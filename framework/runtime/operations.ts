/** What operators get of a runtime, started and stopped as one: the HTTP server, the metrics, the watch for what blocks. Decides nothing about records. */
import { configDefaults } from '../config/resolve-config.ts'

import { builtPage } from '../console/built-page.ts'
import { Console } from '../console/console.ts'
import { ConsolePages } from '../console/http/console-pages.ts'
import { Mask } from '../console/mask.ts'
import type { WatchedRuntime } from '../console/watched-runtime.ts'
import type { ViewedConnection } from '../kafka/kafka-client.ts'
import type { EventSink } from '../model/events.ts'
import { inOrder } from '../model/in-order.ts'
import type { Logger } from '../model/logger.ts'
import type { WatchPoint } from '../model/record-watch.ts'
import type { HttpSettings, ScaleSettings } from '../model/settings.ts'
import type { ScaleMetrics, SystemMetrics } from '../model/snapshot.ts'
import { BlockingWatch } from '../observability/blocking-watch.ts'
import { HttpServer, type HttpServerOptions } from '../observability/http-server.ts'
import { OperatorPages } from '../observability/operator-pages.ts'
import { PrometheusMetrics } from '../observability/prometheus.ts'
import { ScaleMeter } from '../observability/scale-meter.ts'
import { TokenCheck } from '../observability/token-check.ts'
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
  /** What the console watches, and may pause. */
  readonly watched: WatchedRuntime
  readonly watchPoint: WatchPoint
  /** Where dead letters are looked for; undefined for a connection that cannot be looked at. */
  readonly cluster: ViewedConnection | undefined
  readonly log: Logger
  readonly clock: Clock
}

/** What scaling out is decided by. */
export interface MeasuredLoad extends Partial<ScaleSettings> {
  readonly groups: () => readonly Pick<RunningGroup, 'reading' | 'work'>[]
}

/** Those that were asked for. */
interface Parts {
  readonly metrics: PrometheusMetrics | undefined
  readonly pages: OperatorPages | undefined
  readonly server: HttpServer | undefined
  readonly meter: ScaleMeter | undefined
  readonly console: Console | undefined
}

/** What the pages for operators and the console have in common. */
interface Shared extends Pick<Parts, 'metrics'> {
  readonly token: TokenCheck | undefined
  readonly mask: Mask
}

export class Operations {
  readonly #watch: BlockingWatch
  readonly #metrics: PrometheusMetrics | undefined
  readonly #server: HttpServer | undefined
  readonly #meter: ScaleMeter | undefined
  readonly #console: Console | undefined
  /** Undefined where nobody can ask. */
  readonly pages: OperatorPages | undefined

  private constructor(watch: BlockingWatch, { metrics, pages, server, meter, console }: Parts) {
    this.#watch = watch
    this.#metrics = metrics
    this.pages = pages
    this.#server = server
    this.#meter = meter
    this.#console = console
  }

  /** @throws PyrallelError PYR_PORT_IN_USE, or PYR_CONFIG_INVALID when nothing can listen there */
  static async start(options: OperationsOptions): Promise<Operations> {
    const { http, snapshot, log, clock } = options
    const asked = http !== undefined && (http.enabled || options.hasListener === true) ? http : undefined
    const metrics = asked?.metrics === true ? await createMetrics(options) : undefined
    const meter = asked === undefined ? undefined : createMeter(options)
    const token = asked?.token === undefined ? undefined : new TokenCheck(asked.token, () => clock.now())
    // The application's own server has paths of its own: there, it would be in their way.
    const isConsoled = http?.enabled === true && http.console.enabled
    // One for both: what the console masks, nobody reads next to it, and a masked key looks the same in both.
    const mask = new Mask(http?.console.enabled === true ? http.console.shownTopics : null)
    const console = isConsoled ? consoleOf(http, { token, metrics, mask }, options) : undefined
    const pages =
      meter === undefined || asked === undefined ? undefined : pagesOf(asked, { token, metrics, mask, meter }, options)
    const front = pages !== undefined && http?.enabled === true ? { pages, console } : undefined
    const server = front === undefined || http === undefined ? undefined : await listen(http, front, metrics, log)
    console?.start()
    const watch = new BlockingWatch({ snapshot, log, clock })
    watch.start()
    meter?.start()
    return new Operations(watch, { metrics, pages, server, meter, console })
  }

  /** What is to be told of a group's events; undefined when nobody counts, so that it costs nothing. */
  sinkFor(group: string): EventSink | undefined {
    const metrics = this.#metrics
    return metrics === undefined ? undefined : (event) => metrics.onEvent(group, event)
  }

  /** As `sinkFor`, and never of `record.done`. */
  watcherFor(group: string): EventSink | undefined {
    const console = this.#console
    return console === undefined ? undefined : (event) => console.onEvent(group, event)
  }

  /** What scaling out is decided by, at most a second old; null where nobody can ask, and nothing is measured. */
  scale(): ScaleMetrics | null {
    return this.#meter?.recent() ?? null
  }

  /** First in the shutdown: what the console publishes again ends while records are drained. */
  async endReplays(): Promise<void> {
    await this.#console?.endReplays()
  }

  /** Last in the shutdown: until then, `/readyz` says that the process is stopping. Bounded. */
  async stop(): Promise<void> {
    await inOrder([
      () => this.#watch.stop(),
      () => this.#meter?.stop(),
      () => this.#console?.stop(),
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
  { token, metrics, mask, meter }: Shared & { readonly meter: ScaleMeter },
  { snapshot, log }: OperationsOptions,
): OperatorPages {
  const page = metrics === undefined ? undefined : () => metrics.page()
  const shown = () => mask.snapshot(snapshot())
  const scale = () => meter.metrics()
  return new OperatorPages({ names, token, stallAfterMs, snapshot: shown, scale, metrics: page, log })
}

function consoleOf(
  { names, console, token: secret }: HttpSettings,
  { token, metrics, mask }: Shared,
  { watched, watchPoint, cluster, log, clock }: OperationsOptions,
): Console {
  return new Console({
    runtime: () => watched,
    watchPoint,
    root: process.cwd(),
    editor: null,
    page: builtPage,
    mode: 'production',
    version: null,
    canAct: console.actions,
    mask,
    token,
    names,
    cluster: () => cluster,
    peers: console.instances.length === 0 ? undefined : { addresses: console.instances, token: secret },
    devEndpoints: [],
    bucketsOf: (group, handlerId) => metrics?.durationsOf(group, handlerId),
    log,
    clock,
  })
}

interface Front {
  readonly pages: OperatorPages
  readonly console: Console | undefined
}

/** Who answers what at the one port. */
function frontOf({ pages, console }: Front): HttpServerOptions['pages'] {
  if (console === undefined) return pages
  return {
    respond: (request, response) =>
      ConsolePages.isOurs(request) ? console.pages.respond(request, response) : pages.respond(request, response),
  }
}

async function listen(
  { host, port }: HttpSettings,
  front: Front,
  metrics: PrometheusMetrics | undefined,
  log: Logger,
): Promise<HttpServer> {
  const server = new HttpServer({ host, port, pages: frontOf(front), isEndless: ConsolePages.isStream, log })
  try {
    log.info({ url: await server.listen() }, 'operators are answered over HTTP')
  } catch (error) {
    metrics?.close()
    throw error
  }
  return server
}
