/** The unit that the control plane hands to an engine, and the one answer that comes back. Plain data. */
import type { KafkaRecord, OutgoingRecord } from './record.ts'

/** The number of one assignment of one partition to this process. Unique in the process, never reset. */
export type Epoch = number & { readonly brand: 'Epoch' }

/** How records of one handler are kept in order. See DESIGN.md, "Words". */
export type Ordering = 'key' | 'partition' | 'unordered'

/** Where a handler runs. What it may do, and what it is owed, is the same. */
export type EngineKind = 'async' | 'worker'

/** One attempt of one handler call. `records` has one entry, except for batch handlers. All are of one partition. */
export interface WorkItem {
  /** Unique in the process and never reused: a second check beside the epoch. */
  readonly id: number
  readonly handlerId: string
  readonly epoch: Epoch
  readonly records: readonly KafkaRecord[]
  /** `attempts[i]` is the number of the attempt that `records[i]` is in; the first is 1. */
  readonly attempts: readonly number[]
}

/** Why a record failed, as plain data: the same from every engine. */
export interface HandlerFailure {
  readonly reason: FailureReason
  /** The error's class name; `Error` when unknown. */
  readonly name: string
  readonly message: string
  readonly stack?: string
  /** False: no further attempt, to the dead-letter topic at once. */
  readonly retryable: boolean
  /** Set by `RetryAfter`: replaces the policy's delay for this retry. Milliseconds. */
  readonly retryAfterMs?: number
  /** Set by the handler's `retry.delay`: the same, but of a batch it asks for no pause as a whole. Milliseconds. */
  readonly retryDelayMs?: number
}

export type FailureReason =
  /** The handler threw or rejected. */
  | 'handler'
  /** The handler threw `DeadLetter`. */
  | 'dead-letter'
  /** The value's bytes, or the key's, are not what the topic's format says (JSON, text). */
  | 'undecodable'
  /** The value, or the key, does not satisfy the topic's schema. */
  | 'invalid'
  /** The handler's deadline passed. */
  | 'timeout'
  /** The thread died, or the engine closed. */
  | 'interrupted'
  /** Not run: the records of its key before it were given up one after the other. */
  | 'poisoned'
  /** Not run: `notBefore` gives no time that it could wait for, or one further away than `maxDelay`. */
  | 'not-before'
  /** Given up before its last attempt, or while it was parked, because it held back the commit of its partition for too long. */
  | 'blocked'
  /** Given up before its last attempt, because it is older than `retry.maxAge`. */
  | 'expired'
  /** Given up before its last attempt, or while it was parked, because it left its partition no room for others. */
  | 'in-the-way'
  /** Somebody has given it up by hand. */
  | 'by-hand'

/** What a handler of an exactly-once group has published: not sent yet, but encoded and checked. */
export interface KeptOutput extends OutgoingRecord {
  /** Batches only: the index of the record that it belongs to. Absent: it belongs to the call, and so to all records that the handler was given. */
  readonly of?: number
}

/** Only of exactly-once groups, and only where there are any. Written in this order, in the transaction that commits the records. */
interface WithOutputs {
  readonly outputs?: readonly KeptOutput[]
}

export type Outcome =
  /** Done. `filtered` when the handler's filter said no and the handler did not run. */
  | ({ readonly kind: 'succeeded'; readonly filtered?: boolean } & WithOutputs)
  | { readonly kind: 'failed'; readonly failure: HandlerFailure }
  | { readonly kind: 'timed-out'; readonly failure: HandlerFailure }
  /** The attempt was cut short by no fault of its own that is known: its thread died, or its engine closed. */
  | { readonly kind: 'interrupted'; readonly failure: HandlerFailure }
  /**
   * Not run, because a value or a key cannot be read yet: its schema is not here, and nobody knows whether it will be. No attempt of any record. Of a batch,
   * `waiting` has the indexes of those that wait; the others have not run either, and need not wait. Without it, all wait.
   */
  | { readonly kind: 'not-ready'; readonly why: string; readonly waiting?: ReadonlySet<number> }
  /**
   * Batches only: the records at these indexes failed, all others succeeded; at those of `filtered`, the handler did not see them. Outputs belong to records
   * that succeeded; where one belongs to the call, the failures are final ones of records that the handler did not see.
   */
  | ({
      readonly kind: 'partial'
      readonly failures: ReadonlyMap<number, HandlerFailure>
      readonly filtered?: ReadonlySet<number>
      /** The batch function threw `RetryAfter`: all that it was given has failed with this, each in an attempt of its own. */
      readonly pause?: HandlerFailure
    } & WithOutputs)

/** Taken back before it had begun, as if it had not been submitted: no attempt. */
export interface Recalled {
  readonly kind: 'recalled'
}

/** Exactly one for every work item that was submitted. */
export interface CompletionEvent {
  readonly workId: number
  readonly outcome: Outcome | Recalled
  /** From the start of the attempt to its end, decoding included. Milliseconds. */
  readonly durationMs: number
}
