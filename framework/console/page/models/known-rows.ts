/** Keys of rows that come again and again, and what is remembered of them. */
import type { HandlerRow } from '../../protocol.ts'
import type { PartitionView } from '../../protocol-records.ts'

export function handlerKey({ group, handlerId }: Pick<HandlerRow, 'group' | 'handlerId'>): string {
  return `${group}\u0000${handlerId}`
}

/** A partition as the stream is asked for it: `group/topic/partition`, each percent-encoded. */
export function ribbonId({ group, topic, partition }: Pick<PartitionView, 'group' | 'topic' | 'partition'>): string {
  return [group, topic, partition].map(encodeURIComponent).join('/')
}

/** Rates of each handler, oldest first, equal steps apart. */
export interface RateHistory {
  /** Of the newest point. */
  readonly at: number
  readonly points: ReadonlyMap<string, readonly number[]>
}

const mostPoints = 60
const everyMs = 1_000

/** With one more point, once a second. Handlers that are gone are forgotten. */
export function withRates(history: RateHistory, rows: readonly HandlerRow[], at: number): RateHistory {
  if (at - history.at < everyMs) return history
  const points = new Map<string, readonly number[]>()
  for (const row of rows) {
    const key = handlerKey(row)
    points.set(key, [...(history.points.get(key) ?? []), row.rate].slice(-mostPoints))
  }
  return { at, points }
}
