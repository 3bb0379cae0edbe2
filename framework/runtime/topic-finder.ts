/** Looks which topics a cluster has, again and again, for handlers that have a pattern in place of a topic. Reads none. */
import type { ClusterView, KafkaConnection } from '../kafka/kafka-client.ts'
import { PyrallelError, toError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Clock, Timer } from '../time/clock.ts'
import { sharedTopics, withFoundTopics } from './found-topics.ts'
import type { ResolvedHandler } from './runtime.ts'

/** With what a rebalance takes, a new topic is read within 10 s. Every look asks for the names of all topics. */
const LOOK_EVERY_MS = 2_000
/** A topic that was not shown so often in a row is gone. Brokers that are starting do not show all. */
const GONE_AFTER_LOOKS = 3

export interface TopicFinderOptions {
  readonly connection: KafkaConnection
  readonly startFrom: 'earliest' | 'latest'
  readonly log: Logger
  readonly clock: Clock
}

export class TopicFinder {
  readonly #options: TopicFinderOptions
  /** By name: how many looks in a row have not shown it. */
  readonly #known = new Map<string, number>()
  /** Dead-letter topics, and topics of several handlers, of which it was told already. */
  readonly #told = new Set<string>()
  #timer: Timer | undefined
  #isStopped = false
  #cannotLook = false

  constructor(options: TopicFinderOptions) {
    this.#options = options
  }

  /** The handlers, with those of the topics that were found. */
  expand(handlers: readonly ResolvedHandler[]): readonly ResolvedHandler[] {
    return hasPattern(handlers) ? withFoundTopics(handlers, this.#names) : handlers
  }

  /**
   * Asks nobody where no handler has a pattern.
   * @throws PyrallelError PYR_USAGE where the connection cannot be looked at, or whatever the cluster's view throws
   */
  async look(handlers: readonly ResolvedHandler[]): Promise<void> {
    if (!hasPattern(handlers)) return
    const shown = new Set((await this.#view.topics()).map(({ name }) => name))
    for (const [name, missed] of this.#known) {
      if (shown.has(name)) continue
      if (missed + 1 < GONE_AFTER_LOOKS) this.#known.set(name, missed + 1)
      else this.#known.delete(name)
    }
    for (const name of shown) this.#known.set(name, 0)
    this.#tellShared(handlers)
    this.#tellWithoutDeadLetters(handlers, shown)
  }

  /**
   * From now on, as long as a handler has a pattern.
   * @param takeUp is called after each look; what it throws is told, and it is called again after the next one
   */
  watch(handlers: () => readonly ResolvedHandler[], takeUp: () => Promise<void>): void {
    if (this.#isStopped || this.#timer !== undefined || !hasPattern(handlers())) return
    this.#timer = this.#options.clock.setTimer(LOOK_EVERY_MS, () => {
      void this.#lookAgain(handlers, takeUp).then(() => {
        this.#timer = undefined
        this.watch(handlers, takeUp)
      })
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  /**
   * For a group that is about to begin: which topics count as made after it had begun. With `latest`, only those that are there before its first start begin
   * at their ends. A group that has committed anything of a pattern's topics has begun before, and then those without a commit have come since.
   * @param handlers of the group, with those of the topics that were found
   */
  async lateTopics(
    group: string,
    handlers: readonly ResolvedHandler[],
  ): Promise<((topic: string) => boolean) | undefined> {
    if (this.#options.startFrom === 'earliest' || !hasPattern(handlers)) return undefined
    const named = new Set(handlers.flatMap(({ foundBy, route }) => (foundBy === undefined ? route.topic : [])))
    const found = new Set(handlers.flatMap(({ foundBy, route }) => (foundBy === undefined ? [] : route.topic)))
    const offsets = found.size === 0 ? [] : await this.#view.groupOffsets(group)
    const hasBegun = offsets.some(({ topic }) => found.has(topic))
    return (topic) => !named.has(topic) && (hasBegun || !found.has(topic))
  }

  get #names(): readonly string[] {
    return [...this.#known.keys()].sort()
  }

  get #view(): ClusterView {
    const { connection } = this.#options
    const view = 'view' in connection ? (connection.view as ClusterView | undefined) : undefined
    if (view !== undefined) return view
    const facts =
      'A handler has topicsMatching(...) in place of a topic, and this connection has no `view`, so that nobody can tell which topics there are.'
    throw new PyrallelError('PYR_USAGE', `${facts} Use a connection of Pyrallel's, or name the topics.`)
  }

  async #lookAgain(handlers: () => readonly ResolvedHandler[], takeUp: () => Promise<void>): Promise<void> {
    try {
      await this.look(handlers())
      if (!this.#isStopped) await takeUp()
      this.#cannotLook = false
    } catch (thrown) {
      if (this.#isStopped || this.#cannotLook) return
      this.#cannotLook = true
      this.#options.log.warn(
        { err: toError(thrown) },
        'topics could not be looked for; those that are read are read on',
      )
    }
  }

  #tellShared(handlers: readonly ResolvedHandler[]): void {
    for (const { topic, group, handlerIds } of sharedTopics(handlers, this.#names)) {
      if (!this.#isNews(`${group}:${topic}`)) continue
      const facts = { topic, group, handler: handlerIds[0] }
      this.#options.log.warn(
        facts,
        'a topic is matched by the patterns of several handlers; the first of them reads it',
      )
    }
  }

  /** A topic that somebody makes must keep nobody from starting: its dead letters wait until there is a topic for them. */
  #tellWithoutDeadLetters(handlers: readonly ResolvedHandler[], shown: ReadonlySet<string>): void {
    if (this.#options.connection.makesTopics === true) return
    const found = this.expand(handlers).filter(({ foundBy }) => foundBy !== undefined)
    const wanted = new Set(found.flatMap(({ route }) => route.deadLetterTopic ?? []))
    const missing = [...wanted].filter((topic) => !shown.has(topic) && this.#isNews(topic))
    if (missing.length === 0) return
    const sentence =
      'dead-letter topics of topics that were found do not exist; a record that is given up waits until its own does'
    this.#options.log.warn({ missing }, sentence)
  }

  #isNews(what: string): boolean {
    if (this.#told.has(what)) return false
    this.#told.add(what)
    return true
  }
}

function hasPattern(handlers: readonly ResolvedHandler[]): boolean {
  return handlers.some(({ route }) => route.pattern !== undefined)
}
