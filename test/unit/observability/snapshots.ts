/** Snapshots for tests of what shows them: whole ones, of which a test changes what it is about. Not a test itself. */
import type {
  BlockingRecord,
  GroupMetrics,
  HandlerMetrics,
  HandlerScale,
  PartitionMetrics,
  ScaleFigures,
  ScaleMetrics,
  SystemMetrics,
} from '../../../framework/model/snapshot.ts'

export function aPartition(over: Partial<PartitionMetrics> = {}): PartitionMetrics {
  return {
    topic: 'orders',
    partition: 0,
    epoch: 1,
    position: 10,
    committedPosition: 10,
    nextOffset: 10,
    logEnd: 10,
    logEndAgeMs: 100,
    trueLag: 0,
    records: 0,
    bytes: 0,
    inFlight: 0,
    queued: 0,
    retriesWaiting: 0,
    parked: 0,
    delayed: 0,
    deadLettersWaiting: 0,
    gaps: { offsets: 0, stretches: 0, span: 0 },
    blocking: null,
    metadataUsed: 0,
    metadataLimit: 4_095,
    pausedBecause: null,
    isDraining: false,
    isTight: false,
    isRefused: false,
    openBreakers: 0,
    openBreakerKeys: [],
    ribbon: { from: 10, to: 10, cells: '' },
    ...over,
  }
}

export function aBlockingRecord(over: Partial<BlockingRecord> = {}): BlockingRecord {
  const { ageMs = 0, unpausedMs = ageMs } = over
  return { offset: 10, key: 'c1', state: 'in-flight', attempt: 1, lastError: null, ...over, ageMs, unpausedMs }
}

export function aHandlerState(over: Partial<HandlerMetrics> = {}): HandlerMetrics {
  return {
    handlerId: 'bill',
    topic: 'orders',
    concurrency: 100,
    capacity: 100,
    inFlight: 0,
    abandoned: 0,
    isPaused: false,
    adaptiveLimit: null,
    rateLimit: null,
    isHeldByRate: false,
    openBreakers: 0,
    threads: null,
    ticks: null,
    ...over,
  }
}

export function aGroup(over: Partial<GroupMetrics> = {}): GroupMetrics {
  const partitions = over.partitions ?? [aPartition()]
  return {
    group: 'shop',
    membership: 'assigned',
    sincePollMs: 5,
    sinceAnswerMs: 100,
    isCutOff: false,
    unsettledMs: null,
    unsettledLimitMs: 600_000,
    refusedMs: null,
    uncommitted: 0,
    stoppedBecause: null,
    records: 0,
    bytes: 0,
    inFlight: 0,
    queued: 0,
    retriesWaiting: 0,
    parked: 0,
    oldestParkedMs: null,
    delayed: 0,
    notReady: 0,
    deadLettersWaiting: 0,
    transactions: null,
    limits: {
      maxRecords: 10_000,
      maxBytes: 67_108_864,
      maxRecordsPerPartition: 5_000,
      maxBytesPerPartition: 33_554_432,
      maxOffsetSpan: 1_000_000,
      maxUncommitted: 100_000,
    },
    intake: 'open',
    intakeReason: null,
    handlers: [aHandlerState()],
    assignedPartitions: partitions.length,
    partitions,
    ...over,
  }
}

export function aSystem(over: Partial<SystemMetrics> = {}): SystemMetrics {
  return { takenAt: 1_767_225_600_000, state: 'running', groups: [aGroup()], scale: null, ...over }
}

export function aHandlerScale(over: Partial<HandlerScale> = {}): HandlerScale {
  return { ...figures, handlerId: 'bill', topic: 'orders', secondsPerRecord: 0.05, ...over }
}

/** Of one group with one handler, which has the same figures. */
export function aScale(over: Partial<ScaleFigures> = {}): ScaleMetrics {
  const own = { ...figures, ...over }
  return { ...own, groups: [{ group: 'shop', ...own, handlers: [aHandlerScale(own)] }] }
}

const figures: ScaleFigures = {
  processesNeeded: 0,
  limit: 'none',
  backlog: 0,
  oldestAgeSeconds: 0,
  arrivalsPerSecond: 0,
  completionsPerSecond: 0,
  partitions: 1,
  slots: 100,
  utilisation: 0,
}
