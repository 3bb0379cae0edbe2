/** Frames of the stream as text, and the notes that events become. Pure. */
import type { RuntimeEvent } from '../model/events.ts'
import { harmlessJson } from '../model/plain-text.ts'
import { plural } from '../model/plural.ts'
import { partitionPlace } from '../model/record.ts'
import type { GroupMetrics, PartitionMetrics, SystemMetrics } from '../model/snapshot.ts'
import type { StreamFrameName, StreamFrames, StreamNote } from './protocol-stream.ts'

/** Of a frame, with its name and number. */
export const MAX_FRAME_BYTES = 65_536
/** Of that, for its name, its number, a verdict and a time. */
export const ROOM_BYTES = 4_096
/** Of handlers, and of ribbons, in one frame. What does not fit comes in the next. */
export const PART_BYTES = 16_384
/** Partitions of a snapshot in the stream: what has a thousand is asked for by `/api/snapshot`. */
const MOST_PARTITIONS = 40
const METRICS_BYTES = MAX_FRAME_BYTES - ROOM_BYTES - 2 * PART_BYTES

export function frameText<Name extends StreamFrameName>(id: string, name: Name, data: StreamFrames[Name]): string {
  return `id: ${id}\nevent: ${name}\ndata: ${harmlessJson(JSON.stringify(data))}\n\n`
}

/** As it is in a frame. */
export function frameBytes(data: unknown): number {
  return Buffer.byteLength(harmlessJson(JSON.stringify(data)))
}

/** With the partitions that need a look most: those that block, the longest first, then those that lag. As many as a frame holds. */
export function streamMetrics(metrics: SystemMetrics): SystemMetrics {
  const most = Math.max(1, Math.floor(MOST_PARTITIONS / Math.max(1, metrics.groups.length)))
  for (let few = most; few >= 1; few = Math.floor(few / 2)) {
    const shorter = { ...metrics, groups: metrics.groups.map((group) => withFewPartitions(group, few)) }
    if (frameBytes(shorter) <= METRICS_BYTES) return shorter
  }
  return withFewGroups(metrics)
}

/** Of a process that has more groups and handlers than a frame holds: the first groups, without their parts. Rows of handlers come apart from these. */
function withFewGroups(metrics: SystemMetrics): SystemMetrics {
  const groups: GroupMetrics[] = []
  let bytes = frameBytes({ ...metrics, scale: null, groups: [] })
  for (const group of metrics.groups) {
    const bare = { ...group, partitions: [], handlers: [] }
    bytes += frameBytes(bare) + 1
    if (bytes > METRICS_BYTES) break
    groups.push(bare)
  }
  return { ...metrics, scale: null, groups }
}

function withFewPartitions(group: GroupMetrics, most: number): GroupMetrics {
  if (group.partitions.length <= most) return group
  const partitions = [...group.partitions].sort(
    (a, b) => urgencyOf(b) - urgencyOf(a) || (b.trueLag ?? 0) - (a.trueLag ?? 0),
  )
  return { ...group, partitions: partitions.slice(0, most) }
}

function urgencyOf({ blocking }: PartitionMetrics): number {
  return blocking?.ageMs ?? 0
}

/** `undefined`: not worth a line. No note has a key or a value in it. */
export function noteOf(at: number, group: string, event: RuntimeEvent): StreamNote | undefined {
  const note = (level: StreamNote['level'], text: string): StreamNote => ({ at, level, kind: event.kind, text, group })
  switch (event.kind) {
    case 'partition.assigned':
      return note('info', `${partitionPlace(event)} was assigned to this process`)
    case 'partition.revoked':
      return note('info', `${partitionPlace(event)} was given up in order`)
    case 'partition.lost':
      return note(
        'warn',
        `${partitionPlace(event)} was taken away: ${plural(event.leftBehind, 'record runs', 'records run')} again elsewhere`,
      )
    case 'partition.rewound':
      return note('warn', `the log of ${partitionPlace(event)} was cut: it begins afresh at ${event.to}`)
    case 'metadata.dropped':
      return note('warn', `commit metadata of ${partitionPlace(event)} is not believed, and its records run again`)
    case 'commit.failed':
      return note('warn', 'a commit was refused or not answered')
    case 'commit.recovered':
      return note('info', `commits go through again after ${event.failures} failures`)
    case 'starts.stopped':
      return note('error', 'nothing starts for want of an acknowledged commit')
    case 'starts.resumed':
      return note('info', 'records start again')
    case 'client.error':
      return note('warn', `the Kafka client has met ${event.code}`)
    case 'breaker.opened':
      return note('warn', `a key of ${partitionPlace(event)} is poisoned: its records are given up unrun`)
    case 'breaker.closed':
      return note('info', `a key of ${partitionPlace(event)} is poisoned no more`)
    case 'dead-letter.failed':
      return note('warn', `${event.handlerId}: the dead-letter topic has not acknowledged a record`)
    default:
      return undefined
  }
}
