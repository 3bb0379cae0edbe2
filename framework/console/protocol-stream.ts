/**
 * GET `/api/stream?partitions=<g>/<t>/<p>,…&live=<filter>,…`: frames of an event stream, read by `fetch`. Types only.
 *
 * `id: <instance>-<n>`, `event: <name>`, `data: <one line of JSON>`, an empty line. `n` grows by one; a gap, or another instance, means: begin anew.
 * At most 10 frames a second, of 64 kB. Who has not read 256 kB gets a `snapshot` next; who reads nothing for 30 s is cut off.
 */
import type { HandlerRow, SnapshotAnswer, Verdict } from './protocol.ts'
import type { LiveFrame } from './protocol-live.ts'
import type { PartitionView } from './protocol-records.ts'

/** So many partitions may be named, and get a ribbon. */
export const MAX_RIBBONS = 60
/** So many filters may be named, and get frames of records. */
export const MAX_LIVE = 8

export interface StreamFrames {
  /** All there is: first, and whenever what came before does not count any more. */
  readonly snapshot: SnapshotAnswer & {
    readonly handlers: readonly HandlerRow[]
    readonly partitions: readonly PartitionView[]
  }
  /** What has changed. A partition, handler or verdict that is left out is as before. */
  readonly delta: {
    readonly at: number
    readonly verdict?: Verdict
    readonly handlers?: readonly HandlerRow[]
    readonly partitions?: readonly PartitionView[]
    /** Every other second: counts of all groups. */
    readonly metrics?: SnapshotAnswer['metrics']
  }
  /** Something that an operator should read: a rebalance, a fault of a client, an action. */
  readonly note: StreamNote
  /** Records of one of the filters that were named. */
  readonly live: LiveFrame
}
export type StreamFrameName = keyof StreamFrames

export interface StreamNote {
  readonly at: number
  readonly level: 'info' | 'warn' | 'error'
  /** The name of the event: `partition.revoked`, `commit.failed`, `action.pause`. */
  readonly kind: string
  readonly text: string
  readonly group: string | null
}
