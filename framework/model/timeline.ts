/** What has happened to single records, step by step, while somebody watches. Plain data. */
import type { RecordAt } from './explanation.ts'
import type { FailureReason } from './work.ts'

export interface WatchOptions {
  /** Every so manieth record that is taken in. 1: all. */
  readonly every: number
  /** Traces that are kept: the oldest make room. 2,000 at most, which is the default. */
  readonly most?: number
}

/** Times are milliseconds since the Unix epoch. */
export type TimelineStep =
  /** The client has handed it out. */
  | { readonly at: number; readonly kind: 'fetched' }
  /** It has its place behind the others of its key; an earlier owner has not completed it. */
  | { readonly at: number; readonly kind: 'queued' }
  /** Handed to the engine, with so many others. */
  | { readonly at: number; readonly kind: 'started'; readonly attempt: number; readonly batch: number }
  /** The engine has given it back before it had begun. */
  | { readonly at: number; readonly kind: 'recalled' }
  /** The attempt has failed; the next one is due `delayMs` later. */
  | {
      readonly at: number
      readonly kind: 'failed'
      readonly attempt: number
      readonly reason: FailureReason
      readonly durationMs: number
      readonly delayMs: number
    }
  /** Its batch has failed as a whole. */
  | { readonly at: number; readonly kind: 'batch-split'; readonly delayMs: number }
  /** Its handler has published, and the broker has acknowledged. */
  | { readonly at: number; readonly kind: 'published'; readonly topic: string }
  /** No further attempt; `topic` has acknowledged the dead letter, or it was dropped (`null`). */
  | { readonly at: number; readonly kind: 'dead'; readonly topic: string | null; readonly reason: FailureReason }
  | { readonly at: number; readonly kind: 'done'; readonly durationMs: number; readonly filtered: boolean }
  /** An acknowledged commit tells of it. */
  | { readonly at: number; readonly kind: 'committed' }
  /** Its partition was given up before it was committed. */
  | { readonly at: number; readonly kind: 'gone' }

export interface Timeline extends RecordAt {
  readonly epoch: number
  readonly handlerId: string
  readonly key: Buffer | null
  /** At most 64: of a record that fails for long, the first and the last ones. */
  readonly steps: readonly TimelineStep[]
}
