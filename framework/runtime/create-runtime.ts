/** The composition root: wires handlers, engines, one consumer per group and the producer together, and starts and stops them in order. */
import { BrokerPoller } from '../control-plane/broker-poller.ts'
import { AsyncEngine } from '../execution-plane/async-engine.ts'
import type { ExecutionEngine } from '../execution-plane/execution-engine.ts'
import type { Publish } from '../handler.ts'
import type { RecordProducer } from '../kafka/kafka-client.ts'
import { PyrallelError } from '../model/errors.ts'
import type { EventSink } from '../model/events.ts'
import type { RuntimeState, SystemMetrics } from '../model/snapshot.ts'
import { eventLog } from '../observability/event-log.ts'
import { loadTracing, type Tracing } from '../observability/tracing.ts'
import { type Clock, systemClock } from './clock.ts'
import { Operations } from './operations.ts'
import { publisher } from './publisher.ts'
import type { ResolvedHandler, Runtime, RuntimeOptions } from './runtime.ts'
import { seededRandom } from './seeded-random.ts'

const CHECK_TIMEOUT_MS = 10_000
const PRODUCER_CLOSE_MS = 5_000
/** A handler that ignores its signal is given up so long after its deadline; it keeps its slot until it settles. */
const ABANDON_AFTER_MS = 5_000

export function createRuntime(options: RuntimeOptions): Runtime {
  return new ComposedRuntime(options)
}

class ComposedRuntime implements Runtime {
  readonly #options: RuntimeOptions
  readonly #clock: Clock
  readonly failed: Promise<never>
  #reject: (error: Error) => void = () => {}
  #state: RuntimeState = 'new'
  #operations: Operations | undefined
  #tracing: Tracing | undefined
  #producer: RecordProducer | undefined
  #publish: Publish | undefined
  #pollers: readonly BrokerPoller[] = []
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor(options: RuntimeOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock()
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
    for (const poller of this.#pollers) poller.abort()
  }

  snapshot(): SystemMetrics {
    return {
      takenAt: this.#clock.now(),
      state: this.#state,
      groups: this.#pollers.map((poller) => poller.snapshot()),
    }
  }

  async #start(): Promise<void> {
    const { connection, handlers, log, http } = this.#options
    this.#state = 'starting'
    // First, so that a port in use is told before any partition moves.
    const snapshot = () => this.snapshot()
    this.#operations = await Operations.start({ http, handlers, snapshot, log, clock: this.#clock })
    await connection.check(CHECK_TIMEOUT_MS)
    await this.#refuseMissingTopics()
    this.#producer = await connection.producer()
    this.#tracing = await loadTracing()
    this.#publish = publisher(this.#producer, this.#tracing?.publishTracer)
    for (const [group, members] of byGroup(handlers)) await this.#startGroup(group, members)
    if (this.#state === 'starting') this.#state = 'running'
    log.info({ broker: connection.description, handlers: handlers.length, groups: this.#pollers.length }, 'started')
  }

  async #refuseMissingTopics(): Promise<void> {
    const { connection, handlers } = this.#options
    const wanted = handlers.flatMap(({ route }) => [route.topic, route.deadLetterTopic ?? []]).flat()
    const missing = await connection.missingTopics([...new Set(wanted)])
    if (missing.length === 0) return
    const readers = handlers.filter(({ route }) => missing.includes(route.topic)).map(({ file }) => file)
    const readBy = readers.length > 0 ? ` (read by ${readers.join(', ')})` : ''
    throw new PyrallelError(
      'PYR_TOPIC_UNKNOWN',
      `${connection.description} has no topic ${missing.join(', ')}${readBy}. Create it, or correct the name; a dead-letter topic must exist before it is needed.`,
    )
  }

  async #startGroup(group: string, handlers: readonly ResolvedHandler[]): Promise<void> {
    const { connection, startFrom, instanceId, limits, commit, lifecycle, onEvent } = this.#options
    const producer = this.#startedProducer()
    const log = this.#options.log.child({ group })
    const written = this.#options.logEvents === false ? undefined : eventLog(log, this.#clock)
    const counted = this.#operations?.sinkFor(group)
    const told: EventSink = (event) => {
      written?.(event)
      counted?.(event)
      onEvent?.(event)
    }
    const client = await connection.consumer({ group, startFrom, ...(instanceId === undefined ? {} : { instanceId }) })
    const engines = new Map<string, ExecutionEngine>()
    for (const handler of handlers) engines.set(handler.route.handlerId, this.#engineFor(handler))
    const poller = new BrokerPoller({
      group,
      client,
      producer,
      engines,
      limits,
      commit,
      lifecycle,
      log,
      onEvent: told,
      routes: handlers.map(({ route }) => route),
      clock: this.#clock,
      random: seededRandom(this.#options.seed ?? randomSeed()),
      onFatal: (error) => this.#onFatal(error, group),
    })
    this.#pollers = [...this.#pollers, poller]
    await poller.start()
  }

  #engineFor({ route, definition, timeoutMs, group }: ResolvedHandler): ExecutionEngine {
    return new AsyncEngine({
      handlerId: route.handlerId,
      concurrency: route.concurrency,
      timeoutMs,
      abandonAfterMs: ABANDON_AFTER_MS,
      definition,
      publish: (to, value, options) => this.publish(to, value, options),
      log: this.#options.log,
      trace: this.#tracing?.attemptTracer({ handlerId: route.handlerId, group }),
      clock: this.#clock,
    })
  }

  #startedProducer(): RecordProducer {
    if (this.#producer === undefined)
      throw new PyrallelError('PYR_BUG', 'create-runtime: no producer. This is a bug in Pyrallel.')
    return this.#producer
  }

  #onFatal(error: Error, group: string): void {
    this.#state = 'failed'
    this.#options.log.error({ err: error, group }, 'the consumer cannot go on')
    this.#reject(error)
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => {})
    this.#state = 'stopping'
    try {
      await Promise.all(this.#pollers.map((poller) => poller.stop()))
      await this.#producer?.close(PRODUCER_CLOSE_MS)
      await this.#options.connection.close()
    } finally {
      await this.#operations?.stop()
    }
    this.#state = 'stopped'
    this.#options.log.info({ groups: this.#pollers.length }, 'stopped')
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
