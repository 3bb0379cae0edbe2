/** One consumer group of this process: its poller, its handlers and the engines that run them. Decides nothing about records. */
import type { BrokerPoller } from '../control-plane/shell/broker-poller.ts'
import type { ExecutionEngine } from '../execution-plane/execution-engine.ts'
import type { SwappableEngine } from '../execution-plane/swappable-engine.ts'
import { byHandler } from '../model/by-handler.ts'
import { bug } from '../model/errors.ts'
import type { GroupMetrics } from '../model/snapshot.ts'
import type { ThreadView } from '../model/thread-view.ts'
import type { GroupReading, GroupWork } from '../model/workload.ts'
import type { ResolvedHandler } from './runtime.ts'

/** A handler, once for each of its topics, with the engine that runs it. */
export interface EngineOfHandler {
  readonly handlers: readonly [ResolvedHandler, ...ResolvedHandler[]]
  readonly engine: SwappableEngine
}

export class RunningGroup {
  readonly name: string
  readonly #poller: BrokerPoller
  /** By handler id. */
  readonly #members: Map<string, EngineOfHandler>

  constructor(name: string, poller: BrokerPoller, members: readonly EngineOfHandler[]) {
    this.name = name
    this.#poller = poller
    this.#members = new Map(members.map((member) => [member.handlers[0].route.handlerId, member]))
  }

  get handlers(): readonly ResolvedHandler[] {
    return [...this.#members.values()].flatMap(({ handlers }) => handlers)
  }

  /** What is asked about its records, and done about them by hand. */
  get questions(): BrokerPoller['questions'] {
    return this.#poller.questions
  }

  start(): Promise<void> {
    return this.#poller.start()
  }

  stop(): Promise<void> {
    return this.#poller.stop()
  }

  abort(): void {
    this.#poller.abort()
  }

  snapshot(): GroupMetrics {
    return this.#poller.snapshot()
  }

  reading(): GroupReading {
    return this.#poller.reading()
  }

  work(mostPerKeyOf: (handlerId: string) => number): GroupWork {
    return this.#poller.work(mostPerKeyOf)
  }

  /** Those of handlers that run on threads. */
  threads(): readonly ThreadView[] {
    return [...this.#members.values()].flatMap(({ engine }) => engine.threadViews())
  }

  pause(handlerId: string): void {
    this.#poller.pause(handlerId)
  }

  resume(handlerId: string): void {
    this.#poller.resume(handlerId)
  }

  /** Topics more or fewer of handlers that run: nothing of the others is disturbed. @param handlers of the group, each once for each of its topics */
  async changeTopics(handlers: readonly ResolvedHandler[]): Promise<void> {
    for (const [handlerId, own] of byHandler(handlers, ({ route }) => route.handlerId)) {
      const member = this.#members.get(handlerId)
      if (member === undefined) throw bug('running-group', `${handlerId} is not in group ${this.name}`)
      this.#members.set(handlerId, { ...member, handlers: own })
    }
    await this.#poller.changeTopics(handlers.map(({ route }) => route))
  }

  /**
   * Other code and rules for a handler of this group that reads as before; the consumer notices nothing.
   * @param handlers one, once for each of its topics
   * @param finishMs how long attempts of the old code may go on. Milliseconds
   * @returns how many attempts finish on the old code
   */
  async replace(handlers: EngineOfHandler['handlers'], engine: ExecutionEngine, finishMs: number): Promise<number> {
    const { handlerId } = handlers[0].route
    const member = this.#members.get(handlerId)
    if (member === undefined) throw bug('running-group', `${handlerId} is not in group ${this.name}`)
    const inFlight = await member.engine.replace(engine, finishMs)
    this.#members.set(handlerId, { handlers, engine: member.engine })
    for (const { route } of handlers) this.#poller.replaceRoute(route)
    return inFlight
  }
}
