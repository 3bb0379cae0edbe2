/** Endpoints that show the process as a whole: about, snapshot, handlers, threads, topology, history. They change nothing. */

import { hostname } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { byHandler, topicsText } from '../model/by-handler.ts'
import type { HandlerMetrics, SystemMetrics } from '../model/snapshot.ts'
import type { ThreadView } from '../model/thread-view.ts'
import { isTopicName } from '../model/topic-pattern.ts'
import { HISTORY_EVERY_MS } from './history.ts'
import type { Endpoint } from './http/endpoint.ts'
import { badRequest } from './http/fault.ts'
import type { Looks } from './looks.ts'
import type { Mask } from './mask.ts'
import {
  type AboutAnswer,
  type HandlerRow,
  type HandlersAnswer,
  type HistoryAnswer,
  type HistorySeries,
  historySeries,
  type InstanceView,
  PROTOCOL_VERSION,
  type SnapshotAnswer,
  type ThreadRow,
  type ThreadsAnswer,
  type TopologyAnswer,
  type VerdictAnswer,
} from './protocol.ts'
import type { ReadKeys } from './read-keys.ts'
import type { WatchedHandler } from './watched-runtime.ts'

export interface OverviewOptions {
  readonly looks: Looks
  readonly mask: Mask
  readonly keys: ReadKeys
  readonly instance: InstanceView
  readonly version: string | null
  readonly mode: AboutAnswer['mode']
  readonly can: AboutAnswer['can']
}

export class Overview {
  readonly #options: OverviewOptions

  constructor(options: OverviewOptions) {
    this.#options = options
  }

  get endpoints(): readonly Endpoint[] {
    return [
      { method: 'GET', path: '/api', run: () => this.about() },
      { method: 'GET', path: '/api/snapshot', run: () => this.snapshot() },
      { method: 'GET', path: '/api/verdict', run: (): VerdictAnswer => ({ verdict: this.snapshot().verdict }) },
      { method: 'GET', path: '/api/handlers', run: (): HandlersAnswer => ({ handlers: this.handlers() }) },
      { method: 'GET', path: '/api/threads', run: () => this.threads() },
      { method: 'GET', path: '/api/topology', run: () => this.topology() },
      { method: 'GET', path: '/api/history', run: ({ query }) => this.history(query) },
    ]
  }

  about(): AboutAnswer {
    const { looks, mask, instance, version, mode, can } = this.#options
    const { handlers } = looks.runtime()
    const groups = [...new Set(handlers.map(({ group }) => group))]
    const { bytes } = looks.history
    return {
      protocol: PROTOCOL_VERSION,
      version,
      mode,
      instance,
      can,
      shownTopics: mask.shownTopics,
      groups: groups.map((group) => ({
        group,
        handlers: handlers
          .filter((each) => each.group === group)
          .map(({ route: { handlerId, topic }, definition }) => {
            const keyFormat = definition?.topic.keyFormat?.schema.format
            return { handlerId, topic, ...(keyFormat === undefined ? {} : { keyFormat }) }
          }),
      })),
      kept: { bytes, maxBytes: bytes },
    }
  }

  snapshot(): SnapshotAnswer {
    const { looks, mask } = this.#options
    const { verdict } = looks.now()
    const metrics = mask.snapshot(looks.now().metrics)
    return { metrics, verdict: { ...verdict, key: keyIn(metrics, verdict) } }
  }

  handlers(): readonly HandlerRow[] {
    const { looks } = this.#options
    const { metrics } = looks.now()
    const each = [...byHandler(looks.runtime().handlers, ({ route }) => route.handlerId).values()]
    return each.flatMap((own) => {
      const row = rowOf(metrics, own[0])
      return row === undefined ? [] : this.#handler(own, row, metrics)
    })
  }

  threads(): ThreadsAnswer {
    const { looks } = this.#options
    const { groups } = looks.now().metrics
    const { rss, heapUsed } = process.memoryUsage()
    return {
      handlers: groups.flatMap(({ group, handlers }) => {
        const onThreads = handlers.flatMap(({ handlerId, threads }) => (threads === null ? [] : { handlerId, threads }))
        if (onThreads.length === 0) return []
        const views = looks.runtime().inspection.threads(group)
        return onThreads.map(({ handlerId, threads }) => {
          const own = views.filter((view) => view.handlerId === handlerId)
          return { handlerId, group, ...threads, each: own.map((view) => this.#thread(view)) }
        })
      }),
      process: { rssBytes: rss, heapUsedBytes: heapUsed, heapLimitBytes: getHeapStatistics().heap_size_limit },
    }
  }

  #thread({ handlerId: _, running, ...view }: ThreadView): ThreadRow {
    const { keys } = this.#options
    return {
      ...view,
      running: running.map(({ headers, ...each }) => ({ ...each, key: keys.view({ ...each, headers }) })),
    }
  }

  topology(): TopologyAnswer {
    const { looks } = this.#options
    looks.now()
    return {
      handlers: looks.runtime().handlers.map(({ route, group, publishes }) => ({
        handlerId: route.handlerId,
        group,
        reads: route.topic,
        publishes: publishes ?? null,
        deadLetterTopic: route.deadLetterTopic,
        rate: looks.throughput.rateOf(group, route.topic),
        deadLettersPerMinute: looks.events.deadPerMinute(group, route.handlerId),
      })),
    }
  }

  history(query: URLSearchParams): HistoryAnswer {
    const of = query.get('of') ?? ''
    const since = Number(query.get('since') ?? 0)
    if (!isSeries(of)) throw badRequest(`of must be one of ${historySeries.join(', ')}.`)
    if (!Number.isFinite(since)) throw badRequest('since must be a time in milliseconds.')
    return { of, everyMs: HISTORY_EVERY_MS, points: this.#options.looks.history.pointsOf(of, since) }
  }

  /** @param entries one handler, once for each of its topics */
  #handler(
    entries: readonly [WatchedHandler, ...WatchedHandler[]],
    row: HandlerMetrics,
    metrics: SystemMetrics,
  ): HandlerRow {
    const [{ route, group, file, worker }] = entries
    const topics = entries.map((entry) => entry.route.topic)
    const written = entries.flatMap((entry) => entry.route.deadLetterTopic ?? [])
    const found = written.filter(isTopicName)
    const letters = new Set(found.length === 0 ? written : found)
    const { throughput, durations, events } = this.#options.looks
    const { handlerId, ordering } = route
    const partitions = metrics.groups.find((each) => each.group === group)?.partitions ?? []
    const own = partitions.filter((each) => topics.includes(each.topic))
    const retriesWaiting = own.reduce((sum, each) => sum + each.retriesWaiting, 0)
    const parked = own.reduce((sum, each) => sum + each.parked, 0)
    const { isPaused, inFlight, capacity, concurrency, adaptiveLimit, rateLimit, isHeldByRate, abandoned } = row
    return {
      group,
      handlerId,
      topic: topicsText(entries.map((entry) => entry.route)),
      file,
      engine: worker === undefined ? 'async' : 'worker',
      ordering,
      isPaused,
      rate: topics.reduce((sum, topic) => sum + throughput.rateOf(group, topic), 0),
      p50Ms: durations.percentileOf(group, handlerId, 0.5),
      p99Ms: durations.percentileOf(group, handlerId, 0.99),
      inFlight,
      capacity,
      concurrency,
      adaptiveLimit,
      rateLimit,
      isHeldByRate,
      abandoned,
      retriesWaiting,
      parked,
      deadLettersPerMinute: events.deadPerMinute(group, handlerId),
      deadLetterTopic: letters.size === 0 ? null : [...letters].join(','),
      openBreakers: row.openBreakers,
    }
  }
}

export function thisInstance(id: string, startedAt: number): InstanceView {
  return { id, host: hostname(), pid: process.pid, startedAt }
}

function rowOf({ groups }: SystemMetrics, { group, route }: WatchedHandler): HandlerMetrics | undefined {
  const of = groups.find((each) => each.group === group)
  return of?.handlers.find(({ handlerId }) => handlerId === route.handlerId)
}

/** As it is masked in the snapshot. */
function keyIn({ groups }: SystemMetrics, { group, place }: SnapshotAnswer['verdict']): string | null {
  if (place === null) return null
  const of = groups.find((each) => each.group === group)
  const isIt = ({ topic, partition }: { readonly topic: string; readonly partition: number }) =>
    topic === place.topic && partition === place.partition
  return of?.partitions.find(isIt)?.blocking?.key ?? null
}

function isSeries(name: string): name is HistorySeries {
  return historySeries.some((each) => each === name)
}
