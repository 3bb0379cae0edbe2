/** Decides when: polls, answers rebalances, ends in order. Keeps no state of records. */

import type { ExecutionEngine } from '../../execution-plane/execution-engine.ts'
import type { AssignedPartition, KafkaClient, RecordProducer } from '../../kafka/kafka-client.ts'
import type { TransactionalProducer } from '../../kafka/transactional-producer.ts'
import { allSettled } from '../../model/all-settled.ts'
import { byHandler } from '../../model/by-handler.ts'
import { bug, toError } from '../../model/errors.ts'
import type { EventSink } from '../../model/events.ts'
import type { Logger } from '../../model/logger.ts'
import type { TopicPartition } from '../../model/record.ts'
import type { WatchedBy } from '../../model/record-watch.ts'
import type { CommitSettings, Limits, Route, ShutdownSettings } from '../../model/settings.ts'
import type { GroupMetrics } from '../../model/snapshot.ts'
import type { GroupReading, GroupWork } from '../../model/workload.ts'
import type { Clock } from '../../time/clock.ts'
import { WorkManager } from '../work-manager.ts'
import type { Committer } from './committer.ts'
import { CoordinatorQuestion } from './coordinator-question.ts'
import { CutCommitter } from './cut-committer.ts'
import { DeadLetterPublisher } from './dead-letters.ts'
import { Drain } from './drain.ts'
import { groupMetrics } from './group-snapshot.ts'
import { groupReading, groupWork } from './group-work.ts'
import { IntakeValve } from './intake-valve.ts'
import { LogEnds } from './log-ends.ts'
import { MemberPast } from './member-past.ts'
import { OffsetCommitter } from './offset-committer.ts'
import { PollSize } from './poll-size.ts'
import { Pump } from './pump.ts'
import { RecordQuestions } from './record-questions.ts'
import { abortWorkOf, giveUpRevoked } from './revoke.ts'
import { shutDown, UNWIND_MS } from './shutdown.ts'
import { Ticks } from './ticks.ts'

/** Each call holds a thread of libuv's pool, so it is short; a record that arrives ends the wait. */
const POLL_WAIT_MS = 20
/**
 * How long the poller rests when a limit is reached, or when plenty can start already. Records that wait in memory outlive the garbage collector's
 * young generation, which costs more than all else that is done for them, so fast handlers are fed just in time; slow ones get a full buffer,
 * poll by poll. While a limit holds, each poll only serves callbacks, and comes so seldom that the record it cannot avoid fits in the client's stash.
 */
const REST_MS = 25
/** The part of the session time-out that a commit is waited for, until the next one is sent. */
const COMMIT_PATIENCE = 1 / 6

export interface BrokerPollerOptions {
  readonly group: string
  readonly client: KafkaClient
  readonly producer: RecordProducer
  /** Of an exactly-once group: its own, made of its client. It is closed with the group. Left out: handlers publish by themselves, and offsets are committed alone. */
  readonly transactions?: TransactionalProducer | undefined
  readonly routes: readonly Route[]
  /** By handler id. */
  readonly engines: ReadonlyMap<string, ExecutionEngine>
  readonly limits: Limits
  readonly commit: CommitSettings
  readonly shutdown: ShutdownSettings
  /** After so long without a word of a member, its group gives its partitions to others. Milliseconds. */
  readonly sessionTimeoutMs: number
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
  readonly onEvent?: EventSink | undefined
  /** Whether `onEvent` is told of `record.done` too, which comes for every record. Default true. */
  readonly tellsDone?: boolean | undefined
  /** Default: nobody looks on. */
  readonly watchedBy?: WatchedBy | undefined
  /** Called once, when the consumer cannot go on. Nothing is committed that is not done. */
  readonly onFatal: (error: Error) => void
}

type State = 'idle' | 'running' | 'draining' | 'closed'

export class BrokerPoller {
  readonly #options: BrokerPollerOptions
  readonly #manager: WorkManager
  readonly #committer: Committer
  readonly #deadLetters: DeadLetterPublisher
  readonly #pump: Pump
  readonly #valve: IntakeValve
  readonly #pollSize = new PollSize()
  readonly #drain: Drain
  /** What is asked now and then, of the client and through it. */
  readonly #looks: readonly { look(now: number): void }[]
  #state: State = 'idle'
  #loop: Promise<void> = Promise.resolve()
  #hasFailed = false
  #endRest: (() => void) | undefined
  #stopping: Promise<void> | undefined
  readonly #past = new MemberPast()
  readonly #ticks: Ticks
  #routes: readonly Route[]
  readonly questions: RecordQuestions

  constructor(options: BrokerPollerOptions) {
    const { client, producer, clock, group, onEvent, tellsDone, watchedBy, transactions } = options
    this.#options = options
    this.#routes = options.routes
    this.#manager = new WorkManager({
      routes: options.routes,
      limits: options.limits,
      recovery: options.commit.recovery,
      takeOver: options.commit.takeOver,
      maxMetadataLength: client.maxMetadataLength,
      sessionTimeoutMs: options.sessionTimeoutMs,
      random: options.random,
      onEvent,
      tellsDone,
      watchedBy,
      exactlyOnce: transactions === undefined ? undefined : { group },
    })
    const manager = this.#manager
    this.#valve = new IntakeValve(client, manager, clock, onEvent)
    this.#drain = new Drain(clock, (partitions) => manager.unsettled(partitions))
    this.#committer = this.#committerOf(options)
    const isAlone = () => this.#isTaking && !manager.hasPartitions
    // A question that nobody answers would only keep the client from closing.
    const isAnswered = () => this.#isTaking && !manager.permit.clock.isStale(clock.now())
    this.#looks = [
      new LogEnds({ client, manager, isWanted: isAnswered }),
      new CoordinatorQuestion({ client, clock, heard: manager.permit.clock, isWanted: isAlone }),
    ]
    this.#deadLetters = new DeadLetterPublisher({
      producer,
      group,
      clock,
      onEvent,
      isWanted: (request) => manager.isWanted(request),
      mayPublish: () => manager.permit.stoppedBecause === null,
      onAcknowledged: (request) => {
        try {
          manager.onDeadLettered(request, clock.now())
        } catch (thrown) {
          this.#fail(toError(thrown))
        }
        this.#pump.soon()
      },
    })
    this.#pump = new Pump({
      manager,
      engines: options.engines,
      clock,
      onDeadLetter: (request) => this.#deadLetters.publish(request),
      onPumped: () => this.#afterPump(),
      onError: (error) => this.#fail(error),
    })
    const { engines, routes } = options
    const assigned = () => manager.readings.assigned()
    this.#ticks = new Ticks({ routes, engines, assigned, clock, onEvent, onError: (error) => this.#fail(error) })
    this.questions = new RecordQuestions({ manager, engines, client, clock, onChanged: () => this.#pump.soon() })
  }

  #committerOf({ client, transactions, clock, commit, sessionTimeoutMs, onEvent }: BrokerPollerOptions): Committer {
    const onAcknowledged = () => {
      this.#past.credentials.onAccepted()
      this.#pump.soon()
    }
    const common = { manager: this.#manager, clock, minIntervalMs: commit.minIntervalMs, onEvent, onAcknowledged }
    if (transactions === undefined) {
      return new OffsetCommitter({ ...common, client, patienceMs: sessionTimeoutMs * COMMIT_PATIENCE })
    }
    const onOverwritten = (partitions: readonly TopicPartition[]) => this.#onLost(partitions)
    const onFatal = (error: Error) => this.#fail(error)
    return new CutCommitter({ ...common, producer: transactions, onOverwritten, onFatal })
  }

  get manager(): WorkManager {
    return this.#manager
  }

  /** Starts the engines, joins the group and polls. Settles once subscribed; partitions come later. */
  async start(): Promise<void> {
    const { client, engines } = this.#options
    if (this.#state !== 'idle') throw bug('broker-poller/start', `state is ${this.#state}`)
    // At once, as loading threads takes long. None is still loading when this throws: whoever stops then must find them all.
    await allSettled([...engines.values()].map((engine) => engine.start(this.#pump.onCompletion)))
    // Stopped while they loaded: the client is closed, or about to be.
    if (this.#stopping !== undefined) return
    const topics = this.#topics
    await client.subscribe(topics, {
      onAssigning: () => this.#committer.onAssigning?.(),
      onAssigned: (partitions) => this.#onAssigned(partitions),
      onRevoked: (partitions) => this.#onRevoked(partitions),
      onLost: (partitions) => this.#onLost(partitions),
    })
    if (this.#stopping !== undefined) return
    this.#past.onSubscribed(this.#options.clock.now())
    this.#options.log.info({ topics }, 'subscribed: the group hands out partitions')
    this.#state = 'running'
    this.#loop = this.#pollUntilClosed()
  }

  /** Ends in order, each step bounded. May be called twice: the second call waits for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Waits no longer for what is in flight. */
  abort(): void {
    // A teardown that goes on gets no more time, either. What cannot be closed is told by the shutdown.
    const isClosing = this.#stopping !== undefined && !this.#drain.isWaiting
    for (const engine of this.#options.engines.values()) {
      engine.abort(() => true)
      if (isClosing) engine.close(UNWIND_MS).catch(() => {})
    }
    this.#drain.giveUp()
  }

  /** Other rules for the same handler, topic and order. Its engine is the caller's to change. */
  replaceRoute(route: Route): void {
    this.#manager.replaceRoute(route)
    this.#routes = this.#routes.map((each) => (each.topic === route.topic ? route : each))
    this.#ticks.setRoutes(this.#routes)
    this.#pump.soon()
  }

  /** Topics have come, or gone, of handlers that have a pattern. @param routes all of the group */
  async changeTopics(routes: readonly Route[]): Promise<void> {
    const had = this.#topics
    for (const route of routes) if (!this.#routes.includes(route)) this.#manager.addRoute(route)
    this.#routes = routes
    this.#ticks.setRoutes(routes)
    const topics = this.#topics
    const { log } = this.#options
    const [come, gone] = [added(topics, had), added(had, topics)]
    if (come.length > 0)
      log.info({ topics: come }, 'topics that a pattern matches have come: they are read from now on')
    if (gone.length > 0) log.warn({ topics: gone }, 'topics that a pattern matches are gone: they are read no more')
    // Of the last ones, too, that are gone: no group has a member that wants nothing.
    if (this.#state === 'running' && topics.length > 0) await this.#options.client.changeTopics(topics)
  }

  /** A broker has refused the credentials. */
  onCredentialsRefused(): void {
    this.#past.credentials.onRefused(this.#options.clock.now())
  }

  /** Starts nothing more of this handler. Polling goes on, and what is in flight goes on. */
  pause(handlerId: string): void {
    this.#manager.pause(handlerId)
    this.#options.engines.get(handlerId)?.recall(() => true)
  }

  resume(handlerId: string): void {
    this.#manager.resume(handlerId)
    this.#pump.soon()
  }

  /** How much there is to do, cheaply: for every second. */
  reading(): GroupReading {
    return groupReading(this.#parts, this.#options.clock.now())
  }

  /** How much there is to do, and how much of that could run. Looks at every record in memory. */
  work(mostPerKeyOf: (handlerId: string) => number): GroupWork {
    return groupWork(this.#parts, this.#options.clock.now(), mostPerKeyOf)
  }

  get #topics(): readonly string[] {
    return this.#routes.filter(({ pattern }) => pattern === undefined).map(({ topic }) => topic)
  }

  get #parts() {
    const { group, client, engines } = this.#options
    return { group, client, engines, routes: this.#routes, manager: this.#manager, ticks: this.#ticks }
  }

  /** What an operator sees of this group. Read-only. */
  snapshot(): GroupMetrics {
    const { limits, clock } = this.#options
    const { transactionSince } = this.#committer
    const parts = { ...this.#parts, limits, isPaused: this.#valve.isPaused, transactionSince }
    const now = clock.now()
    return groupMetrics(
      { ...parts, state: this.#state, ...this.#past.times, refusedMs: this.#past.credentials.refusedFor(now) },
      now,
    )
  }

  // --- the loop ---

  async #pollUntilClosed(): Promise<void> {
    while (this.#state !== 'closed') {
      try {
        await this.#pollOnce()
      } catch (thrown) {
        this.#fail(toError(thrown))
        // Polling goes on without taking anything in, because the client serves its callbacks only then; but it must not spin.
        await new Promise<void>((resolve) => this.#options.clock.setTimer(POLL_WAIT_MS, resolve))
      }
    }
  }

  async #pollOnce(): Promise<void> {
    const { client } = this.#options
    if (this.#isTaking && !this.#valve.isPaused && !this.#wantsMore()) await this.#rest()
    const size = this.#pollSize.within(this.#isTaking ? this.#valve.apply() : 0)
    const records = await client.poll(size, this.#isTaking && size === 0 && !this.#valve.isPaused ? 0 : POLL_WAIT_MS)
    const now = this.#options.clock.now()
    this.#past.onPolled(now)
    this.#pollSize.onPolled(records.length, now)
    if (records.length > 0) {
      this.#manager.onPolled(records, now)
      this.#past.credentials.onAccepted()
    }
    for (const each of this.#looks) each.look(now)
    this.#pump.run()
  }

  get #isTaking(): boolean {
    return this.#state === 'running' && !this.#hasFailed
  }

  /** Records that all engines together can be at work on. */
  get #slots(): number {
    const handlers = byHandler(this.#routes, ({ handlerId }) => handlerId).values()
    return [...handlers].reduce((sum, [{ concurrency, batch }]) => sum + concurrency * (batch?.size ?? 1), 0)
  }

  /** There is room, and what could start now will not keep the engines busy for long. */
  #wantsMore(): boolean {
    return !this.#manager.hasPlenty(this.#slots) && this.#valve.apply() > 0
  }

  /** Ends as soon as more is wanted. */
  async #rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.setTimer(REST_MS, resolve)
      this.#endRest = () => {
        timer.cancel()
        resolve()
      }
    })
    this.#endRest = undefined
  }

  #afterPump(): void {
    this.#committer.request()
    this.#drain.check()
    if (this.#endRest !== undefined && (!this.#isTaking || this.#wantsMore())) this.#endRest()
  }

  // --- rebalance ---

  #onAssigned(partitions: readonly AssignedPartition[]): void {
    try {
      this.#manager.onAssigned(partitions, this.#options.clock.now())
    } catch (thrown) {
      this.#fail(toError(thrown))
    }
    this.#past.onAssigned()
    this.#past.credentials.onAccepted()
    if (this.#state !== 'running') this.#manager.startDraining(partitions)
    this.#valve.onAssigned(partitions)
    this.#ticks.look()
  }

  async #onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    const { client, engines, shutdown, log } = this.#options
    const { revokeGraceMs } = shutdown
    const own = { manager: this.#manager, drain: this.#drain, committer: this.#committer, valve: this.#valve }
    const givenUp = giveUpRevoked(partitions, { ...own, client, engines, revokeGraceMs, log })
    // They are draining by now.
    this.#ticks.look()
    await givenUp
    this.#ticks.look()
  }

  #onLost(partitions: readonly TopicPartition[]): void {
    abortWorkOf(partitions, this.#options.engines)
    this.#valve.onGone(partitions)
    this.#manager.onLost(partitions)
    this.#ticks.look()
    if (!this.#manager.hasPartitions) this.#past.onLostAll(this.#options.clock.now())
    this.#drain.check()
  }

  // --- the end ---

  async #stop(): Promise<void> {
    const { client, engines, shutdown, clock, log } = this.#options
    const hadJoined = this.#state === 'running'
    this.#state = 'draining'
    const own = {
      manager: this.#manager,
      drain: this.#drain,
      deadLetters: this.#deadLetters,
      committer: this.#committer,
      ticks: this.#ticks,
    }
    try {
      const ended = shutDown({ ...own, client, engines, drainMs: shutdown.drainMs, clock, log }, hadJoined)
      this.#ticks.look()
      await ended
    } finally {
      this.#pump.stop()
      this.#state = 'closed'
      await this.#loop
    }
  }

  #fail(error: Error): void {
    if (this.#state === 'closed' || this.#hasFailed) return
    this.#hasFailed = true
    this.#options.onFatal(error)
  }
}

function added(topics: readonly string[], before: readonly string[]): readonly string[] {
  return topics.filter((each) => !before.includes(each))
}
