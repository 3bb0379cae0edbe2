/** Other processes that have a console too: where they are, and one request to one of them. Addresses come from the config alone. */
import { lookup } from 'node:dns/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { HOP_HEADER } from './http/console-pages.ts'
import { ApiFault } from './http/fault.ts'

const MOST_PEERS = 50
/** Names are looked up again after so long. */
const KNOWN_MS = 5_000
const LOOKUP_MS = 2_000

export interface PeersOptions {
  /** `host:port`; a name stands for all addresses that it has. */
  readonly addresses: readonly string[]
  /** The one of this process: theirs is the same. */
  readonly token: string | undefined
}

export interface PeerRequest {
  readonly method: string
  /** With query. */
  readonly path: string
  /** JSON; undefined for none. */
  readonly body: string | undefined
  /** Until the head of the answer has come. Milliseconds. */
  readonly limitMs: number
  /** Ends it. */
  readonly signal?: AbortSignal
}

export class Peers {
  readonly #options: PeersOptions
  readonly #now: () => number
  #known: { readonly at: number; readonly ids: Promise<readonly string[]> } | undefined

  constructor(options: PeersOptions, now: () => number) {
    this.#options = options
    this.#now = now
  }

  /** `10.0.0.3:9464`, `[::1]:9464`; a name that cannot be looked up stands as it is. At most 50. */
  ids(): Promise<readonly string[]> {
    const now = this.#now()
    if (this.#known === undefined || now - this.#known.at >= KNOWN_MS) this.#known = { at: now, ids: this.#find() }
    return this.#known.ids
  }

  /** @throws ApiFault for one that does not answer in time, or that no address of the config stands for */
  async ask(id: string, { method, path, body, limitMs, signal }: PeerRequest): Promise<IncomingMessage> {
    const [host, port] = partsOf(id)
    const { token } = this.#options
    const headers = {
      [HOP_HEADER]: '1',
      host: id,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    }
    const limit = AbortSignal.timeout(limitMs)
    return new Promise((resolve, reject) => {
      const request = httpRequest({ host, port, method, path, headers, agent: false })
      const end = () => request.destroy(new Error(limit.aborted ? `no answer within ${limitMs} ms` : 'it was given up'))
      limit.addEventListener('abort', end, { once: true })
      signal?.addEventListener('abort', end, { once: true })
      request.once('response', (response) => {
        limit.removeEventListener('abort', end)
        resolve(response)
      })
      request.once('error', (error) => reject(dead(id, error)))
      request.end(body)
    })
  }

  async #find(): Promise<readonly string[]> {
    const found = await Promise.all(this.#options.addresses.map(addressesOf))
    return [...new Set(found.flat())].slice(0, MOST_PEERS)
  }
}

async function addressesOf(named: string): Promise<readonly string[]> {
  const [host, port] = partsOf(named)
  if (isIP(host) !== 0) return [named]
  try {
    const over = new Promise<never>((_, reject) => setTimeout(reject, LOOKUP_MS).unref())
    const all = await Promise.race([lookup(host, { all: true }), over])
    return all.map(({ address, family }) => (family === 6 ? `[${address}]:${port}` : `${address}:${port}`)).sort()
  } catch {
    // Asked by its name, it is told as dead.
    return [named]
  }
}

function partsOf(address: string): readonly [host: string, port: number] {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? []
  return [host, Number(port)]
}

function dead(id: string, error: Error): ApiFault {
  const why = 'code' in error && typeof error.code === 'string' ? error.code : error.message
  return new ApiFault(
    'instance-dead',
    `${id} does not answer: ${why}.`,
    'Look whether that process runs, or ask another.',
  )
}
