/** What strangers may send and do, made of harmless pieces by a seed; and the app that has to stand it. For tests and a benchmark; not a test itself. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Type } from 'typebox'
import { handler } from '../../framework/api/handler.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { encodeCompleted } from '../../framework/control-plane/offsets/metadata-encoder.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { RecordHeader } from '../../framework/model/record.ts'
import { createLogger } from '../../framework/observability/logger.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'

/** Thirty spellings of secrets, and the value that must be in no output. */
export const secretNames = [
  ...[
    'password',
    'Password',
    'PASSWD',
    'db_password',
    'pwd',
    'passphrase',
    'secret',
    'clientSecret',
    'client_secret',
    'CLIENT-SECRET',
  ],
  ...[
    'aws_secret_access_key',
    'token',
    'accessToken',
    'access_token',
    'refreshToken',
    'id_token',
    'X-Auth-Token',
    'Authorization',
  ],
  ...[
    'proxy-authorization',
    'cookie',
    'Set-Cookie',
    'apiKey',
    'api_key',
    'X-Api-Key',
    'accessKeyId',
    'privateKey',
    'private_key',
  ],
  ...['credentials', 'sasl.jaas.config', 'connectionString'],
]
export const secret = 'hunter2-in-the-open'

const prototypeNames = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']
const odd = ['\u0000', '\u001b[31m', '\r\n', '\u202e', '\u2028', '\ufeff', '"', '\\', 'é'.repeat(50)]

export class Stranger {
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T
  }

  name(): string {
    return this.pick([
      ...prototypeNames,
      ...secretNames,
      this.pick(odd),
      'n'.repeat(1 + Math.floor(this.#random() * 2_000)),
      'sku',
    ])
  }

  /** The text of a value: JSON of any shape, deep or wide within bounds, with names that mean something elsewhere; or no JSON at all. */
  value(): Buffer {
    const kind = this.#random()
    if (kind < 0.1) return Buffer.from(this.pick(['', '{', '[1,', 'nul', '"x', '\u0000']))
    if (kind < 0.15) return Buffer.from([0xff, 0xfe, 0x00, 0x80])
    if (kind < 0.25) {
      const depth = 1 + Math.floor(this.#random() * 2_000)
      return Buffer.from(`${'{"next":'.repeat(depth)}null${'}'.repeat(depth)}`)
    }
    if (kind < 0.35) return Buffer.from(JSON.stringify({ sku: 'a'.repeat(Math.floor(this.#random() * 20_000)) }))
    // Secrets stand under their names: no rule could know them under others.
    const entries = Array.from({ length: 1 + Math.floor(this.#random() * 12) }, () => {
      const name = this.name()
      const isSecret = secretNames.includes(name)
      return [
        name,
        isSecret
          ? this.pick([secret, [secret], { inner: secret }])
          : this.pick([5, null, true, { [this.pick(secretNames)]: secret }]),
      ]
    })
    return Buffer.from(JSON.stringify(Object.fromEntries([...entries, ['sku', this.pick(['abc', 'ABC', 7])]])))
  }

  /** Headers of dead letters, in the names of every tool, that lead to other topics. */
  headers(topics: readonly string[]): RecordHeader[] {
    const topic = () => this.pick([...topics, ...prototypeNames, '', '../x', 'x'.repeat(300), this.pick(odd)])
    const number = () => this.pick(['0', '-1', '99999999999999999999', 'NaN', '', '1e9', '\u0000'])
    const names = [
      'pyrallel-topic',
      'kafka_dlt-original-topic',
      '__connect.errors.topic',
      '__streams.errors.topic',
      '__dlq.errors.topic',
      'source-topic',
    ]
    const numbers = [
      'pyrallel-partition',
      'pyrallel-offset',
      'pyrallel-attempts',
      'pyrallel-replays',
      'kafka_dlt-original-partition',
      '__connect.errors.offset',
    ]
    return Array.from({ length: 1 + Math.floor(this.#random() * 12) }, () => {
      const kind = this.#random()
      if (kind < 0.45) return [this.pick(names), Buffer.from(topic())]
      if (kind < 0.8) return [this.pick(numbers), Buffer.from(number())]
      const name = this.name()
      if (secretNames.includes(name)) return [name, Buffer.from(secret)]
      return [name, kind < 0.85 ? null : Buffer.from(this.pick(['x'.repeat(500), 'x'.repeat(5_000), this.pick(odd)]))]
    })
  }

  /** 141 characters that stand for a million ranges. */
  worstMetadata(position: number): string {
    return millionGaps(position)
  }

  /** Commit metadata: whole, for a million gaps, cut, of another position, padded, foreign, or noise. Only the first two may be believed. */
  metadata(position: number): { readonly text: string; readonly isWhole: boolean } {
    const kind = Math.floor(this.#random() * 8)
    return { text: this.#metadata(position, kind), isWhole: kind < 2 }
  }

  #metadata(position: number, kind: number): string {
    if (kind === 0) return millionGaps(position)
    const own = encodeCompleted(
      position,
      [{ start: position + 2, end: position + 2 + Math.ceil(this.#random() * 1e6) }],
      4_095,
    ).text
    if (kind === 1) return own
    if (kind === 2) return own.slice(0, -1)
    if (kind === 3) return millionGaps(position + 1)
    if (kind === 4) return own + this.pick(odd)
    if (kind === 5) return this.pick(['bAAGNgA=', 'R101', 'O', 'AQAAAYvPqM4A', 'P2x', 'P1', ...prototypeNames])
    return String.fromCharCode(
      ...Array.from({ length: Math.floor(this.#random() * 4_000) }, () => Math.floor(this.#random() * 0xd800)),
    )
  }
}

const gaps = new Map<number, string>()
function millionGaps(position: number): string {
  const known = gaps.get(position)
  if (known !== undefined) return known
  const ranges = Array.from({ length: 1_000_000 }, (_, index) => ({
    start: position + 2 * index + 1,
    end: position + 2 * index + 2,
  }))
  const { text } = encodeCompleted(position, ranges, 4_095)
  gaps.set(position, text)
  return text
}

export interface HostedApp {
  readonly cluster: MemoryCluster
  readonly runtime: Runtime
  /** Every log line, and where operators are answered. */
  readonly lines: readonly string[]
  readonly url: () => string
  /** Records whose handler has returned. */
  readonly handled: () => number
  /** What handlers have logged and thrown away is no memory of the app's. */
  forgetLines(): void
  stop(): Promise<void>
}

const values = Type.Object({ sku: Type.String({ pattern: '^[a-z]+$' }) })
export const topics = ['orders', 'orders.shop.dlq', 'payments', 'constructor']

/** One handler that logs the whole value, as people do, behind the real logger. */
export async function hostApp(): Promise<HostedApp> {
  const cluster = memoryCluster()
  for (const topic of topics) cluster.createTopic(topic, 2)
  const given = {
    group: 'shop',
    http: { enabled: true, port: 0 },
    handlers: { retry: { attempts: 1, min: 0, max: 0 } },
  }
  const config = resolveConfig(given, 'the test')
  let handled = 0
  const lines: string[] = []
  const log = createLogger({ level: 'debug', pretty: false }, { write: (line) => lines.push(line) })
  const definition = handler('orders', { schema: values }, (record, context) => {
    context.log.info({ value: record.value, deep: { again: [record.value] } }, 'got it')
    if (record.offset % 3 === 0) throw new Error('not today')
    handled += 1
  })
  const registered = { id: 'bill', file: 'handlers/bill.ts', topic: 'orders', group: null, handler: definition }
  let url = ''
  const runtime = createRuntime({
    connection: cluster.connection(),
    handlers: resolveHandlers([registered], config),
    startFrom: 'earliest',
    limits: config.limits,
    commit: config.commit,
    shutdown: config.shutdown,
    http: config.http,
    log,
  })
  await runtime.start()
  for (const line of lines) url = (JSON.parse(line) as { readonly url?: string }).url ?? url
  return {
    cluster,
    runtime,
    lines,
    url: () => url,
    handled: () => handled,
    forgetLines: () => void lines.splice(0),
    stop: () => runtime.stop(),
  }
}

/** MiB that are in use once everything that can be let go has been. */
export function liveHeap(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1_048_576
}

/** Clients that ask and do not read, ask many times at once, or say nothing: they come again whenever they are cut off, until they are called back. */
export class BadClients {
  readonly #sockets = new Set<Socket>()
  readonly #url: URL
  #isOver = false

  constructor(url: string) {
    this.#url = new URL(url)
  }

  send(count: number): void {
    const words = [
      '',
      'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n',
      'GET /snapshot HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(200),
      'GET /liv',
    ]
    for (let index = 0; index < count; index++) this.#connect(words[index % words.length] ?? '')
  }

  #connect(words: string): void {
    if (this.#isOver) return
    const socket = connect(Number(this.#url.port), this.#url.hostname, () => socket.write(words))
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => {
      this.#sockets.delete(socket)
      setTimeout(() => this.#connect(words), 20).unref()
    })
    // It takes what fits into the kernel, and no more.
    socket.pause()
    setTimeout(() => socket.resume(), 15_000).unref()
  }

  async callBack(): Promise<void> {
    this.#isOver = true
    await Promise.all(
      [...this.#sockets].map((socket) => {
        const closed = once(socket, 'close')
        socket.destroy()
        return closed
      }),
    )
  }
}

export function assertNoSecret(text: string, what: string): void {
  const at = text.indexOf(secret)
  if (at >= 0) assert.fail(`a secret in ${what}: …${text.slice(Math.max(0, at - 200), at + 40)}…`)
}
