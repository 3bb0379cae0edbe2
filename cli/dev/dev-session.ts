/** One run of `pyrallel dev`, from the broker's start to its end. Owns what must be stopped, and stops it in one order. */

import { StrayFaults } from '../../framework/execution-plane/engines/stray-faults.ts'
import { allSettled } from '../../framework/model/all-settled.ts'
import { Closers } from '../../framework/model/closers.ts'
import type { Clock } from '../../framework/time/clock.ts'
import { removeDevFile, writeDevFile } from '../cluster/dev-file.ts'
import { placeIn } from '../project/project.ts'
import { exitCodes } from '../terminal/failure.ts'
import type { Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import type { StopSignals } from '../terminal/stop-signals.ts'
import type { LoadedApp } from './app/app-loader.ts'
import { FileWatch } from './app/file-watch.ts'
import type { DevOptions } from './broker/dev-options.ts'
import { type DevBroker, openBroker } from './broker/open-broker.ts'
import { TopicMaker, topicsOf } from './broker/topic-maker.ts'
import { DevConsole } from './console/dev-console.ts'
import { DevKeys } from './dev-keys.ts'
import { type AppliedChange, DevRuntime } from './dev-runtime.ts'
import type { PreparedDev } from './prepare-dev.ts'
import { DevRegistry } from './registry/dev-registry.ts'
import { Reloader } from './reloader.ts'
import { SessionObserver } from './session-observer.ts'
import { DevTraffic } from './traffic/dev-traffic.ts'
import { isSound, summaryText } from './traffic/traffic-summary.ts'
import { SessionOutput } from './view/session-output.ts'

export class DevSession {
  readonly #prepared: PreparedDev
  readonly #options: DevOptions
  readonly #io: Io
  readonly #clock: Clock
  readonly #output: SessionOutput
  readonly #observer: SessionObserver
  readonly #topics = new TopicMaker()
  readonly #closers = new Closers()
  readonly #failure = new Failure()
  #app: LoadedApp

  constructor(prepared: PreparedDev, options: DevOptions, io: Io, clock: Clock) {
    this.#prepared = prepared
    this.#app = prepared.app
    this.#options = options
    this.#io = io
    this.#clock = clock
    const { root, app } = prepared
    this.#output = new SessionOutput({ io, clock, isJson: options.json === true, root, handlers: app.handlers })
    this.#observer = new SessionObserver(this.#output.view, clock)
  }

  /**
   * Until a signal comes, the traffic is done, or the runtime fails.
   * @param open replaced in tests
   * @returns the exit code
   * @throws what ended it, together with what could not be closed
   */
  async run(signals: StopSignals, open: typeof openBroker = openBroker): Promise<number> {
    await this.#closers.around(() => this.#run(signals, open))
    return this.#verdict()
  }

  /** For a second signal: nothing is waited for. What was in flight will be delivered again. */
  abandon(): void {
    this.#closers.abandon()
  }

  /** A run with a number of records is a measurement: its code stays as it is. */
  get #isWatching(): boolean {
    return this.#options.records === undefined
  }

  async #run(signals: StopSignals, open: typeof openBroker): Promise<void> {
    const { loader } = this.#prepared
    const strayFaults = this.#listenToFaults()
    this.#closers.add('what was bundled', () => loader.close())
    const closeOutput = () => this.#output.close()
    this.#closers.add('the output', closeOutput, closeOutput)
    if (await hasCome(signals.first)) return this.#sayStopping()
    const broker = await this.#openBroker(open)
    if (await hasCome(signals.first)) return this.#sayStopping()
    const registry = new DevRegistry()
    this.#closers.add('the registry', () => registry.close())
    await registry.configFor(this.#app.project.config, this.#app.handlers)
    // Closed behind the runtime: while it stops, `?` still says what waits.
    let keys: DevKeys | undefined
    const closeKeys = () => keys?.close()
    this.#closers.add('the keyboard', closeKeys, closeKeys)
    const runtime = this.#createRuntime(broker, strayFaults, registry)
    if (this.#isWatching) await this.#openConsole(broker, runtime)
    let watch: FileWatch | undefined
    const reloader = this.#createReloader(runtime, () => watch?.setFiles(loader.watched()))
    this.#closers.add(
      'the runtime',
      // At once: a reload that is under way waits for what it starts, which only the runtime's stop ends.
      () => allSettled([reloader.close(), runtime.stop()]),
      () => runtime.abort(),
    )
    const { trafficFile, app } = this.#prepared
    this.#output.view.showHeader({
      broker,
      app,
      trafficFile,
      isWatching: this.#isWatching,
      registry: registry.url,
      console: this.#observer.console?.url,
    })
    void broker.died.then((error) => {
      // What is in flight cannot be committed any more, so it is not waited for.
      runtime.abort()
      this.#failure.fail(error)
    })
    const ended = Promise.race([signals.first.then(() => 'stop' as const), this.#failure.failed])
    const traffic = this.#createTraffic()
    if ((await Promise.race([runtime.start(this.#app), ended])) === 'stop') return this.#sayStopping()
    if (this.#isWatching) watch = await this.#watchFiles(reloader)
    keys = this.#openKeys(broker, runtime, signals)
    const running = traffic?.run(broker.connection) ?? Promise.resolve()
    const why = await Promise.race([
      ended,
      ...(this.#isWatching ? [] : [running.then(() => 'done' as const)]),
      ignoreEnd(running),
    ])
    if (why === 'stop') this.#sayStopping()
  }

  /** For as long as the session: a mistake in a handler, or in a traffic file, must not take the broker with it, and all that was sent. */
  #listenToFaults(): StrayFaults {
    const strayFaults = new StrayFaults({
      log: this.#output.logOf(this.#app.project.config),
      onException: (error) => this.#onException(error),
      clock: this.#clock,
    })
    strayFaults.listen()
    if (this.#isWatching) strayFaults.followAll()
    this.#closers.add('the watch for faults', () => strayFaults.close())
    return strayFaults
  }

  async #openBroker(open: typeof openBroker): Promise<DevBroker> {
    const { root, app } = this.#prepared
    const topics = topicsOf(app.handlers)
    const { config } = app.project
    const { brokers, broker: kind } = this.#options
    const { kafka, commit } = config
    const { exactlyOnce } = commit
    const broker = await open({ brokers, kind, kafka, exactlyOnce, topics, log: this.#output.logOf(config) })
    this.#closers.add('the broker', () => broker.stop())
    this.#closers.add('the connection to the broker', () => broker.connection.close())
    this.#topics.add(topics)
    const remove = () => removeDevFile(root, process.pid)
    this.#closers.add('.pyrallel/dev.json', remove, remove)
    writeDevFile(root, { pid: process.pid, kind: broker.kind, brokers: broker.address })
    return broker
  }

  #onException(error: Error): void {
    const what = `${error.name}: ${error.message}${placeIn(this.#prepared.root, error)}`
    const text = `Nobody caught this, and it belongs to no record: ${what}. \`pyrallel start\` stops in order then.`
    this.#output.view.onNote({ kind: 'error', code: 'PYR_UNCAUGHT', message: text, isRunning: true })
  }

  #createRuntime(broker: DevBroker, strayFaults: StrayFaults, registry: DevRegistry): DevRuntime {
    return new DevRuntime({
      broker,
      topics: this.#topics,
      registry,
      observer: this.#observer,
      logOf: (config) => this.#output.logOf(config),
      clock: this.#clock,
      strayFaults,
      onEvent: (event) => this.#observer.onEvent(event),
      onGroupEvent: (group, event) => this.#observer.console?.onGroupEvent(group, event),
      watchPoint: this.#observer.watchPoint,
      faults: this.#observer.faults,
      onFailed: (error) => this.#failure.fail(error),
    })
  }

  /** Below the runtime's closer, so that it answers until that has stopped. */
  async #openConsole({ connection, kind }: DevBroker, runtime: DevRuntime): Promise<void> {
    const console = await DevConsole.open({
      root: this.#prepared.root,
      runtime: () => runtime.runtime,
      handlers: () => this.#app.handlers,
      cluster: connection,
      topics: this.#topics,
      watchPoint: this.#observer.watchPoint,
      isOwnCluster: kind === 'cluster',
      faults: this.#observer.faults,
      log: this.#output.logOf(this.#app.project.config),
      clock: this.#clock,
      io: this.#io,
    })
    this.#observer.console = console
    this.#closers.add('the console', () => console.close())
  }

  #showConsole(): void {
    const { console } = this.#observer
    if (console !== undefined && !console.show()) this.#output.view.say(`console ${console.url}`)
  }

  #createReloader(runtime: DevRuntime, onLoaded: () => void): Reloader {
    return new Reloader({
      load: (changed) => this.#prepared.loader.load(changed),
      apply: (app) => this.#apply(runtime, app),
      isRunning: () => runtime.isRunning,
      say: (note) => this.#output.view.onNote(note),
      warnings: this.#app.warnings,
      advice: this.#app.project.warnings,
      onLoaded,
      now: () => this.#clock.now(),
    })
  }

  async #watchFiles(reloader: Reloader): Promise<FileWatch> {
    const { root, loader, since } = this.#prepared
    const { view } = this.#output
    const onError = ({ message }: Error) => {
      view.onNote({
        kind: 'error',
        code: 'PYR_WATCH',
        message: `Changes may go unnoticed: ${message}.`,
        isRunning: true,
      })
    }
    const onChange = (files: readonly string[]) => reloader.onChange(files)
    const watch = await FileWatch.open({ root, clock: this.#clock, since, onChange, onError }, () => loader.watched())
    this.#closers.add('the watch for files', () => watch.close())
    view.onNote({ kind: 'watching' })
    return watch
  }

  async #apply(runtime: DevRuntime, app: LoadedApp): Promise<AppliedChange> {
    const change = await runtime.apply(app)
    this.#app = app
    this.#observer.traffic?.update(app)
    return change
  }

  #openKeys(broker: DevBroker, runtime: DevRuntime, signals: StopSignals): DevKeys | undefined {
    if (this.#options.json === true) return undefined
    return DevKeys.open({
      stdin: this.#io.stdin,
      stdout: this.#io.stdout,
      outputs: this.#output.outputs,
      write: (text) => this.#io.stdout.write(text),
      paint: this.#output.paint,
      runtime: () => runtime.runtime,
      handlers: () => this.#app.handlers,
      connection: broker.connection,
      topics: this.#topics,
      say: (note) => this.#output.view.onNote(note),
      onOpen: () => this.#showConsole(),
      onQuit: () => signals.raise('SIGINT'),
      onInterrupt: () => signals.raise('SIGINT'),
    })
  }

  #sayStopping(): void {
    this.#output.view.say('stopping: what is in flight is finished first; Ctrl-C again stops at once')
  }

  /** Before the runtime begins: it waits for the groups to form, and must not miss that. */
  #createTraffic(): DevTraffic | undefined {
    const { traffic } = this.#app
    const { trafficFile } = this.#prepared
    if (traffic === undefined || trafficFile === undefined) return undefined
    const onMistake = ({ message }: Error) => {
      const text = `${message}\nThe traffic waits for a save; the handlers go on.`
      this.#output.view.onNote({ kind: 'error', code: 'PYR_TRAFFIC', message: text, isRunning: true })
    }
    const parts = { options: this.#options, clock: this.#clock, topics: this.#topics, file: trafficFile, onMistake }
    const made = new DevTraffic(parts, { ...this.#app, traffic })
    this.#observer.traffic = made
    this.#closers.add('the traffic', () => made.stop())
    return made
  }

  #verdict(): number {
    const verdict = this.#observer.traffic?.verdict()
    if (verdict === undefined || this.#isWatching) return exitCodes.fine
    const { summary, violations } = verdict
    this.#io.stdout.write(
      this.#options.json === true
        ? `${jsonText({ kind: 'summary', ...summary, violationTexts: violations })}\n`
        : summaryText(summary, violations, this.#output.paint),
    )
    return isSound(summary) ? exitCodes.fine : exitCodes.failed
  }
}

/** What a consumer, or the broker, cannot go on after. */
class Failure {
  /** Rejects with the first one. */
  readonly failed: Promise<never>
  #reject: (error: unknown) => void = () => {}

  constructor() {
    this.failed = new Promise((_resolve, reject) => {
      this.#reject = reject
    })
    this.failed.catch(() => {})
  }

  fail(error: unknown): void {
    this.#reject(error)
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
