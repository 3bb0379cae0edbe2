/** What a thread and its lane say to each other. Plain data only: everything here is cloned on its way. */
import type { SchemaAnswer } from '../../../formats/known-schemas.ts'
import type { SchemaRef } from '../../../formats/value-frame.ts'
import type { ErrorCode } from '../../../model/errors.ts'
import type { OutgoingRecord } from '../../../model/record.ts'
import type { TickOrder, TickOutcome } from '../../../model/tick.ts'
import type { HandlerFailure } from '../../../model/work.ts'
import type { OutputLimits } from '../../../publishing/output-rules.ts'
import type { LogLine } from './log-line.ts'
import type { SentOutcome } from './outputs-codec.ts'

/** What a thread is told when it begins (`workerData`). */
export interface ThreadSettings {
  /** The URL of the entry module, for the bootstrap that teaches the thread TypeScript. */
  readonly entry: string
  readonly handlerId: string
  /** The consumer group, for traces. */
  readonly group: string
  readonly timeoutMs: number
  readonly abandonAfterMs: number
  readonly memory: SharedArrayBuffer
  /** The thread keeps track of which attempt it is at work for, to say at its end which one has ended it. Costs some time for each record. */
  readonly isTracking: boolean
  /** Of exactly-once groups: what is published is kept in the thread, and crosses with the outcome. */
  readonly outputs?: OutputLimits | undefined
  /** One moment on the engine's clock and on the process's monotonic one, so that both sides tell the same time. */
  readonly epochMs: number
  readonly monotonicNs: bigint
}

/** All that is ready for a thread in one turn of the event loop, in one message. Handled in the order of these fields. */
export interface ToThread {
  readonly published: readonly PublishAnswer[]
  readonly aborts: readonly AbortOrder[]
  readonly schemas: readonly SchemaReply[]
  /** Made by `encodeBatch`; transferred. */
  readonly batch?: ArrayBuffer
  /** Run the handler's `tick`, then say `ticked`. The last one has been answered. */
  readonly tick?: TickSent
  /** Run the handler module's `teardown`, then say `stopped`. */
  readonly stop: boolean
}

export type TickSent = Pick<TickOrder, 'isDraining'>

export interface AbortOrder {
  readonly slot: number
  readonly reason: string
}

export interface PublishAnswer {
  readonly id: number
  /** Absent: the broker has acknowledged the record; or, in an exactly-once group, the topic that was asked about exists. */
  readonly error?: ErrorText
}

/** To `pyrallel.schema`. */
export interface SchemaReply {
  readonly id: number
  readonly answer: SchemaAnswer
}

/** An error of the main thread, for `publish` to reject with in the thread. */
export interface ErrorText {
  readonly name: string
  readonly message: string
  readonly code?: ErrorCode
  readonly retriable?: boolean
}

/** The names stand in a space of their own: a handler's libraries may post to the same port, and what they say is not ours. */
export type FromThread =
  | { readonly kind: 'pyrallel.ready' }
  /** The handler could not be loaded, or its `setup` failed. */
  | { readonly kind: 'pyrallel.unfit'; readonly failure: HandlerFailure }
  /** Look into the lane's memory. */
  | { readonly kind: 'pyrallel.bell' }
  /** The outcome of an attempt that failed, that has outputs, or that has logged: what it said must be heard before its end. */
  | ({ readonly kind: 'pyrallel.over'; readonly slot: number; readonly durationMs: number } & SentOutcome)
  | { readonly kind: 'pyrallel.log'; readonly line: LogLine }
  | { readonly kind: 'pyrallel.publish'; readonly id: number; readonly record: OutgoingRecord }
  /** Whether the topic of an output exists, which only the main thread can find out. Answered like a publish. */
  | { readonly kind: 'pyrallel.topic'; readonly id: number; readonly topic: string }
  /** A value was written with this schema, which is not here. */
  | { readonly kind: 'pyrallel.schema'; readonly id: number; readonly ref: SchemaRef }
  | { readonly kind: 'pyrallel.ticked'; readonly outcome: TickOutcome }
  | { readonly kind: 'pyrallel.stopped' }

/** Whether it was said by our part of the thread. */
export function isFromThread(message: unknown): message is FromThread {
  if (typeof message !== 'object' || message === null) return false
  const { kind } = message as { readonly kind?: unknown }
  return typeof kind === 'string' && kind.startsWith('pyrallel.')
}

/** The name of the one task that poolifier knows of. */
export const TURN = 'turn'
