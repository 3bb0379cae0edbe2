/** The composition root: wires handlers, engines, one consumer per group and the producer together, and starts and stops them in order. */

import type { TSchema } from 'typebox'
import type { Publish } from '../api/handler.ts'
import type { RecordProducer } from '../kafka/kafka-client.ts'
import { allSettled } from '../model/all-settled.ts'
import { bug, PyrallelError } from '../model/errors.ts'
import { inOrder } from '../model/in-order.ts'
import type { Logger } from '../model/logger.ts'
import { ownProperty } from '../model/own-property.ts'
import type { RuntimeState, SystemMetrics } from '../model/snapshot.ts'
import { totalLogger } from '../model/total-logger.ts'
import type { PagesListener } from '../observability/operator-pages.ts'
import { publisher } from '../publishing/publisher.ts'
import { type Clock, systemClock } from '../time/clock.ts'
import { loadTracing } from '../tracing/tracing.ts'
import { slowPatterns } from '../validation/slow-patterns.ts'
import { GroupOpener } from './group-opener.ts'
import { Operations } from './operations.ts'
import { PausedHandlers } from './paused-handlers.ts'
import { refuseMissingTopics } from './required-topics.ts'
import type { RunningGroup } from './running-group.ts'
import type { ReplacedHandler, ResolvedHandler, Runtime, RuntimeOptions, RuntimeUpdate } from './runtime.ts'
import { stopRuntime } from './stop-runtime.ts'
import { planUpdate } from './update-plan.ts'

const CHECK_TIMEOUT_MS = 10_000
/** For attempts that run replaced code. Each ends by its own deadline long before; this only keeps the wait bounded. */
const FINISH_OLD_MS = 2 * 86_400_000

export function createRuntime(options: RuntimeOptions): Runtime {
  return new ComposedRuntime(options)
}

class ComposedRuntime implements Runtime {
  readonly #options: RuntimeOptions
  readonly #clock: Clock
  /** For lines of our own; handlers get what was given. */
  readonly #log: Logger
  readonly failed: Promise<never>
  #reject: (error: Error) => void = () => {}
  #state: RuntimeState = 'new'
  #operations: Operations | undefined
  #producer: RecordProducer | undefined
  #publish: Publish | undefined
  /** Undefined until the start has come so far that there can be groups. */
  #opener: GroupOpener | undefined
  /** By name, in the order of their start. */
  readonly #groups = new Map<string, RunningGroup>()
  readonly #paused = new PausedHandlers(() => this.#groups.values())
  #updating: Promise<unknown> = Promise.resolve()
  #starting: Promise<void> | undefined
  #hasFailedToStart = false
  #stopping: Promise<void> | undefined

  constructor(options: RuntimeOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock()
    this.#log = totalLogger(options.log)
    this.failed = new Promise((_resolve, reject) => {
      this.#reject = reject
    })
    // Nobody has to listen: a fatal error is logged too.
    this.failed.catch(() => {})
  }

  get publish(): Publish {
    if (this.#publish === undefined) {
      throw new PyrallelError('PYR_CLIENT_CLOSED', 'publish needs a runtime that runs: await start() first.')
    }
    return this.#publish
  }

  get listener(): PagesListener {
    const pages = this.#operations?.pages
    if (pages !== undefined) return (request, response, next) => pages.listen(request, response, next)
    const next = 'Await start() first, with http.enabled or hasListener'
    throw new PyrallelError('PYR_USAGE', `This runtime has no pages for operators. ${next}.`)
  }

  start(): Promise<void> {
    if (this.#starting === undefined && this.#stopping !== undefined) {
      const facts = 'start() was called after stop(): a runtime runs once. Make another with createRuntime().'
      return Promise.reject(new PyrallelError('PYR_CLIENT_CLOSED', facts))
    }
    this.#starting ??= this.#start().catch((error) => {
      this.#hasFailedToStart = this.#stopping === undefined
      throw error
    })
    return this.#starting
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  abort(): void {
    this.#log.warn({ groups: this.#groups.size }, 'stopping at once: nothing in flight is waited for')
    for (const group of this.#groups.values()) group.abort()
  }

  snapshot(): SystemMetrics {
    return {
      takenAt: Math.round(this.#clock.now()),
      state: this.#state,
      groups: [...this.#groups.values()].map((group) => group.snapshot()),
    }
  }

  update(handlers: readonly ResolvedHandler[]): Promise<RuntimeUpdate> {
    // One after the other: each compares with what the one before has left.
    const update = this.#updating.then(() => this.#update(handlers))
    this.#updating = update.catch(() => {})
    return update
  }

  pause(handlerId?: string): void {
    this.#paused.pause(handlerId)
    this.#log.info({ handler: handlerId ?? 'all', paused: this.paused }, 'paused: nothing more is started')
  }

  resume(handlerId?: string): void {
    this.#paused.resume(handlerId)
    this.#log.info({ handler: handlerId ?? 'all', paused: this.paused }, 'resumed: what has waited is started')
  }

  get paused(): readonly string[] {
    return this.#paused.ids()
  }

  async #start(): Promise<void> {
    const { connection, handlers, http, hasListener, paused = [] } = this.#options
    const log = this.#log
    this.#state = 'starting'
    const ids = handlers.map(({ route }) => route.handlerId)
    this.#paused.beginWith(paused, ids)
    // First, so that a port in use is told before any partition moves.
    const snapshot = () => this.snapshot()
    const operations = Operations.start({ http, hasListener, handlers, snapshot, log, clock: this.#clock })
    this.#operations = await this.#unlessStopped(operations, (opened) => opened.stop())
    await this.#unlessStopped(connection.check(CHECK_TIMEOUT_MS))
    await this.#unlessStopped(this.#refuseMissingTopics(handlers))
    this.#producer = await this.#unlessStopped(connection.producer(), (opened) => opened.close(0))
    const tracing = await this.#unlessStopped(loadTracing(this.#log))
    const schemaOf = (topic: string) => this.#schemaOf(topic)
    const rulesOf = slowPatterns(log, this.#clock)
    this.#publish = publisher(this.#producer, tracing?.publishTracer, schemaOf, rulesOf)
    this.#opener = new GroupOpener({
      runtime: this.#options,
      log,
      producer: this.#producer,
      publish: this.#publish,
      operations: this.#operations,
      tracing,
      clock: this.#clock,
      onFatal: (error, group) => this.#onFatal(error, group),
    })
    await this.#unlessStopped(this.#startGroups(byGroup(handlers)))
    if (this.#state === 'starting') this.#state = 'running'
    const facts = { broker: connection.description, handlers: handlers.length, groups: this.#groups.size }
    log.info(paused.length === 0 ? facts : { ...facts, paused: this.paused }, 'started')
  }

  /**
   * A step of a start or an update. The stop does not wait for a step that takes long, so what comes after it is closed here.
   * @throws PyrallelError PYR_CLIENT_CLOSED when the runtime was told to stop meanwhile
   */
  async #unlessStopped<T>(step: Promise<T>, close: (opened: T) => unknown = () => {}): Promise<T> {
    const opened = await step
    if (this.#stopping === undefined) return opened
    await close(opened)
    throw new PyrallelError('PYR_CLIENT_CLOSED', 'The runtime was stopped before this had ended.')
  }

  /** Of the code that runs now: `update` may have brought another. */
  #schemaOf(topic: string): TSchema | undefined {
    for (const { handlers } of this.#groups.values()) {
      for (const { topicSchemas } of handlers) {
        const schema = ownProperty(topicSchemas, topic)
        if (schema !== undefined) return schema
      }
    }
    return undefined
  }

  async #update(handlers: readonly ResolvedHandler[]): Promise<RuntimeUpdate> {
    if (this.#state !== 'running') {
      throw new PyrallelError('PYR_USAGE', `update() needs a runtime that runs, and this one is ${this.#state}.`)
    }
    const plan = planUpdate(
      [...this.#groups.values()].flatMap((group) => group.handlers),
      handlers,
    )
    await this.#unlessStopped(this.#refuseMissingTopics(handlers))
    const replaced: ReplacedHandler[] = []
    for (const handler of plan.replace) {
      const replacing = this.#groups
        .get(handler.group)
        ?.replace(handler, this.#startedOpener().engineFor(handler), FINISH_OLD_MS)
      const inFlight = await this.#unlessStopped(Promise.resolve(replacing))
      const { handlerId } = handler.route
      replaced.push({ handlerId, inFlight: inFlight ?? 0 })
      this.#log.info({ handler: handlerId, inFlight: inFlight ?? 0 }, 'a handler runs its new code')
    }
    const changed = plan.groups.filter(({ next }) => next.length > 0)
    await inOrder([
      () => allSettled(plan.groups.map(({ group }) => this.#stopGroup(group))),
      () => this.#unlessStopped(this.#startGroups(new Map(changed.map(({ group, next }) => [group, next])))),
    ])
    return { replaced, groups: plan.groups.map(({ next: _, ...change }) => change) }
  }

  async #stopGroup(name: string): Promise<void> {
    try {
      await this.#groups.get(name)?.stop()
    } finally {
      // One that could not be closed is gone all the same: the next update must not take it for one that runs.
      this.#groups.delete(name)
    }
  }

  #refuseMissingTopics(handlers: readonly ResolvedHandler[]): Promise<void> {
    return refuseMissingTopics(handlers, {
      connection: this.#options.connection,
      log: this.#log,
      clock: this.#clock,
      isStopping: () => this.#stopping !== undefined,
    })
  }

  /**
   * Consumers are made one after the other, so that groups stand in the order of their handlers; loading threads and joining, which take long, overlap.
   * One that fails keeps no other from starting, and is told once all are where they can be stopped.
   */
  async #startGroups(groups: ReadonlyMap<string, readonly ResolvedHandler[]>): Promise<void> {
    let opening: Promise<unknown> = Promise.resolve()
    const starting = [...groups].map(([group, handlers]) => {
      const opened = opening.then(() => this.#openGroup(group, handlers))
      opening = opened.catch(() => {})
      return opened.then((running) => this.#join(running))
    })
    await allSettled(starting)
  }

  async #join(group: RunningGroup): Promise<void> {
    // The stop has ended it before it has begun.
    if (this.#stopping !== undefined) return
    try {
      await group.start()
    } catch (error) {
      await this.#stopGroup(group.name)
      throw error
    }
  }

  async #openGroup(group: string, handlers: readonly ResolvedHandler[]): Promise<RunningGroup> {
    const running = await this.#startedOpener().open(group, handlers, (opening) =>
      this.#unlessStopped(opening, (opened) => opened.close()),
    )
    this.#groups.set(group, running)
    this.#paused.apply(running)
    return running
  }

  #startedOpener(): GroupOpener {
    if (this.#opener === undefined) throw bug('create-runtime', 'a group is opened before there is a producer')
    return this.#opener
  }

  #onFatal(error: Error, group: string): void {
    this.#state = 'failed'
    this.#log.error({ err: error, group }, 'the consumer cannot go on')
    this.#reject(error)
  }

  async #stop(): Promise<void> {
    const { connection, lifecycle } = this.#options
    const log = this.#log
    this.#state = 'stopping'
    try {
      await stopRuntime({
        groups: () => this.#groups.values(),
        begun: [this.#starting ?? this.#updating, this.#updating],
        producer: () => this.#producer,
        connection,
        operations: () => this.#operations,
        drainMs: lifecycle.drainMs,
        clock: this.#clock,
        log,
      })
    } finally {
      this.#state = 'stopped'
    }
    // After a start that failed, its error is all there is to say.
    if (!this.#hasFailedToStart) log.info({ groups: this.#groups.size }, 'stopped')
  }
}

function byGroup(handlers: readonly ResolvedHandler[]): ReadonlyMap<string, readonly ResolvedHandler[]> {
  const groups = new Map<string, ResolvedHandler[]>()
  for (const handler of handlers) groups.set(handler.group, [...(groups.get(handler.group) ?? []), handler])
  return groups
}
