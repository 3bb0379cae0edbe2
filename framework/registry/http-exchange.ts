/** One HTTP request at a time to a server that may want a client's certificate: bounded in time and in bytes. Follows nothing, tries nothing twice. */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { PyrallelError } from '../model/errors.ts'

/** A schema of a megabyte is a large one. Bytes. */
const MAX_ANSWER_BYTES = 16 * 1_048_576
const MAX_SOCKETS = 8

/** What Node's TLS takes. */
export interface TlsParts {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  readonly checkServerIdentity?: () => undefined
}

export interface HttpQuestion {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

export class HttpExchange {
  readonly #clear = new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS })
  readonly #secure: HttpsAgent
  readonly #timeoutMs: number

  /** @param timeoutMs of one question, its connection included */
  constructor(tls: TlsParts, timeoutMs: number) {
    this.#secure = new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS, ...tls })
    this.#timeoutMs = timeoutMs
  }

  /** Rejects with what the network said, in words of Node's; and with a PyrallelError PYR_REGISTRY when the answer is too large. */
  ask({ method, url, headers, body }: HttpQuestion): Promise<HttpAnswer> {
    const isSecure = url.startsWith('https:')
    const options = {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
      signal: AbortSignal.timeout(this.#timeoutMs),
    }
    return new Promise((resolve, reject) => {
      const onAnswer = (response: IncomingMessage) => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > MAX_ANSWER_BYTES) {
            const facts = `An answer of the registry is larger than ${MAX_ANSWER_BYTES} bytes: that is no schema.`
            response.destroy(new PyrallelError('PYR_REGISTRY', `${facts} Look at registry.url.`))
          } else chunks.push(chunk)
        })
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
        })
      }
      const request = isSecure
        ? requestHttps(url, { ...options, agent: this.#secure }, onAnswer)
        : requestHttp(url, { ...options, agent: this.#clear }, onAnswer)
      request.on('error', reject)
      request.end(body)
    })
  }

  /** Ends the connections; what is asked then rejects. */
  close(): void {
    this.#clear.destroy()
    this.#secure.destroy()
  }
}
