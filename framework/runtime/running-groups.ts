/** The consumer groups of one runtime, by name: opens and starts them, exchanges handlers in them, stops them. Decides nothing about records. */
import type { TSchema } from 'typebox'
import { allSettled } from '../model/all-settled.ts'
import { bug } from '../model/errors.ts'
import { inOrder } from '../model/in-order.ts'
import { ownProperty } from '../model/own-property.ts'
import { joinFormats, type TopicFormats } from '../publishing/topic-formats.ts'
import type { GroupOpener } from './group-opener.ts'
import { PausedHandlers } from './paused-handlers.ts'
import type { RunningGroup } from './running-group.ts'
import type { ResolvedHandler } from './runtime.ts'
import type { RuntimeLife } from './runtime-life.ts'
import type { PlannedGroup } from './update-plan.ts'

/** For attempts that run replaced code. Each ends by its own deadline long before; this only keeps the wait bounded. */
const FINISH_OLD_MS = 2 * 86_400_000

export class RunningGroups {
  readonly paused = new PausedHandlers(() => this.all())
  readonly #life: RuntimeLife
  /** In the order of their start. */
  readonly #groups = new Map<string, RunningGroup>()
  /** Undefined until the start has come so far that there can be groups. */
  #opener: GroupOpener | undefined

  constructor(life: RuntimeLife) {
    this.#life = life
  }

  get size(): number {
    return this.#groups.size
  }

  get handlers(): readonly ResolvedHandler[] {
    return [...this.#groups.values()].flatMap((group) => group.handlers)
  }

  all(): Iterable<RunningGroup> {
    return this.#groups.values()
  }

  schemaOf(topic: string): TSchema | undefined {
    return this.#declared(topic, ({ topicSchemas }) => topicSchemas)
  }

  /** What handlers read this topic with, or the project declares, so that whoever only names the topic writes what can be read. */
  formatsOf(topic: string): TopicFormats | undefined {
    let read: TopicFormats | undefined
    for (const { handlers } of this.#groups.values()) {
      for (const { route, definition } of handlers) {
        if (route.topic === topic) read = joinFormats(read, definition.topic)
      }
    }
    return joinFormats(
      read,
      this.#declared(topic, ({ topicFormats }) => topicFormats),
    )
  }

  /**
   * Of the code that runs now. An update replaces the handlers that publish to a topic which has changed, and leaves others alone, with the tables that they came
   * with: so those that publish to it are asked first.
   */
  #declared<Said>(
    topic: string,
    tableOf: (handler: ResolvedHandler) => Readonly<Record<string, Said>> | undefined,
  ): Said | undefined {
    let found: Said | undefined
    for (const { handlers } of this.#groups.values()) {
      for (const handler of handlers) {
        const said = ownProperty(tableOf(handler), topic)
        if (handler.publishes?.includes(topic) === true) return said
        found ??= said
      }
    }
    return found
  }

  startFirst(opener: GroupOpener, handlers: readonly ResolvedHandler[]): Promise<void> {
    this.#opener = opener
    return this.#start(byGroup(handlers))
  }

  /**
   * @param handlers one, once for each of its topics
   * @returns how many attempts finish on the old code
   */
  async replace(handlers: readonly [ResolvedHandler, ...ResolvedHandler[]]): Promise<number> {
    const [first] = handlers
    const group = this.#groups.get(first.group)
    if (group === undefined) return 0
    const replacing = group.replace(handlers, this.#openerOnceStarted().engineFor(first), FINISH_OLD_MS)
    return this.#life.unlessStopped(replacing)
  }

  /**
   * Topics have come or gone that handlers have patterns for.
   * @param expand the handlers, with those of the topics that were found
   */
  async changeTopics(expand: (handlers: readonly ResolvedHandler[]) => readonly ResolvedHandler[]): Promise<void> {
    const wanted = byGroup(expand(this.handlers))
    const changes = [...this.#groups.values()].flatMap((group) => {
      const handlers = wanted.get(group.name) ?? []
      return isSameList(group.handlers, handlers) ? [] : group.changeTopics(handlers)
    })
    await allSettled(changes)
  }

  /** They end, and begin again with the handlers that they are to have. */
  async resubscribe(groups: readonly PlannedGroup[]): Promise<void> {
    const going = groups.filter(({ next }) => next.length > 0)
    await inOrder([
      () => allSettled(groups.map(({ group }) => this.#stop(group))),
      () => this.#life.unlessStopped(this.#start(new Map(going.map(({ group, next }) => [group, next])))),
    ])
  }

  /**
   * Consumers are made one after the other, so that groups stand in the order of their handlers; loading threads and joining, which take long, overlap.
   * One that fails keeps no other from starting, and is told once all are where they can be stopped.
   */
  async #start(groups: ReadonlyMap<string, readonly ResolvedHandler[]>): Promise<void> {
    let opening: Promise<unknown> = Promise.resolve()
    const starting = [...groups].map(([group, handlers]) => {
      const opened = opening.then(() => this.#open(group, handlers))
      opening = opened.catch(() => {})
      return opened.then((running) => this.#join(running))
    })
    await allSettled(starting)
  }

  async #open(group: string, handlers: readonly ResolvedHandler[]): Promise<RunningGroup> {
    const running = await this.#openerOnceStarted().open(group, handlers, (opening) =>
      this.#life.unlessStopped(opening, (opened) => opened.close()),
    )
    this.#groups.set(group, running)
    this.paused.apply(running)
    return running
  }

  async #join(group: RunningGroup): Promise<void> {
    // The stop has ended it before it has begun.
    if (this.#life.isStopping) return
    try {
      await group.start()
    } catch (error) {
      await this.#stop(group.name)
      throw error
    }
  }

  async #stop(name: string): Promise<void> {
    try {
      await this.#groups.get(name)?.stop()
    } finally {
      // One that could not be closed is gone all the same: the next update must not take it for one that runs.
      this.#groups.delete(name)
    }
  }

  #openerOnceStarted(): GroupOpener {
    if (this.#opener === undefined) throw bug('RunningGroups', 'a group is opened before there is a producer')
    return this.#opener
  }
}

function byGroup(handlers: readonly ResolvedHandler[]): ReadonlyMap<string, readonly ResolvedHandler[]> {
  const groups = new Map<string, ResolvedHandler[]>()
  for (const handler of handlers) groups.set(handler.group, [...(groups.get(handler.group) ?? []), handler])
  return groups
}

function isSameList(a: readonly ResolvedHandler[], b: readonly ResolvedHandler[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index])
}
