/** The composition root's contract: what the command (and users without the command) start and stop. */
import type { ResourceLimits } from 'node:worker_threads'
import type { TSchema } from 'typebox'
import type { HandlerDefinition, Publish, Services } from '../api/handler.ts'
import type { ValueLooks } from '../console/watched-runtime.ts'
import type { EngineFaults } from '../execution-plane/engine-faults.ts'
import type { StrayFaults } from '../execution-plane/engines/stray-faults.ts'
import type { KafkaConnection } from '../kafka/kafka-client.ts'
import type { EventSink, RuntimeEvent } from '../model/events.ts'
import type { Logger } from '../model/logger.ts'
import type { WatchPoint } from '../model/record-watch.ts'
import type { CommitSettings, HttpSettings, Limits, Route, ScaleSettings, ShutdownSettings } from '../model/settings.ts'
import type { SystemMetrics } from '../model/snapshot.ts'
import type { PagesListener } from '../observability/operator-pages.ts'
import type { FormatTable } from '../publishing/topic-formats.ts'
import type { Clock } from '../time/clock.ts'
import type { Inspection, RecordActions } from './inspection.ts'
import type { OpenRegistry } from './runtime-schemas.ts'

/** One entry of `generated/routes.ts`: a handler and what the generator read about it. One of several topics has an entry for each, in its order. */
export interface RegisteredHandler {
  readonly id: string
  /** Relative to the project, for messages. */
  readonly file: string
  /** Of a handler whose topics are found by their names, the pattern's text: `/^orders\./`. */
  readonly topic: string
  /** `null`: the config's group. */
  readonly group: string | null
  /** The URL of the module that its threads load. Only of handlers with `engine: 'worker'`. */
  readonly entry?: string
  /** Derived from the type of the topic's values. A schema that the user wrote comes before it. */
  readonly schema?: TSchema
  /** Topics that it publishes to, as far as the generator could read them. */
  readonly publishes?: readonly string[]
  /** Derived schemas by topic, for what the handlers publish. */
  readonly topicSchemas?: Readonly<Record<string, TSchema>>
  /** What topics are written in where that is not JSON and text, also of those that nobody reads here. */
  readonly topicFormats?: FormatTable
  // biome-ignore lint/suspicious/noExplicitAny: each handler has a value type of its own; the runtime validates before it calls.
  readonly handler: HandlerDefinition<any, any>
}

/** A handler with every option resolved against the config's defaults. One of several topics comes once for each of them. */
export interface ResolvedHandler {
  readonly route: Route
  readonly group: string
  readonly file: string
  readonly timeoutMs: number
  /** Of a topic that was found: the pattern's text. The handler with the pattern itself, which reads nothing, stands before it. */
  readonly foundBy?: string
  /** With the schema in its topic, whoever wrote it. `topic` is that of the route. */
  readonly definition: HandlerDefinition<unknown>
  /** Topics that it publishes to; undefined where routes.ts is older than that. */
  readonly publishes?: readonly string[] | undefined
  /** Derived schemas by topic, for what it publishes. */
  readonly topicSchemas?: Readonly<Record<string, TSchema>> | undefined
  /** What topics are written in where that is not JSON and text. */
  readonly topicFormats?: FormatTable | undefined
  /** Undefined: it runs on the event loop. */
  readonly worker?: WorkerSettings | undefined
}

/** How the threads of one handler are made. What is undefined is Node's, or the machine's, to choose. */
export interface WorkerSettings {
  /** The URL of the module that they load: TypeScript as it was generated, or JavaScript that was bundled from it. */
  readonly entry: string
  readonly threads: number | undefined
  readonly resourceLimits: ResourceLimits
  readonly recycleAfter: number | undefined
}

export interface RuntimeOptions {
  readonly connection: KafkaConnection
  readonly handlers: readonly ResolvedHandler[]
  readonly startFrom: 'earliest' | 'latest'
  readonly instanceId?: string
  /** Ids of handlers that are paused from the start, until they are resumed. Default: none. */
  readonly paused?: readonly string[]
  readonly limits: Limits
  readonly commit: CommitSettings
  readonly shutdown: ShutdownSettings
  readonly log: Logger
  /**
   * Catches what handlers leave behind and what fails then; whoever owns the process makes it, and listens. Default none: a rejection or an
   * exception that nobody handles is the process's own, and Node ends it.
   */
  readonly strayFaults?: StrayFaults
  readonly clock?: Clock
  /** Opens the registry that has the schemas of values, once a handler needs one. Default: there is none. */
  readonly registry?: OpenRegistry
  /** Seeds jitter; default a random one. */
  readonly seed?: number
  /** How operators are answered. Default: not at all. */
  readonly http?: HttpSettings
  /** How many processes are asked for, where operators are answered. Default: those of the config. */
  readonly scale?: ScaleSettings
  /** Whether there is a `listener` though `http` is not enabled. Default false: nothing is counted that nobody asks for. */
  readonly hasListener?: boolean
  /** What handlers on the event loop get as `context.services`. Default: none, and to ask for them fails the attempt. */
  readonly services?: Services
  readonly onEvent?: EventSink
  /** As `onEvent`, with the group, and never `record.done`: what it hears of costs a record nothing. Must not throw. */
  readonly onGroupEvent?: (group: string, event: RuntimeEvent) => void
  /** Faults on demand, in a dev session. Default: none. */
  readonly faults?: EngineFaults
  /** Where whoever looks on says so. Default: one of its own, for the console in production. */
  readonly watchPoint?: WatchPoint
  /** Whether events are written to `log` too. Default true; false where `onEvent` shows them to the same reader. */
  readonly logEvents?: boolean
}

/** What an update has done. */
export interface RuntimeUpdate {
  /** They run other code, or by other rules, and their consumers have noticed nothing. */
  readonly replaced: readonly ReplacedHandler[]
  /** Groups whose consumer was stopped, restarted or started, sorted by name. */
  readonly groups: readonly GroupChange[]
}

export interface ReplacedHandler {
  readonly handlerId: string
  /** Attempts that finish on the old code. */
  readonly inFlight: number
}

export interface GroupChange {
  readonly group: string
  readonly change: 'started' | 'restarted' | 'stopped'
  readonly handlers: readonly SubscriptionChange[]
}

/** Why a group had to subscribe anew: what a handler reads, or in which order. */
export interface SubscriptionChange {
  readonly handlerId: string
  readonly what: 'added' | 'removed' | 'topic' | 'group' | 'ordering'
  readonly from: string | null
  readonly to: string | null
}

export interface Runtime extends RecordActions {
  /**
   * Connects, subscribes one consumer per group, and starts polling. Rejects when the broker, a topic or a paused handler is not there, and with
   * PYR_CLIENT_CLOSED when `stop` comes meanwhile, or came before: a runtime runs once.
   */
  start(): Promise<void>
  /**
   * Drains for at most `shutdown.drainMs`, commits, closes; settles 10 s after the drain at the latest. May be called in every state, and twice: the
   * second call waits for the first. Rejects, once all else is closed, with what could not be.
   */
  stop(): Promise<void>
  /** Gives up what is in flight now: for a second signal. Nothing is lost; it will be delivered again. */
  abort(): void
  /**
   * Makes these the handlers that run, without stopping what has not changed. A handler that is the same object as before is left alone. One with
   * the same id, topic, group and ordering is replaced between records: attempts in flight finish on the old code, retries run the new.
   * Any other change ends the consumer of that group (what is in flight is finished, and committed) and begins it again.
   * Rejects when a topic is missing, or the new code cannot start; what was replaced until then stays replaced.
   */
  update(handlers: readonly ResolvedHandler[]): Promise<RuntimeUpdate>
  /**
   * Starts nothing more, of one handler or of all. Polling goes on, partitions are kept, and what is in flight goes on; once the limits are
   * reached, nothing more is taken in. Where all are paused, so are handlers that an update brings. The time of a pause does not count for `maxBlocking`.
   * @throws PyrallelError PYR_USAGE when there is no such handler
   */
  pause(handlerId?: string): void
  resume(handlerId?: string): void
  /** The ids of paused handlers, sorted. */
  readonly paused: readonly string[]
  /** Settles when the runtime has stopped by itself: rejects with the fatal error. */
  readonly failed: Promise<never>
  readonly publish: Publish
  /**
   * Answers `/livez`, `/readyz`, `/metrics`, `/scale` and `/snapshot` in a server of the application's own.
   * @throws PyrallelError PYR_USAGE before `start` has ended, and where neither `http.enabled` nor `hasListener` is set
   */
  readonly listener: PagesListener
  /** Why records wait, and where partitions stand. */
  readonly inspection: Inspection
  /** What values of a registry's formats say. */
  readonly values: ValueLooks
  /** What is going on at this moment. Read-only and cheap: as much work as one commit of all partitions. */
  snapshot(): SystemMetrics
}
