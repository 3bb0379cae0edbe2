/** What the console answers about partitions, records, keys and retries. Types only; times as in `protocol.ts`. */
import type { RecordState, Wait } from '../model/explanation.ts'
import type { RunState } from '../model/partition-view.ts'
import type { FailureReason } from '../model/work.ts'
import type { BytesView, Place, ReadView } from './protocol.ts'

/** Offsets of one state in a row: `from` to below `to`. Of `waiting`: when the first of them is due. */
export type RunRow = readonly [state: RunState, from: number, to: number, dueAt?: number]

/** GET `/api/partitions/{g}/{t}/{p}`, and the ribbons of the stream. */
export interface PartitionView {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly handlerId: string
  readonly epoch: number
  readonly position: number | null
  readonly committedPosition: number | null
  readonly nextOffset: number | null
  readonly logEnd: number | null
  /** How old that is; `null` where nobody knows. */
  readonly logEndAgeMs: number | null
  /** How many records a crash at this moment would run again. */
  readonly runsAgain: number
  /** UTF-16 units; `limit` 0: completions above the position are not stored. */
  readonly metadata: { readonly used: number; readonly limit: number }
  readonly pausedBecause: 'records' | 'bytes' | null
  readonly isDraining: boolean
  readonly isTight: boolean
  /** Ascending, without a gap between them; 2,000 at most. */
  readonly runs: readonly RunRow[]
  /** Where the list ends because it is full; `null` when it is whole. */
  readonly cutAt: number | null
  /** Not every offset was looked at: what is between two looks counts as the first. */
  readonly isSampled: boolean
}

export interface FailureView {
  readonly reason: FailureReason | null
  readonly name: string
  /** Masked: empty. */
  readonly message: string
  readonly stack: string | null
  readonly attempt: number | null
  /** Where in the project it was thrown, as its source has it; `null`: masked, or none of its frames lies below the project's root. */
  readonly source: SourcePlace | null
}

export interface SourcePlace {
  /** Relative to the project. */
  readonly file: string
  /** Both begin at 1. */
  readonly line: number
  readonly column: number
  /** Opens an editor there, `vscode://file/…`; `null` outside of `dev`, and where no editor is known. */
  readonly editorUrl: string | null
}

/** GET `/api/records/{g}/{t}/{p}/{o}` */
export interface RecordView {
  readonly group: string
  readonly handlerId: string
  readonly place: Place
  readonly state: RecordState
  /** To send back with retry now and give up; `null` where it is in no assignment. */
  readonly epoch: number | null
  /** The number of the attempt that runs, or of the next one. */
  readonly attempt: number | null
  readonly attempts: number | null
  readonly waitsFor: readonly Wait[]
  /** It is what holds the position. */
  readonly isBlocking: boolean
  readonly blocksSince: number | null
  /** `undefined` in all seven: its bytes are not in memory. */
  readonly key?: BytesView | null
  readonly value?: BytesView | null
  /** What the value says; `null`: it names no schema, or is masked. Not in answers to actions and to `/api/keys/find`. */
  readonly read?: ReadView | null
  /** The same of the key. */
  readonly readKey?: ReadView | null
  readonly headers?: readonly (readonly [name: string, value: BytesView | null])[]
  readonly timestampAt?: number
  /** That of the attempt before, where there was one. */
  readonly failures: readonly FailureView[]
  /** `null`: nobody has watched when it came, or it was not among those that are kept. */
  readonly timeline: Timeline | null
  /** `copy`: GET its `/value`, `/test` and `/send` answer. */
  readonly can: {
    readonly retryNow: boolean
    readonly giveUp: boolean
    readonly discard: boolean
    readonly copy: boolean
  }
}

/** GET `/api/keys?g&t&by=depth|age` */
export interface KeysAnswer {
  readonly rows: readonly KeyRow[]
  /** Shards that were looked at; `isCut`: there are more. */
  readonly looked: number
  readonly isCut: boolean
}

export interface KeyRow {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  /** `null`: the handler keeps the order of the whole partition. */
  readonly key: BytesView | null
  readonly depth: number
  /** Its first record. */
  readonly offset: number
  readonly state: RecordState
  readonly attempt: number
  /** Of the first record, as Kafka has it; `null` where its producer set none. */
  readonly timestampAt: number | null
  /** Its records are given up without running; `null`: they are not. What closes it, with the epoch. */
  readonly breaker: { readonly id: number; readonly untilAt: number } | null
}

/** GET `/api/retries?g`: by due time, and parked ones by since when they are; 200 of each at most. */
export interface RetriesAnswer {
  readonly rows: readonly {
    readonly place: Place
    readonly handlerId: string
    readonly key: BytesView | null
    readonly attempt: number
    readonly dueAt: number
    readonly epoch: number
    readonly failure: FailureView | null
  }[]
  readonly isCut: boolean
  readonly parked: readonly {
    readonly place: Place
    readonly handlerId: string
    readonly key: BytesView | null
    /** That it would have next. */
    readonly attempt: number
    readonly sinceAt: number
    /** The records of its key wait with it. */
    readonly holdsKey: boolean
    readonly epoch: number
    readonly failure: FailureView | null
  }[]
  /** How many there are. */
  readonly parkedCount: number
}

/** What became of one record, step by step, while somebody watched. `null`: not yet. */
export interface Timeline {
  /** The broker's or the producer's time; `null` where it has none. */
  readonly writtenAt: number | null
  /** Handed over by the client, and in line from then on. */
  readonly fetchedAt: number
  /** The last 10, the oldest first. */
  readonly attempts: readonly TimelineAttempt[]
  /** Done, filtered, or its dead letter was acknowledged. */
  readonly doneAt: number | null
  /** An acknowledged commit has a position above it. */
  readonly committedAt: number | null
  /** Its partition was given up or taken away before it was done: it comes again, here or elsewhere. */
  readonly leftAt: number | null
}

export interface TimelineAttempt {
  readonly attempt: number
  /** Handed to the engine. */
  readonly startedAt: number
  readonly endedAt: number | null
  readonly outcome: 'succeeded' | 'filtered' | 'failed' | 'timed-out' | 'interrupted' | null
  /** The class name of the error. */
  readonly error: string | null
  /** What it has published, as that was acknowledged; the first 20. Of handlers in threads nobody can tell: empty. */
  readonly published: readonly { readonly at: number; readonly topic: string }[]
}
