/** Answers operators over HTTP: health, metrics, snapshot. Reads only; serves nothing else, and changes nothing. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { bug, PyrallelError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { SystemMetrics } from '../model/snapshot.ts'
import { type Health, liveness, readiness } from './health.ts'
import type { MetricsPage } from './prometheus.ts'

const REQUEST_TIMEOUT_MS = 10_000

export interface HttpServerOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  readonly stallAfterMs: number
  readonly snapshot: () => SystemMetrics
  /** Undefined: there is no metrics page. */
  readonly metrics: (() => Promise<MetricsPage>) | undefined
  readonly log: Logger
}

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #server: Server
  #isLoopback = false

  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => {
        void this.#respond(request, response)
      },
    )
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
    const address = this.#server.address()
    this.#isLoopback = isLoopback(address)
    return urlOf(address)
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
    const isHead = request.method === 'HEAD'
    const { status, contentType, text } = this.#refusal(request) ?? (await this.#answerSafely(pathOf(request)))
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    })
    response.end(isHead ? undefined : text)
  }

  #refusal(request: IncomingMessage): Answer | undefined {
    if (request.method !== 'HEAD' && request.method !== 'GET') {
      return { status: 405, contentType: plain, text: 'Only GET and HEAD are answered here.\n' }
    }
    // At the loopback address, what protects record keys is that nobody else can connect. A web page can: it lets its own name resolve to
    // 127.0.0.1 (DNS rebinding), and the browser, which goes by the name, hands it the answer. Only the Host header tells the two apart.
    // The other pages hold no keys; a scraper may ask for them through a name of the machine's.
    if (!this.#isLoopback || pathOf(request) !== '/snapshot' || isOwnName(request.headers.host)) return undefined
    return {
      status: 421,
      contentType: plain,
      text: 'At this address, the snapshot is for localhost: ask by that name, or by an IP address. For other names, set http.host to an address that others may reach.\n',
    }
  }

  /** A page that cannot be made must not end the process that it is about. */
  async #answerSafely(path: string): Promise<Answer> {
    try {
      return await this.#answer(path)
    } catch (error) {
      this.#options.log.error({ err: error, path }, 'a page for operators could not be made')
      return { status: 500, contentType: plain, text: 'The page could not be made; the log says why.\n' }
    }
  }

  async #answer(path: string): Promise<Answer> {
    const { snapshot, metrics, stallAfterMs } = this.#options
    switch (path) {
      case '/livez':
        return healthAnswer(liveness(snapshot()))
      case '/readyz':
        return healthAnswer(readiness(snapshot(), stallAfterMs))
      case '/snapshot':
        return json(200, snapshot())
      case '/metrics': {
        if (metrics === undefined) {
          return { status: 404, contentType: plain, text: 'There is no metrics page: http.metrics is false.\n' }
        }
        const { contentType, text } = await metrics()
        return { status: 200, contentType, text }
      }
      default:
        return { status: 404, contentType: plain, text: 'Here are /livez, /readyz, /metrics and /snapshot.\n' }
    }
  }
}

const plain = 'text/plain; charset=utf-8'

function healthAnswer({ isWell, why }: Health): Answer {
  return json(isWell ? 200 : 503, { status: isWell ? 'ok' : 'unavailable', why })
}

function json(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json; charset=utf-8', text: `${JSON.stringify(value)}\n` }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/'
}

function isLoopback(address: AddressInfo | string | null): boolean {
  if (address === null || typeof address === 'string') return false
  return address.address === '::1' || /^(::ffff:)?127\./.test(address.address)
}

/** A name that no web page can have. Without a Host header, it is no browser. */
function isOwnName(host: string | undefined): boolean {
  if (host === undefined) return true
  const name = host.replace(/:\d+$/, '').toLowerCase()
  return name === 'localhost' || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
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
