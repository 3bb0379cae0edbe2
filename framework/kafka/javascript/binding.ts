/**
 * What is used of `@platformatic/kafka` 2.12, as types of our own, because the package is optional. All of it is called with callbacks: its
 * promises do not run on Node 20.
 */

/** Appends in network byte order; `compact` strings, bytes and arrays are those of flexible versions (KIP-482). */
export interface KafkaWriter {
  readonly length: number
  append(bytes: Buffer): KafkaWriter
  appendBoolean(value: boolean): KafkaWriter
  appendInt8(value: number): KafkaWriter
  appendInt16(value: number): KafkaWriter
  appendInt32(value: number): KafkaWriter
  appendInt64(value: bigint): KafkaWriter
  appendUnsignedVarInt(value: number): KafkaWriter
  appendString(value: string | null, compact?: boolean): KafkaWriter
  /** With hyphens; null for the one of zeros. */
  appendUUID(value: string | null): KafkaWriter
  appendArray<T>(
    values: readonly T[] | null,
    append: (writer: KafkaWriter, value: T) => unknown,
    compact?: boolean,
    tagged?: boolean,
  ): KafkaWriter
  appendTaggedFields(): KafkaWriter
}

/** Throws where less is there than asked for. */
export interface KafkaReader {
  position: number
  readonly length: number
  readonly buffer: {
    slice(from: number, to: number): Buffer
    /** Not copied: the pieces in which it has come. */
    subarray(from: number, to: number): { readonly buffers: readonly Buffer[] }
  }
  readBoolean(): boolean
  readInt8(): number
  readInt16(): number
  readInt32(): number
  readInt64(): bigint
  readUnsignedVarInt(): number
  readString(compact?: boolean): string
  readNullableString(compact?: boolean): string | null
  readUUID(): string
  /** Reads the tagged fields behind each element, too, unless `tagged` is false. */
  readArray<T>(read: (reader: KafkaReader) => T, compact?: boolean, tagged?: boolean): T[]
  readNullableArray<T>(read: (reader: KafkaReader) => T, compact?: boolean, tagged?: boolean): T[] | null
  readTaggedFields(): void
  skip(bytes: number): KafkaReader
}

type Callback<T> = (error: Error | null | undefined, result: T) => void
type Credential = string | (() => string | Promise<string>)

export interface SaslAnswer {
  /** After so long the broker closes the connection, unless it was authenticated anew; 0 for never. */
  readonly sessionLifetimeMs: bigint
  readonly authBytes: Buffer
}

/** One request of SaslAuthenticate. */
export type SaslApi = (connection: LibraryConnection, bytes: Buffer, done: Callback<SaslAnswer>) => void

export interface SaslOptions {
  readonly mechanism: string
  readonly username?: string
  readonly password?: string
  readonly token?: () => Promise<string>
  readonly authenticate: (
    mechanism: string,
    connection: LibraryConnection,
    api: SaslApi,
    username: Credential | undefined,
    password: Credential | undefined,
    token: Credential | undefined,
    done: Callback<SaslAnswer>,
  ) => void
}

export interface LibraryConnectionOptions {
  readonly connectTimeout: number
  readonly requestTimeout: number
  readonly maxInflights: number
  readonly tls?: Readonly<Record<string, unknown>>
  readonly tlsServerName?: boolean
  readonly sasl?: SaslOptions
}

/** One TCP connection, for once: after a failure a new object is needed, as an old one keeps half a response. */
export interface LibraryConnection {
  readonly socket: {
    prependListener(event: 'data', listener: (bytes: Buffer) => void): void
    removeListener(event: 'data', listener: (bytes: Buffer) => void): void
    setKeepAlive(on: boolean, delayMs: number): void
    destroy(): void
  }
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'close', listener: () => void): void
  connect(host: string, port: number, done: (error?: Error | null) => void): void
  close(done: (error?: Error | null) => void): void
  send<A>(
    key: number,
    version: number,
    write: () => KafkaWriter,
    read: (correlationId: number, key: number, version: number, reader: KafkaReader) => A,
    hasTaggedRequestHeader: boolean,
    hasTaggedResponseHeader: boolean,
    done: Callback<A>,
  ): void
}

export interface Compression {
  readonly available: boolean
  /** As in the attributes of a batch. */
  readonly bitmask: number
  compressSync(bytes: Buffer): Buffer
  decompressSync(bytes: Buffer): Buffer
}

/** The library's module, as far as it is used. */
export interface JavascriptLibrary {
  /** The package's own version. */
  readonly clientSoftwareVersion?: string
  readonly Connection: new (clientId: string, options: LibraryConnectionOptions) => LibraryConnection
  readonly Writer: { create(): KafkaWriter }
  readonly Reader: { from(bytes: Buffer): KafkaReader }
  /** Of a connection that was not made, or a request that was not answered, in time. Its code is that of all errors of the network. */
  readonly TimeoutError: new (
    message: string,
  ) => Error
  readonly crc32c: (bytes: Buffer) => number
  /** By the lowest three bits of a batch's attributes. */
  readonly compressionsAlgorithmsByBitmask: Readonly<Record<number, Compression>>
  readonly saslPlain: {
    authenticate(
      api: SaslApi,
      connection: LibraryConnection,
      username: Credential | undefined,
      password: Credential | undefined,
      done: Callback<SaslAnswer>,
    ): void
  }
  readonly saslScramSha: {
    readonly defaultCrypto: unknown
    authenticate(
      api: SaslApi,
      connection: LibraryConnection,
      algorithm: string,
      username: Credential | undefined,
      password: Credential | undefined,
      crypto: unknown,
      done: Callback<SaslAnswer>,
    ): void
  }
  readonly saslOAuthBearer: {
    authenticate(
      api: SaslApi,
      connection: LibraryConnection,
      token: Credential | undefined,
      extensions: Readonly<Record<string, string>> | undefined,
      done: Callback<SaslAnswer>,
    ): void
  }
}
