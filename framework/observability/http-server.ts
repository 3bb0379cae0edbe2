/** The server that operators ask for the pages, when it has a port of its own. Makes no page. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bug, PyrallelError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { HttpSockets, type SocketLimits, socketLimits } from './http-sockets.ts'
import type { OperatorPages } from './operator-pages.ts'

const REQUEST_TIMEOUT_MS = 10_000
/** How often Node looks for requests that have not come in time. */
const CHECK_EVERY_MS = 2_000

export interface HttpServerOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  readonly pages: Pick<OperatorPages, 'respond'>
  /** Whether an answer has no end. Default: none. */
  readonly isEndless?: (request: IncomingMessage) => boolean
  readonly log: Logger
  /** Default: 64 sockets, and 10 s for an answer. */
  readonly limits?: SocketLimits
}

export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #server: Server
  readonly #sockets: HttpSockets

  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#sockets = new HttpSockets(options.limits ?? socketLimits, (why) => {
      options.log.debug({ why }, 'a connection to the pages for operators was cut')
    })
    this.#server = createServer(
      {
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: CHECK_EVERY_MS,
      },
      (request, response) => {
        const isEndless = options.isEndless?.(request) === true
        if (this.#sockets.onAsked(request.socket, response, isEndless)) void options.pages.respond(request, response)
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
