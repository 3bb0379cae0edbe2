/** Hears what handlers and runtime do in a session, and tells those who want to know: the traffic, and what is shown. */
import type { HandlerRecord } from '../../framework/api/handler.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { WatchPoint } from '../../framework/model/record-watch.ts'
import type { Clock } from '../../framework/time/clock.ts'
import type { DevConsole } from './console/dev-console.ts'
import { Faults } from './faults/faults.ts'
import type { DevTraffic } from './traffic/dev-traffic.ts'
import type { ProbeObserver } from './traffic/handler-probe.ts'
import { PublishedTopics } from './traffic/published-topics.ts'
import type { SessionView } from './view/session-view.ts'

export class SessionObserver implements ProbeObserver {
  /** `undefined`: there is none. */
  traffic: DevTraffic | undefined
  /** `undefined`: there is none. */
  console: DevConsole | undefined
  /** Of the console: it outlives the runtimes of a session. */
  readonly watchPoint = new WatchPoint()
  readonly faults: Faults
  readonly #view: SessionView
  readonly #published = new PublishedTopics()

  constructor(view: SessionView, clock: Clock) {
    this.faults = new Faults(clock)
    this.#view = view
  }

  onStart(handlerId: string, record: HandlerRecord<unknown>): void {
    this.traffic?.onStart(handlerId, record)
  }

  onEnd(handlerId: string, record: HandlerRecord<unknown>, hasSucceeded: boolean): void {
    this.traffic?.onEnd(handlerId, record, hasSucceeded)
  }

  onPublish(handlerId: string, record: HandlerRecord<unknown>, topic: string): void {
    this.#published.add(handlerId, record, topic)
  }

  onEvent(event: RuntimeEvent): void {
    this.#view.onEvent(event, this.#published.take(event))
    this.traffic?.onEvent(event)
    this.console?.onEvent(event)
  }
}
