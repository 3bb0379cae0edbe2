/** The generated traffic of a session: begins it once the groups have formed, keeps it in step with the app, and says how it went. */

import type { HandlerRecord } from '../../../framework/api/handler.ts'
import type { TrafficRecord, TrafficSource } from '../../../framework/api/traffic.ts'
import type { KafkaConnection, RecordProducer } from '../../../framework/kafka/kafka-client.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import { isTopicName } from '../../../framework/model/topic-pattern.ts'
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

export interface DevTrafficParts {
  readonly options: DevOptions
  readonly clock: Clock
  readonly topics: TopicMaker
  /** The traffic file, relative to the project. */
  readonly file: string
  /** The file has made a mistake while it made records: without a number of records, it is waited for the next save. */
  readonly onMistake: (mistake: Error) => void
}

export class DevTraffic {
  readonly #parts: DevTrafficParts
  /** Topics that have a partition assigned to us. */
  readonly #assigned = new Set<string>()
  #handlers: readonly ResolvedHandler[]
  #source: TrafficSource
  #onAssigned: () => void = () => {}
  #isStopped = false
  #firstRecordMs: number | undefined
  #producer: RecordProducer | undefined
  #run: TrafficRun | undefined

  constructor(parts: DevTrafficParts, app: LoadedApp & { readonly traffic: TrafficSource }) {
    this.#parts = parts
    this.#handlers = app.handlers
    this.#source = app.traffic
  }

  /** Settles when the records that were asked for are done, or it was stopped. */
  async run(connection: KafkaConnection): Promise<void> {
    const { clock, file, topics, onMistake } = this.#parts
    const { records, rate } = this.#parts.options
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
      source: this.#begin(),
      file,
      handlers: this.#handlers,
      clock,
      rate: rate ?? (records === undefined ? DEFAULT_RATE : undefined),
      records,
      runId: `${process.pid}-${Math.floor(clock.now())}`,
      ensureTopic: (topic) => topics.ensure(connection, topic),
      stallMs: STALL_MS + longest,
      // With a number of records, it is a measurement, which has failed.
      ...(records === undefined ? { onMistake } : {}),
    })
    await this.#run.run(producer)
  }

  /** The app has changed. */
  update({ handlers, traffic }: LoadedApp): void {
    this.#handlers = handlers
    this.#run?.setHandlers(handlers)
    if (traffic === undefined) return
    const isNew = traffic !== this.#source
    this.#source = traffic
    // After a mistake it begins again, as what it needs may be there by now.
    if (isNew || this.#run?.isWaiting === true) this.#run?.setSource(this.#begin())
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

  /** What a source does before its first record is a part of its first record: so its mistakes are told like any other. */
  *#begin(): Generator<TrafficRecord> {
    const records = this.#source(seededRandom(this.#parts.options.seed))
    yield* { [Symbol.iterator]: () => records }
  }

  /** Latencies should not count the time that the group took to form. */
  async #untilAssigned(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#parts.clock.setTimer(ASSIGNMENT_TIMEOUT_MS, resolve)
      this.#onAssigned = () => {
        // What a pattern matches may be made by the traffic itself.
        const isAssigned = ({ route }: ResolvedHandler) => !isTopicName(route.topic) || this.#assigned.has(route.topic)
        if (!this.#isStopped && !this.#handlers.every(isAssigned)) return
        timer.cancel()
        resolve()
      }
      this.#onAssigned()
    })
  }
}
