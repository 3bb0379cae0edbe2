/**
 * Records as they come, for a list that moves. Types only; times as in `protocol.ts`.
 *
 * POST `/api/live` says which records, and gives a name for that; `/api/stream?live=<name>` shows them in frames `live`. Traces are kept only while
 * a stream that asks for them is open.
 */
import type { BytesView, Place } from './protocol.ts'

/** All that it has must be true. Texts are at most 256 characters. A key is sent in a body, never in an address. */
export interface LiveFilter {
  readonly group?: string
  readonly topic?: string
  readonly handlerId?: string
  /** One of the two: UTF-8, or base64. The whole key. */
  readonly key?: string
  readonly keyBase64?: string
  readonly status?: LiveStatus
  /** Of a topic that is shown. Without `value`: that it has such a header. */
  readonly header?: { readonly name: string; readonly value?: string }
  /** In the value's first 64 kB, as UTF-8, upper and lower case as they are. Of a topic that is shown. */
  readonly text?: string
}

/** `left`: its partition was given up or taken away before. */
export const liveStatuses = ['queued', 'running', 'waiting', 'parked', 'done', 'filtered', 'dead', 'left'] as const
export type LiveStatus = (typeof liveStatuses)[number]

/** POST `/api/live`. 403 for a header or a text of a topic that is masked. */
export interface LiveAnswer {
  /** For `live` of the stream. It is forgotten five minutes after the last stream that used it. */
  readonly filter: string
}

/** Frame `live`. */
export interface LiveFrame {
  readonly filter: string
  readonly at: number
  /** Every so many records are traced at the moment; 1: all. Those that a filter by key, header or text asks for are traced besides. */
  readonly every: number
  /** Records that have come in the last second, traced or not. */
  readonly rate: number
  /** New ones, and those whose status has changed: the newest last, 100 at most. */
  readonly rows: readonly LiveRow[]
  /** Rows that did not fit into this frame and are not told. */
  readonly left: number
}

export interface LiveRow {
  readonly group: string
  readonly handlerId: string
  readonly place: Place
  readonly epoch: number
  readonly key: BytesView | null
  readonly valueBytes: number | null
  readonly status: LiveStatus
  /** That runs, or has ended last; 0 before the first. */
  readonly attempt: number
  readonly fetchedAt: number
  /** Of the last attempt that has ended. */
  readonly durationMs: number | null
  /** The class name of the last error. */
  readonly error: string | null
}
