/** The resolved settings that the control plane reads. Every field is set; defaults stand in framework/config/config.ts. */
import type { KafkaRecord } from './record.ts'
import type { TickSettings } from './tick.ts'
import type { TopicPattern } from './topic-pattern.ts'
import type { Ordering } from './work.ts'

export interface RetrySettings {
  /** All tries, the first included. */
  readonly attempts: number
  readonly backoff: 'fixed' | 'exponential'
  readonly minMs: number
  readonly maxMs: number
  readonly jitter: boolean
  /** A record that is older gets no further attempt once it has failed twice. Left out, or 0: its age does not matter. Milliseconds. */
  readonly maxAgeMs?: number | undefined
  /** What becomes of a record without further attempts. Left out: its dead letter. `park`: it waits, with its key. `park-alone`: it waits, and its key goes on. */
  readonly then?: 'dead-letter' | 'park' | 'park-alone' | undefined
}

/** How the records of a batch handler are put together. */
export interface BatchSettings {
  /** Records of one call at most. */
  readonly size: number
  /** How long a record may wait for others, while there are fewer than `size`. Milliseconds. */
  readonly waitMs: number
}

/** What the control plane must know of one handler: which topic it reads, and the rules its records are kept by. */
export interface Route {
  /** A handler of several topics has a route for each, which differ in the topics only. */
  readonly handlerId: string
  readonly topic: string
  /** Of a handler whose topics are found by their names: `topic` is the pattern's text then, and each topic that was found has a route beside this one. */
  readonly pattern?: TopicPattern | undefined
  readonly ordering: Ordering
  /** Attempts in flight at most, in this process. */
  readonly concurrency: number
  readonly retry: RetrySettings
  /** `null`: a record that cannot be handled is dropped, as its owner has written. */
  readonly deadLetterTopic: string | null
  /** What of the record goes there. Default `full`; `metadata` leaves the value out. */
  readonly deadLetterPayload?: 'full' | 'metadata'
  /** Undefined: each call is for one record. */
  readonly batch?: BatchSettings | undefined
  /** Records that may start in a second. Undefined: no limit. */
  readonly rateLimit?: number | undefined
  /** Undefined: `concurrency` is the limit at all times. */
  readonly adaptive?: AdaptiveSettings | undefined
  /** Undefined: the records of a key are tried whatever became of those before. */
  readonly poison?: PoisonSettings | undefined
  /** Says true of a record that is done as it arrives, and is never queued. Never throws. Undefined: none is. */
  readonly leavesOut?: ((record: KafkaRecord) => boolean) | undefined
  /** What its engine is asked for again and again. Undefined: nothing. */
  readonly tick?: TickSettings | undefined
  /** Undefined: a record may start as soon as its turn comes. */
  readonly delay?: DelaySettings | undefined
  /** A failed record that holds back the commit for so long is given up. Undefined: never. Milliseconds. */
  readonly maxBlockingMs?: number | undefined
}

/** The limit on attempts in flight finds its place between `min` and the handler's `concurrency`. */
export interface AdaptiveSettings {
  readonly min: number
  /** The shortest time between two changes. Milliseconds. */
  readonly intervalMs: number
}

/** Records that name the time from which on they may start. */
export interface DelaySettings {
  /**
   * Milliseconds since the Unix epoch; undefined for a record that names no time; a text that says why there is none to go by. Asked once in an
   * assignment, when the record's turn comes. Never throws.
   */
  readonly notBefore: (record: KafkaRecord) => number | string | undefined
  /** A record whose time is further away when it is asked for is given up. Milliseconds. */
  readonly maxDelayMs: number
}

/** When the records of a key are not worth trying. */
export interface PoisonSettings {
  /** So many records of the key given up in a row, `DeadLetter` not counted. */
  readonly threshold: number
  /** How long its records then go to the dead-letter topic without running. Milliseconds. */
  readonly cooldownMs: number
}

/** Load is what is queued, in flight, waiting for a retry or for a dead letter's acknowledgement. Pause at 100 %, resume at 70 %. */
export interface Limits {
  readonly maxRecords: number
  readonly maxBytes: number
  readonly maxRecordsPerPartition: number
  readonly maxBytesPerPartition: number
  /** The widest span of offsets between a partition's position and its highest completed offset. */
  readonly maxOffsetSpan: number
  /** The most completions that a commit would carry and no acknowledged one has. */
  readonly maxUncommitted: number
}

export type RecoveryStrategy = 'metadata' | 'contiguous'

/** Consumers whose groups can be taken over, with what they have stored as done. */
export type Predecessor = 'parallel-consumer' | 'pyrallel-consumer'

export interface CommitSettings {
  /** The shortest time between two commits of one group. Milliseconds. */
  readonly minIntervalMs: number
  /** `metadata`: completions above a gap are stored with the commit and not executed again. `contiguous`: only the position is. */
  readonly recovery: RecoveryStrategy
  /** Whose commit metadata is believed beside our own. Left out: nobody's. */
  readonly takeOver?: Predecessor | 'none' | undefined
  /** Outputs, dead letters and offsets become visible together, in transactions. Left out: false. */
  readonly exactlyOnce?: boolean | undefined
}

export interface ShutdownSettings {
  /** How long a revoked partition may finish what is in flight. Milliseconds. */
  readonly revokeGraceMs: number
  /** How long a shutdown may finish what is in flight. Milliseconds. */
  readonly drainMs: number
}

/** The schema registry, and how this process proves who it is there. */
export interface RegistrySettings {
  /** Undefined: there is none. */
  readonly url?: string | undefined
  readonly auth: {
    readonly username?: string | undefined
    readonly password?: string | undefined
    readonly token?: string | undefined
    readonly clientId?: string | undefined
    readonly clientSecret?: string | undefined
    readonly tokenEndpoint?: string | undefined
    readonly scope?: string | undefined
  }
  readonly tls: {
    /** A PEM text, or the path of a PEM file; `cert` and `key` alike. */
    readonly ca?: string | undefined
    readonly cert?: string | undefined
    readonly key?: string | undefined
    readonly keyPassphrase?: string | undefined
    readonly verifyHostname: boolean
  }
  /** Passwords, tokens and secrets may go over http to other machines. */
  readonly allowPlaintext: boolean
  /** Of one request. Milliseconds. */
  readonly requestTimeoutMs: number
}

/** How operators are answered. */
export interface HttpSettings {
  readonly enabled: boolean
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Names under which it may be asked for the snapshot, beside localhost and IP addresses. */
  readonly names: readonly string[]
  /** Who asks for the snapshot or the console must have it. Undefined: nobody needs one. */
  readonly token: string | undefined
  readonly console: ConsoleSettings
  /** Whether there is a page for Prometheus. */
  readonly metrics: boolean
  /** A client that was not polled for so long is stalled. Milliseconds. */
  readonly stallAfterMs: number
}

/** How many processes are asked for. */
export interface ScaleSettings {
  /** The time in which a backlog is to be done. Milliseconds. */
  readonly drainTargetMs: number
}

/** The console of a process that runs for others. */
export interface ConsoleSettings {
  readonly enabled: boolean
  /** Whether it may change something. */
  readonly actions: boolean
  /** Topics whose keys, values and messages it shows. */
  readonly shownTopics: readonly string[]
  /** `host:port` of other processes, whose consoles it shows. */
  readonly instances: readonly string[]
}

/** How a client fetches and how long it waits, whichever client it is. What is left out is the client's own. */
/** How batches of records are compressed. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export interface WireSettings {
  readonly fetch?: Partial<FetchSettings>
  /** Milliseconds. */
  readonly requestTimeoutMs?: number | undefined
  /** Milliseconds. */
  readonly connectTimeoutMs?: number | undefined
  readonly keepAlive?: boolean
  /** Where this process runs, in the words of `broker.rack`. */
  readonly rack?: string | undefined
  /** Of what is produced. Default: none. */
  readonly compression?: Compression
}

export interface FetchSettings {
  /** A broker answers once it has so many, or when `maxWaitMs` is over. */
  readonly minBytes: number
  readonly maxWaitMs: number
  /** Of one answer. */
  readonly maxBytes: number | undefined
  readonly maxBytesPerPartition: number | undefined
}

/** How brokers and this process prove to each other who they are. */
export interface SecuritySettings {
  readonly tls: boolean
  /** PEM texts, or paths of PEM files. */
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly keyPassphrase: string | undefined
  readonly verifyHostname: boolean
  /** Whether a password may go over the network in clear. */
  readonly allowPlaintext: boolean
  readonly sasl: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER' | undefined
    readonly username: string | undefined
    readonly password: string | undefined
    readonly clientId: string | undefined
    readonly clientSecret: string | undefined
    readonly tokenEndpoint: string | undefined
    readonly scope: string | undefined
  }
}
