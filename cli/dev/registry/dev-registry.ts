/** The schema registry of a dev session: for handlers whose values have a schema of a registry, where the config names none. Listens on 127.0.0.1 only. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PulledSchema } from '../../../framework/api/format.ts'
import type { ResolvedConfig } from '../../../framework/config/config.ts'
import { loadProtobuf } from '../../../framework/formats/protobuf/protobuf-library.ts'
import { codecOf, loadCodec } from '../../../framework/formats/value-codec.ts'
import type { TopicFormats } from '../../../framework/publishing/topic-formats.ts'
import type { ResolvedHandler } from '../../../framework/runtime/runtime.ts'
import { topicsOf } from '../../project/declared-topics.ts'
import { answerQuestion, type PageAnswer } from './registry-pages.ts'
import { RegistryStore } from './registry-store.ts'

const MAX_BODY_BYTES = 4 * 1_048_576

export class DevRegistry {
  readonly #store = new RegistryStore()
  /** Those that it has. */
  readonly #added = new WeakSet<PulledSchema<unknown>>()
  #server: Server | undefined
  #url: string | undefined

  /** Undefined while nobody needs it. */
  get url(): string | undefined {
    return this.#url
  }

  /**
   * The config that counts: it names this registry, where handlers need one and it names none itself.
   * @throws PyrallelError PYR_SCHEMA_REFUSED when schemas of two registries meet
   */
  async configFor(config: ResolvedConfig, handlers: readonly ResolvedHandler[]): Promise<ResolvedConfig> {
    if (config.registry.url !== undefined) return config
    const schemas = schemasOf(handlers)
    if (schemas.length === 0) return config
    for (const schema of schemas) await this.#add(schema)
    this.#url ??= await this.#listen()
    return { ...config, registry: { ...config.registry, url: this.#url } }
  }

  /** One that cannot be used is refused by who uses it, in words of its own, and its id stays free: nothing was ever written with it. */
  async #add(schema: PulledSchema<unknown>): Promise<void> {
    if (this.#added.has(schema) || !(await canBeUsed(schema))) return
    this.#store.addPulled(schema)
    this.#added.add(schema)
  }

  async close(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }

  async #listen(): Promise<string> {
    const server = createServer((request, response) => void this.#answer(request, response))
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, json } = await this.#answerOf(request)
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
    response.end(JSON.stringify(json))
  }

  async #answerOf(request: IncomingMessage): Promise<PageAnswer> {
    // A page in the user's browser must not register schemas here: programs send no origin, and ask by this name or address.
    if (request.headers.origin !== undefined || !isOwnName(request.headers.host ?? '')) return refused(403, 'Forbidden')
    const body = await bodyOf(request)
    if (body === undefined) return refused(413, 'The body is too large')
    // Where it is not installed, names in such a schema are not looked up.
    if (body.includes('PROTOBUF')) await loadProtobuf().catch(() => undefined)
    return answerQuestion(this.#store, { method: request.method ?? '', path: request.url ?? '', body })
  }
}

async function canBeUsed(schema: PulledSchema<unknown>): Promise<boolean> {
  try {
    await loadCodec(schema)
    codecOf(schema)
    return true
  } catch {
    return false
  }
}

/** Each once, in the order of the handlers: of what they read, and of what else the project declares. */
function schemasOf(handlers: readonly ResolvedHandler[]): readonly PulledSchema<unknown>[] {
  const read = handlers.flatMap(({ definition: { topic, topics = [topic] } }): readonly TopicFormats[] => topics)
  const schemas = [...read, ...topicsOf(handlers)].flatMap(({ format, keyFormat }) =>
    [format, keyFormat].flatMap((each) => (each === undefined ? [] : [each.schema])),
  )
  return [...new Set(schemas)]
}

function isOwnName(host: string): boolean {
  return /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host)
}

function refused(status: number, message: string): PageAnswer {
  return { status, json: { error_code: status, message } }
}

/** Undefined when it is too large, or does not come to its end. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) return undefined
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks).toString('utf8')
}
