/** One run of `pyrallel dev`, from the broker's start to its end. Owns what must be stopped, and stops it in one order. */

import type { HandlerRecord } from '../../framework/api/handler.ts'
import { StrayFaults } from '../../framework/execution-plane/engines/stray-faults.ts'
import { allSettled } from '../../framework/model/all-settled.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { inOrder } from '../../framework/model/in-order.ts'
import type { Clock } from '../../framework/time/clock.ts'
import { removeDevFile, writeDevFile } from '../cluster/dev-file.ts'
import { placeIn } from '../project/project.ts'
import { exitCodes } from '../terminal/failure.ts'
import { HeldOutput } from '../terminal/held-output.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { type Paint, painter } from '../terminal/paint.ts'
import type { StopSignals } from '../terminal/stop-signals.ts'
import type { LoadedApp } from './app/app-loader.ts'
import { FileWatch } from './app/file-watch.ts'
import type { DevOptions } from './broker/dev-options.ts'
import { type DevBroker, openBroker } from './broker/open-broker.ts'
import { TopicMaker, topicsOf } from './broker/topic-maker.ts'
import { DevKeys } from './dev-keys.ts'
import { type AppliedChange, DevRuntime } from './dev-runtime.ts'
import { type DevLogOutput, devLogger, openLogFold, type PreparedDev } from './prepare-dev.ts'
import { Reloader } from './reloader.ts'
import { DevTraffic } from './traffic/dev-traffic.ts'
import type { ProbeObserver } from './traffic/handler-probe.ts'
import { PublishedTopics } from './traffic/published-topics.ts'
import { isSound, summaryText } from './traffic/traffic-summary.ts'
import type { DevNote } from './view/dev-note.ts'
import type { LogFold } from './view/log-fold.ts'
import { SessionView } from './view/session-view.ts'

export class DevSession implements ProbeObserver {
  readonly #prepared: PreparedDev
  readonly #options: DevOptions
  readonly #io: Io
  readonly #clock: Clock
  readonly #paint: Paint
  readonly #stdout: HeldOutput
  readonly #stderr: HeldOutput
  readonly #fold: LogFold
  readonly #view: SessionView
  readonly #topics = new TopicMaker()
  readonly #published = new PublishedTopics()
  readonly #strayFaults: StrayFaults
  #app: LoadedApp
  #broker: DevBroker | undefined
  #runtime: DevRuntime | undefined
  #traffic: DevTraffic | undefined
  #watch: FileWatch | undefined
  #reloader: Reloader | undefined
  #keys: DevKeys | undefined
  #fail: (error: unknown) => void = () => {}
  /** Rejects when a consumer cannot go on. */
  readonly #failed: Promise<never>

  constructor(prepared: PreparedDev, options: DevOptions, io: Io, clock: Clock) {
    this.#prepared = prepared
    this.#app = prepared.app
    this.#options = options
    this.#stdout = new HeldOutput(io.stdout)
    this.#stderr = new HeldOutput(io.stderr)
    this.#fold = openLogFold(this.#stderr, io, clock)
    this.#io = io
    this.#clock = clock
    this.#paint = painter(hasColor(io.stdout, io.env))
    this.#view = new SessionView({
      write: (text) => this.#stdout.write(text),
      clock,
      paint: this.#paint,
      isJson: options.json === true,
      root: prepared.root,
      handlers: prepared.app.handlers,
    })
    this.#strayFaults = new StrayFaults({
      log: devLogger(prepared.app.project.config, options, this.#logOutput()),
      onException: (error) => this.#onException(error),
      clock,
    })
    this.#failed = new Promise((_resolve, reject) => {
      this.#fail = reject
    })
    this.#failed.catch(() => {})
  }

  /** Until a signal comes, the traffic is done, or the runtime fails. @returns the exit code */
  async run(signals: StopSignals): Promise<number> {
    // For as long as the session: a mistake in a handler, or in a traffic file, must not take the broker with it, and all that was sent.
    this.#strayFaults.listen()
    if (this.#isWatching) this.#strayFaults.followAll()
    try {
      if (await hasCome(signals.first)) return this.#sayStopping()
      const broker = await this.#openBroker()
      if (await hasCome(signals.first)) return this.#sayStopping()
      const runtime = this.#createRuntime(broker)
      const { trafficFile, app } = this.#prepared
      this.#view.showHeader({ broker, app, trafficFile, isWatching: this.#isWatching })
      void broker.died.then((error) => this.#onBrokerDied(error))
      const ended = Promise.race([signals.first.then(() => 'stop' as const), this.#failed])
      this.#traffic = this.#createTraffic()
      if ((await Promise.race([runtime.start(this.#app), ended])) === 'stop') return this.#sayStopping()
      if (this.#isWatching) await this.#watchFiles(runtime)
      this.#keys = this.#openKeys(broker, runtime, signals)
      const traffic = this.#traffic?.run(broker.connection) ?? Promise.resolve()
      const why = await Promise.race([
        ended,
        ...(this.#isWatching ? [] : [traffic.then(() => 'done' as const)]),
        ignoreEnd(traffic),
      ])
      if (why === 'stop') this.#sayStopping()
    } finally {
      await this.#stop()
      this.#strayFaults.close()
    }
    return this.#verdict()
  }

  /** For a second signal: nothing is waited for. What was in flight will be delivered again. */
  abandon(): void {
    this.#keys?.close()
    this.#runtime?.abort()
    this.#fold.close()
    this.#view.close()
    removeDevFile(this.#prepared.root, process.pid)
  }

  onStart(handlerId: string, record: HandlerRecord<unknown>): void {
    this.#traffic?.onStart(handlerId, record)
  }

  onEnd(handlerId: string, record: HandlerRecord<unknown>, hasSucceeded: boolean): void {
    this.#traffic?.onEnd(handlerId, record, hasSucceeded)
  }

  onPublish(handlerId: string, record: HandlerRecord<unknown>, topic: string): void {
    this.#published.add(handlerId, record, topic)
  }

  /** A run with a number of records is a measurement: its code stays as it is. */
  get #isWatching(): boolean {
    return this.#options.records === undefined
  }

  async #openBroker(): Promise<DevBroker> {
    const { root, app } = this.#prepared
    const topics = topicsOf(app.handlers)
    const { kafka } = app.project.config
    const log = devLogger(app.project.config, this.#options, this.#logOutput())
    const { brokers, broker: kind } = this.#options
    const broker = await openBroker({ brokers, kind, kafka, topics, log })
    this.#broker = broker
    this.#topics.add(topics)
    writeDevFile(root, { pid: process.pid, kind: broker.kind, brokers: broker.address })
    return broker
  }

  #onBrokerDied(error: Error): void {
    // What is in flight cannot be committed any more, so it is not waited for.
    this.#runtime?.abort()
    this.#fail(error)
  }

  #onException(error: Error): void {
    const what = `${error.name}: ${error.message}${placeIn(this.#prepared.root, error)}`
    const text = `Nobody caught this, and it belongs to no record: ${what}. \`pyrallel start\` stops in order then.`
    this.#view.onNote({ kind: 'error', code: 'PYR_UNCAUGHT', message: text, isRunning: true })
  }

  #createRuntime(broker: DevBroker): DevRuntime {
    const runtime = new DevRuntime({
      broker,
      topics: this.#topics,
      observer: this,
      logOf: (config) => devLogger(config, this.#options, this.#logOutput()),
      clock: this.#clock,
      strayFaults: this.#strayFaults,
      onEvent: (event) => this.#onEvent(event),
      onFailed: (error) => this.#fail(error),
    })
    this.#runtime = runtime
    return runtime
  }

  #logOutput(): DevLogOutput {
    return { stderr: this.#stderr, fold: this.#fold }
  }

  #onEvent(event: RuntimeEvent): void {
    this.#view.onEvent(event, this.#published.take(event))
    this.#traffic?.onEvent(event)
  }

  async #watchFiles(runtime: DevRuntime): Promise<void> {
    const { root, loader, since } = this.#prepared
    const say = (note: DevNote) => this.#view.onNote(note)
    const reloader = new Reloader({
      load: (changed) => loader.load(changed),
      apply: (app) => this.#apply(runtime, app),
      isRunning: () => runtime.isRunning,
      say,
      warnings: this.#app.warnings,
      advice: this.#app.project.warnings,
      onLoaded: () => this.#watch?.setFiles(loader.watched()),
      now: () => this.#clock.now(),
    })
    this.#reloader = reloader
    const onError = ({ message }: Error) => {
      say({ kind: 'error', code: 'PYR_WATCH', message: `Changes may go unnoticed: ${message}.`, isRunning: true })
    }
    const onChange = (files: readonly string[]) => reloader.onChange(files)
    this.#watch = await FileWatch.open({ root, clock: this.#clock, since, onChange, onError }, loader.watched())
    this.#view.onNote({ kind: 'watching' })
  }

  async #apply(runtime: DevRuntime, app: LoadedApp): Promise<AppliedChange> {
    const change = await runtime.apply(app)
    this.#app = app
    this.#traffic?.update(app)
    return change
  }

  #openKeys(broker: DevBroker, runtime: DevRuntime, signals: StopSignals): DevKeys | undefined {
    if (this.#options.json === true) return undefined
    return DevKeys.open({
      stdin: this.#io.stdin,
      stdout: this.#io.stdout,
      outputs: [this.#stdout, this.#stderr],
      write: (text) => this.#io.stdout.write(text),
      paint: this.#paint,
      runtime: () => runtime.runtime,
      handlers: () => this.#app.handlers,
      connection: broker.connection,
      topics: this.#topics,
      say: (note) => this.#view.onNote(note),
      onQuit: () => signals.raise('SIGINT'),
      onInterrupt: () => signals.raise('SIGINT'),
    })
  }

  #sayStopping(): number {
    this.#view.say('stopping: what is in flight is finished first; Ctrl-C again stops at once')
    return exitCodes.fine
  }

  /** Before the runtime begins: it waits for the groups to form, and must not miss that. */
  #createTraffic(): DevTraffic | undefined {
    const { traffic } = this.#app
    const { trafficFile } = this.#prepared
    if (traffic === undefined || trafficFile === undefined) return undefined
    return new DevTraffic(this.#options, this.#clock, this.#topics, { ...this.#app, traffic }, trafficFile)
  }

  async #stop(): Promise<void> {
    await inOrder([
      () => this.#watch?.close(),
      () => this.#traffic?.stop(),
      // At once: a reload that is under way waits for what it starts, which only the runtime's stop ends.
      () => allSettled([Promise.resolve(this.#reloader?.close()), Promise.resolve(this.#runtime?.stop())]),
      () => this.#broker?.connection.close(),
      () => this.#broker?.stop(),
      () => this.#keys?.close(),
      () => this.#fold.close(),
      () => this.#view.close(),
      () => this.#prepared.loader.close(),
      () => removeDevFile(this.#prepared.root, process.pid),
    ])
  }

  #verdict(): number {
    const verdict = this.#traffic?.verdict()
    if (verdict === undefined || this.#isWatching) return exitCodes.fine
    const { summary, violations } = verdict
    this.#io.stdout.write(
      this.#options.json === true
        ? `${jsonText({ kind: 'summary', ...summary, violationTexts: violations })}\n`
        : summaryText(summary, violations, this.#paint),
    )
    return isSound(summary) ? exitCodes.fine : exitCodes.failed
  }
}

/** Whether the promise has settled by now. It must not settle with `undefined`. */
async function hasCome(promise: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([promise, undefined])) !== undefined
}

/** Rejects when the traffic fails, and otherwise never settles: without a number of records, its end is not the session's. */
function ignoreEnd(traffic: Promise<void>): Promise<never> {
  return new Promise((_resolve, reject) => {
    traffic.catch(reject)
  })
}
