/** What the runtime tells whoever listens (terminal view, metrics, tests). Typed, one way: nothing flows back. */
import type { KafkaRecord, TopicPartition } from './record.ts'
import type { Predecessor } from './settings.ts'
import type { StartStop } from './snapshot.ts'
import type { Epoch, HandlerFailure } from './work.ts'

interface OfRecord {
  readonly handlerId: string
  readonly record: KafkaRecord
  readonly attempt: number
  readonly durationMs: number
}

interface OfCall extends OfRecord {
  /** Of batch handlers: how many records the call had, which took `durationMs` together. */
  readonly batch?: number
}

/** What a handler does again and again without a record. */
interface OfTick {
  readonly handlerId: string
  /** `null`: it is the process's. */
  readonly of: TopicPartition | null
  readonly durationMs: number
}

interface OfPartition extends TopicPartition {
  readonly epoch: Epoch
}

/**
 * What goes wrong between the client and its brokers, by the names of Kafka's protocol. `FATAL`: the consumer cannot go on. `OTHER`: none of
 * these; the log has the client's own number.
 */
export const clientErrorCodes = [
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'OFFSET_OUT_OF_RANGE',
  'INCONSISTENT_GROUP_PROTOCOL',
  'NETWORK_EXCEPTION',
  'FATAL',
  'OTHER',
] as const
export type ClientErrorCode = (typeof clientErrorCodes)[number]

/** A record that could not be read so often in a row has waited for 0.6 s at least: a registry answers in less time, and one that refuses connections is known to. */
export const TIMES_UNTIL_NEWS = 7

export type RuntimeEvent =
  /** The record is done: the handler returned, or its filter said no. */
  | (OfCall & { readonly kind: 'record.done'; readonly filtered: boolean })
  /** The handler's `accept` said no to these records of one poll: done as they arrived, without an attempt. */
  | { readonly kind: 'records.left-out'; readonly handlerId: string; readonly records: readonly KafkaRecord[] }
  /** The attempt failed; the next one starts `delayMs` from now at the earliest. Its shard waits, its slot is free. */
  | (OfCall & {
      readonly kind: 'record.retry'
      readonly attempts: number
      readonly delayMs: number
      readonly failure: HandlerFailure
    })
  /** It cannot be read yet, so its handler has not run, and this is no attempt. It is looked at again `delayMs` from now; its shard waits, its slot is free. */
  | {
      readonly kind: 'record.not-ready'
      readonly handlerId: string
      readonly record: KafkaRecord
      /** The one that it would have been. */
      readonly attempt: number
      /** In a row. */
      readonly times: number
      readonly delayMs: number
      readonly why: string
    }
  /** No further attempt, and its handler parks: it stays incomplete without a slot. `isAlone`: the records of its key go on. */
  | (OfCall & {
      readonly kind: 'record.parked'
      readonly attempts: number
      readonly isAlone: boolean
      readonly failure: HandlerFailure
    })
  /** No further attempt. `deadLetterTopic` has acknowledged it, or it is `null` and the record was dropped by policy, or by hand. */
  | (OfRecord & {
      readonly kind: 'record.dead'
      readonly failure: HandlerFailure
      readonly deadLetterTopic: string | null
    })
  /** A batch failed as a whole. Its records run again after `delayMs`, in batches of half the size, until the one that is to blame is alone. */
  | (OfPartition & {
      readonly kind: 'batch.split'
      readonly handlerId: string
      readonly records: number
      readonly delayMs: number
      readonly failure: HandlerFailure
    })
  /** The dead-letter topic did not acknowledge; the record stays incomplete and is published again after `delayMs`. */
  | {
      readonly kind: 'dead-letter.failed'
      readonly handlerId: string
      readonly record: KafkaRecord
      readonly error: Error
      readonly delayMs: number
    }
  /** Records of this key go to the dead-letter topic without running, for `cooldownMs`: those before were given up one after the other. */
  | (OfPartition & {
      readonly kind: 'breaker.opened'
      readonly handlerId: string
      /** Its first 64 bytes: as text, or in base64 where they are none. */
      readonly key: string
      readonly cooldownMs: number
    })
  /** A record of the key has succeeded, or somebody has closed the breaker by hand: its records run again. */
  | (OfPartition & {
      readonly kind: 'breaker.closed'
      readonly handlerId: string
      readonly key: string
      readonly isByHand: boolean
    })
  /** By hand: the next attempt of a record that waits or is parked begins as soon as there is a slot; or it gets none, and `record.dead` follows, or has come. */
  | {
      readonly kind: 'record.hurried' | 'record.given-up' | 'record.discarded'
      readonly handlerId: string
      readonly record: KafkaRecord
      readonly attempt: number
    }
  /** What the handler does every so often is done. */
  | (OfTick & { readonly kind: 'tick.done' })
  /** It threw, or took longer than the handler's timeout. The next one comes as if nothing were. */
  | (OfTick & { readonly kind: 'tick.failed'; readonly failure: HandlerFailure })
  /** The adaptive limit on attempts in flight has found that the handler can take more, or less. */
  | { readonly kind: 'concurrency.changed'; readonly handlerId: string; readonly limit: number }
  /** A partition was assigned to this process. Its position is where it goes on. */
  | (OfPartition & {
      readonly kind: 'partition.assigned'
      readonly position: number | undefined
      /** Completed offsets above the position that the metadata brought back. */
      readonly restored: number
      /** Whose metadata that was. Left out: our own. */
      readonly takenOverFrom?: Predecessor
    })
  /** A partition was given back in order, or was already taken away. */
  | (OfPartition & {
      readonly kind: 'partition.revoked' | 'partition.lost'
      /** Records that were in flight and were given up; they will be delivered again. */
      readonly leftBehind: number
      /** The same, and those that are done and that no acknowledged commit tells of. */
      readonly runsAgain: number
    })
  /** The log was cut or made anew below what was already read: this assignment starts afresh under a new epoch. */
  | (OfPartition & { readonly kind: 'partition.rewound'; readonly from: number; readonly to: number })
  /** The commit metadata was not ours, cut or damaged, or in part beyond the end of the log. That is not believed, and its records run again. */
  | (OfPartition & { readonly kind: 'metadata.dropped'; readonly why: string })
  /** The client has met an error, and has told the log the reason, if not of each that repeats: here, each comes. */
  | { readonly kind: 'client.error'; readonly code: ClientErrorCode }
  /** Intake of partitions has stopped because they are full, or goes on. */
  | { readonly kind: 'partitions.paused' | 'partitions.resumed'; readonly partitions: readonly TopicPartition[] }
  /** The group coordinator has acknowledged a commit. */
  | { readonly kind: 'commit.done'; readonly partitions: number; readonly tookMs: number }
  /** A commit was refused or not answered. What it carried is committed again where `willRetry` says so. */
  | { readonly kind: 'commit.failed'; readonly error: Error; readonly willRetry: boolean }
  /** The first commit since one was refused or not answered that goes through. */
  | { readonly kind: 'commit.recovered'; readonly failures: number; readonly outageMs: number }
  /** From now on nothing starts, retries and dead letters included. What runs goes on. */
  | {
      readonly kind: 'starts.stopped'
      readonly why: StartStop
      /** Since the commit was sent that was last acknowledged. */
      readonly silentMs: number
      /** Completions that no acknowledged commit tells of. */
      readonly uncommitted: number
    }
  /** What had stopped the starts is over. */
  | { readonly kind: 'starts.resumed'; readonly why: StartStop; readonly stoppedMs: number }
  /** A completion, dead-letter acknowledgement or commit result of an earlier assignment came back and was dropped. */
  | { readonly kind: 'stale.dropped'; readonly what: 'completion' | 'dead-letter' | 'commit' }

export type EventSink = (event: RuntimeEvent) => void
