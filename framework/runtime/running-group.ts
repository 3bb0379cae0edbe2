/** One consumer group of this process: its poller, its handlers and the engines that run them. Decides nothing about records. */
import type { BrokerPoller } from '../control-plane/shell/broker-poller.ts'
import type { ExecutionEngine } from '../execution-plane/execution-engine.ts'
import type { SwappableEngine } from '../execution-plane/swappable-engine.ts'
import { bug } from '../model/errors.ts'
import type { GroupMetrics } from '../model/snapshot.ts'
import type { GroupReading, GroupWork } from '../model/workload.ts'
import type { ResolvedHandler } from './runtime.ts'

/** A handler with the engine that runs it. */
export interface EngineOfHandler {
  readonly handler: ResolvedHandler
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
    this.#members = new Map(members.map((member) => [member.handler.route.handlerId, member]))
  }

  get handlers(): readonly ResolvedHandler[] {
    return [...this.#members.values()].map(({ handler }) => handler)
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

  pause(handlerId: string): void {
    this.#poller.pause(handlerId)
  }

  resume(handlerId: string): void {
    this.#poller.resume(handlerId)
  }

  /**
   * Other code and rules for a handler of this group that reads as before; the consumer notices nothing.
   * @param finishMs how long attempts of the old code may go on. Milliseconds
   * @returns how many attempts finish on the old code
   */
  async replace(handler: ResolvedHandler, engine: ExecutionEngine, finishMs: number): Promise<number> {
    const { handlerId } = handler.route
    const member = this.#members.get(handlerId)
    if (member === undefined) throw bug('running-group', `${handlerId} is not in group ${this.name}`)
    const inFlight = await member.engine.replace(engine, finishMs)
    this.#members.set(handlerId, { handler, engine: member.engine })
    this.#poller.replaceRoute(handler.route)
    return inFlight
  }
}
