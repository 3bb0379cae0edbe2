/** The composition root: wires handlers, engines, one consumer per group and the producer together, and starts and stops them in order. */

import type { Publish } from '../api/handler.ts'
import type { ValueLooks, WatchedRuntime } from '../console/watched-runtime.ts'
import type { Keeping } from '../execution-plane/attempt/prepared-handler.ts'
import type { KafkaConnection, RecordProducer, ViewedConnection } from '../kafka/kafka-client.ts'
import type { ActionResult, BreakerAction, RecordAction } from '../model/action.ts'
import { byHandler } from '../model/by-handler.ts'
import { PyrallelError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { WatchPoint } from '../model/record-watch.ts'
import type { SystemMetrics } from '../model/snapshot.ts'
import { totalLogger } from '../model/total-logger.ts'
import type { PagesListener } from '../observability/operator-pages.ts'
import { outputRules } from '../publishing/output-rules.ts'
import { publisher, publishInto } from '../publishing/publisher.ts'
import { type Clock, systemClock } from '../time/clock.ts'
import { settlesWithin } from '../time/wait.ts'
import { loadTracing } from '../tracing/tracing.ts'
import { slowPatterns } from '../validation/slow-patterns.ts'
import { GroupInspection } from './group-inspection.ts'
import { GroupOpener } from './group-opener.ts'
import { requireTransactions } from './group-transactions.ts'
import { Operations } from './operations.ts'
import { refuseMissingTopics } from './required-topics.ts'
import { RunningGroups } from './running-groups.ts'
import type { ReplacedHandler, ResolvedHandler, Runtime, RuntimeOptions, RuntimeUpdate } from './runtime.ts'
import { RuntimeLife } from './runtime-life.ts'
import { RuntimeSchemas } from './runtime-schemas.ts'
import { stopRuntime } from './stop-runtime.ts'
import { TopicFinder } from './topic-finder.ts'
import { planUpdate } from './update-plan.ts'
import { refuseForeignIds } from './written-ids.ts'

export const CHECK_TIMEOUT_MS = 10_000
/** They have had the time of the drain before. Below what a connection gets to close. */
const REPLAYS_END_MS = 500

export function createRuntime(options: RuntimeOptions): Runtime {
  return new ComposedRuntime(options)
}

class ComposedRuntime implements Runtime {
  readonly #options: RuntimeOptions
  readonly #clock: Clock
  /** For lines of our own; handlers get what was given. */
  readonly #log: Logger
  readonly #watchPoint: WatchPoint
  readonly #life = new RuntimeLife()
  readonly #groups = new RunningGroups(this.#life)
  readonly #finder: TopicFinder
  readonly #schemas: RuntimeSchemas
  readonly inspection = new GroupInspection(() => this.#groups.all())
  #operations: Operations | undefined
  #outlet: { readonly producer: RecordProducer; readonly publish: Publish } | undefined

  constructor(options: RuntimeOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock()
    this.#watchPoint = options.watchPoint ?? new WatchPoint()
    this.#log = totalLogger(options.log)
    const { connection, startFrom, registry } = options
    this.#schemas = new RuntimeSchemas(registry, this.#clock)
    this.#finder = new TopicFinder({ connection, startFrom, log: this.#log, clock: this.#clock })
  }

  get failed(): Promise<never> {
    return this.#life.failed
  }

  get publish(): Publish {
    if (this.#outlet === undefined) {
      throw new PyrallelError('PYR_CLIENT_CLOSED', 'publish needs a runtime that runs: await start() first.')
    }
    return this.#outlet.publish
  }

  get listener(): PagesListener {
    const pages = this.#operations?.pages
    if (pages !== undefined) return (request, response, next) => pages.listen(request, response, next)
    const next = 'Await start() first, with http.enabled or hasListener'
    throw new PyrallelError('PYR_USAGE', `This runtime has no pages for operators. ${next}.`)
  }

  start(): Promise<void> {
    return this.#life.start(() => this.#start())
  }

  stop(): Promise<void> {
    return this.#life.stop(() => this.#stop())
  }

  abort(): void {
    this.#log.warn({ groups: this.#groups.size }, 'stopping at once: nothing in flight is waited for')
    for (const group of this.#groups.all()) group.abort()
  }

  snapshot(): SystemMetrics {
    return {
      takenAt: Math.round(this.#clock.now()),
      state: this.#life.state,
      groups: [...this.#groups.all()].map((group) => group.snapshot()),
      scale: this.#operations?.scale() ?? null,
    }
  }

  update(handlers: readonly ResolvedHandler[]): Promise<RuntimeUpdate> {
    return this.#life.update(() => this.#update(handlers))
  }

  pause(handlerId?: string): void {
    this.#groups.paused.pause(handlerId)
    this.#log.info({ handler: handlerId ?? 'all', paused: this.paused }, 'paused: nothing more is started')
  }

  resume(handlerId?: string): void {
    this.#groups.paused.resume(handlerId)
    this.#log.info({ handler: handlerId ?? 'all', paused: this.paused }, 'resumed: what has waited is started')
  }

  retryNow(group: string, of: RecordAction): ActionResult {
    return this.inspection.of(group).retryNow(of)
  }

  giveUp(group: string, of: RecordAction): ActionResult {
    return this.inspection.of(group).giveUp(of)
  }

  discard(group: string, of: RecordAction): ActionResult {
    return this.inspection.of(group).discard(of)
  }

  closeBreaker(group: string, of: BreakerAction): ActionResult {
    return this.inspection.of(group).closeBreaker(of)
  }

  get values(): ValueLooks {
    return this.#schemas
  }

  get paused(): readonly string[] {
    return this.#groups.paused.ids()
  }

  async #start(): Promise<void> {
    const { connection, handlers, http, hasListener, scale, paused = [] } = this.#options
    const [log, life, clock] = [this.#log, this.#life, this.#clock]
    const snapshot = () => this.snapshot()
    const ids = handlers.map(({ route }) => route.handlerId)
    this.#groups.paused.beginWith(paused, ids)
    // First, so that a port in use is told before any partition moves.
    const load = { ...scale, groups: () => [...this.#groups.all()] }
    const told = { snapshot, watched: this.#watched(), watchPoint: this.#watchPoint, cluster: viewed(connection), load }
    const operations = Operations.start({ http, hasListener, handlers, ...told, log, clock })
    this.#operations = await life.unlessStopped(operations, (opened) => opened.stop())
    if (this.#options.commit.exactlyOnce === true) requireTransactions(connection)
    await life.untilStopped(connection.check(CHECK_TIMEOUT_MS))
    await life.untilStopped(this.#refuseMissingTopics(handlers))
    const registry = () => this.#schemas.forWriting()
    await life.untilStopped(refuseForeignIds(handlers, { registry, log, clock }))
    await life.untilStopped(this.#finder.look(handlers))
    const tracing = await life.unlessStopped(loadTracing(log))
    const producer = await life.unlessStopped(connection.producer(), (opened) => opened.close(0))
    const schemaOf = (topic: string) => this.#groups.schemaOf(topic)
    const formatsOf = (topic: string) => this.#groups.formatsOf(topic)
    const rulesOf = slowPatterns(log, clock)
    const { limits, commit } = this.#options
    const publish = publisher(producer, tracing?.publishTracer, schemaOf, rulesOf, formatsOf)
    this.#outlet = { producer, publish: commit.exactlyOnce === true ? publishOutside(publish, log) : publish }
    const keeping = (): Keeping => ({
      publishInto: publishInto(tracing?.publishTracer, schemaOf, rulesOf, formatsOf),
      rules: outputRules(connection, limits.maxBytes),
    })
    const opener = new GroupOpener({
      runtime: this.#options,
      log,
      producer,
      publish,
      keeping: commit.exactlyOnce === true ? keeping() : undefined,
      operations: this.#operations,
      tracing,
      clock,
      watchPoint: this.#watchPoint,
      schemas: this.#schemas,
      formatsOf,
      onFatal: (error, group) => this.#onFatal(error, group),
      lateTopics: (group, own) => this.#finder.lateTopics(group, own),
    })
    await life.unlessStopped(this.#groups.startFirst(opener, this.#finder.expand(handlers)))
    life.onUp()
    this.#watchTopics()
    const facts = { broker: connection.description, handlers: new Set(ids).size, groups: this.#groups.size }
    log.info(paused.length === 0 ? facts : { ...facts, paused: this.paused }, 'started')
  }

  async #update(handlers: readonly ResolvedHandler[]): Promise<RuntimeUpdate> {
    await this.#life.untilStopped(this.#finder.look(handlers))
    const plan = planUpdate(this.#groups.handlers, this.#finder.expand(handlers))
    await this.#life.untilStopped(this.#refuseMissingTopics(handlers))
    const replaced: ReplacedHandler[] = []
    for (const [handlerId, own] of byHandler(plan.replace, ({ route }) => route.handlerId)) {
      const inFlight = await this.#groups.replace(own)
      replaced.push({ handlerId, inFlight })
      this.#log.info({ handler: handlerId, inFlight }, 'a handler runs its new code')
    }
    await this.#groups.resubscribe(plan.groups)
    this.#watchTopics()
    return { replaced, groups: plan.groups.map(({ next: _, ...change }) => change) }
  }

  #watchTopics(): void {
    const takeUp = () => this.#life.update(() => this.#groups.changeTopics((own) => this.#finder.expand(own)))
    this.#finder.watch(() => this.#groups.handlers, takeUp)
  }

  /** What was published again is marked first, if brokers answer. */
  async #closeBehind(replays: Promise<void> | undefined): Promise<void> {
    this.#schemas.close()
    if (replays !== undefined) await settlesWithin(this.#clock, replays, REPLAYS_END_MS)
    await this.#options.connection.close()
  }

  #watched(): WatchedRuntime {
    const [groups, runtime] = [this.#groups, this]
    return {
      get handlers() {
        return groups.handlers
      },
      get paused() {
        return runtime.paused
      },
      snapshot: () => this.snapshot(),
      pause: (handlerId) => this.pause(handlerId),
      resume: (handlerId) => this.resume(handlerId),
      inspection: this.inspection,
      values: this.#schemas,
      retryNow: (group, of) => this.retryNow(group, of),
      giveUp: (group, of) => this.giveUp(group, of),
      discard: (group, of) => this.discard(group, of),
      closeBreaker: (group, of) => this.closeBreaker(group, of),
    }
  }

  #refuseMissingTopics(handlers: readonly ResolvedHandler[]): Promise<void> {
    return refuseMissingTopics(handlers, {
      connection: this.#options.connection,
      log: this.#log,
      clock: this.#clock,
      isStopping: () => this.#life.isStopping,
    })
  }

  #onFatal(error: Error, group: string): void {
    this.#life.fail(error)
    this.#log.error({ err: error, group }, 'the consumer cannot go on')
  }

  async #stop(): Promise<void> {
    const { shutdown } = this.#options
    this.#finder.stop()
    const replays = this.#operations?.endReplays()
    await stopRuntime({
      groups: () => this.#groups.all(),
      begun: this.#life.begun,
      producer: () => this.#outlet?.producer,
      connection: { close: () => this.#closeBehind(replays) },
      operations: () => this.#operations,
      drainMs: shutdown.drainMs,
      clock: this.#clock,
      log: this.#log,
    })
    // After a start that failed, its error is all there is to say.
    if (!this.#life.hasFailedToStart) this.#log.info({ groups: this.#groups.size }, 'stopped')
  }
}

/** Those of Pyrallel are; one that a user has made himself need not be. */
function viewed(connection: KafkaConnection): ViewedConnection | undefined {
  return 'view' in connection ? (connection as ViewedConnection) : undefined
}

/** It escapes the transactions, which somebody may not expect: said once. */
function publishOutside(publish: Publish, log: Logger): Publish {
  let isSaid = false
  return (to, value, options) => {
    const topic = typeof to === 'string' ? to : to.name
    if (!isSaid)
      log.warn(
        { topic },
        'runtime.publish is no part of a transaction: what it publishes is seen at once, and may be twice',
      )
    isSaid = true
    return publish(to, value, options)
  }
}
