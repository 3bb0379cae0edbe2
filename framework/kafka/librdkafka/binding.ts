/** The shape of what we use of @confluentinc/kafka-javascript; types only. Its own declarations leave out the incremental calls. */
import type { TopicPartition } from '../../model/record.ts'
import type { ClientFault } from '../faults/codes.ts'

/** The binding's errors have librdkafka's codes. */
export type NativeError = ClientFault

export interface NativePartition {
  readonly topic: string
  readonly partition: number
  readonly offset?: number
  readonly metadata?: string | null
}

/** One entry per header: an object with one key. */
export type NativeHeader = Readonly<Record<string, Buffer>>

export interface NativeMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: number
  readonly headers?: readonly NativeHeader[]
}

export interface NativeReport {
  readonly partition: number
  readonly offset: number
  /** What was handed to `produce` as `opaque`. */
  readonly opaque: unknown
}

export interface NativeMetadata {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly unknown[] }[]
  readonly brokers: readonly { readonly host: string; readonly port: number }[]
}

export interface MetadataRequest {
  readonly topic?: string
  readonly allTopics?: boolean
  readonly timeout?: number
}

type Done = (error?: NativeError | null) => void
type Callback<T> = (error: NativeError | null | undefined, result: T) => void

export interface NativeWatermarks {
  readonly lowOffset: number
  readonly highOffset: number
}

interface NativeClient {
  connect(request: MetadataRequest, done: Callback<NativeMetadata>): unknown
  getMetadata(request: MetadataRequest, done: Callback<NativeMetadata>): unknown
  isConnected(): boolean
  on(event: 'event.error', listener: (error: NativeError) => void): unknown
  on(event: 'event.log', listener: (entry: { severity: number; fac: string; message: string }) => void): unknown
  queryWatermarkOffsets(topic: string, partition: number, timeoutMs: number, done: Callback<NativeWatermarks>): unknown
}

export interface NativeConsumer extends NativeClient {
  subscribe(topics: readonly string[]): unknown
  unsubscribe(): unknown
  setDefaultConsumeTimeout(timeoutMs: number): void
  setDefaultIsTimeoutOnlyForFirstMessage(only: boolean): void
  consume(maxMessages: number, done: Callback<readonly NativeMessage[]>): void
  /** Returns when queued. The answer comes through `offset_commit_cb`. */
  commit(partitions: readonly NativePartition[]): unknown
  /** An element is an `Error` where that partition's offset could not be read. */
  committed(
    partitions: readonly NativePartition[],
    timeoutMs: number,
    done: Callback<readonly (NativePartition | Error)[]>,
  ): unknown
  assign(partitions: readonly NativePartition[]): unknown
  unassign(): unknown
  incrementalAssign(partitions: readonly NativePartition[]): unknown
  incrementalUnassign(partitions: readonly NativePartition[]): unknown
  /** Only inside a rebalance callback: it crashes the process after a disconnect. */
  assignmentLost(): boolean
  rebalanceProtocol(): string
  pause(partitions: readonly NativePartition[]): unknown
  resume(partitions: readonly NativePartition[]): unknown
  /** Behind the last record that was consumed, or the last marker after it. Without `offset` before the first one. Throws while it is not connected. */
  position(partitions: readonly TopicPartition[]): readonly NativePartition[]
  getWatermarkOffsets(topic: string, partition: number): { readonly lowOffset: number; readonly highOffset: number }
  disconnect(done: () => void): unknown
}

export interface NativeProducer extends NativeClient {
  produce(
    topic: string,
    partition: number | null,
    value: Buffer | null,
    key: Buffer | null,
    timestamp: number | null,
    opaque: unknown,
    headers: readonly NativeHeader[] | undefined,
  ): unknown
  /** Serves events. Throws while the client is not connected. */
  poll(): unknown
  setPollInBackground(on: boolean): void
  disconnect(flushTimeoutMs: number, done: () => void): unknown
}

export interface NativeTransactionalProducer extends NativeProducer {
  /** Of a producer with a `transactional.id`. Each of these holds a thread of libuv's pool until it is answered. */
  initTransactions(timeoutMs: number, done: Done): unknown
  beginTransaction(done: Done): unknown
  commitTransaction(timeoutMs: number, done: Done): unknown
  abortTransaction(timeoutMs: number, done: Done): unknown
  /** The consumer must be connected: its member is read by a thread, at some time. */
  sendOffsetsToTransaction(
    offsets: readonly NativePartition[],
    consumer: NativeConsumer,
    timeoutMs: number,
    done: Done,
  ): unknown
}

export interface NativeGroupOffsets {
  readonly partitions: readonly NativePartition[]
}

export interface NativeGroupDescription {
  readonly error?: NativeError
  readonly members: readonly {
    readonly clientId: string
    readonly assignment: { readonly topicPartitions: readonly NativePartition[] }
    /** Of members of the new protocol. */
    readonly targetAssignment?: { readonly topicPartitions: readonly NativePartition[] }
  }[]
}

export interface NativeAdmin {
  /** Holds a thread of libuv's pool until it is answered. */
  describeGroups(
    groups: readonly string[],
    options: { readonly timeout: number },
    done: Callback<{ readonly groups: readonly NativeGroupDescription[] }>,
  ): void
  /** Unlike `committed`, it gives metadata whole. A negative offset means that there is none. */
  listConsumerGroupOffsets(
    groups: readonly { readonly groupId: string; readonly partitions: readonly TopicPartition[] }[],
    options: { readonly timeout: number },
    done: Callback<readonly NativeGroupOffsets[]>,
  ): void
  createTopic(
    topic: { readonly topic: string; readonly num_partitions: number; readonly replication_factor: number },
    timeoutMs: number,
    done: (error?: NativeError | null) => void,
  ): void
}

export type NativeConfig = Readonly<Record<string, unknown>>

/**
 * The loaded library. Its constructors take a second configuration, for topics; even an empty one replaces every topic property of the first
 * (`partitioner`, `acks`, `auto.offset.reset`), so it is never given.
 */
export interface Librdkafka {
  readonly KafkaConsumer: new (config: NativeConfig) => NativeConsumer
  readonly Producer: new (config: NativeConfig) => NativeTransactionalProducer
  readonly AdminClient: { createFrom(client: NativeProducer | NativeConsumer): NativeAdmin }
}
