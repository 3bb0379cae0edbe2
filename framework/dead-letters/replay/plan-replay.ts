/** Looks at what a replay would publish, before anything is published. Commits nothing, and disturbs no replay that runs. */
import type { GroupOffset, KafkaClient, LogBounds } from '../../kafka/kafka-client.ts'
import type { PyrallelError } from '../../model/errors.ts'
import type { DeadLetter } from '../dead-letter.ts'
import { readToEnd } from '../read-topic.ts'
import { MarkRoom } from './mark-room.ts'
import { ofLogsThatAreThere, PartitionMarks } from './partition-marks.ts'
import { isFull } from './replay-errors.ts'
import { type IntakeCounts, type IntakeOptions, type Refused, ReplayIntake } from './replay-intake.ts'
import type { PlaceNotes } from './source-partition.ts'

export interface PlanOptions extends IntakeOptions {
  readonly topic: string
  readonly bounds: readonly LogBounds[]
  readonly logs: () => Promise<readonly LogBounds[]>
  /** What the group of replays has committed. */
  readonly committed: readonly GroupOffset[]
  readonly limit: number
  readonly isStopped: () => boolean
  /** Each record that would be published. */
  readonly onPlanned: (letter: DeadLetter, target: string) => void
}

export interface ReplayPlan extends IntakeCounts, PlaceNotes {
  /** Within the limit. */
  readonly planned: number
  /** Without the limit. */
  readonly publishable: number
  readonly refused: Refused
  readonly unknown: Refused
  readonly isStopped: boolean
  /** Where the marks would not fit into a commit any more. */
  readonly full: PyrallelError | undefined
}

/** @param client of a group of its own */
export async function planReplay(client: KafkaClient, options: PlanOptions): Promise<ReplayPlan> {
  const { topic, bounds, logs, committed, limit, isStopped, onPlanned } = options
  const intake = new ReplayIntake(options)
  const room = new MarkRoom(client.maxMetadataLength)
  const partitions = new Map(marksOf(bounds, ofLogsThatAreThere(committed, topic)))
  let [planned, publishable] = [0, 0]
  let hasStopped = false
  let full: PyrallelError | undefined
  await readToEnd(client, {
    topic,
    bounds,
    logs,
    // Also while nothing comes: another replay may have the partitions.
    isOver: () => {
      hasStopped ||= isStopped()
      return hasStopped
    },
    onRecord: (record) => {
      hasStopped ||= isStopped()
      if (hasStopped) return false
      const known = partitions.get(record.partition)
      if (known === undefined || record.offset < known.from) return true
      const due = intake.take(record, known.marks)
      if (due === undefined) return true
      publishable += 1
      if (planned >= limit || full !== undefined) return true
      if (room.hasRoom(due.tracker, record.offset)) {
        due.tracker.complete(due.ticket)
        planned += 1
        onPlanned(due.letter, due.target)
      } else full = isFull(record, `${planned} would be published`)
      return true
    },
  })
  const { refused, unknown } = intake
  return { ...intake.counts, ...intake.notes, planned, publishable, refused, unknown, isStopped: hasStopped, full }
}

function marksOf(bounds: readonly LogBounds[], committed: readonly GroupOffset[]) {
  return bounds.map(({ topic, partition, logEnd }) => {
    const marks = committed.find((offset) => offset.partition === partition)
    const [position, metadata] = [marks?.position, marks?.metadata ?? '']
    return [
      partition,
      { from: position ?? 0, marks: new PartitionMarks({ topic, partition, position, metadata, logEnd }) },
    ] as const
  })
}
