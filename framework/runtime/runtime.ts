/** The composition root's contract: what the command (and users without the command) start and stop. */
import type { HandlerDefinition, Publish } from '../handler.ts'
import type { KafkaConnection } from '../kafka/kafka-client.ts'
import type { EventSink } from '../model/events.ts'
import type { Logger } from '../model/logger.ts'
import type { CommitSettings, HttpSettings, LifecycleSettings, Limits, Route } from '../model/settings.ts'
import type { SystemMetrics } from '../model/snapshot.ts'
import type { Clock } from './clock.ts'

/** One entry of `generated/routes.ts`: a handler and what the generator read about it. */
export interface RegisteredHandler {
  readonly id: string
  /** Relative to the project, for messages. */
  readonly file: string
  readonly topic: string
  /** `null`: the config's group. */
  readonly group: string | null
  // biome-ignore lint/suspicious/noExplicitAny: each handler has a value type of its own; the runtime validates before it calls.
  readonly handler: HandlerDefinition<any>
}

/** A handler with every option resolved against the config's defaults. */
export interface ResolvedHandler {
  readonly route: Route
  readonly group: string
  readonly file: string
  readonly timeoutMs: number
  readonly definition: HandlerDefinition<unknown>
}

export interface RuntimeOptions {
  readonly connection: KafkaConnection
  readonly handlers: readonly ResolvedHandler[]
  readonly startFrom: 'earliest' | 'latest'
  readonly instanceId?: string
  readonly limits: Limits
  readonly commit: CommitSettings
  readonly lifecycle: LifecycleSettings
  readonly log: Logger
  readonly clock?: Clock
  /** Seeds jitter; default a random one. */
  readonly seed?: number
  /** How operators are answered. Default: not at all. */
  readonly http?: HttpSettings
  readonly onEvent?: EventSink
  /** Whether events are written to `log` too. Default true; false where `onEvent` shows them to the same reader. */
  readonly logEvents?: boolean
}

export interface Runtime {
  /** Connects, subscribes one consumer per group, and starts polling. Rejects when the broker or a topic is not there. */
  start(): Promise<void>
  /** Drains for at most `lifecycle.drainMs`, commits, closes. May be called twice; the second call waits for the first. */
  stop(): Promise<void>
  /** Gives up what is in flight now: for a second signal. Nothing is lost; it will be delivered again. */
  abort(): void
  /** Settles when the runtime has stopped by itself: rejects with the fatal error. */
  readonly failed: Promise<never>
  readonly publish: Publish
  /** What is going on at this moment. Read-only and cheap: as much work as one commit of all partitions. */
  snapshot(): SystemMetrics
}
