/** What the tests of the control plane are made of: records, routes, limits, and a manager that is driven through its verbs. Not a test itself. */
import type { DeadLetterRequest } from '../../../framework/control-plane/failures/failed-records.ts'
import type { CommitSnapshot } from '../../../framework/control-plane/partition/commit-budget.ts'
import { WorkManager, type WorkManagerOptions } from '../../../framework/control-plane/work-manager.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import type { Limits, RetrySettings, Route } from '../../../framework/model/settings.ts'
import type { HandlerFailure, Outcome, Recalled, WorkItem } from '../../../framework/model/work.ts'

export const TOPIC = 'orders'
export const HANDLER = 'charge'

export function aRecord(offset: number, over: Partial<KafkaRecord> = {}): KafkaRecord {
  return { topic: TOPIC, partition: 0, offset, key: null, value: null, headers: [], timestamp: 0, ...over }
}

export const keyed = (offset: number, key: string, over: Partial<KafkaRecord> = {}): KafkaRecord =>
  aRecord(offset, { key: Buffer.from(key), ...over })

export const retrySettings: RetrySettings = {
  attempts: 3,
  backoff: 'exponential',
  minMs: 100,
  maxMs: 1_000,
  jitter: false,
}

export function aRoute(over: Partial<Route> = {}): Route {
  return {
    handlerId: HANDLER,
    topic: TOPIC,
    ordering: 'key',
    concurrency: 100,
    retry: retrySettings,
    deadLetterTopic: 'orders.dlq',
    ...over,
  }
}

export function someLimits(over: Partial<Limits> = {}): Limits {
  return {
    maxRecords: 10_000,
    maxBytes: 1e9,
    maxRecordsPerPartition: 10_000,
    maxBytesPerPartition: 1e9,
    maxOffsetSpan: 1_000_000,
    maxUncommitted: 1_000_000,
    ...over,
  }
}

export function aFailure(over: Partial<HandlerFailure> = {}): HandlerFailure {
  return { reason: 'handler', name: 'Error', message: 'boom', retryable: true, ...over }
}

export const succeeded: Outcome = { kind: 'succeeded' }
export const failed: Outcome = { kind: 'failed', failure: aFailure() }
export const timedOut: Outcome = { kind: 'timed-out', failure: aFailure({ reason: 'timeout' }) }
export const interrupted: Outcome = { kind: 'interrupted', failure: aFailure({ reason: 'interrupted' }) }

export const recalled: Recalled = { kind: 'recalled' }

export interface DriverOptions extends Partial<Omit<WorkManagerOptions, 'routes' | 'limits'>> {
  readonly route?: Partial<Route>
  readonly limits?: Partial<Limits>
}

/** One group member without a broker: each call is one verb of the manager, and time is a number. */
export class Driver {
  readonly manager: WorkManager
  readonly events: RuntimeEvent[] = []
  /** What `start` has given last. */
  lastStarted: readonly WorkItem[] = []
  now = 0

  constructor({ route, limits, ...rest }: DriverOptions = {}) {
    this.manager = new WorkManager({
      routes: [aRoute(route)],
      limits: someLimits(limits),
      recovery: 'metadata',
      maxMetadataLength: 4_095,
      sessionTimeoutMs: Number.POSITIVE_INFINITY,
      random: () => 0.5,
      onEvent: (event) => this.events.push(event),
      ...rest,
    })
  }

  assign(partition = 0, position?: number, metadata = ''): this {
    this.manager.onAssigned([{ topic: TOPIC, partition, position, metadata }])
    return this
  }

  poll(...records: readonly KafkaRecord[]): this {
    this.manager.onPolled(records)
    return this
  }

  start(capacity = 1_000): WorkItem[] {
    const items = this.manager.takeReady(this.now, () => capacity)
    if (items.length > 0) this.lastStarted = items
    return items
  }

  /** Starts what may start, and tells the offsets. */
  startOffsets(capacity?: number): number[] {
    return offsetsOf(this.start(capacity))
  }

  end(item: WorkItem | undefined, outcome: Outcome | Recalled = succeeded): this {
    if (item === undefined) throw new Error('there is no such work item')
    this.manager.onCompletion({ workId: item.id, outcome, durationMs: 1 }, this.now)
    return this
  }

  /** Ends all of them with success, or only those with these offsets. */
  endAll(items: readonly WorkItem[], offsets = offsetsOf(items)): this {
    for (const item of items) if (offsetsOf([item]).some((offset) => offsets.includes(offset))) this.end(item)
    return this
  }

  takeDeadLetter(): DeadLetterRequest {
    const [request] = this.manager.takeDeadLetters()
    if (request === undefined) throw new Error('no record was given up')
    return request
  }

  /** What a commit carries now, as if the coordinator had taken it. */
  commit(partition = 0): CommitSnapshot | undefined {
    const commits = this.manager.collectCommits([{ topic: TOPIC, partition }])
    this.manager.onCommitted(commits)
    return commits[0]
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind)
  }

  eventsOf<Kind extends RuntimeEvent['kind']>(kind: Kind): (RuntimeEvent & { readonly kind: Kind })[] {
    return this.events.filter((event): event is RuntimeEvent & { readonly kind: Kind } => event.kind === kind)
  }
}

export function offsetsOf(items: readonly WorkItem[]): number[] {
  return items.map(({ records: [record] }) => record?.offset ?? -1)
}

export const of = (partition: number) => ({ topic: TOPIC, partition })
export const range = (from: number, end: number): number[] => Array.from({ length: end - from }, (_, i) => from + i)
