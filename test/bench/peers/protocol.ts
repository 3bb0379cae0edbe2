/**
 * What the benchmark's runner and a peer say to each other: settings as JSON in the peer's first argument, then one JSON object per line on
 * its stdout. Java and Python speak the same words. Starts nothing and measures nothing.
 */

/** `none`: nothing at all. `sleep`: waits as an I/O call would. `sha256`: keeps a core busy. How much, each record says. */
export type WorkKind = 'none' | 'sleep' | 'sha256'

export interface PeerSettings {
  /** `consume` reads the topic. `calibrate` does the same work without Kafka, to know what the runtime itself allows. */
  readonly mode: 'consume' | 'calibrate'
  readonly brokers: string
  readonly topic: string
  readonly group: string
  readonly partitions: number
  readonly keys: number
  /** The most records in flight at once, for systems that have such an option. */
  readonly concurrency: number
  /** How many cores a system may use for work that keeps a core busy. */
  readonly cores: number
  readonly work: WorkKind
  /** Measuring begins when so many records are done, or so long after the first, whichever is sooner. */
  readonly warmUpRecords: number
  readonly warmUpMs: number
  /** Measuring ends when so many records are done, warm-up included, or after so long, whichever is sooner. */
  readonly lastRecord: number
  readonly limitMs: number
  readonly commitMs: number
  /** The first record of key 0 never ends. */
  readonly stuckKey: boolean
  /** Whether records carry the time at which they should have been sent, to be compared with the time at which they are done. */
  readonly latency: boolean
  /** The topic to which each record is published again by its handler. Empty: nothing is published. */
  readonly outputs: string
  /** Latency counts from when a record came into the log, which its topic must keep, in place of when it should have been sent; what is published carries it. */
  readonly sinceLog: boolean
  /** A file that gets one line for each record that is done: its number, and the microsecond. Empty: none. */
  readonly ledger: string
  /** Where a package stands that is not among our own dependencies. Empty: nothing is wanted from there. */
  readonly packages: string
  /** Settings for librdkafka beside a peer's own: what the embedded broker needs. */
  readonly librdkafka: Readonly<Record<string, string | number | boolean>>
  /** In mode `calibrate`: what one piece of work takes, from `workMin` to `workMax`, in milliseconds or rounds. */
  readonly workMin: number
  readonly workMax: number
}

/** What a record's value holds, as JSON. Every peer parses it. */
export interface BenchValue {
  /** Number of the record in its topic, from 0. */
  readonly i: number
  /** Number of its key, from 0; -1 for a record that only shows that the topic is being read. */
  readonly k: number
  /** Number of the record in its key, from 1. */
  readonly n: number
  /** Milliseconds of sleep, or rounds of SHA-256. */
  readonly w: number
  /** When it should have been sent, in microseconds of the machine's monotonic clock; 0 where latency is not measured. */
  readonly t: number
}

/** A histogram's counts by bucket; see histogram.ts. */
export type BucketCounts = readonly (readonly [bucket: number, count: number])[]

export type PeerMessage =
  /** The first record has arrived. */
  | { readonly kind: 'started' }
  /** The warm-up is over. */
  | { readonly kind: 'measuring'; readonly done: number }
  /** `violations` as in the result, until now. */
  | { readonly kind: 'progress'; readonly done: number; readonly violations: number }
  | PeerResult
  | { readonly kind: 'calibrated'; readonly perSecond: number; readonly latencyMs: number }
  | { readonly kind: 'failed'; readonly why: string }

export interface PeerResult {
  readonly kind: 'done'
  /** Records done in all, warm-up included. */
  readonly done: number
  /** Records done while measuring, and how long that was. */
  readonly measured: number
  readonly elapsedMs: number
  /** Records that began while another of their key was running, or before one that comes before them. */
  readonly violations: number
  /** Records that ran again after they were done, which at-least-once allows. */
  readonly repeats: number
  readonly latency: BucketCounts
}

/** @returns `undefined` for a line that is no message: what a library prints must not end a run */
export function parseMessage(line: string): PeerMessage | undefined {
  if (!line.startsWith('{')) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    return undefined
  }
  const message = parsed as PeerMessage
  switch (message.kind) {
    case 'started':
      return { kind: 'started' }
    case 'measuring':
      return isCount(message.done) ? { kind: 'measuring', done: message.done } : undefined
    case 'progress': {
      // A peer of an earlier checkout does not tell them as it goes.
      const { done, violations = 0 } = message
      return isCount(done) && isCount(violations) ? { kind: 'progress', done, violations } : undefined
    }
    case 'calibrated':
      return isCount(message.perSecond) && isCount(message.latencyMs) ? message : undefined
    case 'failed':
      return { kind: 'failed', why: String(message.why) }
    case 'done':
      return isResult(message) ? message : undefined
    default:
      return undefined
  }
}

export function isResult(message: PeerResult): boolean {
  const { done, measured, elapsedMs, violations, repeats, latency } = message
  return [done, measured, elapsedMs, violations, repeats].every(isCount) && Array.isArray(latency)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
