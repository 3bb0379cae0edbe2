/** Accounts for every record since the first fault: written, done, a dead letter, left, lost. Its books are its own: events and logs, not what the control plane counts. */
import type { ChaosAccount } from '../../../framework/console/protocol-dev.ts'
import type { ClusterView } from '../../../framework/kafka/kafka-client.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { RecordAt } from '../../../framework/model/explanation.ts'
import { partitionId, recordPlace, type TopicPartition } from '../../../framework/model/record.ts'
import type { SystemMetrics } from '../../../framework/model/snapshot.ts'
import type { Inspection } from '../../../framework/runtime/inspection.ts'
import { OffsetSet } from './offset-set.ts'

const MOST_PLACES = 20

interface Of extends TopicPartition {
  /** Everything below was done before. */
  readonly from: number
  /** Handled, dead, or done before the account began; fillers too. */
  readonly settled: OffsetSet
  readonly done: OffsetSet
  readonly dead: OffsetSet
  /** Not a record to any consumer: put there by us, or markers of transactions and what was compacted. */
  readonly fillers: OffsetSet
  /** Passed by a commit while they were not settled, and found in the log. */
  readonly passed: OffsetSet
  /** Settled before it began. */
  readonly before: OffsetSet
  committed: number
}

/** What an account asks of the cluster. */
export interface AccountedLogs extends Pick<ClusterView, 'logs'> {
  /** The places of the records in a topic, asked for where one seems to be lost. */
  places(topic: string): Promise<readonly RecordAt[]>
}

/** What an account asks of the runtime that runs at the moment. */
export interface AccountedRuntime {
  readonly inspection: Pick<Inspection, 'partition'>
  snapshot(): SystemMetrics
}

export class FaultAccount {
  readonly #sinceAt: number
  readonly #groupOf: (handlerId: string) => string | undefined
  readonly #partitions = new Map<string, Of>()
  #doneAgain = 0

  /** @param groupOf the consumer group of a handler */
  constructor(sinceAt: number, groupOf: (handlerId: string) => string | undefined) {
    this.#sinceAt = sinceAt
    this.#groupOf = groupOf
  }

  /** Takes in partitions that were not known, from where they stand, and how far commits have come. */
  look(runtime: AccountedRuntime): void {
    for (const { group, partitions } of runtime.snapshot().groups) {
      for (const { topic, partition, position, committedPosition } of partitions) {
        const name = nameOf(group, { topic, partition })
        const of = this.#partitions.get(name) ?? this.#open(name, runtime, group, { topic, partition }, position ?? 0)
        of.committed = Math.max(of.committed, committedPosition ?? 0)
      }
    }
  }

  onEvent(event: RuntimeEvent): void {
    if (event.kind !== 'record.done' && event.kind !== 'record.dead') return
    const { topic, partition, offset } = event.record
    const of = this.#partitions.get(nameOf(this.#groupOf(event.handlerId) ?? '', { topic, partition }))
    if (of === undefined || offset < of.from) return
    if (!of.settled.add(offset)) this.#doneAgain += 1
    else if (event.kind === 'record.dead') of.dead.add(offset)
    else of.done.add(offset)
  }

  /** It is no record to any consumer. */
  onFiller({ topic, partition, offset }: RecordAt): void {
    for (const of of this.#partitions.values()) {
      if (of.topic !== topic || of.partition !== partition || offset < of.from) continue
      of.fillers.add(offset)
      of.settled.add(offset)
    }
  }

  async read(logs: AccountedLogs): Promise<ChaosAccount> {
    const ends = new Map<string, number>()
    for (const topic of new Set([...this.#partitions.values()].map((of) => of.topic))) {
      for (const each of await logs.logs(topic)) ends.set(partitionId(each), each.logEnd)
      await this.#look(topic, ends, logs)
    }
    const total = { written: 0, done: 0, dead: 0, left: 0, lost: 0 }
    const lostPlaces: string[] = []
    for (const of of this.#partitions.values()) {
      const end = Math.max(of.from, ends.get(partitionId(of)) ?? of.from)
      const written = end - of.from - of.fillers.count - of.before.within(of.from, end)
      const passed = Math.max(of.from, Math.min(of.committed, end))
      const lost = passed - of.from - of.settled.within(of.from, passed)
      const [done, dead] = [of.done.within(of.from, end), of.dead.within(of.from, end)]
      total.written += written
      total.done += done
      total.dead += dead
      total.lost += lost
      total.left += Math.max(0, written - done - dead - lost)
      for (const offset of of.settled.missing(of.from, passed, MOST_PLACES - lostPlaces.length))
        lostPlaces.push(recordPlace({ topic: of.topic, partition: of.partition, offset }))
    }
    return { sinceAt: Math.round(this.#sinceAt), ...total, doneAgain: this.#doneAgain, lostPlaces }
  }

  /** A commit passes records that nobody has handled, which are lost, and offsets that are no records. The log tells them apart. */
  async #look(topic: string, ends: ReadonlyMap<string, number>, logs: AccountedLogs): Promise<void> {
    const open = [...this.#partitions.values()].flatMap((of) => {
      if (of.topic !== topic) return []
      // A log that was made anew ends below what was committed in the old one.
      const to = Math.min(of.committed, ends.get(partitionId(of)) ?? 0)
      const offsets = of.settled.missing(of.from, to, Number.POSITIVE_INFINITY)
      const unknown = offsets.filter((offset) => of.passed.within(offset, offset + 1) === 0)
      return unknown.length === 0 ? [] : [{ of, unknown }]
    })
    if (open.length === 0) return
    const places = new Set((await logs.places(topic)).map((place) => recordPlace(place)))
    for (const { of, unknown } of open) {
      for (const offset of unknown) {
        if (places.has(recordPlace({ topic, partition: of.partition, offset }))) of.passed.add(offset)
        else if (of.settled.add(offset)) of.fillers.add(offset)
      }
    }
  }

  #open(name: string, { inspection }: AccountedRuntime, group: string, at: TopicPartition, from: number): Of {
    const sets = { settled: new OffsetSet(), done: new OffsetSet(), dead: new OffsetSet() }
    const more = { fillers: new OffsetSet(), before: new OffsetSet(), passed: new OffsetSet() }
    const of: Of = { ...at, from, ...sets, ...more, committed: from }
    this.#partitions.set(name, of)
    for (const { state, from: start, to } of inspection.partition(group, at)?.runs ?? []) {
      if (state !== 'done-above-gap' && state !== 'hole') continue
      for (let offset = Math.max(start, from); offset < to; offset++) {
        of.settled.add(offset)
        of.before.add(offset)
      }
    }
    return of
  }
}

function nameOf(group: string, of: TopicPartition): string {
  return `${group} ${partitionId(of)}`
}
