/** Records as they come, as a console tells them. */
import type { LiveFrame, LiveRow } from '../../framework/console/protocol-live.ts'
import { bytesView } from './records-script.ts'

export function liveRow(offset: number, over: Partial<LiveRow> = {}): LiveRow {
  return {
    group: 'shop',
    handlerId: 'ship',
    place: { topic: 'orders.created', partition: 2, offset },
    epoch: 1,
    key: bytesView(`customer-${offset}`),
    valueBytes: 120,
    status: 'running',
    attempt: 1,
    fetchedAt: Date.now(),
    durationMs: null,
    error: null,
    ...over,
  }
}

export function liveFrame(filter: string, rows: readonly LiveRow[], over: Partial<LiveFrame> = {}): LiveFrame {
  return { filter, at: Date.now(), every: 1, rate: 12, rows, left: 0, ...over }
}
