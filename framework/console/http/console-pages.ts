/** Answers requests to the console: page, parts of it, and everything below `/api`. Has no socket and no port, and knows none of the answers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '../../model/logger.ts'
import { harmlessJson } from '../../model/plain-text.ts'
import { type Endpoint, FileAnswer, StatusAnswer, StreamAnswer } from './endpoint.ts'
import { ApiFault } from './fault.ts'
import { readBody } from './json-body.ts'
import { type GuardOptions, guardChange, guardName, guardToken } from './request-guard.ts'
import { Router } from './router.ts'

/** A file of the page: it holds no data, and needs no token. */
export interface PageFile {
  readonly contentType: string
  readonly body: Buffer
}

/** The page as it was bundled. */
export interface PageFiles {
  readonly html: PageFile
  /** By their path: `/assets/<hash>.js`. */
  readonly assets: ReadonlyMap<string, PageFile>
}

export interface ConsolePagesOptions extends GuardOptions {
  /** Undefined: there is no page, only what it asks. */
  readonly page: PageFiles | undefined
  readonly endpoints: readonly Endpoint[]
  readonly log: Logger
}

const MAX_BODY_BYTES = 65_536

/** Of every answer. The policy is for the page; on JSON it forbids what nobody should try. */
const headersOfAll = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
} as const

/** Says that a request was handed on by another console: who gets it answers by himself. */
export const HOP_HEADER = 'pyrallel-hop'

/** Of this process, or of another one through it. */
const streamPath = /^\/api\/(instances\/[^/]+\/)?stream$/

export class ConsolePages {
  readonly #options: ConsolePagesOptions
  readonly #router: Router

  constructor(options: ConsolePagesOptions) {
    this.#options = options
    this.#router = new Router(options.endpoints)
  }

  /** Whether a request is for the console at all. */
  static isOurs(request: Pick<IncomingMessage, 'url'>): boolean {
    const path = pathOf(request)
    return path === '/' || path === '/api' || path.startsWith('/api/') || path.startsWith('/assets/')
  }

  /** Whether its answer has no end, so that nobody should wait for it. */
  static isStream(request: Pick<IncomingMessage, 'url'>): boolean {
    return streamPath.test(pathOf(request))
  }

  /** Never rejects: the process goes on whatever somebody asks. */
  async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#respond(request, response)
    } catch (thrown) {
      if (response.headersSent || response.destroyed) {
        response.destroy()
        return
      }
      this.#sendFault(response, this.#faultOf(thrown))
    }
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    guardName(request, this.#options)
    const { method = '' } = request
    const path = pathOf(request)
    const file = this.#fileAt(path)
    if (file !== undefined) {
      if (method !== 'GET' && method !== 'HEAD') throw new ApiFault('method', 'This is a page.', 'Ask with GET.')
      // Names of assets change with what is in them; the page names those of today.
      const caching = path === '/' ? 'no-cache' : 'public, max-age=31536000, immutable'
      send(response, 200, file.body, { 'content-type': file.contentType, 'cache-control': caching }, method)
      return
    }
    guardToken(request, this.#options)
    const { endpoint, params } = this.#router.find(method, path)
    if (endpoint.method === 'POST') guardChange(request)
    const body =
      endpoint.body === undefined
        ? undefined
        : await readBody(request, endpoint.body, endpoint.maxBodyBytes ?? MAX_BODY_BYTES)
    const { url = '', socket, headers } = request
    const query = new URLSearchParams(url.slice(path.length))
    const answer = await endpoint.run({
      params,
      query,
      body,
      from: socket.remoteAddress ?? '',
      isHandedOn: HOP_HEADER in headers,
    })
    if (response.destroyed) return
    if (answer instanceof StreamAnswer) answer.open(response)
    else sendAnswer(response, answer, method)
  }

  #fileAt(path: string): PageFile | undefined {
    const { page } = this.#options
    return path === '/' ? page?.html : page?.assets.get(path)
  }

  #faultOf(thrown: unknown): ApiFault {
    if (thrown instanceof ApiFault) return thrown
    this.#options.log.error({ err: thrown }, 'the console could not answer')
    return new ApiFault('broken', 'The answer could not be made.', 'The log of the process says why.')
  }

  #sendFault(response: ServerResponse, fault: ApiFault): void {
    const { code, message, next, record, status } = fault
    const error = { code, message, next, ...(record === undefined ? {} : { record }) }
    // What was sent behind the head may be on its way still: another request on this socket would be read out of it.
    const headers = {
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(status === 413 ? { connection: 'close' } : {}),
    }
    sendJson(response, status, { error }, headers)
  }
}

/** Headers of a stream, for whoever writes one. */
export const streamHeaders = {
  ...headersOfAll,
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
} as const

function sendAnswer(response: ServerResponse, answer: unknown, method: string): void {
  if (answer instanceof FileAnswer) {
    const { name, contentType, body } = answer
    const disposition = `attachment; filename="${name.replace(/[^\w.-]/g, '_')}"`
    const headers = { 'content-type': contentType, 'content-disposition': disposition, 'cache-control': 'no-store' }
    send(response, 200, body, headers, method)
  } else if (answer instanceof StatusAnswer) sendJson(response, answer.status, answer.value, {}, method)
  else sendJson(response, 200, answer, {}, method)
}

function sendJson(response: ServerResponse, status: number, value: unknown, more: object, method = 'GET'): void {
  const body = Buffer.from(`${harmlessJson(JSON.stringify(value))}\n`)
  const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...more }
  send(response, status, body, headers, method)
}

function send(
  response: ServerResponse,
  status: number,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
  method: string,
): void {
  response.writeHead(status, { ...headersOfAll, ...headers, 'content-length': body.length })
  response.end(method === 'HEAD' ? undefined : body)
}

function pathOf({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  return url.split('?', 1)[0] ?? '/'
}
