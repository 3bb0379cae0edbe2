/** What a member process is told, and what it writes down: one JSON line for every thing that happened, in order. Types only. */
import type { CommitSettings, Limits, RetrySettings, ShutdownSettings } from '../../framework/model/settings.ts'
import type { Ordering } from '../../framework/model/work.ts'

/** How a member's handler behaves. */
export interface Behaviour {
  /** What each record takes: a random time between the two, in milliseconds. */
  readonly takesMs: readonly [least: number, most: number]
  /** Records of these keys wait for `release`, or for their signal. */
  readonly blockedKeys: readonly string[]
  /** Goes on although the signal says that it should not. */
  readonly ignoresSignal: boolean
  /** By key: so many attempts of each of its records fail. */
  readonly failures: Readonly<Record<string, number>>
  /** It publishes two outputs of each record here, before it does its work; `null`: none. */
  readonly publishesTo: string | null
  /** It gives every so many-th record of a key up; 0: none. */
  readonly givesUpEvery: number
}

export interface MemberPlan {
  readonly name: string
  readonly brokers: string
  readonly topic: string
  readonly group: string
  /** Which client. The one in JavaScript has the protocol `consumer` only, and no properties of librdkafka. */
  readonly client: 'librdkafka' | 'javascript'
  readonly groupProtocol: 'consumer' | 'classic'
  readonly instanceId?: string
  readonly startFrom: 'earliest' | 'latest'
  readonly sessionTimeoutMs: number
  /** A user of SCRAM-SHA-512, at a listener without TLS. */
  readonly user?: { readonly username: string; readonly password: string }
  readonly librdkafka: Readonly<Record<string, string | number | boolean>>
  readonly ordering: Ordering
  readonly concurrency: number
  readonly timeoutMs: number
  readonly retry: RetrySettings
  readonly deadLetterTopic: string | null
  readonly limits: Limits
  readonly commit: CommitSettings
  readonly shutdown: ShutdownSettings
  readonly behaviour: Behaviour
  /** Whether it answers with a page of metrics, at a port of loopback that its log names. */
  readonly metrics: boolean
  /** Where it writes what it did. */
  readonly file: string
}

/** What the test may ask of a running member. It stops on SIGTERM. */
export type MemberCommand =
  | { readonly release: string }
  /** Paths of named pipes: opened, each holds one of libuv's threads until somebody opens its other end. */
  | { readonly holdThreads: readonly string[] }

interface At {
  /** Monotonic milliseconds, the same clock for all processes of the machine. */
  readonly at: number
}

export interface OfRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly sequence: number
}

export interface CommittedPartition {
  readonly partition: number
  readonly position: number
  readonly metadataLength: number
}

/** The handler began. */
export type StartLine = At & OfRecord & { readonly kind: 'start'; readonly attempt: number }
/** The handler returned, or threw. */
export type EndLine = At &
  OfRecord & {
    readonly kind: 'end' | 'fail'
    readonly attempt: number
    /** It has given the record up: where a dead letter becomes visible with its commit, the key goes on at once. */
    readonly isGivenUp?: boolean
  }
/** The runtime says that the record is done, or that its dead letter is acknowledged. */
export type SettledLine = At & {
  readonly kind: 'done' | 'dead'
  readonly partition: number
  readonly offset: number
}
export type AssignedLine = At & {
  readonly kind: 'assigned'
  readonly partition: number
  readonly epoch: number
  readonly position: number | null
  readonly restored: number
}
export type GoneLine = At & {
  readonly kind: 'revoked' | 'lost'
  readonly partition: number
  readonly epoch: number
  readonly leftBehind: number
}
/** A commit was handed to the client; its answer has the same id. */
export type CommitLine = At & {
  readonly kind: 'commit'
  readonly id: number
  readonly partitions: readonly CommittedPartition[]
}
export type LogLine = At & {
  readonly kind: 'log'
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export type MemberLine =
  | StartLine
  | EndLine
  | SettledLine
  | AssignedLine
  | GoneLine
  | CommitLine
  | LogLine
  | (At & { readonly kind: 'started' | 'stopped' })
  | (At & { readonly kind: 'committed'; readonly id: number })
  | (At & { readonly kind: 'refused'; readonly id: number; readonly error: string })
  /** Any other event of the runtime, by its own name. */
  | (At & { readonly kind: 'event'; readonly name: string; readonly facts: object })
  /** The runtime gave up by itself. */
  | (At & { readonly kind: 'failed'; readonly error: string })

/** A line without its time. */
export type MemberNote = MemberLine extends infer Line ? (Line extends At ? Omit<Line, 'at'> : never) : never

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
