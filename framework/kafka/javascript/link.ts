/**
 * The way to one broker: one connection at a time, made when it is needed, and made anew after any failure. Knows nothing of what is asked, and
 * tries nothing twice: whether a request may be sent again only its sender knows.
 */
import type { Clock } from '../../time/clock.ts'
import { faultCodes } from '../faults/codes.ts'
import type { JavascriptLibrary, KafkaReader, LibraryConnection, LibraryConnectionOptions } from './binding.ts'
import type { Api, ApiCall } from './call.ts'
import { answeredFault, connectionFault, KafkaFault, toFault } from './errors.ts'

const API_VERSIONS: Api = { name: 'ApiVersions', key: 18, lowest: 2, highest: 2 }
const VERSIONS_FLEXIBLE = 3
/** A session of SASL is left for a new connection at this share of its life. */
const SESSION_SHARE = 0.8
/** Firewalls forget connections that say nothing for some minutes. */
const KEEP_ALIVE_MS = 60_000
/** Between two connections to a broker that takes none: the first pause, and the longest. */
const RECONNECT_MS = { least: 50, most: 1_000 } as const
/** What a Kafka broker never begins an answer with: an answer of so many bytes. */
const HTTP_START = 'HTTP'

type VersionRange = readonly [lowest: number, highest: number]
/** By the key of the request. */
type VersionRanges = ReadonlyMap<number, VersionRange>
const NOT_OFFERED: VersionRange = [0, -1]

interface OpenConnection {
  readonly connection: LibraryConnection
  readonly versions: VersionRanges
  /** A new one is made for requests from then on. */
  readonly untilMs: number
}

export interface LinkOptions {
  readonly library: JavascriptLibrary
  readonly clientId: string
  readonly clock: Clock
  /** Default true. */
  readonly keepAlive?: boolean
  /** Without SASL. */
  readonly connection: LibraryConnectionOptions
  /** Given what takes the length of each session, in milliseconds. */
  readonly sasl?: (
    onSession: (connection: LibraryConnection, lifetimeMs: number) => void,
  ) => LibraryConnectionOptions['sasl']
  /** Called for each failure of a connection, whoever notices it. */
  readonly onFault: (fault: KafkaFault) => void
}

export class BrokerLink {
  readonly host: string
  readonly port: number
  readonly #options: LinkOptions
  /** By connection: what its socket said last. A request knows only that the connection has gone. */
  readonly #reasons = new WeakMap<LibraryConnection, Error>()
  readonly #sessionsMs = new WeakMap<LibraryConnection, number>()
  #current: Promise<OpenConnection> | undefined
  /** That of `#current`. */
  #newest: LibraryConnection | undefined
  readonly #connections = new Set<LibraryConnection>()
  /** Why the last connection was not made, and until when no other is tried. */
  #refusal: { readonly fault: KafkaFault; readonly pauseMs: number; readonly untilMs: number } | undefined
  #isClosed = false

  constructor(host: string, port: number, options: LinkOptions) {
    this.host = host
    this.port = port
    this.#options = options
  }

  get address(): string {
    return `${this.host}:${this.port}`
  }

  /** Rejects with a `KafkaFault`: the connection failed, the answer did not come in time, or it could not be read. */
  async call<A>(call: ApiCall<A>): Promise<A> {
    const open = await this.#open()
    const version = this.#versionOf(call.api, open.versions)
    return this.#send(open.connection, call, version)
  }

  /** The version in which a request would be sent. */
  async versionOf(api: Api): Promise<number> {
    return this.#versionOf(api, (await this.#open()).versions)
  }

  /** Requests that are under way are rejected. */
  close(): void {
    this.#isClosed = true
    this.#current = undefined
    for (const connection of this.#connections) this.#end(connection)
  }

  #open(): Promise<OpenConnection> {
    if (this.#isClosed)
      return Promise.reject(new KafkaFault(faultCodes.DESTROYED, `${this.address}: the client is closed`))
    const refusal = this.#refusal
    if (this.#current === undefined && refusal !== undefined && this.#options.clock.now() < refusal.untilMs) {
      return Promise.reject(refusal.fault)
    }
    this.#current ??= this.#connect()
    return this.#current.then((open) => {
      if (this.#options.clock.now() < open.untilMs) return open
      // What is under way on it still gets its answers; the broker closes it at the session's end.
      if (this.#newest === open.connection) this.#current = undefined
      return this.#open()
    })
  }

  async #connect(): Promise<OpenConnection> {
    const { library, clientId, clock } = this.#options
    const startedAtMs = clock.now()
    const sasl = this.#options.sasl?.((connection, lifetimeMs) => this.#sessionsMs.set(connection, lifetimeMs))
    const connection = new library.Connection(clientId, {
      ...this.#options.connection,
      ...(sasl !== undefined && { sasl }),
    })
    this.#newest = connection
    this.#connections.add(connection)
    // Without a listener, the first reset would end the process.
    connection.on('error', (error) => this.#reasons.set(connection, error))
    connection.on('close', () => this.#drop(connection))
    try {
      await this.#connected(connection)
      const { code, versions } = await this.#send(connection, versionsCall, API_VERSIONS.highest)
      if (code === faultCodes.UNSUPPORTED_VERSION) throw this.#unsupported(API_VERSIONS, versions)
      if (code !== 0) throw answeredFault(code)
      const sessionMs = this.#sessionsMs.get(connection) ?? 0
      this.#refusal = undefined
      const untilMs = sessionMs > 0 ? startedAtMs + sessionMs * SESSION_SHARE : Number.POSITIVE_INFINITY
      return { connection, versions, untilMs }
    } catch (thrown) {
      this.#drop(connection)
      this.#refuse(toFault(thrown))
      throw thrown
    }
  }

  /** Whoever asks meanwhile hears the same, and nobody is told again. */
  #refuse(fault: KafkaFault): void {
    const pauseMs = Math.min((this.#refusal?.pauseMs ?? RECONNECT_MS.least / 2) * 2, RECONNECT_MS.most)
    this.#refusal = { fault, pauseMs, untilMs: this.#options.clock.now() + pauseMs }
  }

  #connected(connection: LibraryConnection): Promise<void> {
    return new Promise((resolve, reject) => {
      connection.connect(this.host, this.port, (error) => {
        if (!error) {
          if (this.#options.keepAlive !== false) connection.socket.setKeepAlive(true, KEEP_ALIVE_MS)
          resolve()
          return
        }
        reject(this.#failed(connection, error))
      })
      this.#refuseHttp(connection)
    })
  }

  /** The first four bytes of an answer are its length: those of an HTTP answer would be waited for until the time-out. */
  #refuseHttp(connection: LibraryConnection): void {
    const look = (bytes: Buffer) => {
      connection.socket.removeListener('data', look)
      if (bytes.toString('latin1', 0, HTTP_START.length) !== HTTP_START) return
      this.#reasons.set(connection, new Error('it answers in HTTP, so it is no Kafka broker'))
      connection.socket.destroy()
    }
    connection.socket.prependListener('data', look)
  }

  #send<A>(connection: LibraryConnection, { api, write, read }: ApiCall<A>, version: number): Promise<A> {
    // Its answer has a header that every client can read, whatever its version (KIP-511).
    const isOfVersions = api.key === API_VERSIONS.key
    const isFlexible = !isOfVersions || version >= VERSIONS_FLEXIBLE
    return new Promise((resolve, reject) => {
      const createPayload = () => {
        const writer = this.#options.library.Writer.create()
        write(writer, version)
        return writer
      }
      let unreadable: unknown
      const parse = (_id: number, _key: number, answered: number, reader: KafkaReader) => {
        try {
          return read(reader, answered)
        } catch (thrown) {
          unreadable = thrown
          throw thrown
        }
      }
      connection.send(api.key, version, createPayload, parse, isFlexible, !isOfVersions, (error, answer) => {
        if (!error) return resolve(answer)
        if (unreadable === undefined) return reject(this.#failed(connection, error))
        const facts = `${this.address}: its answer to ${api.name} cannot be read: ${toFault(unreadable).message}`
        this.#drop(connection)
        reject(this.#told(new KafkaFault(faultCodes.BAD_MESSAGE, facts, unreadable)))
      })
    })
  }

  #failed(connection: LibraryConnection, error: Error): KafkaFault {
    this.#drop(connection)
    // "Connection closed" is all that a request knows; why, the connection was told before.
    const reason = this.#reasons.get(connection)
    if (reason === undefined && error instanceof this.#options.library.TimeoutError) {
      return this.#told(new KafkaFault(faultCodes.TIMED_OUT, `${this.address}: no answer in time`, error))
    }
    return this.#told(connectionFault(reason ?? error, this.address))
  }

  #told(fault: KafkaFault): KafkaFault {
    if (!this.#isClosed) this.#options.onFault(fault)
    return fault
  }

  #drop(connection: LibraryConnection): void {
    if (this.#newest === connection) {
      this.#current = undefined
      this.#newest = undefined
    }
    this.#end(connection)
  }

  #end(connection: LibraryConnection): void {
    if (!this.#connections.delete(connection)) return
    try {
      connection.close(() => {})
    } catch {
      // It has not got a socket yet, or no more.
    }
  }

  #versionOf(api: Api, versions: VersionRanges): number {
    const [lowest, highest] = versions.get(api.key) ?? NOT_OFFERED
    const version = Math.min(api.highest, highest)
    if (version >= api.lowest && version >= lowest) return version
    throw this.#unsupported(api, versions)
  }

  #unsupported({ name, key, ...needed }: Api, versions: VersionRanges): KafkaFault {
    const [lowest, highest] = versions.get(key) ?? NOT_OFFERED
    const offered = highest < lowest ? 'not at all' : `in versions ${lowest} to ${highest}`
    const wanted = needed.lowest === needed.highest ? `${needed.lowest}` : `${needed.lowest} to ${needed.highest}`
    const update = lowest > needed.highest ? 'Pyrallel' : 'the brokers to Apache Kafka 4.0 or newer'
    const facts = `the broker takes ${name} ${offered}, and this client needs version ${wanted}`
    const step = `Update ${update}, or write kafka.client: 'librdkafka'`
    return new KafkaFault(faultCodes.UNSUPPORTED_VERSION, `${this.address}: ${facts}. ${step}`)
  }
}

const versionsCall: ApiCall<{ readonly code: number; readonly versions: VersionRanges }> = {
  api: API_VERSIONS,
  write() {},
  read(reader) {
    const code = reader.readInt16()
    const ranges = reader.readArray(
      (r) => [r.readInt16(), [r.readInt16(), r.readInt16()]] as const satisfies readonly [number, VersionRange],
      false,
      false,
    )
    // A broker that does not know the version answers in the format of version 0 (KIP-511), which ends here.
    if (code === 0) reader.readInt32()
    return { code, versions: new Map(ranges) }
  },
}
