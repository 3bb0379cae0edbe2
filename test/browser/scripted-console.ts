/** The console's own pages and guards on a port of its own, with answers that a test writes: what the real one would need an hour to come to. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Type } from 'typebox'
import { builtPage } from '../../framework/console/built-page.ts'
import { ConsolePages, streamHeaders } from '../../framework/console/http/console-pages.ts'
import { type Endpoint, StreamAnswer } from '../../framework/console/http/endpoint.ts'
import { badRequest } from '../../framework/console/http/fault.ts'
import type { AboutAnswer, HandlerRow, Verdict } from '../../framework/console/protocol.ts'
import type { StreamFrames } from '../../framework/console/protocol-stream.ts'
import type { PartitionMetrics } from '../../framework/model/snapshot.ts'
import { TokenCheck } from '../../framework/observability/token-check.ts'

export const scriptedToken = 'a-token-of-the-tests'

export interface ScriptedConsole {
  readonly url: string
  readonly paused: readonly string[]
  /** What was asked for: `POST /api/keys/find {"key":"a"}`, `GET /api/stream?partitions=…`. */
  readonly asked: readonly string[]
  /** Streams that are open. */
  streams(): number
  push<Name extends keyof StreamFrames>(name: Name, frame: StreamFrames[Name]): void
  close(): Promise<void>
}

/**
 * @param more answers by path, to a GET, or to a POST where `POST ` stands before it; a function gives another one each time, and may throw an `ApiFault`
 * @param port 0: any
 */
export async function startScriptedConsole(
  frame: StreamFrames['snapshot'],
  more: Readonly<Record<string, unknown>> = {},
  port = 0,
): Promise<ScriptedConsole> {
  const open = new Set<ServerResponse>()
  const paused: string[] = []
  const asked: string[] = []
  const filters = new Set<string>()
  let count = 0
  let current = frame
  const text = (name: string, data: unknown) => `id: test-${++count}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`
  const endpoints: Endpoint[] = [
    ...Object.entries(more).map(([name, answer]): Endpoint => {
      const isPost = name.startsWith('POST ')
      const path = isPost ? name.slice(5) : name
      const run: Endpoint['run'] = (of) => {
        if (isPost) asked.push(`${name} ${JSON.stringify(of.body)}`)
        return typeof answer === 'function' ? answer(of) : answer
      }
      return isPost ? { method: 'POST', path, body: Type.Unknown(), run } : { method: 'GET', path, run }
    }),
    { method: 'GET', path: '/api', run: () => about },
    {
      method: 'GET',
      path: '/api/stream',
      run: ({ query }) => {
        const unknown = (query.get('live') ?? '').split(',').find((each) => each !== '' && !filters.has(each))
        if (unknown !== undefined) throw badRequest(`live names '${unknown}', which is forgotten.`)
        return new StreamAnswer((response) => {
          asked.push(`GET /api/stream?${query}`)
          open.add(response)
          response.once('close', () => open.delete(response))
          response.writeHead(200, streamHeaders)
          response.write(text('snapshot', current))
        })
      },
    },
    {
      method: 'POST',
      path: '/api/live',
      body: Type.Unknown(),
      run: ({ body }) => {
        asked.push(`POST /api/live ${JSON.stringify(body)}`)
        const filter = `f${filters.size + 1}`
        filters.add(filter)
        return { filter }
      },
    },
    {
      method: 'POST',
      path: '/api/handlers/{handler}/pause',
      run: ({ params }) => {
        paused.push(params.handler ?? '')
        return { paused }
      },
    },
  ]
  const pages = new ConsolePages({
    names: new Set(),
    token: new TokenCheck(scriptedToken, () => performance.now()),
    page: builtPage,
    endpoints,
    log: { trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} } as never,
  })
  const server = createServer((request, response) => void pages.respond(request, response))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paused,
    asked,
    streams: () => open.size,
    push: (name, data) => {
      // As a console's own: who comes later is told how it is by then.
      if ('verdict' in data && data.verdict !== undefined) current = { ...current, verdict: data.verdict }
      for (const response of open) response.write(text(name, data))
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

export const about: AboutAnswer = {
  protocol: 1,
  version: null,
  mode: 'development',
  instance: { id: 'test', host: 'host', pid: 1, startedAt: 0 },
  can: { act: true, replay: false, dev: false },
  shownTopics: null,
  groups: [{ group: 'shop', handlers: [{ handlerId: 'ship', topic: 'orders.created' }] }],
  kept: { bytes: 0, maxBytes: 1 },
}

const healthy: Verdict = {
  kind: 'healthy',
  group: null,
  place: null,
  key: null,
  handlerIds: [],
  sinceAt: null,
  backlog: 0,
  rate: 12,
  secondsLeft: null,
}

export function handlerRow(over: Partial<HandlerRow> = {}): HandlerRow {
  return {
    group: 'shop',
    handlerId: 'ship',
    topic: 'orders.created',
    file: 'handlers/ship.ts',
    engine: 'async',
    ordering: 'key',
    isPaused: false,
    rate: 12,
    p50Ms: 4,
    p99Ms: 40,
    inFlight: 3,
    capacity: 10,
    concurrency: 10,
    adaptiveLimit: null,
    rateLimit: null,
    isHeldByRate: false,
    abandoned: 0,
    retriesWaiting: 1,
    parked: 0,
    deadLettersPerMinute: 0,
    deadLetterTopic: null,
    openBreakers: 0,
    ...over,
  }
}

export function partitionRow(over: Partial<PartitionMetrics> = {}): PartitionMetrics {
  return {
    topic: 'orders.created',
    partition: 2,
    records: 40,
    bytes: 4_000,
    epoch: 1,
    position: 19,
    committedPosition: 12,
    nextOffset: 60,
    logEnd: 60,
    logEndAgeMs: 200,
    trueLag: 41,
    inFlight: 3,
    queued: 12,
    retriesWaiting: 1,
    parked: 0,
    delayed: 0,
    deadLettersWaiting: 0,
    gaps: { offsets: 20, stretches: 3, span: 30 },
    blocking: null,
    metadataUsed: 300,
    metadataLimit: 3_072,
    pausedBecause: null,
    isDraining: false,
    isTight: false,
    isRefused: false,
    openBreakers: 0,
    openBreakerKeys: [],
    ribbon: { from: 12, to: 60, cells: 'dddddddxgggggggrrgggggggrgggggwwwwwwwwwwwwgggggg' },
    ...over,
  }
}

export function snapshotFrame(
  over: {
    readonly verdict?: Partial<Verdict>
    readonly handlers?: readonly HandlerRow[]
    readonly partitions?: readonly PartitionMetrics[]
  } = {},
): StreamFrames['snapshot'] {
  const handlers = over.handlers ?? [handlerRow()]
  const partitions = over.partitions ?? [partitionRow()]
  return {
    metrics: {
      takenAt: Date.now(),
      state: 'running',
      scale: null,
      groups: [{ group: 'shop', assignedPartitions: partitions.length, partitions } as never],
    },
    verdict: { ...healthy, ...over.verdict },
    handlers,
    partitions: [],
  }
}
