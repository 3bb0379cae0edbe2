/** One simulated process: a runtime with a clock, a connection and services of its own, which can be killed at any moment. */
import type { HandlerContext, HandlerDefinition, HandlerRecord, Services } from '../../api/handler.ts'
import type { ResolvedConfig } from '../../config/config.ts'
import { WatchedContext } from '../../execution-plane/attempt/watched-context.ts'
import type { MemoryCluster } from '../../kafka/memory/client.ts'
import type { RuntimeEvent } from '../../model/events.ts'
import type { Logger } from '../../model/logger.ts'
import { partitionPlace, recordPlace } from '../../model/record.ts'
import { runtimeOf } from '../../runtime/open-runtime.ts'
import type { ResolvedHandler, Runtime } from '../../runtime/runtime.ts'
import type { Clock, Timer } from '../../time/clock.ts'
import type { Faults } from './faults.ts'
import type { History, OpenCall } from './history.ts'
import type { KnownFormats } from './known-formats.ts'
import { ProcessConnection } from './process-connection.ts'
import { forever } from './process-life.ts'
import { type AsyncCalls, ServiceCalls, type ServiceLife } from './service-calls.ts'
import { type TimeOwner, withTimeOf } from './time-owner.ts'

/** What the processes of one run share. */
export interface SimulatedWorld {
  readonly config: ResolvedConfig
  readonly handlers: readonly ResolvedHandler[]
  readonly cluster: MemoryCluster
  readonly clock: Clock
  readonly faults: Faults
  readonly history: History
  readonly services: Services
  readonly formats: KnownFormats
  readonly asyncCalls: AsyncCalls
  readonly random: () => number
  readonly onEvent: (event: RuntimeEvent) => void
}

const silent: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silent,
  isLevelEnabled: () => false,
}
const LONGEST_TRAVEL_MS = 8

export class SimulatedProcess implements Clock, TimeOwner, ServiceLife {
  readonly number: number
  readonly #world: SimulatedWorld
  readonly #connection: ProcessConnection
  readonly #runtime: Runtime
  readonly #timers = new Set<Timer>()
  readonly #calls = new Set<OpenCall>()
  #state: 'running' | 'leaving' | 'gone' | 'dead' = 'running'
  #fatal: Error | undefined

  constructor(number: number, world: SimulatedWorld) {
    this.number = number
    this.#world = world
    this.#connection = new ProcessConnection(this, world.cluster, world.faults)
    const services = new ServiceCalls(this, world.faults, world.asyncCalls).viewOf(world.services)
    this.#runtime = runtimeOf(world.config, {
      connection: this.#connection.connection,
      handlers: world.handlers.map((handler) => ({ ...handler, definition: this.#watched(handler) })),
      services,
      log: silent,
      logEvents: false,
      clock: this,
      registry: () => world.formats.registry(),
      seed: number,
      onEvent: (event) => this.#onEvent(event),
    })
    this.#runtime.failed.catch((error: Error) => this.#onFatal(error))
  }

  get isRunning(): boolean {
    return this.#state === 'running'
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  get hasEnded(): boolean {
    return this.#state === 'gone' || this.#state === 'dead'
  }

  /** Why its consumer cannot go on. */
  get fatal(): Error | undefined {
    return this.#fatal
  }

  /** Calls of handlers that have not settled, the oldest first. */
  get openCalls(): Iterable<OpenCall> {
    return this.isDead ? [] : this.#calls
  }

  async start(): Promise<void> {
    this.note('starts')
    await this.#runtime.start()
  }

  stop(): void {
    this.note('stops in order')
    this.#state = 'leaving'
    this.#runtime.stop().then(
      () => this.#onGone(),
      (error: Error) => this.#onFatal(error),
    )
  }

  kill(): void {
    this.note('is killed')
    this.end()
  }

  /** Nothing of it goes on. */
  end(): void {
    this.#state = 'dead'
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.#connection.kill()
  }

  expel(forMs: number): void {
    this.note(`was not heard of for too long: its partitions go to others, and it joins again after ${forMs} ms`)
    this.#connection.expel(forMs)
  }

  /** For somebody's hand. */
  get records(): Pick<Runtime, 'inspection' | 'retryNow' | 'giveUp'> | undefined {
    return this.isRunning ? this.#runtime : undefined
  }

  note(text: string): void {
    if (!this.isDead) this.#world.history.note(this.number, text)
  }

  // --- time, which ends with the process ---

  now(): number {
    return this.#world.clock.now()
  }

  random(): number {
    return this.#world.random()
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    if (this.isDead) return { cancel() {} }
    const inner = this.#world.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer)
      fire()
    })
    const timer: Timer = {
      cancel: () => {
        this.#timers.delete(timer)
        inner.cancel()
      },
    }
    this.#timers.add(timer)
    return timer
  }

  atTurnEnd(run: () => void): void {
    setImmediate(() => {
      if (!this.isDead) run()
    })
  }

  travel(): Promise<void> {
    return this.sleep(1 + Math.floor(this.#world.random() * LONGEST_TRAVEL_MS))
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.setTimer(ms, resolve)
    })
  }

  // --- what its handlers do ---

  #watched({ route: { handlerId }, definition }: ResolvedHandler): HandlerDefinition<unknown> {
    const { run, runBatch } = definition
    const noting = (context: HandlerContext) =>
      new WatchedContext(context, (to) => {
        if (typeof to !== 'string') this.#world.formats.note(to)
      })
    const watched: HandlerDefinition<unknown> = {
      ...definition,
      run: (record, context) => this.#watch(handlerId, [record], () => run(record, noting(context))),
    }
    if (runBatch === undefined) return watched
    return {
      ...watched,
      runBatch: (batch, context) => this.#watch(handlerId, [...batch], () => runBatch(batch, noting(context))),
    }
  }

  #watch<Result>(
    handlerId: string,
    records: readonly HandlerRecord<unknown>[],
    run: () => Result,
  ): Result | Promise<never> {
    if (this.isDead) return forever()
    const { history } = this.#world
    const call = history.begin(this.number, handlerId, records)
    this.#calls.add(call)
    const end = (how: 'returned' | 'threw', thrown?: unknown): void => {
      if (!this.isDead && this.#calls.delete(call)) history.end(this.number, call, how, thrown)
    }
    try {
      const result = withTimeOf(this, run)
      if (result instanceof Promise)
        result.then(
          () => end('returned'),
          (thrown) => end('threw', thrown),
        )
      else end('returned')
      return result
    } catch (thrown) {
      end('threw', thrown)
      throw thrown
    }
  }

  #onFatal(error: Error): void {
    if (!this.isDead) this.#fatal = error
  }

  #onGone(): void {
    if (this.isDead) return
    this.note('has stopped')
    this.#state = 'gone'
  }

  #onEvent(event: RuntimeEvent): void {
    if (this.isDead) return
    this.#world.onEvent(event)
    const text = lineOf(event)
    if (text !== undefined) this.note(text)
  }
}

/** What a reader needs beside the calls of handlers. */
function lineOf(event: RuntimeEvent): string | undefined {
  switch (event.kind) {
    case 'partition.assigned':
      return `is given ${partitionPlace(event)}, from ${event.position ?? 'the beginning'} on`
    case 'partition.revoked':
      return `gives ${partitionPlace(event)} back`
    case 'partition.lost':
      return `learns that ${partitionPlace(event)} was taken away`
    case 'record.retry':
      return `tries ${recordPlace(event.record)} again in ${event.delayMs} ms: ${event.failure.message}`
    case 'record.parked':
      return `parks ${recordPlace(event.record)}, out of attempts: ${event.failure.message}`
    case 'record.hurried':
      return `is told to try ${recordPlace(event.record)} again`
    case 'record.dead':
      return `gives ${recordPlace(event.record)} up: ${event.failure.message}`
    case 'commit.done':
      return 'has committed'
    case 'commit.failed':
      return `could not commit: ${event.error.message}`
    default:
      return undefined
  }
}
