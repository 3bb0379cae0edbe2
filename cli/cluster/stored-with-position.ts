/** Reads what a group has stored with a position, whoever has written it, and counts what would run again for the group's next owner. Pure. */
import {
  type DecodedMetadata,
  decodeCompleted,
  isForeign,
} from '../../framework/control-plane/offsets/metadata-encoder.ts'
import { decodePredecessor } from '../../framework/control-plane/offsets/predecessor-metadata.ts'
import type { OffsetRange } from '../../framework/control-plane/offsets/range-list.ts'
import type { GroupOffset } from '../../framework/kafka/kafka-client.ts'
import type { Predecessor } from '../../framework/model/settings.ts'
import { readStreamsMetadata, type StreamsMetadata } from './streams-metadata.ts'

type Writer = 'pyrallel' | 'kafka-streams' | Predecessor

export interface Stored {
  /** `null` for none, and where it is not believed. */
  readonly writtenBy: Writer | null
  /** Whose it may be, as it begins like theirs or says so little that chance could have written it. */
  readonly mayBeOf?: Predecessor
  readonly decoded: DecodedMetadata<readonly OffsetRange[]>
  /** Of Kafka Streams. */
  readonly streams?: StreamsMetadata
}

/** Of one partition. A short text can stand for a million ranges, and nobody reads them. */
const MAX_RANGES = 10_000

export const predecessors: readonly Predecessor[] = ['parallel-consumer', 'pyrallel-consumer']

/** Never throws, and is bounded whatever the text is. */
export function storedWith({ position, metadata, logEnd }: GroupOffset): Stored {
  if (isForeign(metadata)) {
    const told = { position, text: metadata, logEnd, maxRanges: MAX_RANGES }
    const streams = readStreamsMetadata(metadata)
    if (streams !== undefined) return { writtenBy: 'kafka-streams', decoded: { kind: 'none' }, streams }
    for (const writtenBy of predecessors) {
      const decoded = decodePredecessor(writtenBy, told)
      if (decoded?.kind === 'completed') return { writtenBy, decoded: { ...decoded, ranges: [...decoded.ranges] } }
      if (decoded?.kind === 'none') return { writtenBy, mayBeOf: writtenBy, decoded }
      if (decoded !== undefined) return { writtenBy: null, mayBeOf: writtenBy, decoded }
    }
  }
  const decoded = decodeCompleted(position, metadata, MAX_RANGES)
  return { writtenBy: decoded.kind === 'completed' ? 'pyrallel' : null, decoded }
}

/** Records that are done above the positions and still in their logs, and how many of them run again in who goes on with the group. */
export interface RunsAgain {
  readonly done: number
  /** More is done: some metadata has more ranges than are read. */
  readonly isAtLeast: boolean
  readonly pyrallel: number
  /** In Pyrallel with `commit.takeOver`. */
  readonly takeOver: Readonly<Record<Predecessor, number>>
  /** In those consumers themselves. */
  readonly predecessors: Readonly<Record<Predecessor, number>>
  /** In a consumer that goes by positions alone: all. */
  readonly others: number
}

export function runsAgain(offsets: readonly (GroupOffset & Stored)[]): RunsAgain {
  const by = { pyrallel: 0, 'kafka-streams': 0, 'parallel-consumer': 0, 'pyrallel-consumer': 0 }
  let isAtLeast = false
  for (const { decoded, writtenBy, logStart, logEnd } of offsets) {
    if (decoded.kind !== 'completed' || writtenBy === null) continue
    if (decoded.cutAt !== undefined) isAtLeast = true
    for (const { start, end } of decoded.ranges) {
      by[writtenBy] += Math.max(0, Math.min(end, logEnd) - Math.max(start, logStart))
    }
  }
  const done = by.pyrallel + by['parallel-consumer'] + by['pyrallel-consumer']
  const pyrallel = done - by.pyrallel
  return {
    done,
    isAtLeast,
    pyrallel,
    takeOver: {
      'parallel-consumer': pyrallel - by['parallel-consumer'],
      'pyrallel-consumer': pyrallel - by['pyrallel-consumer'],
    },
    predecessors: {
      'parallel-consumer': done - by['parallel-consumer'],
      'pyrallel-consumer': done - by['pyrallel-consumer'],
    },
    others: done,
  }
}
