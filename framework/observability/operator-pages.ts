/** The pages for operators: health, metrics, scale, snapshot. Answers requests that a server has taken in; has no socket and no port of its own. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '../model/logger.ts'
import { harmlessJson } from '../model/plain-text.ts'
import type { ScaleMetrics, SystemMetrics } from '../model/snapshot.ts'
import { mayAskByName } from './asked-host.ts'
import { type Health, liveness, readiness } from './health.ts'
import type { MetricsPage } from './prometheus.ts'
import { type LentPage, type Page, SharedPage } from './shared-page.ts'
import type { TokenCheck } from './token-check.ts'

export interface OperatorPagesOptions {
  /** Names under which it may be asked for the snapshot, beside localhost and IP addresses. */
  readonly names: readonly string[]
  /** Who asks for the snapshot must have it. Undefined: nobody needs one. */
  readonly token?: TokenCheck | undefined
  readonly stallAfterMs: number
  readonly snapshot: () => SystemMetrics
  readonly scale: () => ScaleMetrics
  /** Undefined: there is no metrics page. */
  readonly metrics: (() => Promise<MetricsPage>) | undefined
  readonly log: Logger
  /** Milliseconds; default the process's own clock. */
  readonly now?: () => number
}

/**
 * For the server of an application: `(request, response)` of node:http, which Express, Fastify and Nest hand on. It goes by `request.url`: mounted
 * below a path, that path must have been cut off, as Express does. What is none of its pages goes to `next`; without one, it is a 404.
 */
export type PagesListener = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void

export class OperatorPages {
  readonly #options: OperatorPagesOptions
  readonly #pages = new Map<string, SharedPage>()
  readonly #names: ReadonlySet<string>

  constructor(options: OperatorPagesOptions) {
    this.#options = options
    this.#names = new Set(options.names.map((name) => name.toLowerCase()))
    const now = options.now ?? (() => performance.now())
    for (const [path, make] of this.#makers())
      this.#pages.set(path, new SharedPage(() => this.#safely(path, make), now))
  }

  /** As {@link PagesListener}. Whatever fails, the application's process goes on. */
  listen(request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void {
    if (next !== undefined && !this.#pages.has(pathOf(request))) {
      next()
      return
    }
    this.respond(request, response).catch((error: unknown) => {
      if (next !== undefined) next(error)
      else this.#options.log.error({ err: error }, 'a page for operators could not be sent')
    })
  }

  async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#refusal(request)
    const lent = refusal === undefined ? await this.#pageOf(request) : lentOnly(refusal)
    if (response.destroyed) {
      lent.giveBack()
      return
    }
    response.once('close', lent.giveBack)
    const { status, contentType, body } = lent.page
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': body.length,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  async #pageOf(request: IncomingMessage): Promise<LentPage> {
    const page = this.#pages.get(pathOf(request))
    return page === undefined ? lentOnly(nothingThere) : await page.lend()
  }

  #refusal(request: IncomingMessage): Page | undefined {
    const { method } = request
    if (method !== 'HEAD' && method !== 'GET') return text(405, 'Only GET and HEAD are answered here.\n')
    // The other pages hold no keys; a scraper may ask for them through a name of the machine's.
    if (pathOf(request) !== '/snapshot') return undefined
    const { token } = this.#options
    if (mayAskByName(request, this.#names)) return token === undefined ? undefined : refusalOf(token, request)
    return text(
      421,
      'The snapshot is not given to a name that a web page may have made up: ask localhost or an IP address, or list the name in http.names.\n',
    )
  }

  #makers(): readonly (readonly [path: string, make: () => Page | Promise<Page>])[] {
    const { snapshot, scale, metrics, stallAfterMs } = this.#options
    return [
      ['/livez', () => healthPage(liveness(snapshot()))],
      ['/readyz', () => healthPage(readiness(snapshot(), stallAfterMs))],
      ['/scale', () => json(200, scale())],
      ['/snapshot', () => json(200, snapshot())],
      [
        '/metrics',
        async () => {
          if (metrics === undefined) return text(404, 'There is no metrics page: http.metrics is false.\n')
          const made = await metrics()
          return { status: 200, contentType: made.contentType, body: Buffer.from(made.text) }
        },
      ],
    ]
  }

  /** A page that cannot be made must not end the process that it is about. */
  async #safely(path: string, make: () => Page | Promise<Page>): Promise<Page> {
    try {
      return await make()
    } catch (error) {
      this.#options.log.error({ err: error, path }, 'a page for operators could not be made')
      return text(500, 'The page could not be made; the log says why.\n')
    }
  }
}

function refusalOf(token: TokenCheck, { headers, socket }: IncomingMessage): Page | undefined {
  switch (token.check(headers.authorization, socket.remoteAddress ?? '')) {
    case 'right':
      return undefined
    case 'too-many':
      return text(429, '20 wrong tokens have come from this address within a minute: wait one.\n')
    default:
      return text(401, 'The snapshot needs the token of http.token: send `Authorization: Bearer <token>`.\n')
  }
}

const nothingThere = text(404, 'Here are /livez, /readyz, /metrics, /scale and /snapshot.\n')

function text(status: number, words: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', body: Buffer.from(words) }
}

function healthPage({ isWell, why }: Health): Page {
  return json(isWell ? 200 : 503, { status: isWell ? 'ok' : 'unavailable', why })
}

function json(status: number, value: unknown): Page {
  return {
    status,
    contentType: 'application/json; charset=utf-8',
    body: Buffer.from(`${harmlessJson(JSON.stringify(value))}\n`),
  }
}

function lentOnly(page: Page): LentPage {
  return { page, giveBack: () => {} }
}

function pathOf({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  return url.split('?', 1)[0] ?? '/'
}
