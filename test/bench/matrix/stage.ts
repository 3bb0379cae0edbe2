/** What every run stands on: the broker, the topics of this benchmark, and the settings that all systems share. */
import type { PeerSettings } from '../peers/protocol.ts'
import type { PreparedSystem } from './install.ts'
import type { TopicFiller } from './topic-filler.ts'
import type { Workload } from './workloads.ts'

export interface Stage {
  readonly brokers: string
  createTopic(name: string, partitions: number): Promise<void>
  /** Not for a broker that cannot do it. */
  deleteTopic(name: string): Promise<void>
  readonly filler: TopicFiller
  /** The command of paced-producer.ts. */
  readonly pacedProducer: readonly string[]
  readonly cores: number
  /** How long a rate is measured, and warmed up for before, at most. */
  readonly windowMs: number
  readonly warmUpMs: number
  /** Settings for librdkafka that the broker needs. */
  readonly librdkafka: PeerSettings['librdkafka']
}

/** How often every system commits, where it can be told: Pyrallel's default. */
export const COMMIT_MS = 100

let groups = 0

/** Settings of one run: a group of its own, so that it reads the topic from the start. */
export function peerSettings(
  stage: Stage,
  workload: Workload,
  { packages }: PreparedSystem,
  topic: string,
): PeerSettings {
  groups += 1
  return {
    mode: 'consume',
    brokers: stage.brokers,
    topic,
    group: `${topic}-${groups}`,
    partitions: workload.partitions,
    keys: workload.keys,
    concurrency: workload.concurrency,
    cores: stage.cores,
    work: workload.work,
    workMin: workload.workMin,
    workMax: workload.workMax,
    warmUpRecords: 0,
    warmUpMs: 0,
    lastRecord: Number.MAX_SAFE_INTEGER,
    limitMs: stage.windowMs,
    commitMs: COMMIT_MS,
    stuckKey: workload.stuckKey,
    latency: false,
    outputs: '',
    sinceLog: false,
    ledger: '',
    packages,
    librdkafka: stage.librdkafka,
  }
}
