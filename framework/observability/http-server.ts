/** Answers operators over HTTP: health, metrics, snapshot. Reads only; serves nothing else, and changes nothing. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { bug, PyrallelError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { harmlessJson } from '../model/plain-text.ts'
import type { SystemMetrics } from '../model/snapshot.ts'
import { type Health, liveness, readiness } from './health.ts'
import { HttpSockets, type SocketLimits, socketLimits } from './http-sockets.ts'
import type { MetricsPage } from './prometheus.ts'
import { type LentPage, type Page, SharedPage } from './shared-page.ts'

const REQUEST_TIMEOUT_MS = 10_000
/** How often Node looks for requests that have not come in time. */
const CHECK_EVERY_MS = 2_000

export interface HttpServerOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Names under which it may be asked for the snapshot, beside localhost and IP addresses. */
  readonly names: readonly string[]
  readonly stallAfterMs: number
  readonly snapshot: () => SystemMetrics
  /** Undefined: there is no metrics page. */
  readonly metrics: (() => Promise<MetricsPage>) | undefined
  readonly log: Logger
  /** Default: 64 sockets, and 10 s for an answer. */
  readonly limits?: SocketLimits
  /** Milliseconds; default the process's own clock. */
  readonly now?: () => number
}

export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #server: Server
  readonly #sockets: HttpSockets
  readonly #pages = new Map<string, SharedPage>()
  readonly #names: ReadonlySet<string>

  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#sockets = new HttpSockets(options.limits ?? socketLimits, (why) => {
      options.log.debug({ why }, 'a connection to the pages for operators was cut')
    })
    this.#names = new Set(options.names.map((name) => name.toLowerCase()))
    const now = options.now ?? (() => performance.now())
    for (const [path, make] of this.#makers())
      this.#pages.set(path, new SharedPage(() => this.#safely(path, make), now))
    this.#server = createServer(
      {
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: CHECK_EVERY_MS,
      },
      (request, response) => {
        if (this.#sockets.onAsked(request.socket, response)) void this.#respond(request, response)
      },
    )
    this.#server.on('connection', (socket) => this.#sockets.onConnected(socket))
  }

  /**
   * @returns where it listens: `http://127.0.0.1:9464`
   * @throws PyrallelError PYR_PORT_IN_USE, or PYR_CONFIG_INVALID when the address is not of this machine or not allowed
   */
  async listen(): Promise<string> {
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(error, host, port)))
      this.#server.listen({ host, port }, resolve)
    })
    return urlOf(this.#server.address())
  }

  /** Bounded: connections that are open are cut. May be called twice, and before `listen`. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    this.#server.closeAllConnections()
    await closed
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
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
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  async #pageOf(request: IncomingMessage): Promise<LentPage> {
    const page = this.#pages.get(pathOf(request))
    return page === undefined ? lentOnly(nothingThere) : await page.lend()
  }

  #refusal({ method, url, headers, socket }: IncomingMessage): Page | undefined {
    if (method !== 'HEAD' && method !== 'GET') return text(405, 'Only GET and HEAD are answered here.\n')
    // A web page can let its own name resolve to an address of this machine (DNS rebinding), and the browser, which goes by the name, hands it
    // the answer. Only the Host header tells the two apart. Where the socket came in decides, and not where the server listens: at 0.0.0.0 it
    // is reached at 127.0.0.1 too. At other addresses any name is right until some are listed, since nobody knows what others call this machine.
    // The other pages hold no keys; a scraper may ask for them through a name of the machine's.
    if (pathOf({ url }) !== '/snapshot' || isNoPage(headers.host, this.#names)) return undefined
    if (this.#names.size === 0 && !isLoopback(socket.localAddress)) return undefined
    return text(
      421,
      'The snapshot is not given to a name that a web page may have made up: ask localhost or an IP address, or list the name in http.names.\n',
    )
  }

  #makers(): readonly (readonly [path: string, make: () => Page | Promise<Page>])[] {
    const { snapshot, metrics, stallAfterMs } = this.#options
    return [
      ['/livez', () => healthPage(liveness(snapshot()))],
      ['/readyz', () => healthPage(readiness(snapshot(), stallAfterMs))],
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

const nothingThere = text(404, 'Here are /livez, /readyz, /metrics and /snapshot.\n')

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

function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address ?? '')
}

/** A name that no web page can have, or that is this machine's. Without a Host header, it is no browser. */
function isNoPage(host: string | undefined, names: ReadonlySet<string>): boolean {
  if (host === undefined) return true
  const name = host.replace(/:\d+$/, '').toLowerCase()
  return name === 'localhost' || names.has(name) || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
}

function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') throw bug('http-server', 'it listens at no port')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): PyrallelError {
  const place = `${host}:${port}`
  if (error.code === 'EADDRINUSE') {
    return new PyrallelError(
      'PYR_PORT_IN_USE',
      `Another process listens at ${place}, where this one should answer operators. End that process, or set http.port in pyrallel.config.ts to a port that is free (0 takes any).`,
      { cause: error },
    )
  }
  return new PyrallelError(
    'PYR_CONFIG_INVALID',
    `Nothing can listen at ${place} (${error.code ?? error.message}). Set http.host to an address of this machine, and http.port to a port that this user may use.`,
    { cause: error },
  )
}
