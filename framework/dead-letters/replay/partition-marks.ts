/** What of one partition of a dead-letter topic is published and marked. The marks are what its commit says. */
import { decodeMetadata, encodeCompleted } from '../../control-plane/offsets/metadata-encoder.ts'
import { OffsetTracker } from '../../control-plane/offsets/offset-tracker.ts'
import { RangeList } from '../../control-plane/offsets/range-list.ts'
import type { AssignedPartition, CommitRequest, GroupOffset } from '../../kafka/kafka-client.ts'
import type { StoredOffset } from '../../kafka/transactional-producer.ts'
import type { KafkaRecord } from '../../model/record.ts'

/** The group whose committed offsets are the marks: what is below the position, or named in its metadata, was replayed. */
export function replayGroup(topic: string): string {
  return `${topic}.replay`
}

export class PartitionMarks {
  readonly partition: number
  /** Published and not acknowledged. */
  inFlight = 0
  /** Acknowledged, and in no commit that was. */
  unmarked = 0
  /** Given to another replay, or lost to one. */
  isGone = false
  /** The record that was read last. */
  lastRead: number | undefined
  #tracker: OffsetTracker<true>
  #stored: StoredOffset | undefined

  constructor(assigned: AssignedPartition) {
    this.partition = assigned.partition
    const { position, metadata } = assigned
    this.#stored = position === undefined ? undefined : { position, metadata }
    this.#tracker = new OffsetTracker<true>(assigned.position, markedAbove(assigned))
  }

  get tracker(): OffsetTracker<true> {
    return this.#tracker
  }

  /** What the group has for it; `undefined` for nothing. */
  get stored(): StoredOffset | undefined {
    return this.#stored
  }

  storedAs(stored: StoredOffset): void {
    this.#stored = stored
  }

  /** To be called with every record, before anything else is done with it. */
  arrived(offset: number): void {
    this.lastRead = offset
    const { next } = this.#tracker
    // The topic was made anew: the marks are of records that are gone.
    if (next !== undefined && offset < next) this.#tracker = new OffsetTracker<true>(offset)
  }

  /** Undefined where nothing is known yet. */
  commit(topic: string, maxMetadataLength: number): CommitRequest | undefined {
    const { position } = this.#tracker
    if (position === undefined) return undefined
    const { text } = encodeCompleted(position, this.#tracker.completedRanges(), maxMetadataLength)
    return { topic, partition: this.partition, position, metadata: text }
  }
}

/** Whether an earlier replay has published it, by what the group has committed. */
export function replayMarks(committed: readonly GroupOffset[], topic: string): (record: KafkaRecord) => boolean {
  const marks = new Map(
    ofLogsThatAreThere(committed, topic).map((offset) => [
      offset.partition,
      { position: offset.position, above: markedAbove(offset) },
    ]),
  )
  return ({ partition, offset }) => {
    const mark = marks.get(partition)
    if (mark === undefined) return false
    return offset < mark.position || mark.above.has(offset)
  }
}

/** Of a log that ends below the position, the marks are gone with the records: a replay reads it from its start. */
export function ofLogsThatAreThere(committed: readonly GroupOffset[], topic: string): readonly GroupOffset[] {
  return committed.filter((offset) => offset.topic === topic && offset.position <= offset.logEnd)
}

/** What is marked above the position, as far as the log reaches: one that was cut gives the offsets beyond to other dead letters. */
function markedAbove({
  position,
  metadata,
  logEnd,
}: Pick<AssignedPartition, 'position' | 'metadata' | 'logEnd'>): RangeList {
  const decoded = position === undefined ? undefined : decodeMetadata(position, metadata)
  const told = decoded?.kind === 'completed' ? decoded.ranges : RangeList.empty
  return logEnd === undefined ? told : told.below(logEnd)
}
