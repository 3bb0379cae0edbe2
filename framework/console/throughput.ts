/**
 * How fast records are done, and how the backlog grows: by the difference of two snapshots, so that a record costs nothing. Offsets that do not exist
 * count as done when the position passes them.
 */
import { partitionId } from '../model/record.ts'
import type { GroupMetrics, SystemMetrics } from '../model/snapshot.ts'

const WINDOW_MS = 10_000
/** Closer looks than this say little, and would be many. */
const MIN_STEP_MS = 500

interface Look {
  readonly at: number
  /** Records done since the start, by group and topic. */
  readonly done: ReadonlyMap<string, number>
  readonly backlog: number | null
}

export class Throughput {
  #looks: readonly Look[] = []
  readonly #done = new Map<string, number>()
  /** By partition: what was done of it in which assignment. */
  #partitions: ReadonlyMap<string, { readonly epoch: number; readonly done: number }> = new Map()

  look(metrics: SystemMetrics): void {
    const last = this.#looks.at(-1)
    const at = metrics.takenAt
    if (last !== undefined && at - last.at < MIN_STEP_MS) return
    this.#count(metrics)
    const kept = this.#looks.filter((_, index) => (this.#looks[index + 1]?.at ?? at) >= at - WINDOW_MS)
    this.#looks = [...kept, { at, done: new Map(this.#done), backlog: backlogOf(metrics) }]
  }

  /** Records of a group's topic done in a second, over the last ten. */
  rateOf(group: string, topic: string): number {
    return this.#perSecond((look) => look.done.get(`${group} ${topic}`) ?? 0) ?? 0
  }

  /** Of all; `null` until there are two looks. */
  get rate(): number | null {
    return this.#perSecond((look) => sum(look.done.values()))
  }

  /** By how many records a second the backlog shrinks; `null` where that is not known. */
  get shrinking(): number | null {
    const known = this.#looks.every(({ backlog }) => backlog !== null)
    const perSecond = known ? this.#perSecond((look) => look.backlog ?? 0) : null
    return perSecond === null ? null : -perSecond
  }

  /** All that were done, by these snapshots. */
  get total(): number {
    return sum(this.#done.values())
  }

  #perSecond(read: (look: Look) => number): number | null {
    const [first, last] = [this.#looks[0], this.#looks.at(-1)]
    if (first === undefined || last === undefined || last.at <= first.at) return null
    return ((read(last) - read(first)) / (last.at - first.at)) * 1_000
  }

  #count({ groups }: SystemMetrics): void {
    const seen = new Map<string, { readonly epoch: number; readonly done: number }>()
    for (const { group, partitions } of groups) {
      for (const partition of partitions) {
        if (partition.position === null) continue
        const id = `${group} ${partitionId(partition)}`
        const done = partition.position + partition.gaps.offsets
        const before = this.#partitions.get(id)
        seen.set(id, { epoch: partition.epoch, done })
        // A new assignment begins where another process, or an earlier one, has come to.
        if (before?.epoch !== partition.epoch || done <= before.done) continue
        const name = `${group} ${partition.topic}`
        this.#done.set(name, (this.#done.get(name) ?? 0) + done - before.done)
      }
    }
    this.#partitions = seen
  }
}

/** Records of all partitions that are not done; `null` where the end of no log is known. */
export function backlogOf({ groups }: Pick<SystemMetrics, 'groups'>): number | null {
  const known = groups.flatMap(({ partitions }) => partitions).filter(({ trueLag }) => trueLag !== null)
  if (known.length === 0) return groups.some(hasPartitions) ? null : 0
  return sum(known.map(({ trueLag, gaps }) => Math.max(0, (trueLag ?? 0) - gaps.offsets)))
}

function hasPartitions({ assignedPartitions }: GroupMetrics): boolean {
  return assignedPartitions > 0
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const each of numbers) total += each
  return total
}
