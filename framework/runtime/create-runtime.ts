/** The composition root: wires handlers, engines, one consumer per group and the producer together, and starts and stops them in order. */
import type { TSchema } from 'typebox'
import { BrokerPoller } from '../control-plane/broker-poller.ts'
import { AsyncEngine } from '../execution-plane/async-engine.ts'
import type { ExecutionEngine } from '../execution-plane/execution-engine.ts'
import { SwappableEngine } from '../execution-plane/swappable-engine.ts'
import { WorkerEngine } from '../execution-plane/worker-engine.ts'
import type { Publish } from '../handler.ts'
import type { RecordProducer } from '../kafka/kafka-client.ts'
import { allSettled } from '../model/all-settled.ts'
import { PyrallelError } from '../model/errors.ts'
import type { EventSink } from '../model/events.ts'
import type { Logger } from '../model/logger.ts'
import type { RuntimeState, SystemMetrics } from '../model/snapshot.ts'
import { totalLogger } from '../model/total-logger.ts'
import { eventLog } from '../observability/event-log.ts'
import { loadTracing, type Tracing } from '../observability/tracing.ts'
import { type Clock, systemClock } from './clock.ts'
import { guardedListener } from './guarded-listener.ts'
import { Operations } from './operations.ts'
import { PausedHandlers } from './paused-handlers.ts'
import { publisher } from './publisher.ts'
import { refuseMissingTopics } from './required-topics.ts'
import { RunningGroup } from './running-group.ts'
import type { ReplacedHandler, ResolvedHandler, Runtime, RuntimeOptions, RuntimeUpdate } from './runtime.ts'
import { seededRandom } from './seeded-random.ts'
import { planUpdate } from './update-plan.ts'

const CHECK_TIMEOUT_MS = 10_000
const PRODUCER_CLOSE_MS = 5_000
/** A handler that ignores its signal is given up so long after its deadline; it keeps its slot until it settles. */
const ABANDON_AFTER_MS = 5_000
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
  #tracing: Tracing | undefined
  #producer: RecordProducer | undefined
  #publish: Publish | undefined
  /** By name, in the order of their start. */
  readonly #groups = new Map<string, RunningGroup>()
  readonly #paused = new PausedHandlers(() => this.#groups.values())
  #updating: Promise<unknown> = Promise.resolve()
  #starting: Promise<void> | undefined
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

  start(): Promise<void> {
    this.#starting ??= this.#start()
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
    const { connection, handlers, http, paused = [] } = this.#options
    const log = this.#log
    this.#state = 'starting'
    const ids = handlers.map(({ route }) => route.handlerId)
    this.#paused.beginWith(paused, ids)
    // First, so that a port in use is told before any partition moves.
    const snapshot = () => this.snapshot()
    this.#operations = await Operations.start({ http, handlers, snapshot, log, clock: this.#clock })
    await connection.check(CHECK_TIMEOUT_MS)
    await this.#refuseMissingTopics(handlers)
    this.#producer = await connection.producer()
    this.#tracing = await loadTracing()
    this.#publish = publisher(this.#producer, this.#tracing?.publishTracer, (topic) => this.#schemaOf(topic))
    await this.#startGroups(byGroup(handlers))
    if (this.#state === 'starting') this.#state = 'running'
    const facts = { broker: connection.description, handlers: handlers.length, groups: this.#groups.size }
    log.info(paused.length === 0 ? facts : { ...facts, paused: this.paused }, 'started')
  }

  /** Of the code that runs now: `update` may have brought another. */
  #schemaOf(topic: string): TSchema | undefined {
    for (const { handlers } of this.#groups.values()) {
      for (const { topicSchemas } of handlers) {
        const schema = topicSchemas?.[topic]
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
    await this.#refuseMissingTopics(handlers)
    const replaced: ReplacedHandler[] = []
    for (const handler of plan.replace) {
      const inFlight = await this.#groups.get(handler.group)?.replace(handler, this.#engineFor(handler), FINISH_OLD_MS)
      const { handlerId } = handler.route
      replaced.push({ handlerId, inFlight: inFlight ?? 0 })
      this.#log.info({ handler: handlerId, inFlight: inFlight ?? 0 }, 'a handler runs its new code')
    }
    await Promise.all(plan.groups.map(({ group }) => this.#stopGroup(group)))
    const changed = plan.groups.filter(({ next }) => next.length > 0)
    await this.#startGroups(new Map(changed.map(({ group, next }) => [group, next])))
    return { replaced, groups: plan.groups.map(({ next: _, ...change }) => change) }
  }

  async #stopGroup(name: string): Promise<void> {
    await this.#groups.get(name)?.stop()
    this.#groups.delete(name)
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
    try {
      await group.start()
    } catch (error) {
      await this.#stopGroup(group.name)
      throw error
    }
  }

  async #openGroup(group: string, handlers: readonly ResolvedHandler[]): Promise<RunningGroup> {
    const { connection, startFrom, instanceId, limits, commit, lifecycle } = this.#options
    const producer = this.#startedProducer()
    const log = this.#log.child({ group })
    const onEvent = guardedListener(this.#options.onEvent, log, this.#clock)
    const written = this.#options.logEvents === false ? undefined : eventLog(log, this.#clock)
    const counted = this.#operations?.sinkFor(group)
    const told: EventSink = (event) => {
      written?.(event)
      counted?.(event)
      onEvent?.(event)
    }
    const client = await connection.consumer({
      group,
      startFrom,
      ...(instanceId === undefined ? {} : { instanceId }),
      onError: (code) => told({ kind: 'client.error', code }),
    })
    const members = handlers.map((handler) => ({ handler, engine: new SwappableEngine(this.#engineFor(handler)) }))
    const poller = new BrokerPoller({
      group,
      client,
      producer,
      engines: new Map(members.map(({ handler, engine }) => [handler.route.handlerId, engine])),
      limits,
      commit,
      lifecycle,
      log,
      onEvent: told,
      tellsDone: counted !== undefined || onEvent !== undefined || log.isLevelEnabled?.('debug') !== false,
      routes: handlers.map(({ route }) => route),
      clock: this.#clock,
      random: seededRandom(this.#options.seed ?? randomSeed()),
      onFatal: (error) => this.#onFatal(error, group),
    })
    const running = new RunningGroup(group, poller, members)
    this.#groups.set(group, running)
    this.#paused.apply(running)
    return running
  }

  #engineFor({ route, definition, timeoutMs, group, worker }: ResolvedHandler): ExecutionEngine {
    const { handlerId, concurrency } = route
    const { log } = this.#options
    const common = { handlerId, concurrency, timeoutMs, abandonAfterMs: ABANDON_AFTER_MS, log, clock: this.#clock }
    if (worker !== undefined) {
      // The threads check, encode and trace what they publish; only what has a Kafka client can produce it.
      return new WorkerEngine({
        ...common,
        ...worker,
        group,
        produce: (record) => this.#startedProducer().produce(record),
      })
    }
    return new AsyncEngine({
      ...common,
      definition,
      publish: (to, value, options) => this.publish(to, value, options),
      trace: this.#tracing?.attemptTracer({ handlerId, group }),
    })
  }

  #startedProducer(): RecordProducer {
    if (this.#producer === undefined)
      throw new PyrallelError('PYR_BUG', 'create-runtime: no producer. This is a bug in Pyrallel.')
    return this.#producer
  }

  #onFatal(error: Error, group: string): void {
    this.#state = 'failed'
    this.#log.error({ err: error, group }, 'the consumer cannot go on')
    this.#reject(error)
  }

  async #stop(): Promise<void> {
    const hasStarted = await this.#starting?.then(
      () => true,
      () => false,
    )
    await this.#updating
    this.#state = 'stopping'
    try {
      await Promise.all([...this.#groups.values()].map((group) => group.stop()))
      await this.#producer?.close(PRODUCER_CLOSE_MS)
      await this.#options.connection.close()
    } finally {
      await this.#operations?.stop()
    }
    this.#state = 'stopped'
    // After a start that failed, its error is all there is to say.
    if (hasStarted !== false) this.#log.info({ groups: this.#groups.size }, 'stopped')
  }
}

function byGroup(handlers: readonly ResolvedHandler[]): ReadonlyMap<string, readonly ResolvedHandler[]> {
  const groups = new Map<string, ResolvedHandler[]>()
  for (const handler of handlers) groups.set(handler.group, [...(groups.get(handler.group) ?? []), handler])
  return groups
}

function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 32)
}
