/**
 * What the paths below `/api` of the console answer to a GET, as plain JSON: the page, the command line and tests read the same. Types only.
 * What is asked of partitions and records stands in `protocol-records.ts`, what changes
 * something in `protocol-actions.ts`, what streams in `protocol-stream.ts`, what went wrong in `protocol-errors.ts`.
 *
 * Times are milliseconds since the Unix epoch and end in `At`; spans are milliseconds and end in `Ms`. Offsets are Kafka's.
 */

import type { SystemMetrics } from '../model/snapshot.ts'
import type { ThreadAttempt, ThreadView } from '../model/thread-view.ts'
import type { SchemaFormat } from '../registry/schema-registry.ts'

/** Grows when an answer changes its meaning; new fields do not count. */
export const PROTOCOL_VERSION = 1

/** Bytes of a key, a value or a header. `null` in their place where there are none: a null key, a tombstone. */
export interface BytesView {
  /**
   * As UTF-8; what is not valid is U+FFFD. Of a key that is cut and no text, in base64. Masked: of a key `#` and 16 hexadecimal digits that are the same for the same key,
   * else empty.
   */
  readonly text: string
  /** How many there are in all. */
  readonly bytes: number
  readonly isCut: boolean
  readonly isMasked: boolean
  /** Only where the bytes are not valid UTF-8, or are a key that has control characters in it; neither masked nor cut. */
  readonly base64?: string
  /** Of a key in a row that names a schema of a registry: what it says, as JSON in one line, cut. Left out while that schema is not here. */
  readonly says?: string
}

/** A value, or a key, that names a schema of a registry, as `pyrallel dlq show` reads it: with the schema that it was written with. */
export type ReadView =
  | {
      readonly kind: 'read'
      /** Which it is, and where it is from: `id 7, of http://127.0.0.1:8081`. */
      readonly schema: string
      /** JSON, laid out. Whole numbers have all their digits, bytes are in base64. */
      readonly text: string
      readonly isCut: boolean
    }
  | { readonly kind: 'unread'; readonly why: string }

export interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** GET `/api` */
export interface AboutAnswer {
  readonly protocol: number
  /** Of Pyrallel; `null` in a bundle, which does not say. */
  readonly version: string | null
  readonly mode: 'development' | 'production'
  readonly instance: InstanceView
  readonly can: {
    /** Pause, resume, retry now, give up, close a breaker. */
    readonly act: boolean
    /** Publish dead letters again. */
    readonly replay: boolean
    /** The paths below `/api/dev`, and links that open an editor. */
    readonly dev: boolean
  }
  /** Topics whose keys, values, headers and messages are shown; `null`: all. */
  readonly shownTopics: readonly string[] | null
  readonly groups: readonly {
    readonly group: string
    readonly handlers: readonly {
      readonly handlerId: string
      readonly topic: string
      /** What the keys of its topic are written in. Left out: they are texts, or an older process answers. */
      readonly keyFormat?: SchemaFormat
    }[]
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

export const verdictKinds = [
  'healthy',
  'catching-up',
  'blocked',
  'paused',
  'rebalancing',
  'cut-off',
  'fenced',
  'refused',
  'outputs-full',
  'transaction-open',
  'starting',
  'stopping',
  'failed',
] as const
export type VerdictKind = (typeof verdictKinds)[number]

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

/** GET `/api/verdict`: of the snapshot, alone. */
export interface VerdictAnswer {
  readonly verdict: Verdict
}

/** GET `/api/handlers` */
export interface HandlersAnswer {
  readonly handlers: readonly HandlerRow[]
}

export interface HandlerRow {
  readonly group: string
  readonly handlerId: string
  /** Of several, all, with commas between; so are its dead-letter topics. */
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
  /** Records out of attempts that are kept, over the partitions that are listed. */
  readonly parked: number
  readonly deadLettersPerMinute: number
  readonly deadLetterTopic: string | null
  readonly openBreakers: number
}

/** A worker thread and what runs on it. */
export interface ThreadRow extends Omit<ThreadView, 'handlerId' | 'running'> {
  readonly running: readonly (Omit<ThreadAttempt, 'key' | 'headers'> & { readonly key: BytesView | null })[]
}

/** GET `/api/threads` */
export interface ThreadsAnswer {
  readonly handlers: readonly {
    readonly handlerId: string
    readonly group: string
    readonly running: number
    readonly restarts: number
    readonly batches: number
    readonly boundaryMs: number
    /** Each that lives now. */
    readonly each: readonly ThreadRow[]
  }[]
  readonly process: {
    readonly rssBytes: number
    readonly heapUsedBytes: number
    readonly heapLimitBytes: number
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
