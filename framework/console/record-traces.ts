/** Follows records while somebody looks on: what became of each, step by step. Keeps 2,000, the newest, and none of their values. */
import type { RuntimeEvent } from '../model/events.ts'
import type { RecordAt } from '../model/explanation.ts'
import { type KafkaRecord, partitionId, type TopicPartition } from '../model/record.ts'
import type { RecordWatch } from '../model/record-watch.ts'
import type { CompletionEvent, Epoch, WorkItem } from '../model/work.ts'
import type { CompiledFilter } from './live-filter.ts'
import { LiveSampler } from './live-sampler.ts'
import type { ReadKeys } from './read-keys.ts'
import { RecordTrace } from './record-trace.ts'

const MOST_TRACES = 2_000

export interface RecordTracesOptions {
  readonly keys: ReadKeys
  readonly filters: () => Iterable<CompiledFilter>
  readonly now: () => number
}

export class RecordTraces {
  readonly #options: RecordTracesOptions
  readonly #byEpoch = new Map<Epoch, Map<number, RecordTrace>>()
  /** The present assignments of what is followed, by group and partition. */
  readonly #epochs = new Map<string, Epoch>()
  /** A ring, the oldest is overwritten. */
  #ring: RecordTrace[] = []
  #next = 0
  /** Of whoever looks for a record, and has no filter. */
  #sampler = new LiveSampler()
  /** Since they were last taken. */
  #changed = new Set<RecordTrace>()

  constructor(options: RecordTracesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#ring.length
  }

  /** What the control plane tells of one group. */
  of(group: string): RecordWatch {
    return {
      onTaken: (handlerId, epoch, record, now) => this.#onTaken(group, handlerId, epoch, record, Math.round(now)),
      onStarted: (item, now) => this.#onStarted(item, Math.round(now)),
      onEnded: (item, completion, isDone, now) => this.#onEnded(item, completion, isDone, Math.round(now)),
      onAcknowledged: ({ epoch }, position, now) => this.#onAcknowledged(epoch, position, Math.round(now)),
      onPublished: (item, topic) => this.#each(item, (trace) => trace.publish(topic, this.#now())),
    }
  }

  /** What the watch is not told. */
  onEvent(group: string, event: RuntimeEvent): void {
    switch (event.kind) {
      case 'record.dead':
        this.#change(this.find(group, event.record), (trace) => trace.end('dead', this.#now()))
        return
      case 'record.parked':
        this.#change(this.find(group, event.record), (trace) => trace.park())
        return
      case 'partition.revoked':
      case 'partition.lost':
        this.#leave(event.epoch)
        return
      case 'partition.rewound': {
        const before = this.#epochs.get(placeOf(group, event))
        if (before !== undefined && before !== event.epoch) this.#leave(before)
        return
      }
      default:
      // The watch has told it, or it concerns no record.
    }
  }

  /** In its present assignment, or in the last that it was in. */
  find(group: string, at: RecordAt): RecordTrace | undefined {
    const epoch = this.#epochs.get(placeOf(group, at))
    return epoch === undefined ? undefined : this.#byEpoch.get(epoch)?.get(at.offset)
  }

  /** Those that have changed since the last call. */
  takeChanged(): readonly RecordTrace[] {
    const changed = [...this.#changed]
    this.#changed.clear()
    return changed
  }

  /** Nobody looks on any more. */
  clear(): void {
    this.#byEpoch.clear()
    this.#epochs.clear()
    this.#changed.clear()
    this.#ring = []
    this.#next = 0
    this.#sampler = new LiveSampler()
  }

  #onTaken(group: string, handlerId: string, epoch: Epoch, record: KafkaRecord, now: number): void {
    let shownBy: string[] | undefined
    for (const filter of this.#options.filters()) {
      if (!filter.picks(group, handlerId, record, now)) continue
      shownBy ??= []
      shownBy.push(filter.id)
    }
    if (shownBy === undefined && !this.#sampler.picks(now)) return
    const key = this.#options.keys.later(record)
    const trace = new RecordTrace({ group, handlerId, epoch, record, key, shownBy: shownBy ?? [], now })
    this.#keep(trace)
    this.#changed.add(trace)
  }

  #keep(trace: RecordTrace): void {
    const { epoch, offset } = trace
    const oldest = this.#ring[this.#next]
    if (oldest !== undefined) this.#forget(oldest)
    this.#ring[this.#next] = trace
    this.#next = (this.#next + 1) % MOST_TRACES
    let ofEpoch = this.#byEpoch.get(epoch)
    if (ofEpoch === undefined) {
      ofEpoch = new Map()
      this.#byEpoch.set(epoch, ofEpoch)
      this.#epochs.set(placeOf(trace.group, trace), epoch)
    }
    ofEpoch.set(offset, trace)
  }

  #forget(trace: RecordTrace): void {
    const ofEpoch = this.#byEpoch.get(trace.epoch)
    this.#changed.delete(trace)
    ofEpoch?.delete(trace.offset)
    if (ofEpoch?.size !== 0) return
    this.#byEpoch.delete(trace.epoch)
    const place = placeOf(trace.group, trace)
    if (this.#epochs.get(place) === trace.epoch) this.#epochs.delete(place)
  }

  #now(): number {
    return Math.round(this.#options.now())
  }

  #onStarted(item: WorkItem, now: number): void {
    this.#each(item, (trace, index) => trace.start(item.attempts[index] ?? 0, now))
  }

  #onEnded(item: WorkItem, completion: CompletionEvent, isDone: readonly boolean[], now: number): void {
    this.#each(item, (trace, index) => trace.finish(completion, index, isDone[index] === true, now))
  }

  #onAcknowledged(epoch: Epoch, position: number, now: number): void {
    for (const trace of this.#byEpoch.get(epoch)?.values() ?? []) if (trace.offset < position) trace.commit(now)
  }

  #leave(epoch: Epoch): void {
    for (const trace of this.#byEpoch.get(epoch)?.values() ?? []) if (trace.leave(this.#now())) this.#changed.add(trace)
  }

  #each(item: WorkItem, see: (trace: RecordTrace, index: number) => void): void {
    const ofEpoch = this.#byEpoch.get(item.epoch)
    if (ofEpoch === undefined) return
    for (const [index, { offset }] of item.records.entries()) {
      this.#change(ofEpoch.get(offset), (trace) => see(trace, index))
    }
  }

  #change(trace: RecordTrace | undefined, change: (trace: RecordTrace) => void): void {
    if (trace === undefined) return
    change(trace)
    this.#changed.add(trace)
  }
}

function placeOf(group: string, of: TopicPartition): string {
  return `${group} ${partitionId(of)}`
}
