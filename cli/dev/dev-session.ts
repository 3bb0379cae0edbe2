/** One run of `pyrallel dev`, from the broker's start to its end. Owns what must be stopped, and stops it in one order. */
import type { HandlerRecord } from '../../framework/handler.ts'
import type { RecordProducer } from '../../framework/kafka/kafka-client.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { recordId } from '../../framework/model/record.ts'
import type { Clock } from '../../framework/runtime/clock.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import type { ResolvedHandler, Runtime } from '../../framework/runtime/runtime.ts'
import { exitCodes } from '../failure.ts'
import { hasColor, type Io } from '../io.ts'
import { type Paint, painter } from '../paint.ts'
import { version } from '../version.ts'
import { removeDevFile, writeDevFile } from './dev-file.ts'
import type { DevOptions } from './dev-options.ts'
import { type ProbeObserver, probed } from './handler-probe.ts'
import { headerText } from './header.ts'
import { JsonView } from './json-view.ts'
import { DEV_PARTITIONS, type DevBroker, openBroker } from './open-broker.ts'
import type { PreparedDev } from './prepare-dev.ts'
import { TerminalView } from './terminal-view.ts'
import { TrafficRun } from './traffic-run.ts'
import { isSound, summarize, summaryText } from './traffic-summary.ts'
import type { View } from './view.ts'

const DEFAULT_RATE = 200
const STALL_MS = 30_000
const PRODUCER_CLOSE_MS = 5_000
/** How long the traffic waits for the group to form. Longer than any embedded broker takes. */
const ASSIGNMENT_TIMEOUT_MS = 15_000

export class DevSession implements ProbeObserver {
  readonly #prepared: PreparedDev
  readonly #options: DevOptions
  readonly #io: Io
  readonly #clock: Clock
  readonly #paint: Paint
  readonly #view: View
  readonly #topics = new Map<string, Promise<void>>()
  /** Topics that have a partition assigned to us. */
  readonly #assigned = new Set<string>()
  /** What the attempts that run have published so far, by handler and record. */
  readonly #published = new Map<string, string[]>()
  #onAssigned: () => void = () => {}
  #firstRecordMs: number | undefined
  #broker: DevBroker | undefined
  #runtime: Runtime | undefined
  #traffic: TrafficRun | undefined
  #producer: RecordProducer | undefined

  constructor(prepared: PreparedDev, options: DevOptions, io: Io, clock: Clock) {
    this.#prepared = prepared
    this.#options = options
    this.#io = io
    this.#clock = clock
    this.#paint = painter(hasColor(io.stdout, io.env))
    const write = (text: string) => {
      io.stdout.write(text)
    }
    this.#view =
      options.json === true
        ? new JsonView(write, clock)
        : new TerminalView({
            write,
            clock,
            paint: this.#paint,
            root: prepared.project.root,
            widths: widthsOf(prepared.handlers),
          })
  }

  /** Until a signal comes, the traffic is done, or the runtime fails. @returns the exit code */
  async run(stopRequested: Promise<NodeJS.Signals>): Promise<number> {
    try {
      const broker = await this.#openBroker()
      const runtime = this.#createRuntime(broker)
      const ended = Promise.race([stopRequested.then(() => 'stop' as const), runtime.failed])
      this.#showHeader(broker)
      if ((await Promise.race([runtime.start(), ended])) === 'stop') return exitCodes.fine
      const traffic = this.#runTraffic(broker)
      const isBounded = this.#options.records !== undefined
      const why = await Promise.race([
        ended,
        ...(isBounded ? [traffic.then(() => 'done' as const)] : []),
        ignoreEnd(traffic),
      ])
      if (why === 'stop') this.#say('stopping: what is in flight is finished first; Ctrl-C again stops at once')
    } finally {
      await this.#stop()
    }
    return this.#verdict()
  }

  /** For a second signal: nothing is waited for. What was in flight will be delivered again. */
  abandon(): void {
    this.#runtime?.abort()
    this.#view.close()
    removeDevFile(this.#prepared.project.root, process.pid)
  }

  onStart(handlerId: string, record: HandlerRecord<unknown>): void {
    this.#traffic?.onStart(handlerId, record)
  }

  onEnd(handlerId: string, record: HandlerRecord<unknown>, hasSucceeded: boolean): void {
    this.#traffic?.onEnd(handlerId, record, hasSucceeded)
  }

  async onPublish(handlerId: string, record: HandlerRecord<unknown>, topic: string): Promise<void> {
    await this.#ensureTopic(topic)
    const id = `${handlerId} ${record.id}`
    this.#published.set(id, [...(this.#published.get(id) ?? []), topic])
  }

  async #openBroker(): Promise<DevBroker> {
    const { project, handlers, log } = this.#prepared
    const topics = handlers.flatMap(({ route }) => [
      route.topic,
      ...(route.deadLetterTopic === null ? [] : [route.deadLetterTopic]),
    ])
    const broker = await openBroker({
      brokers: this.#options.brokers,
      kind: this.#options.broker,
      kafka: project.config.kafka,
      topics: [...new Set(topics)],
      log,
    })
    this.#broker = broker
    for (const topic of topics) this.#topics.set(topic, Promise.resolve())
    writeDevFile(project.root, { pid: process.pid, kind: broker.kind, brokers: broker.address })
    return broker
  }

  #createRuntime(broker: DevBroker): Runtime {
    const { project, handlers, log } = this.#prepared
    const { kafka, limits, commit, shutdown, http } = project.config
    const runtime = createRuntime({
      connection: broker.connection,
      handlers: handlers.map((handler) => probed(handler, this)),
      startFrom: kafka.startFrom,
      ...(kafka.instanceId === undefined ? {} : { instanceId: kafka.instanceId }),
      limits,
      commit,
      lifecycle: shutdown,
      http,
      log,
      clock: this.#clock,
      onEvent: (event) => this.#onEvent(event),
      // The view shows them on the same terminal.
      logEvents: false,
    })
    this.#runtime = runtime
    return runtime
  }

  #onEvent(event: RuntimeEvent): void {
    // `performance` counts from the start of the process.
    if (event.kind === 'record.done') this.#firstRecordMs ??= performance.now()
    this.#view.onEvent(event, this.#takePublished(event))
    this.#traffic?.onEvent(event)
    if (event.kind === 'partition.assigned') {
      this.#assigned.add(event.topic)
      this.#onAssigned()
    }
  }

  /** The attempt is over with its event, so its list is too: nothing piles up. */
  #takePublished(event: RuntimeEvent): readonly string[] {
    if (event.kind !== 'record.done' && event.kind !== 'record.retry' && event.kind !== 'record.dead') return []
    const id = `${event.handlerId} ${recordId(event.record)}`
    const topics = this.#published.get(id) ?? []
    this.#published.delete(id)
    return topics
  }

  async #runTraffic(broker: DevBroker): Promise<void> {
    const { traffic, handlers } = this.#prepared
    if (traffic === undefined) return
    const { records, rate } = this.#options
    await this.#untilAssigned()
    this.#producer = await broker.connection.producer()
    this.#traffic = new TrafficRun({
      source: traffic.source,
      handlers,
      clock: this.#clock,
      rate: rate ?? (records === undefined ? DEFAULT_RATE : undefined),
      records,
      runId: `${process.pid}-${Math.floor(this.#clock.now())}`,
      ensureTopic: (topic) => this.#ensureTopic(topic),
      stallMs: STALL_MS + Math.max(...handlers.map(({ timeoutMs, route }) => timeoutMs + route.retry.maxMs)),
    })
    await this.#traffic.run(this.#producer)
  }

  /** Latencies should not count the time that the group took to form. */
  async #untilAssigned(): Promise<void> {
    const wanted = this.#prepared.handlers.map(({ route }) => route.topic)
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(ASSIGNMENT_TIMEOUT_MS, resolve)
      this.#onAssigned = () => {
        if (!wanted.every((topic) => this.#assigned.has(topic))) return
        timer.cancel()
        resolve()
      }
      this.#onAssigned()
    })
  }

  /** Topics that are only published to are in no route, so they are made when first needed. */
  #ensureTopic(topic: string): Promise<void> {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const created = this.#broker?.connection.createTopics([topic], DEV_PARTITIONS) ?? Promise.resolve()
    this.#topics.set(topic, created)
    return created
  }

  async #stop(): Promise<void> {
    this.#traffic?.stop()
    await this.#producer?.close(PRODUCER_CLOSE_MS)
    // Closes the connection too.
    if (this.#runtime !== undefined) await this.#runtime.stop()
    else await this.#broker?.connection.close()
    await this.#broker?.stop()
    this.#view.close()
    removeDevFile(this.#prepared.project.root, process.pid)
  }

  #verdict(): number {
    const traffic = this.#traffic
    if (traffic === undefined || this.#options.records === undefined) return exitCodes.fine
    const summary = summarize(traffic.ledger.totals(), traffic.checker, this.#firstRecordMs)
    const { violations } = traffic.checker
    this.#io.stdout.write(
      this.#options.json === true
        ? `${JSON.stringify({ kind: 'summary', ...summary, violationTexts: violations })}\n`
        : summaryText(summary, violations, this.#paint),
    )
    return isSound(summary) ? exitCodes.fine : exitCodes.failed
  }

  #showHeader(broker: DevBroker): void {
    const { handlers, generatedMs, traffic } = this.#prepared
    if (this.#options.json === true) {
      const topics = handlers.map(({ route }) => ({
        handler: route.handlerId,
        topic: route.topic,
        deadLetterTopic: route.deadLetterTopic,
      }))
      const facts = {
        kind: 'starting',
        broker: broker.kind,
        address: broker.address,
        fallback: broker.fallback ?? null,
      }
      this.#io.stdout.write(`${JSON.stringify({ ...facts, handlers: topics })}\n`)
      return
    }
    const facts = { version: version(), nodeVersion: process.versions.node, broker, handlers, generatedMs }
    this.#io.stdout.write(headerText({ ...facts, traffic: traffic?.file }, this.#paint))
  }

  #say(text: string): void {
    if (this.#options.json !== true) this.#io.stdout.write(`\n  ${text}\n`)
  }
}

/** Rejects when the traffic fails, and otherwise never settles: without a number of records, its end is not the session's. */
function ignoreEnd(traffic: Promise<void>): Promise<never> {
  return new Promise((_resolve, reject) => {
    traffic.catch(reject)
  })
}

function widthsOf(handlers: readonly ResolvedHandler[]): { readonly place: number; readonly handler: number } {
  return {
    // `topic[9]@12345`
    place: Math.max(...handlers.map(({ route }) => route.topic.length)) + 9,
    handler: Math.max(...handlers.map(({ route }) => route.handlerId.length)),
  }
}
