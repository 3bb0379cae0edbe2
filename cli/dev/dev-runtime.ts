/** The runtime of `pyrallel dev`: begins it, brings it up to date with the app, and begins it anew where the config leaves no other way. Shows nothing. */

import { configSchema, type ResolvedConfig } from '../../framework/config/config.ts'
import type { StrayFaults } from '../../framework/execution-plane/engines/stray-faults.ts'
import { closeAfterFailure } from '../../framework/model/closers.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { inOrder } from '../../framework/model/in-order.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { WatchPoint } from '../../framework/model/record-watch.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import type { ResolvedHandler, Runtime, RuntimeUpdate } from '../../framework/runtime/runtime.ts'
import type { Clock } from '../../framework/time/clock.ts'
import type { LoadedApp } from './app/app-loader.ts'
import type { DevBroker } from './broker/open-broker.ts'
import { MakingConnection, type TopicMaker, topicsOf } from './broker/topic-maker.ts'
import type { Faults } from './faults/faults.ts'
import type { DevRegistry } from './registry/dev-registry.ts'
import { type ProbeObserver, probed } from './traffic/handler-probe.ts'

export interface DevRuntimeOptions {
  readonly broker: DevBroker
  readonly topics: TopicMaker
  readonly registry: DevRegistry
  readonly observer: ProbeObserver
  readonly logOf: (config: ResolvedConfig) => Logger
  readonly clock: Clock
  readonly strayFaults: StrayFaults
  readonly onEvent: (event: RuntimeEvent) => void
  readonly onGroupEvent: (group: string, event: RuntimeEvent) => void
  readonly watchPoint: WatchPoint
  readonly faults: Faults
  /** A consumer cannot go on. */
  readonly onFailed: (error: unknown) => void
}

export type AppliedChange =
  | { readonly kind: 'updated'; readonly update: RuntimeUpdate }
  /** Everything was stopped and begun again. */
  | { readonly kind: 'restarted'; readonly options: readonly string[] }

export class DevRuntime {
  readonly #options: DevRuntimeOptions
  /** So that a handler that has not changed stays the same for the runtime, too. */
  readonly #probed = new WeakMap<ResolvedHandler, ResolvedHandler>()
  #runtime: Runtime | undefined
  #config: ResolvedConfig | undefined
  #starting: Promise<void> | undefined
  /** Of the one that a change of the config has ended. */
  #ending: Promise<void> | undefined
  #isStopping = false

  constructor(options: DevRuntimeOptions) {
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#runtime !== undefined
  }

  get runtime(): Runtime | undefined {
    return this.#runtime
  }

  /** Settles early, with nothing begun, when it is stopped meanwhile. */
  start(app: LoadedApp): Promise<void> {
    this.#starting = this.#start(app)
    return this.#starting
  }

  /** @throws whatever keeps the new code from running; what can still run does */
  async apply(app: LoadedApp): Promise<AppliedChange> {
    const runtime = this.#runtime
    const config = await this.#configOf(app)
    const options = this.#config === undefined ? [] : changedOptions(this.#config, config)
    if (runtime !== undefined && options.length === 0) {
      const update = await this.#update(runtime, app)
      return { kind: 'updated', update }
    }
    // By hand: what the config has paused is the next config's to say.
    const paused = (runtime?.paused ?? []).filter((id) => this.#config?.paused.includes(id) !== true)
    this.#runtime = undefined
    this.#ending = runtime?.stop()
    await this.#ending
    if (this.#isStopping) return { kind: 'restarted', options }
    await this.start(app)
    for (const id of paused) if (app.handlers.some(({ route }) => route.handlerId === id)) this.runtime?.pause(id)
    return { kind: 'restarted', options }
  }

  /** Waits no longer for what is in flight. */
  abort(): void {
    this.#runtime?.abort()
  }

  /** Nothing that it has begun is left when this settles, and nothing begins afterwards. */
  async stop(): Promise<void> {
    this.#isStopping = true
    const faultsEnd = this.#options.faults.close()
    await inOrder([
      () => this.#runtime?.stop(),
      () => this.#ending,
      // Interrupted while it connects, there is no runtime yet to stop. Not waited for, the start would go on behind the end of the session: its
      // connection would keep the process, and ask a broker that is gone.
      () => this.#starting?.catch(() => {}),
      () => faultsEnd,
    ])
  }

  /** That of the project, with the session's own registry where it needs one and names none. */
  #configOf({ project, handlers }: LoadedApp): Promise<ResolvedConfig> {
    return this.#options.registry.configFor(project.config, handlers)
  }

  async #start(app: LoadedApp): Promise<void> {
    const { handlers } = app
    const config = await this.#configOf(app)
    const { broker, topics, logOf, clock, strayFaults, onEvent, onGroupEvent, watchPoint, faults, onFailed } =
      this.#options
    await this.#makeTopics(handlers)
    if (this.#isStopping) return
    // One of its own, as a runtime closes its connection.
    const connection = await broker.connect(config.kafka)
    if (this.#isStopping) {
      await connection.close()
      return
    }
    const runtime = runtimeOf(config, {
      connection: new MakingConnection(connection, topics, faults.clients),
      handlers: handlers.map((handler) => this.#probe(handler)),
      log: logOf(config),
      clock,
      strayFaults,
      onEvent,
      onGroupEvent,
      watchPoint,
      faults: faults.engines,
      // The view shows them on the same terminal.
      logEvents: false,
    })
    this.#runtime = runtime
    this.#config = config
    runtime.failed.catch((error) => {
      if (this.#runtime === runtime && !this.#isStopping) onFailed(error)
    })
    try {
      await runtime.start()
    } catch (error) {
      if (this.#runtime === runtime) this.#runtime = undefined
      await closeAfterFailure(() => runtime.stop())
      if (!this.#isStopping) throw error
    }
  }

  async #update(runtime: Runtime, { handlers }: LoadedApp): Promise<RuntimeUpdate> {
    await this.#makeTopics(handlers)
    return runtime.update(handlers.map((handler) => this.#probe(handler)))
  }

  async #makeTopics(handlers: readonly ResolvedHandler[]): Promise<void> {
    const { broker, topics } = this.#options
    for (const topic of topicsOf(handlers)) await topics.ensure(broker.connection, topic)
  }

  #probe(handler: ResolvedHandler): ResolvedHandler {
    const known = this.#probed.get(handler)
    if (known !== undefined) return known
    const made = probed(handler, this.#options.observer)
    this.#probed.set(handler, made)
    return made
  }
}

/** What reaches the running handlers by an update: everything about them. */
const ofHandlers = ['group', 'handlers']

/** The options outside of `handlers` and `group` whose values differ: `limits.maxRecords`. Only a new runtime reads them. */
export function changedOptions(before: ResolvedConfig, after: ResolvedConfig): readonly string[] {
  const sections = Object.keys(configSchema.properties).filter((key) => !ofHandlers.includes(key))
  return sections.flatMap((key) => differences(key, Reflect.get(before, key), Reflect.get(after, key)))
}

function differences(path: string, before: unknown, after: unknown): readonly string[] {
  if (isSection(before) && isSection(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return keys.flatMap((key) => differences(`${path}.${key}`, before[key], after[key]))
  }
  // Durations are resolved under a name of their own.
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path.replace(/Ms$/, '')]
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
