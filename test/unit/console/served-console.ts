/** A console on a port of its own, over a runtime that a test writes. Not a test itself. */
import { request as httpRequest } from 'node:http'
import type { TestContext } from 'node:test'
import { Console, type ConsoleOptions } from '../../../framework/console/console.ts'
import { ConsolePages } from '../../../framework/console/http/console-pages.ts'
import { Mask } from '../../../framework/console/mask.ts'
import type { ValueLooks, WatchedHandler, WatchedRuntime } from '../../../framework/console/watched-runtime.ts'
import type { ActionResult } from '../../../framework/model/action.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import { WatchPoint } from '../../../framework/model/record-watch.ts'
import type { SystemMetrics } from '../../../framework/model/snapshot.ts'
import { HttpServer } from '../../../framework/observability/http-server.ts'
import { TokenCheck } from '../../../framework/observability/token-check.ts'
import type { Inspection } from '../../../framework/runtime/inspection.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { aSystem } from '../observability/snapshots.ts'

export const TOKEN = 'right-token-of-the-test'

export function aWatchedHandler(over: Partial<WatchedHandler> = {}): WatchedHandler {
  return {
    group: 'shop',
    file: 'handlers/bill.ts',
    route: {
      handlerId: 'bill',
      topic: 'orders',
      ordering: 'key',
      concurrency: 100,
      retry: { attempts: 3, backoff: 'fixed', minMs: 100, maxMs: 100, jitter: false },
      deadLetterTopic: 'orders.shop.dlq',
    },
    ...over,
  }
}

/** One that holds what a test says, and pauses. */
export class WrittenRuntime implements WatchedRuntime {
  handlers: readonly WatchedHandler[] = [aWatchedHandler()]
  metrics: SystemMetrics = aSystem()
  looks = 0
  readonly #paused = new Set<string>()

  get paused(): readonly string[] {
    return [...this.#paused]
  }

  snapshot(): SystemMetrics {
    this.looks += 1
    return this.metrics
  }

  inspection = {} as Inspection
  values: ValueLooks = {
    read: async () => ({ kind: 'plain' }),
    readerOf: async () => () => ({ kind: 'plain' }),
    decode: async () => null,
  }
  actions: readonly unknown[] = []
  result: ActionResult = { isDone: true }

  retryNow(...asked: readonly unknown[]): ActionResult {
    this.actions = [...this.actions, ['retryNow', ...asked]]
    return this.result
  }

  giveUp(...asked: readonly unknown[]): ActionResult {
    this.actions = [...this.actions, ['giveUp', ...asked]]
    return this.result
  }

  discard(...asked: readonly unknown[]): ActionResult {
    this.actions = [...this.actions, ['discard', ...asked]]
    return this.result
  }

  closeBreaker(...asked: readonly unknown[]): ActionResult {
    this.actions = [...this.actions, ['closeBreaker', ...asked]]
    return this.result
  }

  pause(handlerId: string): void {
    this.#paused.add(this.#known(handlerId))
  }

  resume(handlerId: string): void {
    this.#paused.delete(this.#known(handlerId))
  }

  #known(handlerId: string): string {
    if (this.handlers.some(({ route }) => route.handlerId === handlerId)) return handlerId
    throw new PyrallelError('PYR_USAGE', `There is no handler '${handlerId}'.`)
  }
}

export interface ServedConsole {
  readonly url: string
  readonly runtime: WrittenRuntime
  readonly clock: ManualClock
  readonly console: Console
  /** All that was logged, one object a line. */
  readonly lines: Record<string, unknown>[]
  get(path: string, headers?: Record<string, string>): Promise<Response>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
}

const file = (text: string, contentType: string) => ({ contentType, body: Buffer.from(text) })
const page = {
  html: file('<!doctype html><title>console</title>', 'text/html; charset=utf-8'),
  assets: new Map([['/assets/0a1b.js', file('export {}', 'text/javascript; charset=utf-8')]]),
}

export async function serveConsole(
  t: TestContext,
  over: Partial<ConsoleOptions> & { readonly isRunning?: () => boolean } = {},
): Promise<ServedConsole> {
  const runtime = new WrittenRuntime()
  const clock = new ManualClock()
  const lines: Record<string, unknown>[] = []
  const write = (fields: object, message: string) => lines.push({ ...fields, message })
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
  const console = new Console({
    runtime: () => (over.isRunning?.() === false ? undefined : runtime),
    watchPoint: new WatchPoint(),
    page,
    root: '/app',
    editor: null,
    mode: 'development',
    version: '1.2.3',
    canAct: true,
    mask: new Mask(null),
    token: new TokenCheck(TOKEN, () => clock.now()),
    names: [],
    bucketsOf: () => undefined,
    cluster: () => undefined,
    peers: undefined,
    devEndpoints: [],
    log,
    clock,
    ...over,
  })
  const server = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    pages: console.pages,
    isEndless: (request) => ConsolePages.isStream(request),
    log,
  })
  const url = await server.listen()
  console.start()
  t.after(async () => {
    console.stop()
    await server.close()
  })
  const authorization = `Bearer ${TOKEN}`
  return {
    url,
    runtime,
    clock,
    console,
    lines,
    get: (path, headers = { authorization }) => fetch(`${url}${path}`, { headers }),
    post: (path, body = {}, headers = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  }
}

/** With headers that `fetch` would not let a test choose. */
export function rawStatus(
  url: string,
  options: { readonly method?: string; readonly headers: Record<string, string>; readonly body?: string },
): Promise<number | undefined> {
  const { method = 'GET', headers, body } = options
  return new Promise((resolve, reject) => {
    const asked = httpRequest(url, { agent: false, method, headers }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode))
    })
    asked.once('error', reject).end(body)
  })
}
