/** The console of a session: a listener of its own on this machine, above the runtime, so that it outlives restarts. */

import { builtPage } from '../../../framework/console/built-page.ts'
import { Console } from '../../../framework/console/console.ts'
import { ConsolePages } from '../../../framework/console/http/console-pages.ts'
import { Mask } from '../../../framework/console/mask.ts'
import type { ViewedConnection } from '../../../framework/kafka/kafka-client.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import type { WatchPoint } from '../../../framework/model/record-watch.ts'
import { HttpServer } from '../../../framework/observability/http-server.ts'
import { TokenCheck } from '../../../framework/observability/token-check.ts'
import type { ResolvedHandler, Runtime } from '../../../framework/runtime/runtime.ts'
import type { Clock } from '../../../framework/time/clock.ts'
import { version } from '../../project/version.ts'
import { errorCode } from '../../terminal/failure.ts'
import type { Io } from '../../terminal/io.ts'
import type { TopicMaker } from '../broker/topic-maker.ts'
import type { Faults } from '../faults/faults.ts'
import { AttemptCounts } from './attempt-counts.ts'
import { consoleToken } from './console-token.ts'
import { devEndpoints } from './dev-endpoints.ts'
import { editorIn } from './editor.ts'
import { faultEndpoints } from './fault-endpoints.ts'
import { openPage, removePage } from './open-page.ts'

/** The same each time, so that a page that is open finds it again. */
const PORT = 9_465

export interface DevConsoleOptions {
  /** The project's folder, absolute. */
  readonly root: string
  readonly runtime: () => Runtime | undefined
  readonly handlers: () => readonly ResolvedHandler[]
  readonly cluster: ViewedConnection
  /** It is the user's own: nothing that this session has begun. */
  readonly isOwnCluster: boolean
  readonly faults: Faults
  readonly topics: TopicMaker
  readonly watchPoint: WatchPoint
  readonly log: Logger
  readonly clock: Clock
  readonly io: Pick<Io, 'env'>
}

export class DevConsole {
  /** Of the page, with the token behind the #, which no browser sends anywhere. */
  readonly url: string
  readonly #options: DevConsoleOptions
  readonly #console: Console
  readonly #server: HttpServer
  readonly #attempts: AttemptCounts

  private constructor(options: DevConsoleOptions, url: string, of: Console, server: HttpServer, at: AttemptCounts) {
    this.url = url
    this.#options = options
    this.#console = of
    this.#server = server
    this.#attempts = at
  }

  static async open(options: DevConsoleOptions): Promise<DevConsole> {
    const { root, runtime, handlers, topics, log, clock } = options
    const token = consoleToken(root)
    const attempts = new AttemptCounts()
    const made = new Console({
      runtime: () => {
        const running = runtime()
        return running === undefined ? undefined : watched(running, handlers)
      },
      watchPoint: options.watchPoint,
      page: builtPage,
      root,
      editor: editorIn(options.io.env),
      mode: 'development',
      version: version(),
      canAct: true,
      mask: new Mask(null),
      token: new TokenCheck(token, () => clock.now()),
      names: [],
      cluster: () => options.cluster,
      peers: undefined,
      devEndpoints: [
        ...devEndpoints({ handlers, connection: options.cluster, topics, log, random: Math.random }),
        ...faultEndpoints(options),
      ],
      bucketsOf: (_group, handlerId) => attempts.bucketsOf(handlerId),
      log,
      clock,
    })
    const [server, address] = await listen(made, log)
    made.start()
    const url = `${address}/#${token}`
    return new DevConsole(options, url, made, server, attempts)
  }

  /** Of every record too, but what is counted is counted only while somebody looks. */
  onEvent(event: RuntimeEvent): void {
    this.#options.faults.onEvent(event)
    if (this.#console.readers > 0) this.#attempts.onEvent(event)
  }

  onGroupEvent(group: string, event: RuntimeEvent): void {
    this.#console.onEvent(group, event)
  }

  /** @returns false where it cannot be opened */
  show(): boolean {
    const { root, io } = this.#options
    return openPage(root, this.url, io)
  }

  async close(): Promise<void> {
    await this.#console.endReplays()
    this.#console.stop()
    removePage(this.#options.root)
    await this.#server.close()
  }
}

async function listen(of: Console, log: Logger): Promise<readonly [HttpServer, string]> {
  const at = async (port: number): Promise<readonly [HttpServer, string]> => {
    const isEndless = ConsolePages.isStream
    const server = new HttpServer({ host: '127.0.0.1', port, pages: of.pages, isEndless, log })
    return [server, await server.listen()]
  }
  try {
    return await at(PORT)
  } catch (error) {
    if (errorCode(error) !== 'PYR_PORT_IN_USE') throw error
    // Another session, or anything else: any that is free will do.
    return await at(0)
  }
}

function watched(runtime: Runtime, handlers: () => readonly ResolvedHandler[]) {
  return {
    get handlers() {
      return handlers()
    },
    get paused() {
      return runtime.paused
    },
    snapshot: () => runtime.snapshot(),
    pause: (handlerId: string) => runtime.pause(handlerId),
    resume: (handlerId: string) => runtime.resume(handlerId),
    inspection: runtime.inspection,
    values: runtime.values,
    retryNow: runtime.retryNow.bind(runtime),
    giveUp: runtime.giveUp.bind(runtime),
    discard: runtime.discard.bind(runtime),
    closeBreaker: runtime.closeBreaker.bind(runtime),
  }
}
