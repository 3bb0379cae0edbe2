/** What is sent to the console to change something, and what comes back. All are POSTs with `application/json`. Types only. */
import type { SchemaFormat } from '../registry/schema-registry.ts'
import type { BytesView, Place, ReadView } from './protocol.ts'
import type { FailureView, KeyRow, RecordView } from './protocol-records.ts'

/** POST `/api/handlers/{id}/pause`, `/resume`: body `{}`. */
export interface PausedAnswer {
  /** All that are paused now. */
  readonly paused: readonly string[]
}

/** POST `/api/records/{g}/{t}/{p}/{o}/retry-now`, `/give-up`, `/discard`. A 409 carries the record as it is by now. */
export interface RecordActionBody {
  readonly epoch: number
  readonly attempt: number
}
export interface RecordActionAnswer {
  readonly record: RecordView
}

/** POST `/api/breakers/close` */
export interface CloseBreakerBody {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  /** `breaker.id` of a row of `/api/keys`. */
  readonly breaker: number
}
export interface CloseBreakerAnswer {
  readonly closed: true
}

/** POST `/api/keys/find`: exactly one of `key` and `keyBase64`. */
export interface FindKeyBody {
  readonly group: string
  readonly topic: string
  readonly key?: string
  readonly keyBase64?: string
}
export interface FindKeyAnswer {
  /** `null`: no assigned partition of the topic has a record of it in memory, nor its breaker. */
  readonly found: {
    readonly partition: number
    readonly handlerId: string
    readonly epoch: number
    readonly depth: number
    readonly isCut: boolean
    /** Its first record. */
    readonly first: RecordView | null
    readonly breaker: KeyRow['breaker']
  } | null
}

/** GET `/api/dead-letters` */
export interface DeadLetterTopicsAnswer {
  readonly topics: readonly { readonly topic: string; readonly handlerIds: readonly string[] }[]
}

/** GET `/api/dead-letters/{t}?cursor&fingerprint`: its groups (1,000 at most) and letters, the newest first (50 at most). */
export interface DeadLettersAnswer {
  readonly topic: string
  readonly groups: readonly LetterGroupRow[]
  readonly letters: readonly LetterRow[]
  /** For the next call; `null`: there are no more. */
  readonly cursor: string | null
  /** Letters that were read, and whether the 5 s were over before the end. */
  readonly looked: number
  readonly isCut: boolean
}

export interface LetterGroupRow {
  readonly fingerprint: string | null
  readonly handlerId: string | null
  readonly error: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
}

export interface LetterRow {
  readonly place: Place
  readonly writtenAt: number
  readonly key: BytesView | null
  /** Where it was before; `null` where it does not tell. */
  readonly source: Place | null
  readonly handlerId: string | null
  readonly attempts: number | null
  readonly error: FailureView
  readonly fingerprint: string | null
  readonly replays: number
  readonly hasPayload: boolean
}

/** GET `/api/dead-letters/{t}/{p}/{o}` */
export interface LetterAnswer {
  readonly letter: LetterRow & {
    readonly value: BytesView | null
    /** What the value says; `null`: it names no schema, or is masked. */
    readonly read: ReadView | null
    /** The same of the key. */
    readonly readKey: ReadView | null
    readonly headers: readonly (readonly [name: string, value: BytesView | null])[]
  }
  /** Whether its value satisfies the schema of today: `null` where there is none, or no value, or nobody knows yet, which `misfits` says then. */
  readonly passesToday: boolean | null
  /** Why not, one a line; 20 at most. */
  readonly misfits: readonly string[]
}

/** Which letters: those at `places`, else all of a `fingerprint`, else all that the times leave. */
export interface LetterSelection {
  readonly places?: readonly { readonly partition: number; readonly offset: number }[]
  readonly fingerprint?: string
  readonly handlerId?: string
  readonly sinceAt?: number
  readonly untilAt?: number
}

/** POST `/api/dead-letters/{t}/plan` */
export interface PlanBody {
  readonly select: LetterSelection
  /** Instead of the topics that their headers name. One that a handler of this process reads. */
  readonly to?: string
  /** 1 to 100,000. Default 1,000. */
  readonly limit?: number
  /** Letters that were replayed so often are left out. 1 to 100. Default 3. */
  readonly maxReplays?: number
}
export interface PlanAnswer {
  readonly plan: string
  /** It is forgotten then. */
  readonly expiresAt: number
  readonly counts: readonly { readonly target: string; readonly records: number }[]
  readonly refused: readonly { readonly why: RefusedWhy; readonly records: number }[]
  /** More could be published, and are above the limit. */
  readonly left: number
  /** The time was over, or the marks were full, before the end of the topic. */
  readonly isCut: boolean
}
export type RefusedWhy =
  | 'replayed-too-often'
  | 'no-payload'
  | 'no-target'
  | 'target-not-allowed'
  | 'target-unknown'
  | 'replayed-already'

/** POST `/api/dead-letters/{t}/replays`: 202. One at a time for a topic, else 409. */
export interface ReplayBody {
  readonly plan: string
  /** Records a second, 1 to 10,000. Default 100. */
  readonly rate?: number
}
/** Also GET `/api/replays/{id}`, and POST `/api/replays/{id}/stop` with `{}`. */
export interface ReplayAnswer {
  readonly id: string
  readonly topic: string
  readonly state: 'running' | 'stopping' | 'done' | 'stopped' | 'failed'
  /** Nothing can be published yet: another replay has the partitions, or one that was killed, until its session is over. */
  readonly isWaiting: boolean
  readonly startedAt: number
  readonly endedAt: number | null
  readonly planned: number
  readonly published: readonly { readonly target: string; readonly records: number }[]
  /** Published, and not marked: another replay publishes them again. */
  readonly notMarked: number
  /** Handed to the brokers, and nobody knows whether they were written. */
  readonly unknown: number
  readonly skipped: readonly { readonly why: RefusedWhy; readonly records: number }[]
  readonly error: { readonly name: string; readonly message: string } | null
}

/** GET `/api/dead-letters/{t}/replays`: of this process, whoever began them; the newest first, 20 at most of all topics. */
export interface ReplaysAnswer {
  readonly replays: readonly ReplayAnswer[]
}

/** POST `/api/dev/send`, to a topic that a handler reads. */
export interface DevSendBody {
  readonly topic: string
  /** JSON, sent as it is written: whole numbers above 2^53 stay what they are. Without it, or `null`: a tombstone. */
  readonly text?: string
  /** Default: what the topic's own `key` says. */
  readonly key?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
}
export interface DevSendAnswer {
  readonly topic: string
  readonly key: string | null
  /** Why the handler will refuse it; empty where it satisfies the schema. It is sent all the same. */
  readonly misfits: readonly string[]
}

/** GET `/api/dev/topics`: those that handlers read, sorted by name, and behind them those that they publish to and declare. */
export interface DevTopicsAnswer {
  readonly topics: readonly {
    readonly topic: string
    /** Of values; not there for JSON. */
    readonly format?: SchemaFormat | 'bytes'
    /** Of keys; not there for text. */
    readonly keyFormat?: SchemaFormat
  }[]
}

/** POST `/api/dev/fake`: a made-up value that satisfies the topic's schema. */
export interface DevFakeBody {
  readonly topic: string
}
export interface DevFakeAnswer {
  readonly value: unknown
  readonly key: string | null
  /** JSON Schema, for the form. */
  readonly schema: object
}
