/** What operators and autoscalers read of the partitions of one member. Pure: it changes nothing, and a record costs nothing for it. */
import type { TopicPartition } from '../model/record.ts'
import type { PartitionMetrics } from '../model/snapshot.ts'
import type { PartitionReading, PartitionWork } from '../model/workload.ts'
import type { IntakeGate } from './flow/backpressure.ts'
import type { Scheduler } from './flow/scheduler.ts'
import { partitionMetrics } from './partition/partition-snapshot.ts'
import type { PartitionState } from './partition/partition-state.ts'
import type { AssignedNow, PartitionLookup } from './partition/partition-table.ts'
import { partitionReading, partitionWork } from './partition/partition-work.ts'

/** Where a log ends; undefined while that is not known. */
export type LogEnd = (of: TopicPartition) => number | undefined

export interface PartitionReadingsOptions {
  readonly table: PartitionLookup
  readonly intake: IntakeGate
  readonly scheduler: Scheduler
}

export class PartitionReadings {
  readonly #parts: PartitionReadingsOptions

  constructor(parts: PartitionReadingsOptions) {
    this.#parts = parts
  }

  /** What an operator sees of the partitions at `now`; at most `most` of them. */
  metrics(
    now: number,
    logEnd: LogEnd,
    most: number,
    heardAt: (of: TopicPartition) => number | undefined = () => undefined,
  ): PartitionMetrics[] {
    const metrics: PartitionMetrics[] = []
    for (const state of this.#parts.table) {
      if (metrics.length === most) break
      metrics.push(partitionMetrics(state, now, logEnd(state), this.#parts.intake.reasonFor(state), heardAt(state)))
    }
    return metrics
  }

  /** All that are assigned, also those that are being given up. */
  assigned(): readonly AssignedNow[] {
    return [...this.#parts.table].map(({ topic, partition, epoch, isDraining }) => ({
      topic,
      partition,
      epoch,
      isDraining,
    }))
  }

  /** How much each partition has to do, by topic. Cheap. */
  amounts(logEnd: LogEnd): ReadonlyMap<string, readonly PartitionReading[]> {
    return this.#byTopic((state) => partitionReading(state, logEnd(state)))
  }

  /**
   * The same, and how much of it could run. Looks at every record in memory.
   * @param mostPerKey records of one key that one slot can do in the time in which the backlog is to be done
   */
  work(logEnd: LogEnd, mostPerKey: (topic: string) => number): ReadonlyMap<string, readonly PartitionWork[]> {
    return this.#byTopic((state) => {
      const isFull = this.#parts.intake.reasonFor(state) !== null
      return partitionWork(state, logEnd(state), mostPerKey(state.topic), isFull)
    })
  }

  #byTopic<Of>(read: (state: PartitionState) => Of): ReadonlyMap<string, readonly Of[]> {
    const found = new Map<string, Of[]>()
    for (const state of this.#parts.table) {
      const ofTopic = found.get(state.topic) ?? []
      ofTopic.push(read(state))
      found.set(state.topic, ofTopic)
    }
    return found
  }

  /** What attempts of this topic's handler have taken that have ended. Milliseconds. */
  busyMsOf(topic: string): number {
    return this.#parts.scheduler.tallyOf(topic).busyMs
  }
}
