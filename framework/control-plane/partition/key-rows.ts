/** Finds the keys of partitions that have most records waiting, or the oldest. Pure; looks at no more records than it may. */
import type { KeyRow, KeyRows } from '../../model/explanation.ts'
import type { PartitionState } from './partition-state.ts'
import type { Pending, Shard } from './shard-queue.ts'

interface Found {
  readonly state: PartitionState
  readonly shard: Shard
  readonly head: Pending
  readonly depth: number
  /** The larger, the earlier in the list. */
  readonly weight: number
}

export function keyRows(
  states: Iterable<PartitionState>,
  by: 'depth' | 'age',
  { most, looks, now }: { readonly most: number; readonly looks: number; readonly now: number },
): KeyRows {
  const found: Found[] = []
  let looked = 0
  let isCut = false
  for (const state of states) {
    for (const shard of state.shards) {
      const { head } = shard
      if (head === undefined) continue
      isCut = looked >= looks
      if (isCut) break
      const before = looked
      for (let each: Pending | undefined = head; each !== undefined && looked < looks; each = each.next) looked += 1
      const depth = looked - before
      insert(found, { state, shard, head, depth, weight: by === 'depth' ? depth : ageOf(head) }, most)
    }
    if (isCut) break
  }
  return { rows: found.map((each) => rowOf(each, now)), looked, isCut }
}

/** Kafka's timestamp is -1 where the producer set none: those come last. */
function ageOf({ record: { timestamp } }: Pending): number {
  return timestamp < 0 ? Number.NEGATIVE_INFINITY : -timestamp
}

/** Few come in once the list is full: the others cost one comparison. */
function insert(found: Found[], each: Found, most: number): void {
  const last = found.at(-1)
  if (found.length >= most && last !== undefined && last.weight >= each.weight) return
  const at = found.findIndex(({ weight }) => weight < each.weight)
  found.splice(at === -1 ? found.length : at, 0, each)
  if (found.length > most) found.pop()
}

function rowOf({ state, head, depth }: Found, now: number): KeyRow {
  const { topic, partition, epoch, route } = state
  const { record, attempt, state: headState } = head
  const { offset, headers, timestamp } = record
  const key = route.ordering === 'key' ? record.key : null
  const breaker = state.breakers.find(key, now)?.id ?? null
  return { topic, partition, epoch, key, headers, depth, offset, state: headState, attempt, timestamp, breaker }
}
