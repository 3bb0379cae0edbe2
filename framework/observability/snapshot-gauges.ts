/** Shows a runtime snapshot as Prometheus gauges. Each scrape starts from nothing, so what is gone from the snapshot is gone from the page. */
import type { Counter, Gauge, Registry } from 'prom-client'
import type {
  GroupMetrics,
  HandlerMetrics,
  HandlerScale,
  PartitionMetrics,
  SystemMetrics,
  ThreadCounters,
  TickMetrics,
} from '../model/snapshot.ts'

type PromClient = typeof import('prom-client')

/** A metric without its `pyrallel_`, what it says, and where it stands; `undefined` leaves the series out. */
type Row<From> = readonly [name: string, help: string, read: (from: From) => number | undefined]

const ofGroup: readonly Row<GroupMetrics>[] = [
  ['in_flight_records', 'Records that engines are at work on.', (g) => g.inFlight],
  ['queued_records', 'Records that wait for a slot, or for their key to be free.', (g) => g.queued],
  [
    'delayed_records',
    'Records that wait for the time that notBefore gives, or until they can be read.',
    (g) => g.delayed,
  ],
  ['not_ready_records', 'Records that cannot be read yet, because their schema is not here.', (g) => g.notReady],
  ['retries_waiting_records', 'Failed records that wait for their next attempt.', (g) => g.retriesWaiting],
  ['parked_records', 'Records out of attempts that are kept until somebody or a limit decides.', (g) => g.parked],
  [
    'oldest_parked_seconds',
    'For how long the first of them is. Without a value while none is.',
    (g) => (g.oldestParkedMs === null ? undefined : seconds(g.oldestParkedMs)),
  ],
  [
    'dead_letters_waiting_records',
    'Records that the dead-letter topic has not taken yet.',
    (g) => g.deadLettersWaiting,
  ],
  [
    'outputs_waiting_bytes',
    'Records that are done and their outputs, until their transaction is committed. Of exactly-once groups.',
    (g) => g.transactions?.waitingBytes,
  ],
  [
    'transaction_age_seconds',
    'For how long the present transaction is under way; without a value while none is. Of exactly-once groups.',
    (g) => (typeof g.transactions?.openMs === 'number' ? seconds(g.transactions.openMs) : undefined),
  ],
  ['buffer_records', 'Records in memory that are not done.', (g) => g.records],
  ['buffer_limit_records', 'Records in memory at which intake stops.', (g) => g.limits.maxRecords],
  ['buffer_bytes', 'Bytes of the records in memory that are not done.', (g) => g.bytes],
  ['buffer_limit_bytes', 'Bytes in memory at which intake stops.', (g) => g.limits.maxBytes],
  ['intake_stopped', '1 while a limit stops intake as a whole.', (g) => (g.intake === 'open' ? 0 : 1)],
  ['assigned_partitions', 'Partitions assigned to this process.', (g) => g.assignedPartitions],
  ['poll_age_seconds', 'Since the last poll of the client settled.', (g) => seconds(g.sincePollMs)],
  [
    'commit_age_seconds',
    'Since the last acknowledged commit was sent. A member without partitions has none.',
    (g) => (g.assignedPartitions === 0 ? undefined : seconds(g.sinceAnswerMs)),
  ],
  ['uncommitted_records', 'Records that are done and in no acknowledged commit.', (g) => g.uncommitted],
  ['uncommitted_limit_records', 'As many of those as stop everything.', (g) => g.limits.maxUncommitted],
  [
    'starts_stopped',
    '1 while nothing starts, for want of an acknowledged commit.',
    (g) => (g.stoppedBecause === null ? 0 : 1),
  ],
]

const ofHandler: readonly Row<HandlerMetrics>[] = [
  ['handler_in_flight', 'Attempts in flight, abandoned ones included.', (h) => h.inFlight],
  ['handler_limit', 'The most attempts in flight at once.', (h) => h.concurrency],
  [
    'handler_capacity',
    'The same, less the slots that abandoned handlers keep; the adaptive limit where that is lower.',
    (h) => h.capacity,
  ],
  ['handler_abandoned', 'Handlers that outlived their deadline and have not settled.', (h) => h.abandoned],
  ['handler_paused', '1 while somebody has paused it.', (h) => (h.isPaused ? 1 : 0)],
  ['handler_adaptive_limit', 'Where the adaptive limit stands.', (h) => h.adaptiveLimit ?? undefined],
  ['handler_rate_limit', 'Records that may start in a second.', (h) => h.rateLimit ?? undefined],
  ['handler_held_by_rate', '1 while the rate holds back what could start.', (h) => (h.isHeldByRate ? 1 : 0)],
  ['handler_open_breakers', 'Keys whose records go to the dead-letter topic without running.', (h) => h.openBreakers],
  ['engine_threads', 'Worker threads that run.', (h) => h.threads?.running],
]

const ofScale: readonly Row<HandlerScale>[] = [
  [
    'handler_processes_needed',
    'How many processes the work of this one needs. Summed over all of them, the number that is needed.',
    (s) => s.processesNeeded,
  ],
  [
    'handler_backlog_records',
    'Records that are not done, arrived or not. Without a value while the end of a log is not known.',
    (s) => s.backlog ?? undefined,
  ],
  [
    'handler_oldest_age_seconds',
    'Since the timestamp of the oldest record that is not done. Without a value while it has not arrived.',
    (s) => s.oldestAgeSeconds ?? undefined,
  ],
  [
    'handler_arrivals_per_second',
    'Records that came to its partitions, over the last minute.',
    (s) => s.arrivalsPerSecond,
  ],
  ['handler_completions_per_second', 'Records that were done, over the last minute.', (s) => s.completionsPerSecond],
  ['handler_slots', 'Attempts that can run at once.', (s) => s.slots],
  ['handler_utilisation_ratio', 'Of these slots, the part that was in use.', (s) => s.utilisation],
  ['handler_record_seconds', 'For how long one record occupies a slot.', (s) => s.secondsPerRecord ?? undefined],
]

/** Counters of those who count by themselves: the engines, and whoever says when handlers tick. */
type CounterRow<From> = readonly [name: string, help: string, read: (from: From) => number]

const ofTicks: readonly CounterRow<TickMetrics>[] = [
  ['ticks_total', "Runs of the handler's tick that have ended.", (t) => t.done + t.failed],
  ['ticks_failed_total', 'Those of them that threw, or took longer than the timeout.', (t) => t.failed],
]

const ofThreads: readonly CounterRow<ThreadCounters>[] = [
  ['engine_restarts_total', 'Worker threads that died or were ended, and were replaced.', (t) => t.restarts],
  ['engine_batches_total', 'Messages that carried work to a worker thread.', (t) => t.batches],
  [
    'engine_boundary_seconds_total',
    'Time spent on packing, moving and unpacking work and answers.',
    (t) => t.boundaryMs / 1_000,
  ],
]

const ofPartition: readonly Row<PartitionMetrics>[] = [
  ['partition_true_lag_records', 'Log end offset minus position.', (p) => p.trueLag ?? undefined],
  [
    'partition_log_end_age_seconds',
    'Since the log end offset was heard.',
    (p) => (p.logEndAgeMs === null ? undefined : seconds(p.logEndAgeMs)),
  ],
  ['partition_position_offset', 'The next offset to commit.', (p) => p.position ?? undefined],
  ['partition_committed_offset', 'The position that the group has stored.', (p) => p.committedPosition ?? undefined],
  ['partition_blocking_offset', 'The lowest offset that is not done.', (p) => p.blocking?.offset],
  [
    'partition_blocking_age_seconds',
    'How long that offset has held the position.',
    (p) => seconds(p.blocking?.ageMs ?? 0),
  ],
  ['partition_gaps', 'Stretches of completed offsets above the position.', (p) => p.gaps.stretches],
  ['partition_gap_offsets', 'Completed offsets above the position.', (p) => p.gaps.offsets],
  ['partition_in_flight_records', 'Records that engines are at work on.', (p) => p.inFlight],
  ['partition_queued_records', 'Records that wait for a slot, or for their key to be free.', (p) => p.queued],
  ['partition_metadata_characters', 'Length of the commit metadata.', (p) => p.metadataUsed],
  ['partition_metadata_limit_characters', 'The length that it may have.', (p) => p.metadataLimit],
  ['partition_paused', "1 while the partition's own limit stops it.", (p) => (p.pausedBecause === null ? 0 : 1)],
]

export class SnapshotGauges {
  readonly #group: readonly Fill<GroupMetrics>[]
  readonly #handler: readonly Fill<HandlerMetrics>[]
  readonly #threads: readonly Count<ThreadCounters>[]
  readonly #ticks: readonly Count<TickMetrics>[]
  readonly #partition: readonly Fill<PartitionMetrics>[]
  readonly #scale: readonly Fill<HandlerScale>[]
  readonly #needed: Gauge
  readonly #limit: Gauge

  constructor(prom: PromClient, registry: Registry) {
    const gauges = <From>(rows: readonly Row<From>[], labelNames: readonly string[]): readonly Fill<From>[] =>
      rows.map(([name, help, read]) => ({
        gauge: new prom.Gauge({ name: `pyrallel_${name}`, help, labelNames, registers: [registry] }),
        read,
      }))
    const handlerLabels = ['group', 'topic', 'handler']
    this.#group = gauges(ofGroup, ['group'])
    this.#handler = gauges(ofHandler, handlerLabels)
    this.#partition = gauges(ofPartition, ['group', 'topic', 'partition'])
    this.#scale = gauges(ofScale, handlerLabels)
    const single = (name: string, help: string, labelNames: readonly string[]) =>
      new prom.Gauge({ name: `pyrallel_${name}`, help, labelNames, registers: [registry] })
    this.#limit = single(
      'handler_limit_reached',
      '1 for what keeps its work from being done faster: slots, loop, keys, partitions, rate, memory, none.',
      [...handlerLabels, 'status'],
    )
    this.#needed = single('processes_needed', 'The greatest number of processes that one of its handlers needs.', [])
    const counters = <From>(rows: readonly CounterRow<From>[]): readonly Count<From>[] =>
      rows.map(([name, help, read]) => ({
        counter: new prom.Counter({ name: `pyrallel_${name}`, help, labelNames: handlerLabels, registers: [registry] }),
        read,
      }))
    this.#threads = counters(ofThreads)
    this.#ticks = counters(ofTicks)
  }

  /** Synchronous, so that two scrapes at once cannot see a page that is half filled. */
  fill({ groups, scale }: SystemMetrics): void {
    for (const { gauge } of [...this.#group, ...this.#handler, ...this.#partition, ...this.#scale]) gauge.reset()
    this.#limit.reset()
    this.#needed.set(scale?.processesNeeded ?? 0)
    for (const { group, handlers } of scale?.groups ?? []) {
      for (const of of handlers) {
        const labels = { group, topic: of.topic, handler: of.handlerId }
        setAll(this.#scale, of, labels)
        this.#limit.set({ ...labels, status: of.limit }, 1)
      }
    }
    for (const { counter } of [...this.#threads, ...this.#ticks]) counter.reset()
    for (const of of groups) {
      const { group } = of
      setAll(this.#group, of, { group })
      for (const handler of of.handlers) this.#fillHandler(group, handler)
      for (const partition of of.partitions) {
        setAll(this.#partition, partition, { group, topic: partition.topic, partition: partition.partition })
      }
    }
  }

  #fillHandler(group: string, of: HandlerMetrics): void {
    const labels = { group, topic: of.topic, handler: of.handlerId }
    setAll(this.#handler, of, labels)
    const { threads, ticks } = of
    if (threads !== null) for (const { counter, read } of this.#threads) counter.inc(labels, read(threads))
    if (ticks !== null) for (const { counter, read } of this.#ticks) counter.inc(labels, read(ticks))
  }
}

interface Count<From> {
  readonly counter: Counter
  readonly read: (from: From) => number
}

interface Fill<From> {
  readonly gauge: Gauge
  readonly read: (from: From) => number | undefined
}

function setAll<From>(fills: readonly Fill<From>[], from: From, labels: Record<string, string | number>): void {
  for (const { gauge, read } of fills) {
    const value = read(from)
    if (value !== undefined) gauge.set(labels, value)
  }
}

function seconds(ms: number | null): number | undefined {
  return ms === null ? undefined : ms / 1_000
}
