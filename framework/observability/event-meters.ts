/** Counts what the runtime tells, as Prometheus counters and histograms. Labels are groups, topics, handlers, a few states and codes: nothing that grows. */
import type { Counter, Histogram, Registry } from 'prom-client'
import { clientErrorCodes, type RuntimeEvent } from '../model/events.ts'
import { type MeteredHandler, RecordMeters } from './record-meters.ts'

type PromClient = typeof import('prom-client')

/** Seconds. */
const COMMIT_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

const handlerLabels = ['group', 'topic', 'handler'] as const
const partitionChanges = ['assigned', 'revoked', 'lost', 'rewound'] as const
const staleKinds = ['completion', 'dead-letter', 'commit'] as const

export class EventMeters {
  readonly #records: RecordMeters
  readonly #deadLetterFailures: Counter<'group' | 'topic' | 'handler'>
  readonly #commits: Counter<'group' | 'status'>
  readonly #commitSeconds: Histogram<'group'>
  readonly #changes: Counter<'group' | 'status'>
  readonly #leftBehind: Counter<'group'>
  readonly #pauses: Counter<'group' | 'status'>
  readonly #breakers: Counter<'group' | 'topic' | 'handler'>
  readonly #splits: Counter<'group' | 'topic' | 'handler'>
  readonly #stale: Counter<'group' | 'status'>
  readonly #metadataDropped: Counter<'group'>
  readonly #clientErrors: Counter<'group' | 'code'>

  constructor({ Counter, Histogram }: PromClient, registry: Registry, handlers: readonly MeteredHandler[]) {
    const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
      new Counter({ name, help, labelNames, registers: [registry] })
    const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
      new Histogram({ name, help, labelNames, buckets, registers: [registry] })
    this.#records = new RecordMeters(handlers)
    this.#deadLetterFailures = counter(
      'pyrallel_dead_letter_failures_total',
      'Times that the dead-letter topic did not acknowledge a record.',
      handlerLabels,
    )
    const byStatus = ['group', 'status'] as const
    this.#commits = counter('pyrallel_commits_total', 'Commits by outcome: succeeded, failed.', byStatus)
    this.#commitSeconds = histogram(
      'pyrallel_commit_duration_seconds',
      'From sending a commit to its acknowledgement.',
      ['group'],
      COMMIT_BUCKETS,
    )
    this.#changes = counter(
      'pyrallel_partition_changes_total',
      'Partitions that came or went: assigned, revoked, lost, rewound.',
      byStatus,
    )
    this.#leftBehind = counter(
      'pyrallel_records_left_behind_total',
      'Records given up in flight with their partition; their next owner gets them again.',
      ['group'],
    )
    this.#pauses = counter('pyrallel_partition_pauses_total', 'Partitions paused and resumed by a limit.', byStatus)
    this.#breakers = counter(
      'pyrallel_breakers_opened_total',
      'Keys whose records went to the dead-letter topic without running, because those before were given up.',
      handlerLabels,
    )
    this.#splits = counter(
      'pyrallel_batches_split_total',
      'Batches that failed as a whole and were tried again in halves.',
      handlerLabels,
    )
    this.#stale = counter(
      'pyrallel_stale_dropped_total',
      'Answers to an earlier assignment that came too late: completion, dead-letter, commit.',
      byStatus,
    )
    this.#metadataDropped = counter(
      'pyrallel_metadata_dropped_total',
      'Commit metadata that was not believed; what it may have said is done ran again.',
      ['group'],
    )
    this.#clientErrors = counter(
      'pyrallel_client_errors_total',
      'Errors between the Kafka client and its brokers: lost rights, a topic that is gone, a position outside its log, the network.',
      ['group', 'code'],
    )
    this.#startAtZero(handlers)
  }

  onEvent(group: string, event: RuntimeEvent): void {
    switch (event.kind) {
      case 'record.done':
        this.#records.count(group, event.handlerId, event.filtered ? 'filtered' : 'succeeded', event.durationMs)
        return
      case 'records.left-out':
        this.#records.count(group, event.handlerId, 'left_out', undefined, event.records.length)
        return
      case 'record.retry':
        this.#records.count(group, event.handlerId, 'retried', event.durationMs)
        return
      case 'record.parked':
        this.#records.count(group, event.handlerId, 'parked', event.durationMs)
        return
      case 'record.dead':
        this.#records.count(
          group,
          event.handlerId,
          event.deadLetterTopic === null ? 'dropped' : 'dead_lettered',
          isUnrun(event) ? undefined : event.durationMs,
        )
        return
      case 'dead-letter.failed':
        this.#deadLetterFailures.inc({ group, topic: event.record.topic, handler: event.handlerId })
        return
      case 'commit.done':
        this.#commits.inc({ group, status: 'succeeded' })
        this.#commitSeconds.observe({ group }, event.tookMs / 1_000)
        return
      case 'commit.failed':
        this.#commits.inc({ group, status: 'failed' })
        return
      case 'partition.assigned':
        this.#changes.inc({ group, status: 'assigned' })
        return
      case 'partition.revoked':
      case 'partition.lost':
        this.#changes.inc({ group, status: event.kind === 'partition.lost' ? 'lost' : 'revoked' })
        this.#leftBehind.inc({ group }, event.leftBehind)
        return
      case 'partition.rewound':
        this.#changes.inc({ group, status: 'rewound' })
        return
      case 'partitions.paused':
      case 'partitions.resumed':
        this.#pauses.inc(
          { group, status: event.kind === 'partitions.paused' ? 'paused' : 'resumed' },
          event.partitions.length,
        )
        return
      case 'breaker.opened':
        this.#breakers.inc({ group, topic: event.topic, handler: event.handlerId })
        return
      case 'batch.split':
        this.#splits.inc({ group, topic: event.topic, handler: event.handlerId })
        return
      case 'record.not-ready':
      case 'breaker.closed':
      case 'record.hurried':
      case 'record.given-up':
      case 'record.discarded':
      case 'concurrency.changed':
      case 'tick.done':
      case 'tick.failed':
        // Gauges of the snapshot, or `record.dead`, show what they lead to.
        return
      case 'stale.dropped':
        this.#stale.inc({ group, status: event.what })
        return
      case 'metadata.dropped':
        this.#metadataDropped.inc({ group })
        return
      case 'client.error':
        this.#clientErrors.inc({ group, code: event.code })
        return
    }
  }

  /** As {@link RecordMeters.durationsOf}. */
  durationsOf(group: string, handlerId: string): readonly number[] | undefined {
    return this.#records.durationsOf(group, handlerId)
  }

  /** The metrics that no registry knows. */
  text(): string {
    return this.#records.text()
  }

  /** A counter that appears with its first event has no rate at that moment, so an alert would miss the first failure. */
  #startAtZero(handlers: readonly MeteredHandler[]): void {
    for (const labels of handlers) {
      this.#deadLetterFailures.inc({ ...labels }, 0)
      this.#breakers.inc({ ...labels }, 0)
      this.#splits.inc({ ...labels }, 0)
    }
    for (const group of new Set(handlers.map((each) => each.group))) {
      for (const status of ['succeeded', 'failed']) this.#commits.inc({ group, status }, 0)
      for (const status of partitionChanges) this.#changes.inc({ group, status }, 0)
      for (const status of ['paused', 'resumed']) this.#pauses.inc({ group, status }, 0)
      for (const status of staleKinds) this.#stale.inc({ group, status }, 0)
      this.#commitSeconds.zero({ group })
      this.#leftBehind.inc({ group }, 0)
      this.#metadataDropped.inc({ group }, 0)
      for (const code of clientErrorCodes) this.#clientErrors.inc({ group, code }, 0)
    }
  }
}

/** Given up while it did not run: its key was poisoned, somebody asked for it, its time was over before its retry, or it was parked and in the way. */
function isUnrun({ failure, durationMs }: Extract<RuntimeEvent, { kind: 'record.dead' }>): boolean {
  const isUnrun = failure.reason === 'poisoned' || failure.reason === 'by-hand'
  return isUnrun || ((failure.reason === 'blocked' || failure.reason === 'in-the-way') && durationMs === 0)
}
