/** Endpoints about the other processes, and those that hand a request on to one of them: once, never further. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { Type } from 'typebox'
import { streamHeaders } from './http/console-pages.ts'
import { type Asked, type Endpoint, StreamAnswer, textParam } from './http/endpoint.ts'
import { ApiFault, notFound } from './http/fault.ts'
import { Peers, type PeersOptions } from './peers.ts'
import type { AboutAnswer, VerdictAnswer } from './protocol.ts'
import type { InstanceRow, InstancesAnswer } from './protocol-groups.ts'

/** For what a list asks of each. */
const LIST_MS = 2_000
/** Some answers take five seconds to make. */
const ANSWER_MS = 10_000
const MAX_LISTED_BYTES = 262_144
/** A list is this old at most. */
const FRESH_MS = 1_000

/** Of answers of a console; whatever else somebody may send is no page of ours. */
const contentTypes = /^(application\/json|text\/event-stream|text\/plain|application\/octet-stream)\b/

export interface InstancesOptions {
  /** Undefined: this process is the only one that is known. */
  readonly peers: PeersOptions | undefined
  readonly self: () => Pick<InstanceRow, 'about' | 'verdict'>
  readonly now: () => number
}

export class Instances {
  readonly #options: InstancesOptions
  readonly #peers: Peers | undefined
  #listed: { readonly at: number; readonly rows: Promise<readonly InstanceRow[]> } | undefined

  constructor(options: InstancesOptions) {
    this.#options = options
    if (options.peers !== undefined) this.#peers = new Peers(options.peers, options.now)
  }

  get endpoints(): readonly Endpoint[] {
    const path = '/api/instances/{instance}/{rest...}'
    return [
      { method: 'GET', path: '/api/instances', run: (asked) => this.#list(asked) },
      { method: 'GET', path, run: (asked) => this.#handOn('GET', asked) },
      { method: 'POST', path, body: Type.Unknown(), run: (asked) => this.#handOn('POST', asked) },
    ]
  }

  async #list(asked: Asked): Promise<InstancesAnswer> {
    refuseSecondHop(asked)
    const now = this.#options.now()
    if (this.#listed === undefined || now - this.#listed.at >= FRESH_MS)
      this.#listed = { at: now, rows: this.#others() }
    const self = this.#options.self()
    const others = (await this.#listed.rows).filter(({ about }) => about?.instance.id !== self.about?.instance.id)
    return { instances: [{ id: 'self', address: null, state: 'answers', why: null, ...self }, ...others] }
  }

  async #others(): Promise<readonly InstanceRow[]> {
    const peers = this.#peers
    if (peers === undefined) return []
    return Promise.all((await peers.ids()).map((id) => this.#row(peers, id)))
  }

  async #row(peers: Peers, id: string): Promise<InstanceRow> {
    const none = { id, address: id, about: null, verdict: null }
    try {
      const [about, { verdict }] = await Promise.all([
        read<AboutAnswer>(peers, id, '/api'),
        read<VerdictAnswer>(peers, id, '/api/verdict'),
      ])
      return { ...none, state: 'answers', why: null, about, verdict }
    } catch (thrown) {
      if (!(thrown instanceof ApiFault)) throw thrown
      return { ...none, state: thrown.code === 'instance-dead' ? 'dead' : 'refused', why: thrown.message }
    }
  }

  async #handOn(method: 'GET' | 'POST', asked: Asked): Promise<StreamAnswer> {
    refuseSecondHop(asked)
    const id = textParam(asked, 'instance')
    const peers = this.#peers
    // Only what stands for an address of the config: nobody makes this process ask somewhere else.
    if (peers === undefined || !(await peers.ids()).includes(id)) {
      throw notFound('There is no such instance: GET /api/instances has them.')
    }
    const query = asked.query.toString()
    const path = `/api/${textParam(asked, 'rest')}${query === '' ? '' : `?${query}`}`
    const body = method === 'GET' ? undefined : JSON.stringify(asked.body)
    const gone = new AbortController()
    const response = await peers.ask(id, { method, path, body, limitMs: ANSWER_MS, signal: gone.signal })
    refuseForeign(id, response)
    return new StreamAnswer((out) => handOut(response, out, gone))
  }
}

function handOut(from: IncomingMessage, out: ServerResponse, gone: AbortController): void {
  const { 'content-type': type = '', 'content-disposition': disposition } = from.headers
  out.writeHead(from.statusCode ?? 500, {
    ...streamHeaders,
    'content-type': contentTypes.test(type) ? type : 'application/octet-stream',
    ...(disposition === undefined ? {} : { 'content-disposition': disposition }),
  })
  out.flushHeaders()
  out.once('close', () => gone.abort())
  // Whoever reads slowly slows that process down, which cuts off who reads nothing.
  pipeline(from, out, () => {})
}

/** What says nothing about what was asked, but about this process. */
function refuseForeign(id: string, response: IncomingMessage): void {
  const { statusCode = 0 } = response
  const why = whyForeign(statusCode)
  if (why === undefined) return
  response.destroy()
  throw new ApiFault('instance-refused', `${id} ${why}.`, 'Give all processes the same http.token and http.console.')
}

function whyForeign(status: number): string | undefined {
  if (status === 401 || status === 429) return 'does not take the token of this process'
  if (status === 421) return 'does not answer under this name'
  if (status < 200 || (status >= 300 && status < 400)) return `answers with ${status}, which is no console`
  return undefined
}

async function read<Answer>(peers: Peers, id: string, path: string): Promise<Answer> {
  const response = await peers.ask(id, { method: 'GET', path, body: undefined, limitMs: LIST_MS })
  refuseForeign(id, response)
  const limit = setTimeout(() => response.destroy(), LIST_MS)
  try {
    const parts: Buffer[] = []
    let bytes = 0
    for await (const part of response as AsyncIterable<Buffer>) {
      bytes += part.length
      if (bytes > MAX_LISTED_BYTES) throw new Error('too long')
      parts.push(part)
    }
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
    return JSON.parse(Buffer.concat(parts).toString()) as Answer
  } catch {
    response.destroy()
    throw new ApiFault('instance-refused', `${id} has no console of this version.`, 'Run the same version everywhere.')
  } finally {
    clearTimeout(limit)
  }
}

function refuseSecondHop({ isHandedOn }: Asked): void {
  if (!isHandedOn) return
  throw new ApiFault('forbidden', 'This was handed on once, and is not handed on again.', 'Ask that process itself.')
}
