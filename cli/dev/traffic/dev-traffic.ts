/** The generated traffic of a session: begins it once the groups have formed, keeps it in step with the app, and says how it went. */
import type { HandlerRecord } from '../../../framework/api/handler.ts'
import type { TrafficSource } from '../../../framework/api/traffic.ts'
import type { KafkaConnection, RecordProducer } from '../../../framework/kafka/kafka-client.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import { seededRandom } from '../../../framework/runtime/seeded-random.ts'
import type { Clock } from '../../../framework/time/clock.ts'
import type { LoadedApp } from '../app/app-loader.ts'
import type { DevOptions } from '../broker/dev-options.ts'
import type { TopicMaker } from '../broker/topic-maker.ts'
import { TrafficRun } from './traffic-run.ts'
import { summarize, type TrafficSummary } from './traffic-summary.ts'

const DEFAULT_RATE = 200
const STALL_MS = 30_000
const PRODUCER_CLOSE_MS = 5_000
/** How long the traffic waits for the group to form. Longer than any embedded broker takes. */
const ASSIGNMENT_TIMEOUT_MS = 15_000

export class DevTraffic {
  readonly #options: DevOptions
  readonly #clock: Clock
  readonly #topics: TopicMaker
  /** Relative to the project. */
  readonly #file: string
  /** Topics that have a partition assigned to us. */
  readonly #assigned = new Set<string>()
  #handlers: readonly ResolvedHandler[]
  #source: TrafficSource
  #onAssigned: () => void = () => {}
  #isStopped = false
  #firstRecordMs: number | undefined
  #producer: RecordProducer | undefined
  #run: TrafficRun | undefined

  constructor(
    options: DevOptions,
    clock: Clock,
    topics: TopicMaker,
    app: LoadedApp & { readonly traffic: TrafficSource },
    file: string,
  ) {
    this.#options = options
    this.#clock = clock
    this.#topics = topics
    this.#file = file
    this.#handlers = app.handlers
    this.#source = app.traffic
  }

  /** Settles when the records that were asked for are done, or it was stopped. */
  async run(connection: KafkaConnection): Promise<void> {
    const { records, rate, seed } = this.#options
    await this.#untilAssigned()
    if (this.#isStopped) return
    const producer = await connection.producer()
    if (this.#isStopped) {
      await producer.close(PRODUCER_CLOSE_MS)
      return
    }
    this.#producer = producer
    const longest = Math.max(0, ...this.#handlers.map(({ timeoutMs, route }) => timeoutMs + route.retry.maxMs))
    this.#run = new TrafficRun({
      source: this.#source(seededRandom(seed)),
      file: this.#file,
      handlers: this.#handlers,
      clock: this.#clock,
      rate: rate ?? (records === undefined ? DEFAULT_RATE : undefined),
      records,
      runId: `${process.pid}-${Math.floor(this.#clock.now())}`,
      ensureTopic: (topic) => this.#topics.ensure(connection, topic),
      stallMs: STALL_MS + longest,
    })
    await this.#run.run(producer)
  }

  /** The app has changed. */
  update({ handlers, traffic }: LoadedApp): void {
    this.#handlers = handlers
    this.#run?.setHandlers(handlers)
    if (traffic === undefined || traffic === this.#source) return
    this.#source = traffic
    this.#run?.setSource(traffic(seededRandom(this.#options.seed)))
  }

  onEvent(event: RuntimeEvent): void {
    // `performance` counts from the start of the process.
    if (event.kind === 'record.done') this.#firstRecordMs ??= performance.now()
    this.#run?.onEvent(event)
    if (event.kind !== 'partition.assigned') return
    this.#assigned.add(event.topic)
    this.#onAssigned()
  }

  onStart(handlerId: string, record: HandlerRecord<unknown>): void {
    this.#run?.onStart(handlerId, record)
  }

  onEnd(handlerId: string, record: HandlerRecord<unknown>, hasSucceeded: boolean): void {
    this.#run?.onEnd(handlerId, record, hasSucceeded)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    // Its timer would keep the process.
    this.#onAssigned()
    this.#run?.stop()
    await this.#producer?.close(PRODUCER_CLOSE_MS)
  }

  /** Undefined before it has begun. */
  verdict(): { readonly summary: TrafficSummary; readonly violations: readonly string[] } | undefined {
    if (this.#run === undefined) return undefined
    const { ledger, checker, endedBefore } = this.#run
    return {
      summary: summarize(ledger.totals(), checker, this.#firstRecordMs, endedBefore),
      violations: checker.violations,
    }
  }

  /** Latencies should not count the time that the group took to form. */
  async #untilAssigned(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(ASSIGNMENT_TIMEOUT_MS, resolve)
      this.#onAssigned = () => {
        if (!this.#isStopped && !this.#handlers.every(({ route }) => this.#assigned.has(route.topic))) return
        timer.cancel()
        resolve()
      }
      this.#onAssigned()
    })
  }
}
