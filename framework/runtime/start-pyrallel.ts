/** Pyrallel inside a process of the user's own: all that `pyrallel start` starts, in one call. Owns neither the process nor its signals. */

import type { Publish, Services } from '../api/handler.ts'
import type { PyrallelConfig } from '../config/config.ts'
import { modeOf } from '../config/mode.ts'
import { variableOf } from '../config/option-variables.ts'
import { traceConfig } from '../config/resolve-config.ts'
import type { StrayFaults } from '../execution-plane/engines/stray-faults.ts'
import type { KafkaConnection } from '../kafka/kafka-client.ts'
import { closeAfterFailure } from '../model/closers.ts'
import type { EventSink } from '../model/events.ts'
import type { Logger } from '../model/logger.ts'
import type { SystemMetrics } from '../model/snapshot.ts'
import { createLogger } from '../observability/logger.ts'
import type { PagesListener } from '../observability/operator-pages.ts'
import type { Inspection, RecordActions } from './inspection.ts'
import { openRuntime, runtimeOf } from './open-runtime.ts'
import { resolveHandlers } from './resolve-handlers.ts'
import type { RegisteredHandler, Runtime } from './runtime.ts'
import { withLoadableEntry } from './worker-entry.ts'

const CONFIG_FILE = 'pyrallel.config.ts'

/** Must be given once the application has said, in `interface Services`, what there is. */
type ServicesOption = keyof Services extends never ? { readonly services?: Services } : { readonly services: Services }

export type PyrallelOptions = ServicesOption & {
  /** The default export of `pyrallel.config.ts`, or the same written here. */
  readonly config: PyrallelConfig
  /** `routes` of `generated/routes.ts`. */
  readonly routes: readonly RegisteredHandler[]
  /** The application's own logger: pino's, or Fastify's. Default: one by the config's section `logging`, to the standard output. */
  readonly log?: Logger
  /** Where `PYRALLEL_*` variables are read. Default `process.env`; `{}`: none count. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Aborted before the start has ended, it ends the start. Afterwards it does nothing: call `stop`. */
  readonly signal?: AbortSignal
  /** Catches what handlers leave behind. Default none: an exception that nobody handles is the process's own, and Node ends it. */
  readonly strayFaults?: StrayFaults
  /** Is told what happens to every record, in the turn in which it happens. */
  readonly onEvent?: EventSink
  /** A connection of one's own, which Pyrallel closes. Default: one to `kafka.brokers`. */
  readonly connection?: KafkaConnection
}

/** A Pyrallel that runs. All functions stand alone: they may be taken out of it. */
export interface Pyrallel extends RecordActions {
  /**
   * Starts nothing more, waits for what is in flight (`shutdown.drain` at most), commits, and closes its connections: settles 10 s after the drain at
   * the latest. May be called at any time, after a failure too, and twice: the second call waits for the first. Rejects, once all else is closed,
   * with what could not be.
   */
  stop(): Promise<void>
  /**
   * Rejects when a consumer cannot go on, with the reason; else it never settles. What the process does then is the application's decision: `stop()`
   * is to be called all the same. Need not be listened to: the error is logged, and `/livez` says no.
   */
  readonly failed: Promise<never>
  /** What is going on at this moment: a plain object, cheap to make. */
  snapshot(): SystemMetrics
  /**
   * Starts nothing more, of one handler or of all; what is in flight goes on, and partitions are kept.
   * @throws PyrallelError PYR_USAGE when there is no such handler
   */
  pause(handlerId?: string): void
  /** @throws PyrallelError PYR_USAGE when there is no such handler */
  resume(handlerId?: string): void
  /** Why records wait, and where partitions stand. */
  readonly inspection: Inspection
  /**
   * Publishes over the connection that is there: no producer of one's own is needed. Settles when the brokers have acknowledged; rejects with
   * PYR_CLIENT_CLOSED after `stop`.
   */
  readonly publish: Publish
  /**
   * Answers `/livez`, `/readyz`, `/metrics`, `/scale` and `/snapshot` in the application's own server; what is none of these goes to `next`, or is a 404.
   * `/snapshot` asks for `http.token` where there is one; else, who reaches the path can read keys and offsets. `http.names`, `http.metrics` and
   * `http.stallAfter` count;
   * `http.enabled` need not be set, and opens a port of its own where it is.
   */
  readonly listener: PagesListener
}

/**
 * `const pyrallel = await startPyrallel({ config, routes })`: connects, subscribes, and handles records until `stop()`. Listens to no signals and never
 * ends the process. Settles when it runs; a start that fails leaves nothing open.
 * @throws PyrallelError PYR_CONFIG_INVALID, PYR_HANDLER_OPTION and others for what is written wrongly; PYR_BROKER_UNREACHABLE, PYR_AUTH_FAILED,
 *   PYR_TOPIC_UNKNOWN, PYR_NATIVE_MISSING, PYR_CLIENT_MISSING and PYR_PORT_IN_USE for what is not there; PYR_CLIENT_CLOSED when `signal` has ended the start
 */
export async function startPyrallel(options: PyrallelOptions): Promise<Pyrallel> {
  const runtime = await open(options)
  const { signal } = options
  const stop = () => void runtime.stop().catch(() => {})
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted === true) stop()
  try {
    await runtime.start()
  } catch (error) {
    await closeAfterFailure(() => runtime.stop())
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
  return handle(runtime)
}

async function open(options: PyrallelOptions): Promise<Runtime> {
  const { services, strayFaults, onEvent, connection, env = process.env } = options
  try {
    const around = { mode: modeOf(env, 'production'), env }
    const { config, places, passedOver } = traceConfig(options.config, CONFIG_FILE, around)
    const handlers = resolveHandlers(options.routes.map(withLoadableEntry), config)
    const log = options.log ?? createLogger(config.logging, process.stdout)
    for (const { service, variables } of passedOver)
      log.warn({ service, variables }, 'variables that Kubernetes sets for a Service are passed over')
    const parts = {
      handlers,
      log,
      hasListener: true,
      ...(services === undefined ? {} : { services }),
      ...(strayFaults === undefined ? {} : { strayFaults }),
      ...(onEvent === undefined ? {} : { onEvent }),
    }
    if (connection !== undefined) return runtimeOf(config, { ...parts, connection })
    return await openRuntime(config, { ...parts, ifUnreachable: nextStep(places.get('kafka.brokers')) })
  } catch (error) {
    // It was handed over with the call.
    await closeAfterFailure(() => connection?.close())
    throw error
  }
}

function nextStep(place: string | undefined): string {
  const variable = variableOf('kafka.brokers')
  const from = place === undefined ? 'the default of kafka.brokers' : `kafka.brokers in ${place}`
  return `The address is ${place === variable ? `that of ${variable}` : from}: start a broker there, or set ${variable}=host:port.`
}

function handle(runtime: Runtime): Pyrallel {
  return {
    stop: () => runtime.stop(),
    failed: runtime.failed,
    snapshot: () => runtime.snapshot(),
    pause: (handlerId) => runtime.pause(handlerId),
    resume: (handlerId) => runtime.resume(handlerId),
    inspection: runtime.inspection,
    retryNow: (group, of) => runtime.retryNow(group, of),
    giveUp: (group, of) => runtime.giveUp(group, of),
    discard: (group, of) => runtime.discard(group, of),
    closeBreaker: (group, of) => runtime.closeBreaker(group, of),
    publish: runtime.publish,
    listener: runtime.listener,
  }
}
