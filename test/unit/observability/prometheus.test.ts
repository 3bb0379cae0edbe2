import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { clientErrorCodes, type RuntimeEvent } from '../../../framework/model/events.ts'
import type { SystemMetrics } from '../../../framework/model/snapshot.ts'
import { PrometheusMetrics } from '../../../framework/observability/prometheus.ts'
import { aFailure, aRecord, Driver, HANDLER, of, TOPIC } from '../control-plane/builders.ts'
import { aBlockingRecord, aGroup, aHandlerState, aPartition, aScale, aSystem } from './snapshots.ts'

const handlers = [{ group: 'shop', topic: TOPIC, handler: HANDLER }]
const open: PrometheusMetrics[] = []

async function metricsOf(snapshot: () => SystemMetrics): Promise<PrometheusMetrics> {
  const metrics = await PrometheusMetrics.create(snapshot, handlers)
  open.push(metrics)
  return metrics
}

/** Every series of the page with its value. */
async function seriesOf(metrics: PrometheusMetrics): Promise<ReadonlyMap<string, number>> {
  const { text } = await metrics.page()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}

describe('the metrics page', () => {
  afterEach(() => {
    for (const metrics of open.splice(0)) metrics.close()
  })

  it('has every counter at zero before anything has happened, so that the first event has a rate', async () => {
    const series = await seriesOf(await metricsOf(() => aSystem({ groups: [] })))
    const ofHandler = `group="shop",topic="${TOPIC}",handler="${HANDLER}"`
    for (const status of ['succeeded', 'filtered', 'retried', 'dead_lettered', 'dropped']) {
      assert.equal(series.get(`pyrallel_records_total{${ofHandler},status="${status}"}`), 0, status)
    }
    assert.equal(series.get(`pyrallel_dead_letter_failures_total{${ofHandler}}`), 0)
    assert.equal(series.get('pyrallel_commits_total{group="shop",status="failed"}'), 0)
    assert.equal(series.get('pyrallel_stale_dropped_total{group="shop",status="completion"}'), 0)
    assert.equal(series.get('pyrallel_metadata_dropped_total{group="shop"}'), 0)
    for (const code of clientErrorCodes) {
      assert.equal(series.get(`pyrallel_client_errors_total{group="shop",code="${code}"}`), 0, code)
    }
  })

  it('counts each kind of event in its own series', async () => {
    const metrics = await metricsOf(() => aSystem({ groups: [] }))
    const before = await seriesOf(metrics)
    const place = { handlerId: HANDLER, record: aRecord(1), attempt: 1, durationMs: 20 }
    const partition = { ...of(0), epoch: 1 as never }
    const failure = aFailure()
    const error = new Error('no')
    const events: readonly RuntimeEvent[] = [
      { ...place, kind: 'record.done', filtered: false },
      { ...place, kind: 'record.done', filtered: true },
      { ...place, kind: 'record.retry', attempts: 3, delayMs: 5, failure },
      { ...place, durationMs: 0, kind: 'record.parked', attempts: 3, isAlone: false, failure },
      { ...place, kind: 'record.dead', failure, deadLetterTopic: 'dlq' },
      { ...place, kind: 'record.dead', failure, deadLetterTopic: null },
      { kind: 'dead-letter.failed', handlerId: HANDLER, record: aRecord(1), error, delayMs: 5 },
      { ...partition, kind: 'partition.assigned', position: 0, restored: 0 },
      { ...partition, kind: 'partition.revoked', leftBehind: 2, runsAgain: 2 },
      { ...partition, kind: 'partition.lost', leftBehind: 3, runsAgain: 3 },
      { ...partition, kind: 'partition.rewound', from: 5, to: 0 },
      { ...partition, kind: 'metadata.dropped', why: 'foreign' },
      { kind: 'client.error', code: 'TOPIC_AUTHORIZATION_FAILED' },
      { kind: 'client.error', code: 'TOPIC_AUTHORIZATION_FAILED' },
      { kind: 'client.error', code: 'OFFSET_OUT_OF_RANGE' },
      { kind: 'partitions.paused', partitions: [of(0), of(1)] },
      { kind: 'partitions.resumed', partitions: [of(0)] },
      { kind: 'commit.done', partitions: 1, tookMs: 3 },
      { kind: 'commit.failed', error, willRetry: true },
      { kind: 'stale.dropped', what: 'dead-letter' },
      { ...partition, kind: 'breaker.opened', handlerId: HANDLER, key: 'a', cooldownMs: 1 },
      { ...partition, kind: 'breaker.closed', handlerId: HANDLER, key: 'a', isByHand: false },
      { kind: 'concurrency.changed', handlerId: HANDLER, limit: 9 },
      { ...partition, kind: 'batch.split', handlerId: HANDLER, records: 4, delayMs: 0, failure },
    ]
    for (const event of events) metrics.onEvent('shop', event)
    const after = await seriesOf(metrics)
    const grown = [...after].filter(([name, value]) => value !== before.get(name) && !name.includes('_bucket{'))
    const ofHandler = `group="shop",topic="${TOPIC}",handler="${HANDLER}"`
    const counted = new Map(grown.filter(([name]) => !name.startsWith('pyrallel_event_loop')))
    assert.deepEqual(
      counted,
      new Map([
        [`pyrallel_records_total{${ofHandler},status="succeeded"}`, 1],
        [`pyrallel_records_total{${ofHandler},status="filtered"}`, 1],
        [`pyrallel_records_total{${ofHandler},status="retried"}`, 1],
        [`pyrallel_records_total{${ofHandler},status="parked"}`, 1],
        [`pyrallel_records_total{${ofHandler},status="dead_lettered"}`, 1],
        [`pyrallel_records_total{${ofHandler},status="dropped"}`, 1],
        [`pyrallel_attempt_duration_seconds_sum{${ofHandler}}`, 0.1],
        [`pyrallel_attempt_duration_seconds_count{${ofHandler}}`, 6],
        [`pyrallel_dead_letter_failures_total{${ofHandler}}`, 1],
        ['pyrallel_commits_total{group="shop",status="succeeded"}', 1],
        ['pyrallel_commits_total{group="shop",status="failed"}', 1],
        ['pyrallel_commit_duration_seconds_sum{group="shop"}', 0.003],
        ['pyrallel_commit_duration_seconds_count{group="shop"}', 1],
        ['pyrallel_partition_changes_total{group="shop",status="assigned"}', 1],
        ['pyrallel_partition_changes_total{group="shop",status="revoked"}', 1],
        ['pyrallel_partition_changes_total{group="shop",status="lost"}', 1],
        ['pyrallel_partition_changes_total{group="shop",status="rewound"}', 1],
        ['pyrallel_records_left_behind_total{group="shop"}', 5],
        ['pyrallel_partition_pauses_total{group="shop",status="paused"}', 2],
        ['pyrallel_partition_pauses_total{group="shop",status="resumed"}', 1],
        ['pyrallel_stale_dropped_total{group="shop",status="dead-letter"}', 1],
        ['pyrallel_metadata_dropped_total{group="shop"}', 1],
        ['pyrallel_client_errors_total{group="shop",code="TOPIC_AUTHORIZATION_FAILED"}', 2],
        ['pyrallel_client_errors_total{group="shop",code="OFFSET_OUT_OF_RANGE"}', 1],
        [`pyrallel_breakers_opened_total{${ofHandler}}`, 1],
        [`pyrallel_batches_split_total{${ofHandler}}`, 1],
      ]),
    )
  })

  it('shows the figures of scaling out, and leaves out what is not known', async () => {
    let scale = aScale({ processesNeeded: 1.7, limit: 'keys', backlog: 12, oldestAgeSeconds: 3, arrivalsPerSecond: 40 })
    const metrics = await metricsOf(() => aSystem({ groups: [], scale }))
    const before = await seriesOf(metrics)
    const labels = 'group="shop",topic="orders",handler="bill"'
    assert.equal(before.get('pyrallel_processes_needed'), 1.7)
    const shown = ['processes_needed', 'backlog_records', 'oldest_age_seconds', 'arrivals_per_second', 'slots']
    assert.deepEqual(
      shown.map((name) => before.get(`pyrallel_handler_${name}{${labels}}`)),
      [1.7, 12, 3, 40, 100],
    )
    assert.equal(before.get(`pyrallel_handler_limit_reached{${labels},status="keys"}`), 1)
    scale = aScale({ backlog: null, oldestAgeSeconds: null })
    const after = await seriesOf(metrics)
    assert.deepEqual(
      [...after.keys()].filter((name) => /backlog|oldest_age|status="keys"/.test(name)),
      [],
    )
    assert.equal(after.get(`pyrallel_handler_limit_reached{${labels},status="none"}`), 1)
  })

  it('shows the snapshot of the moment of the scrape, in seconds, and leaves out what is not known', async () => {
    let snapshot = aSystem()
    const metrics = await metricsOf(() => snapshot)
    const threads = { running: 2, restarts: 3, batches: 40, boundaryMs: 1_500 }
    const [handler] = aGroup().handlers
    snapshot = aSystem({
      groups: [
        aGroup({
          inFlight: 3,
          intake: 'held',
          sincePollMs: 250,
          handlers: handler === undefined ? [] : [{ ...handler, inFlight: 3, capacity: 99, abandoned: 1, threads }],
          partitions: [
            aPartition({
              partition: 4,
              trueLag: null,
              logEndAgeMs: 1_500,
              blocking: aBlockingRecord({ offset: 77, ageMs: 2_500 }),
              gaps: { offsets: 9, stretches: 2, span: 12 },
              pausedBecause: 'bytes',
            }),
          ],
        }),
      ],
    })
    const series = await seriesOf(metrics)
    const expected = {
      'pyrallel_in_flight_records{group="shop"}': 3,
      'pyrallel_intake_stopped{group="shop"}': 1,
      'pyrallel_poll_age_seconds{group="shop"}': 0.25,
      'pyrallel_buffer_limit_records{group="shop"}': 10_000,
      'pyrallel_handler_capacity{group="shop",topic="orders",handler="bill"}': 99,
      'pyrallel_handler_abandoned{group="shop",topic="orders",handler="bill"}': 1,
      'pyrallel_engine_threads{group="shop",topic="orders",handler="bill"}': 2,
      'pyrallel_engine_restarts_total{group="shop",topic="orders",handler="bill"}': 3,
      'pyrallel_engine_batches_total{group="shop",topic="orders",handler="bill"}': 40,
      'pyrallel_engine_boundary_seconds_total{group="shop",topic="orders",handler="bill"}': 1.5,
      'pyrallel_partition_blocking_offset{group="shop",topic="orders",partition="4"}': 77,
      'pyrallel_partition_blocking_age_seconds{group="shop",topic="orders",partition="4"}': 2.5,
      'pyrallel_partition_gap_offsets{group="shop",topic="orders",partition="4"}': 9,
      'pyrallel_partition_gaps{group="shop",topic="orders",partition="4"}': 2,
      'pyrallel_partition_paused{group="shop",topic="orders",partition="4"}': 1,
      'pyrallel_partition_log_end_age_seconds{group="shop",topic="orders",partition="4"}': 1.5,
    }
    for (const [name, value] of Object.entries(expected)) assert.equal(series.get(name), value, name)
    assert.ok(![...series.keys()].some((name) => name.startsWith('pyrallel_partition_true_lag_records')))
  })

  it('shows the guards of a handler, and leaves out those that it has not', async () => {
    const guarded = { isPaused: true, adaptiveLimit: 12, rateLimit: 50, isHeldByRate: true, openBreakers: 4 }
    const handlers = [aHandlerState(guarded), aHandlerState({ handlerId: 'plain' })]
    const series = await seriesOf(await metricsOf(() => aSystem({ groups: [aGroup({ handlers })] })))
    const of = (handler: string) =>
      ['paused', 'adaptive_limit', 'rate_limit', 'held_by_rate', 'open_breakers'].map((name) =>
        series.get(`pyrallel_handler_${name}{group="shop",topic="orders",handler="${handler}"}`),
      )
    assert.deepEqual(of('bill'), [1, 12, 50, 1, 4])
    assert.deepEqual(of('plain'), [0, undefined, undefined, 0, 0])
  })

  // What the predecessors export, and what was asked for beyond that.
  for (const [subject, name, type] of [
    ['records by what became of them', 'pyrallel_records_total', 'counter'],
    ['latency', 'pyrallel_attempt_duration_seconds', 'histogram'],
    ['in flight', 'pyrallel_in_flight_records', 'gauge'],
    ['in flight of a partition', 'pyrallel_partition_in_flight_records', 'gauge'],
    ['true lag', 'pyrallel_partition_true_lag_records', 'gauge'],
    ['gaps', 'pyrallel_partition_gaps', 'gauge'],
    ['queue depth', 'pyrallel_queued_records', 'gauge'],
    ['queue depth of a partition', 'pyrallel_partition_queued_records', 'gauge'],
    ['the oldest record that is not done', 'pyrallel_partition_blocking_age_seconds', 'gauge'],
    ['backpressure', 'pyrallel_intake_stopped', 'gauge'],
    ['backpressure of a partition', 'pyrallel_partition_paused', 'gauge'],
    ['size of the metadata', 'pyrallel_partition_metadata_characters', 'gauge'],
    ['commits, failed ones too', 'pyrallel_commits_total', 'counter'],
    ['failures of dead-letter topics', 'pyrallel_dead_letter_failures_total', 'counter'],
    ['batches of the worker engine', 'pyrallel_engine_batches_total', 'counter'],
    ['boundary time of the worker engine', 'pyrallel_engine_boundary_seconds_total', 'counter'],
    ['event-loop lag', 'pyrallel_event_loop_lag_seconds', 'gauge'],
    ['rebalances', 'pyrallel_partition_changes_total', 'counter'],
    ['stale completions', 'pyrallel_stale_dropped_total', 'counter'],
    ['restarts of threads', 'pyrallel_engine_restarts_total', 'counter'],
    ['breakers that have opened', 'pyrallel_breakers_opened_total', 'counter'],
    ['batches that were split', 'pyrallel_batches_split_total', 'counter'],
    ['metadata that was not believed', 'pyrallel_metadata_dropped_total', 'counter'],
    ['errors of the Kafka client', 'pyrallel_client_errors_total', 'counter'],
  ] as const) {
    it(`has ${subject}`, async () => {
      const threads = { running: 1, restarts: 0, batches: 0, boundaryMs: 0 }
      const groups = [aGroup({ handlers: [aHandlerState({ threads })] })]
      const { text } = await (await metricsOf(() => aSystem({ groups }))).page()
      assert.match(text, new RegExp(`^# TYPE ${name} ${type}$`, 'm'))
      assert.match(text, new RegExp(`^${name}(_count)?(\\{.*\\})? \\d`, 'm'), 'and has a value')
    })
  }

  it('puts each duration into the lowest bucket that holds it, and counts those below with it', async () => {
    const metrics = await metricsOf(() => aSystem())
    const durations = [0, 1, 1.1, 2.5, 30_000, 30_001]
    for (const durationMs of durations) {
      metrics.onEvent('shop', {
        kind: 'record.done',
        handlerId: HANDLER,
        record: aRecord(1),
        attempt: 1,
        durationMs,
        filtered: false,
      })
    }
    const series = await seriesOf(metrics)
    const below = (le: string) =>
      series.get(
        `pyrallel_attempt_duration_seconds_bucket{group="shop",topic="${TOPIC}",handler="${HANDLER}",le="${le}"}`,
      )
    assert.deepEqual(['0.001', '0.0025', '10', '30', '+Inf'].map(below), [2, 4, 4, 5, 6])
  })

  it('counts what was given up without an attempt, but no duration for it', async () => {
    const metrics = await metricsOf(() => aSystem())
    const dead = (reason: 'handler' | 'poisoned' | 'blocked', durationMs: number) =>
      metrics.onEvent('shop', {
        kind: 'record.dead',
        handlerId: HANDLER,
        record: aRecord(1),
        attempt: 1,
        durationMs,
        failure: aFailure({ reason }),
        deadLetterTopic: 'dlq',
      })
    dead('handler', 0)
    dead('poisoned', 0)
    dead('blocked', 0)
    dead('blocked', 5)
    const series = await seriesOf(metrics)
    const ofHandler = `group="shop",topic="${TOPIC}",handler="${HANDLER}"`
    assert.equal(series.get(`pyrallel_records_total{${ofHandler},status="dead_lettered"}`), 4)
    assert.equal(series.get(`pyrallel_attempt_duration_seconds_count{${ofHandler}}`), 2)
  })

  it('escapes what a handler may be called', async () => {
    const metrics = await PrometheusMetrics.create(
      () => aSystem({ groups: [] }),
      [{ group: 'g', topic: 't', handler: 'a"b\\c' }],
    )
    open.push(metrics)
    assert.match(
      (await metrics.page()).text,
      /pyrallel_records_total\{group="g",topic="t",handler="a\\"b\\\\c",status="dropped"\} 0/,
    )
  })

  it('does not count a handler that it was not told of: labels must not grow', async () => {
    const metrics = await metricsOf(() => aSystem())
    const before = (await seriesOf(metrics)).size
    metrics.onEvent('shop', {
      kind: 'record.done',
      handlerId: 'new',
      record: aRecord(1),
      attempt: 1,
      durationMs: 1,
      filtered: false,
    })
    assert.equal((await seriesOf(metrics)).size, before)
  })

  it('does not show a partition that is gone, and counts on over scrapes', async () => {
    let partitions = [aPartition({ partition: 0 }), aPartition({ partition: 1 })]
    const threads = { running: 1, restarts: 7, batches: 0, boundaryMs: 0 }
    const [handler] = aGroup().handlers
    const of = handler === undefined ? [] : [{ ...handler, threads }]
    const metrics = await metricsOf(() => aSystem({ groups: [aGroup({ partitions, handlers: of })] }))
    const both = await seriesOf(metrics)
    partitions = [aPartition({ partition: 1 })]
    const one = await seriesOf(metrics)
    const shown = (series: ReadonlyMap<string, number>) =>
      [...series.keys()].filter((name) => name.includes('partition="0"'))
    assert.ok(shown(both).length >= 10)
    assert.deepEqual(shown(one), [])
    assert.equal(one.get('pyrallel_engine_restarts_total{group="shop",topic="orders",handler="bill"}'), 7)
  })

  it('uses no label but group, topic, partition, handler, status, code and le, and starts every name alike', async () => {
    const { text } = await (await metricsOf(() => aSystem())).page()
    const labels = new Set([...text.matchAll(/[{,]([a-z_]+)="/g)].map(([, label]) => label))
    assert.deepEqual([...labels].sort(), ['code', 'group', 'handler', 'le', 'partition', 'status', 'topic'])
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
    for (const [, name = '', type] of names) {
      assert.match(name, /^pyrallel_[a-z_]+$/)
      assert.equal(name.endsWith('_total'), type === 'counter', name)
    }
    assert.ok(names.length > 30)
  })

  it('keeps metrics apart: two pages in one process do not share a counter', async () => {
    const [first, second] = [await metricsOf(() => aSystem()), await metricsOf(() => aSystem())]
    first.onEvent('shop', { kind: 'commit.done', partitions: 1, tookMs: 1 })
    const name = 'pyrallel_commits_total{group="shop",status="succeeded"}'
    assert.deepEqual([(await seriesOf(first)).get(name), (await seriesOf(second)).get(name)], [1, 0])
  })

  it('grows neither in series nor in memory over 10,000 assignments', async () => {
    let counted: PrometheusMetrics | undefined
    const driver = new Driver({ onEvent: (event) => counted?.onEvent('shop', event) })
    const metrics = await metricsOf(() => {
      const partitions = driver.manager.readings.metrics(0, () => 100, 1_000)
      return aSystem({ groups: [aGroup({ partitions })] })
    })
    counted = metrics
    const cycle = (partition: number) => {
      driver.assign(partition, 0)
      const items = driver.poll(aRecord(0, { partition })).start()
      driver.manager.onRevoked([of(partition)])
      driver.endAll(items)
    }
    const heapAfter = async (cycles: number) => {
      for (let i = 0; i < cycles; i += 1) {
        cycle(i)
        if (i % 250 === 0) await metrics.page()
      }
      return { heap: heapUsed(), series: (await seriesOf(metrics)).size }
    }
    const early = await heapAfter(2_000)
    const late = await heapAfter(8_000)
    assert.equal(late.series, early.series)
    assert.ok(late.heap - early.heap < 3e6, `the heap grew by ${late.heap - early.heap} bytes in 8,000 assignments`)
  })
})

function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
