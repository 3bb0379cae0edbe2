/**
 * Why a record is where it is: its state, and all that it waits for. Plain data, made when somebody asks. It has bytes and stacks in it as they are: who
 * shows it to others masks them.
 */
import type { KafkaRecord, RecordHeader, TopicPartition } from './record.ts'
import type { LimitReached, StartStop } from './snapshot.ts'
import type { Epoch, HandlerFailure, Ordering } from './work.ts'

/** One record, or the offset where one may be. */
export interface RecordAt extends TopicPartition {
  readonly offset: number
}

/** Incomplete and in memory. `delayed`: for its time, or until it can be read. `waiting`: for its next attempt. `parked`: out of attempts, until somebody or a limit decides. `dead`: for the dead-letter topic's acknowledgement. */
export type IncompleteState = 'queued' | 'delayed' | 'in-flight' | 'waiting' | 'parked' | 'dead'

export type RecordState =
  | IncompleteState
  /** Below the position that the group has stored: done, or an offset that does not exist. */
  | 'committed'
  /** Below the position, and not yet below the one that the group has stored. */
  | 'done'
  /** Done above an incomplete record: a crash repeats it only where no acknowledged commit tells of it. */
  | 'done-above-gap'
  /** Others above it have arrived, and it has not: it does not exist (compaction, transaction markers). */
  | 'hole'
  /** In the log as far as is known, and not in memory yet. */
  | 'not-fetched'
  /** At or above the end of the log as last heard. */
  | 'not-written'

/** One thing that a record waits for. Times are milliseconds since the Unix epoch. */
export type Wait =
  /** Records of its shard run one after the other, and this one is first. `ahead`: how many are before it, 1,000 at most. */
  | {
      readonly kind: 'record'
      readonly offset: number
      readonly state: IncompleteState
      readonly attempt: number
      readonly ahead: number
    }
  /** A handler of an earlier assignment of this partition is still at work on its key. */
  | { readonly kind: 'earlier-assignment' }
  /** The time that `notBefore` gives. */
  | { readonly kind: 'not-before'; readonly at: number }
  /** Until it can be read: its schema is not here. It is looked at again at `dueAt`. */
  | { readonly kind: 'not-ready'; readonly dueAt: number; readonly why: string }
  /** Its next attempt. `isPause`: its batch has failed, and runs again in parts then, or with the handler's next success. */
  | { readonly kind: 'retry'; readonly dueAt: number; readonly isPause: boolean }
  /** Somebody: it is out of attempts. `holdsKey`: its shard waits with it. `until`: when `maxBlocking` gives it up; `null` while that does not count. */
  | { readonly kind: 'parked'; readonly since: number; readonly holdsKey: boolean; readonly until: number | null }
  /** It is given up, and its topic has not acknowledged the dead letter. `isSent`: it was handed to the producer. */
  | { readonly kind: 'dead-letter'; readonly topic: string; readonly isSent: boolean }
  /** All slots of its handler are taken. */
  | { readonly kind: 'slots'; readonly inFlight: number; readonly capacity: number }
  /** The adaptive limit is lower than `concurrency`, and that many are in flight. */
  | { readonly kind: 'adaptive-limit'; readonly inFlight: number; readonly limit: number }
  | { readonly kind: 'rate'; readonly perSecond: number; readonly nextAt: number }
  /** There are fewer than a whole batch; at `dueAt` they start without others. */
  | { readonly kind: 'batch'; readonly size: number; readonly dueAt: number }
  /** What is completed above the position leaves no room for more: metadata, or `limits.maxOffsetSpan`. */
  | { readonly kind: 'metadata'; readonly used: number; readonly limit: number; readonly span: number }
  /** Memory for records is full: over all partitions (`isHeld`), or the part of this one. */
  | { readonly kind: 'memory'; readonly limit: LimitReached; readonly isHeld: boolean }
  /** Nothing keeps it from being fetched: the client has not handed it out yet. */
  | { readonly kind: 'fetch' }
  /** Somebody has paused its handler. */
  | { readonly kind: 'handler-paused' }
  /** Its partition is being given up, or the process stops: nothing starts. */
  | { readonly kind: 'draining' }
  /** Nothing of this group starts. */
  | { readonly kind: 'starts-stopped'; readonly why: StartStop }
  /** Commits of its partition are refused. */
  | { readonly kind: 'commits-refused' }
  /** The breaker of its key is open: its turn gives it up, unless that comes after `until`. */
  | { readonly kind: 'poisoned'; readonly breaker: number; readonly until: number }
  /** Nothing but its turn among the others of its handler. */
  | { readonly kind: 'turn' }

export interface RecordExplanation extends RecordAt {
  readonly handlerId: string
  /** The assignment that this is about: an action names it, so that it is not about another one. */
  readonly epoch: Epoch
  readonly state: RecordState
  /** It is what holds the position. */
  readonly isBlocking: boolean
  /** When the position came to it; `null` when it does not hold it. Milliseconds since the Unix epoch. */
  readonly blocksSince: number | null
  /** The number of the attempt that runs, or of the next one; of one that is given up, of the last. 0: none is known, because it is not in memory. */
  readonly attempt: number
  /** The most that it gets. */
  readonly attempts: number
  /** Of the attempt before. */
  readonly lastFailure: HandlerFailure | null
  /** As it was fetched; `null` when it is not in memory. */
  readonly record: KafkaRecord | null
  /** All that keeps it from its next step; none for what is done, does not exist or runs. */
  readonly waitsFor: readonly Wait[]
}

/** The records of one key that are in memory here. */
export interface KeyExplanation extends TopicPartition {
  readonly handlerId: string
  readonly epoch: Epoch
  readonly ordering: Ordering
  /** How many, as far as was looked. */
  readonly depth: number
  /** More may be: the looks were used up. */
  readonly isCut: boolean
  /** Its breaker, when that is open. */
  readonly breaker: OpenBreaker | null
  /** Its first record, and what that waits for; `null` when none is in memory. */
  readonly first: RecordExplanation | null
}

/** A key whose records are given up without running. */
export interface OpenBreaker extends TopicPartition {
  readonly handlerId: string
  readonly epoch: Epoch
  /** Names it in actions, so that no key has to. Unique in the process. */
  readonly id: number
  readonly key: Buffer
  /** Records given up in a row. */
  readonly givenUp: number
  /** Milliseconds since the Unix epoch. */
  readonly until: number
}

/** One key with records in memory: what runs one after the other. */
export interface KeyRow extends TopicPartition {
  readonly epoch: Epoch
  /** `null`: the handler keeps the order of the whole partition. */
  readonly key: Buffer | null
  /** Of its first record: one of them may name the schema of the key. */
  readonly headers: readonly RecordHeader[]
  readonly depth: number
  /** Its first record. */
  readonly offset: number
  readonly state: IncompleteState
  readonly attempt: number
  /** The time of the first record, as Kafka has it; -1 where its producer set none. */
  readonly timestamp: number
  readonly breaker: number | null
}

export interface KeyRows {
  readonly rows: readonly KeyRow[]
  /** Records that were looked at. */
  readonly looked: number
  /** Not all keys were looked at. */
  readonly isCut: boolean
}

export interface RetryRow extends RecordAt {
  readonly handlerId: string
  readonly epoch: Epoch
  readonly key: Buffer | null
  /** One of them may name the schema of the key. */
  readonly headers: readonly RecordHeader[]
  /** Milliseconds since the Unix epoch. */
  readonly dueAt: number
  /** Its batch has failed as a whole. */
  readonly isPause: boolean
  readonly attempt: number
  readonly attempts: number
  readonly lastFailure: HandlerFailure | null
}

/** A record out of attempts that is kept. */
export interface ParkedRow extends RecordAt {
  readonly handlerId: string
  readonly epoch: Epoch
  readonly key: Buffer | null
  /** One of them may name the schema of the key. */
  readonly headers: readonly RecordHeader[]
  /** Milliseconds since the Unix epoch. */
  readonly since: number
  /** Its shard waits with it. */
  readonly holdsKey: boolean
  /** That it would have next. */
  readonly attempt: number
  readonly lastFailure: HandlerFailure | null
}

export interface RetryRows {
  /** Those that are due first, in that order. */
  readonly rows: readonly RetryRow[]
  /** Of how many. */
  readonly waiting: number
  /** Those that have been parked for longest first, as many as of the others at most. */
  readonly parked: readonly ParkedRow[]
  /** Of how many. */
  readonly parkedCount: number
  /** Entries that were looked at. */
  readonly looked: number
}
