/** The console: puts together what answers below `/api`, and starts and stops it. Owns no port: whoever has one hands requests on. */
import { randomBytes } from 'node:crypto'
import type { ViewedConnection } from '../kafka/kafka-client.ts'
import type { RuntimeEvent } from '../model/events.ts'
import type { Logger } from '../model/logger.ts'
import type { WatchPoint } from '../model/record-watch.ts'
import type { TokenCheck } from '../observability/token-check.ts'
import type { Clock } from '../time/clock.ts'
import { deadLetterEndpoints } from './dead-letters.ts'
import type { BucketsOf } from './durations.ts'
import { type Editor, FailurePlaces } from './failure-places.ts'
import { groupEndpoints } from './groups.ts'
import { handlerActions } from './handler-actions.ts'
import { ConsolePages, type PageFiles } from './http/console-pages.ts'
import type { Endpoint } from './http/endpoint.ts'
import { Instances } from './instances.ts'
import { LetterReading } from './letter-reading.ts'
import { LetterReplays } from './letter-replays.ts'
import { LiveRecords } from './live-records.ts'
import { Looks } from './looks.ts'
import type { Mask } from './mask.ts'
import { Overview, thisInstance } from './overview.ts'
import type { PeersOptions } from './peers.ts'
import type { AboutAnswer } from './protocol.ts'
import { ReadKeys } from './read-keys.ts'
import { ReadValues } from './read-values.ts'
import { Records } from './records.ts'
import { replayActions } from './replay-actions.ts'
import { streamMetrics } from './stream-frames.ts'
import { Streams } from './streams.ts'
import type { WatchedRuntime } from './watched-runtime.ts'

export interface ConsoleOptions {
  /** Undefined while there is none. */
  readonly runtime: () => WatchedRuntime | undefined
  /** Where it says that somebody looks on: while a page is open. */
  readonly watchPoint: WatchPoint
  /** Undefined: only `/api` is answered. */
  readonly page: PageFiles | undefined
  readonly mode: AboutAnswer['mode']
  readonly version: string | null
  readonly canAct: boolean
  readonly mask: Mask
  /** The project's folder, absolute: below it lie the sources that failures come from. */
  readonly root: string
  /** Opens those sources; `null`: none that is known, or nobody's business. */
  readonly editor: Editor | null
  readonly token: TokenCheck | undefined
  /** Host names under which it may be asked, beside localhost and IP addresses. */
  readonly names: readonly string[]
  readonly bucketsOf: BucketsOf
  /** Where dead letters are looked for; undefined: nowhere at the moment. */
  readonly cluster: () => ViewedConnection | undefined
  /** Other processes that have a console; undefined: none that is known. */
  readonly peers: PeersOptions | undefined
  /** More of them, below `/api/dev`: there are some in a dev session only. */
  readonly devEndpoints: readonly Endpoint[]
  readonly log: Logger
  readonly clock: Clock
}

export class Console {
  readonly pages: ConsolePages
  /** What it answers, for the list in its document. */
  readonly endpoints: readonly Endpoint[]
  readonly #looks: Looks
  readonly #live: LiveRecords
  readonly #streams: Streams
  readonly #replays: LetterReplays

  constructor(options: ConsoleOptions) {
    const { page, token, names, log, clock, mask, mode, version, canAct, devEndpoints } = options
    const looks = new Looks(options)
    const keys = new ReadKeys(options)
    const instance = thisInstance(randomBytes(6).toString('hex'), Math.round(clock.now()))
    const can = { act: canAct, replay: canAct, dev: devEndpoints.length > 0 }
    const overview = new Overview({ looks, mask, keys, instance, version, mode, can })
    const live = new LiveRecords({ ...options, keys })
    const streams = new Streams({
      live,
      instance: instance.id,
      clock,
      snapshot: () => {
        const { metrics, verdict } = overview.snapshot()
        return { metrics: streamMetrics(metrics), verdict, handlers: overview.handlers() }
      },
      partitions: (of) => records.ribbons(of),
    })
    const acting = {
      runtime: () => looks.runtime(),
      canAct,
      log,
      note: streams.note.bind(streams),
      now: () => clock.now(),
    }
    const shown = { mask, keys, places: new FailurePlaces(options.root, options.editor) }
    const reads = new ReadValues(clock)
    const records = new Records({ ...acting, ...shown, looks, traces: live.traces, reads, clock })
    const self = () => ({ about: overview.about(), verdict: overview.snapshot().verdict })
    const instances = new Instances({ peers: options.peers, self, now: () => clock.now() })
    const replays = new LetterReplays(options.cluster, clock)
    const letters = {
      runtime: acting.runtime,
      reading: new LetterReading(options.cluster, clock),
      ...shown,
      reads,
      clock,
    }
    this.endpoints = [
      ...overview.endpoints,
      ...streams.endpoints,
      ...live.endpoints,
      ...groupEndpoints(looks),
      ...instances.endpoints,
      ...deadLetterEndpoints(letters),
      ...records.endpoints,
      ...replayActions({ ...acting, replays }),
      ...handlerActions(acting),
      ...devEndpoints,
    ]
    const guard = { names: new Set(names.map((name) => name.toLowerCase())), token }
    this.pages = new ConsolePages({ ...guard, page, endpoints: this.endpoints, log })
    this.#looks = looks
    this.#live = live
    this.#streams = streams
    this.#replays = replays
  }

  /** How many read the stream: while it is 0, nothing need be counted for them. */
  get readers(): number {
    return this.#streams.count
  }

  start(): void {
    this.#looks.start()
  }

  /** Before the connection is closed: what is published by then is marked. */
  endReplays(): Promise<void> {
    return this.#replays.close()
  }

  stop(): void {
    this.#looks.stop()
    this.#streams.close()
  }

  /** All but `record.done`, which comes for every record and is counted elsewhere. */
  onEvent(group: string, event: RuntimeEvent): void {
    this.#looks.onEvent(group, event)
    this.#live.onEvent(group, event)
    this.#streams.onEvent(group, event)
  }
}
