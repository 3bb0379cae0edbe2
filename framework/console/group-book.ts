/** What the console remembers of each group: rebalances and commits of the last hour. Bounded in entries, whatever happens. */
import { PyrallelError } from '../model/errors.ts'
import type { RuntimeEvent } from '../model/events.ts'
import type { TopicPartition } from '../model/record.ts'
import type { CommitFailureRow, CommitsView, RebalanceRow } from './protocol-groups.ts'

const HOUR_MS = 3_600_000
const MOST_REBALANCES = 200
const MOST_FAILURES = 50
const MOST_PARTITIONS = 50
/** A rebalance is told partition by partition. What is told within so long of each other is one. */
const ONE_REBALANCE_MS = 1_000
const MINUTES = 60
const MINUTE_MS = 60_000
const MOST_TEXT = 512

interface Rebalance extends RebalanceRow {
  /** When the last partition of it was told. */
  readonly untilAt: number
}

interface Of {
  rebalances: Rebalance[]
  failures: CommitFailureRow[]
  /** By minute, in a ring. */
  readonly acknowledged: MinuteCounts
  readonly failed: MinuteCounts
  last: { readonly at: number; readonly tookMs: number } | undefined
}

export class GroupBook {
  readonly #now: () => number
  readonly #groups = new Map<string, Of>()

  /** @param now milliseconds since the Unix epoch */
  constructor(now: () => number) {
    this.#now = now
  }

  onEvent(group: string, event: RuntimeEvent): void {
    const at = Math.round(this.#now())
    switch (event.kind) {
      case 'partition.assigned':
        this.#rebalance(group, { at, kind: 'assigned', of: event, runsAgain: 0, restored: event.restored })
        return
      case 'partition.revoked':
      case 'partition.lost': {
        const kind = event.kind === 'partition.lost' ? 'lost' : 'revoked'
        this.#rebalance(group, { at, kind, of: event, runsAgain: event.runsAgain, restored: 0 })
        return
      }
      case 'commit.done': {
        const of = this.#of(group)
        of.acknowledged.add(at)
        of.last = { at, tookMs: Math.round(event.tookMs) }
        return
      }
      case 'commit.failed':
        this.#fail(group, event.error, { at, willRetry: event.willRetry })
        return
      default:
      // What else happens is none of its business.
    }
  }

  /** Of the last hour, the newest first. */
  rebalances(group: string): readonly RebalanceRow[] {
    const since = this.#now() - HOUR_MS
    const known = this.#groups.get(group)?.rebalances ?? []
    return known
      .filter(({ untilAt }) => untilAt >= since)
      .map(({ untilAt: _, ...row }) => row)
      .reverse()
  }

  commits(group: string): CommitsView {
    const now = this.#now()
    const of = this.#groups.get(group)
    return {
      acknowledged: of?.acknowledged.sum(now) ?? 0,
      failed: of?.failed.sum(now) ?? 0,
      lastAcknowledgedAt: of?.last?.at ?? null,
      lastTookMs: of?.last?.tookMs ?? null,
      failures: (of?.failures ?? []).filter(({ at }) => at >= now - HOUR_MS).reverse(),
    }
  }

  #of(group: string): Of {
    const known = this.#groups.get(group)
    if (known !== undefined) return known
    const counts = { acknowledged: new MinuteCounts(), failed: new MinuteCounts() }
    const made: Of = { rebalances: [], failures: [], ...counts, last: undefined }
    this.#groups.set(group, made)
    return made
  }

  #rebalance(group: string, told: Pick<RebalanceRow, 'at' | 'kind' | 'runsAgain' | 'restored'> & Told): void {
    const { at, kind, of, runsAgain, restored } = told
    const { rebalances } = this.#of(group)
    const partition = { topic: of.topic, partition: of.partition }
    const last = rebalances.at(-1)
    if (last === undefined || last.kind !== kind || at - last.untilAt > ONE_REBALANCE_MS) {
      rebalances.push({ at, untilAt: at, kind, partitions: [partition], count: 1, runsAgain, restored })
      if (rebalances.length > MOST_REBALANCES) rebalances.shift()
      return
    }
    const { partitions } = last
    rebalances[rebalances.length - 1] = {
      ...last,
      untilAt: at,
      partitions: partitions.length < MOST_PARTITIONS ? [...partitions, partition] : partitions,
      count: last.count + 1,
      runsAgain: last.runsAgain + runsAgain,
      restored: last.restored + restored,
    }
  }

  #fail(group: string, error: Error, { at, willRetry }: Pick<CommitFailureRow, 'at' | 'willRetry'>): void {
    const of = this.#of(group)
    of.failed.add(at)
    const code = error instanceof PyrallelError ? error.code : error.name
    of.failures.push({ at, code, message: error.message.slice(0, MOST_TEXT), willRetry })
    if (of.failures.length > MOST_FAILURES) of.failures.shift()
  }
}

interface Told {
  readonly of: TopicPartition
}

/** How many there were in each of the last sixty minutes. */
class MinuteCounts {
  readonly #counts = new Float64Array(MINUTES)
  #minute = 0

  add(at: number): void {
    this.#advance(at)
    const slot = this.#minute % MINUTES
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1
  }

  sum(at: number): number {
    this.#advance(at)
    return this.#counts.reduce((sum, each) => sum + each, 0)
  }

  #advance(at: number): void {
    const minute = Math.floor(at / MINUTE_MS)
    for (let next = Math.max(this.#minute + 1, minute - MINUTES + 1); next <= minute; next++)
      this.#counts[next % MINUTES] = 0
    this.#minute = Math.max(this.#minute, minute)
  }
}
