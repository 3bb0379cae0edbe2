/**
 * What the paths below `/api` of the console answer to a GET, as plain JSON: the page, the command line and tests read the same. Types only.
 * What changes something stands in `protocol-actions.ts`, what streams in `protocol-stream.ts`.
 *
 * Times are milliseconds since the Unix epoch and end in `At`; spans are milliseconds and end in `Ms`. Offsets are Kafka's.
 */

import type { SystemMetrics } from '../model/snapshot.ts'
import type { FailureReason } from '../model/work.ts'

/** Grows when an answer changes its meaning; new fields do not count. */
export const PROTOCOL_VERSION = 1

/** Every answer that is none: statuses 400 401 403 404 405 409 413 415 421 429 500 503. */
export interface ErrorAnswer {
  readonly error: {
    readonly code: ErrorAnswerCode
    /** The facts, one sentence. */
    readonly message: string
    /** What to do now, one sentence. */
    readonly next: string
    /** Of `conflict` about a record: what it is by now. */
    readonly record?: RecordView
  }
}

export const errorAnswerCodes = [
  'bad-request',
  'token-in-query',
  'no-token',
  'wrong-token',
  'too-many-wrong-tokens',
  'forbidden',
  'masked',
  'actions-off',
  'not-found',
  'method',
  'conflict',
  'too-large',
  'content-type',
  'misdirected',
  'too-often',
  'broken',
  'too-many-streams',
  'not-running',
] as const
export type ErrorAnswerCode = (typeof errorAnswerCodes)[number]

/** Bytes of a key, a value or a header. `null` in their place where there are none: a null key, a tombstone. */
export interface BytesView {
  /** As UTF-8; what is not valid is U+FFFD. Masked: of a key `#` and 16 hexadecimal digits that are the same for the same key, else empty. */
  readonly text: string
  /** How many there are in all. */
  readonly bytes: number
  readonly isCut: boolean
  readonly isMasked: boolean
  /** Only where the bytes are not valid UTF-8, and neither masked nor cut. */
  readonly base64?: string
}

export interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** GET `/api` */
export interface AboutAnswer {
  readonly protocol: number
  /** Of Pyrallel. */
  readonly version: string
  readonly mode: 'development' | 'production'
  readonly instance: InstanceView
  readonly can: {
    /** Pause, resume, retry now, give up, close a breaker. */
    readonly act: boolean
    /** Publish dead letters again. */
    readonly replay: boolean
    /** The paths below `/api/dev`, and links that open an editor. */
    readonly dev: boolean
    /** Ask other processes. */
    readonly instances: boolean
  }
  /** Topics whose keys, values, headers and messages are shown; `null`: all. */
  readonly shownTopics: readonly string[] | null
  readonly groups: readonly {
    readonly group: string
    readonly handlers: readonly { readonly handlerId: string; readonly topic: string }[]
  }[]
  /** What the console keeps in memory to draw history, and the most that it may be. */
  readonly kept: { readonly bytes: number; readonly maxBytes: number }
}

export interface InstanceView {
  /** Another one after each start of the process. */
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly startedAt: number
}

/** GET `/api/snapshot`. Texts of records in `metrics` are masked as elsewhere. */
export interface SnapshotAnswer {
  readonly metrics: SystemMetrics
  readonly verdict: Verdict
}

export type VerdictKind =
  | 'healthy'
  | 'catching-up'
  | 'blocked'
  | 'paused'
  | 'rebalancing'
  | 'cut-off'
  | 'fenced'
  | 'starting'
  | 'stopping'
  | 'failed'

/** The one line that says whether somebody must do something. Of several truths, the one that needs a look most. */
export interface Verdict {
  readonly kind: VerdictKind
  /** Of what it is true; `null`: of the process. */
  readonly group: string | null
  /** Of `blocked`. */
  readonly place: Place | null
  /** Of `blocked`: that of the record, masked where keys are. */
  readonly key: string | null
  /** Of `paused`: the handlers. */
  readonly handlerIds: readonly string[]
  /** Since when; `null` where nobody knows. */
  readonly sinceAt: number | null
  /** Records that are not done in all partitions of this process; `null` while the end of a log is not known. */
  readonly backlog: number | null
  /** Records done in a second, over the last ten; `null` until there are two looks. */
  readonly rate: number | null
  /** Of `catching-up`: until there is no backlog; `null` where it does not shrink. */
  readonly secondsLeft: number | null
}

/** GET `/api/handlers` */
export interface HandlersAnswer {
  readonly handlers: readonly HandlerRow[]
}

export interface HandlerRow {
  readonly group: string
  readonly handlerId: string
  readonly topic: string
  /** Relative to the project. */
  readonly file: string
  readonly engine: 'async' | 'worker'
  readonly ordering: 'key' | 'partition' | 'unordered'
  readonly isPaused: boolean
  /** Records done in a second, over the last ten. */
  readonly rate: number
  /** Of the attempts of the last minute; `null`: there were none, or nobody measures. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly inFlight: number
  readonly capacity: number
  readonly concurrency: number
  readonly adaptiveLimit: number | null
  readonly rateLimit: number | null
  readonly isHeldByRate: boolean
  readonly abandoned: number
  readonly retriesWaiting: number
  readonly deadLettersPerMinute: number
  readonly deadLetterTopic: string | null
  readonly openBreakers: number
}

/** GET `/api/threads` */
export interface ThreadsAnswer {
  readonly handlers: readonly {
    readonly handlerId: string
    readonly running: number
    readonly restarts: number
    readonly batches: number
    readonly boundaryMs: number
  }[]
  readonly process: {
    readonly rssBytes: number
    readonly heapUsedBytes: number
    readonly heapLimitBytes: number
    /** Of the last ten seconds. */
    readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number } | null
  }
}

/** GET `/api/topology`: who reads what and publishes what. */
export interface TopologyAnswer {
  readonly handlers: readonly {
    readonly handlerId: string
    readonly group: string
    readonly reads: string
    /** As the generator has read it; `null` where it was generated before this was written down. */
    readonly publishes: readonly string[] | null
    readonly deadLetterTopic: string | null
    readonly rate: number
    readonly deadLettersPerMinute: number
  }[]
}

/** GET `/api/groups/{g}` */
export interface GroupAnswer {
  readonly group: string
  readonly membership: 'joining' | 'assigned' | 'idle' | 'leaving' | 'left'
  /** Of the client; what it does not tell is `null`. */
  readonly memberId: string | null
  readonly epoch: number | null
  readonly members: number | null
  readonly assignedPartitions: number
  readonly isCutOff: boolean
  readonly sinceAnswerMs: number | null
  readonly sincePollMs: number | null
  readonly uncommitted: number
  /** Of the last hour, the newest first, 50 at most. */
  readonly rebalances: readonly RebalanceRow[]
  readonly commits: { readonly done: number; readonly failed: number; readonly lastFailure: FailureView | null }
}

export interface RebalanceRow {
  readonly at: number
  readonly assigned: number
  readonly revoked: number
  readonly lost: number
  /** Records that were in flight and were given up: they run again elsewhere. */
  readonly leftBehind: number
}

export const historySeries = [
  'done',
  'failed',
  'dead',
  'in-flight',
  'queued',
  'retries',
  'backlog',
  'memory',
  'uncommitted',
] as const
export type HistorySeries = (typeof historySeries)[number]

/** GET `/api/history?of=<series>&since=<time>`: 360 points of 10 s. */
export interface HistoryAnswer {
  readonly of: HistorySeries
  readonly everyMs: number
  /** `null`: nothing was known then. */
  readonly points: readonly (readonly [at: number, value: number | null])[]
}

/** What the offsets of a run are. */
export type RunKind =
  /** Below the position that the group has stored. */
  | 'committed'
  /** Done, above the stored position: a crash now would run it again unless commit metadata tells of it. */
  | 'done'
  | 'running'
  /** Failed, and tried again at `dueAt`. */
  | 'waiting'
  /** Given up, and not yet acknowledged by the dead-letter topic. */
  | 'dead'
  | 'queued'
  | 'hole'
  /** In the log, and not in memory. */
  | 'not-fetched'

/** Offsets of one kind in a row: `from` to below `to`. */
export type OffsetRun = readonly [kind: RunKind, from: number, to: number, dueAt?: number]

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
  /** Ascending, without a gap between them; 2,000 at most, from the position on. */
  readonly runs: readonly OffsetRun[]
  /** There are more runs than these. */
  readonly isCut: boolean
}

export type RecordState =
  | 'queued'
  | 'running'
  | 'waiting'
  | 'dead'
  | 'done'
  | 'committed'
  | 'hole'
  | 'not-fetched'
  | 'unknown'

/** One reason why a record does not run. A record runs when the list is empty. */
export type WaitsFor =
  /** A record of its key (or of its partition, by the handler's ordering) before it. */
  | { readonly kind: 'record'; readonly place: Place; readonly state: RecordState; readonly behind: number }
  /** All slots of the handler are in use. */
  | { readonly kind: 'slots'; readonly inFlight: number; readonly limit: number }
  | { readonly kind: 'adaptive-limit'; readonly inFlight: number; readonly limit: number }
  | { readonly kind: 'rate'; readonly perSecond: number }
  | { readonly kind: 'batch'; readonly dueAt: number | null }
  | { readonly kind: 'metadata' }
  /** A handler of an earlier assignment is at work on the key. */
  | { readonly kind: 'earlier-assignment' }
  | { readonly kind: 'retry'; readonly dueAt: number; readonly attempt: number }
  | { readonly kind: 'dead-letter'; readonly topic: string | null }
  | { readonly kind: 'intake'; readonly limit: 'records' | 'bytes' }
  | { readonly kind: 'draining' }
  | { readonly kind: 'partition-paused'; readonly limit: 'records' | 'bytes' }
  | { readonly kind: 'handler-paused' }
  | { readonly kind: 'starts-stopped'; readonly why: 'unacknowledged' | 'uncommitted' }
  | { readonly kind: 'poisoned'; readonly untilAt: number }
  | { readonly kind: 'fetch'; readonly behind: number }

export interface FailureView {
  readonly reason: FailureReason | null
  readonly name: string
  /** Masked: empty. */
  readonly message: string
  readonly stack: string | null
  readonly attempt: number | null
  readonly at: number | null
  /** In dev: the frame of the user's own code, relative to the project, and a link that an editor opens. */
  readonly source?: { readonly file: string; readonly line: number; readonly column: number; readonly link: string }
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
  readonly waitsFor: readonly WaitsFor[]
  /** Since it holds the position; `null` where it does not. */
  readonly blockingMs: number | null
  /** `undefined` in all five: its bytes are not in memory. */
  readonly key?: BytesView | null
  readonly value?: BytesView | null
  readonly headers?: readonly (readonly [name: string, value: BytesView | null])[]
  readonly timestampAt?: number
  readonly traceId?: string | null
  /** 10 at most, the newest first. */
  readonly failures: readonly FailureView[]
  readonly timeline: readonly TimelineStep[]
  readonly can: { readonly retryNow: boolean; readonly giveUp: boolean; readonly copy: boolean }
}

export interface TimelineStep {
  readonly at: number
  readonly what: 'fetched' | 'queued' | 'started' | 'failed' | 'retry' | 'published' | 'done' | 'dead' | 'committed'
  readonly attempt?: number
  readonly topic?: string
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
  readonly key: BytesView | null
  readonly depth: number
  readonly oldestAt: number | null
  readonly first: Place
  readonly running: Place | null
  /** Poisoned: what closes it, with the epoch of its partition. */
  readonly breaker: { readonly id: string; readonly epoch: number; readonly untilAt: number } | null
}

/** GET `/api/retries?g`: by due time, 200 at most. */
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
}

/** GET `/api/instances` */
export interface InstancesAnswer {
  readonly instances: readonly {
    /** As it stands in `/api/instances/{id}/…`. */
    readonly id: string
    readonly address: string
    /** `null`: it does not answer, and `why` says why. */
    readonly about: AboutAnswer | null
    readonly verdict: Verdict | null
    readonly why: string | null
  }[]
}
