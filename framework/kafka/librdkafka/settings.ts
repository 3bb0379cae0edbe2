/** Turns our options into librdkafka's configuration, and refuses the keys that Pyrallel's guarantees rest on. Pure. */
import { PyrallelError } from '../../model/errors.ts'
import type { Logger } from '../../model/logger.ts'
import type { SecuritySettings, WireSettings } from '../../model/settings.ts'
import type { Clock } from '../../time/clock.ts'
import type { ConsumerOptions } from '../kafka-client.ts'
import { insteadOf } from '../owned-properties.ts'
import type { TransactionOptions } from '../transactional-producer.ts'
import { type WireProperty, wireProperties } from '../wire-properties.ts'
import type { NativeConfig } from './binding.ts'
import { securityConfig } from './security.ts'

export interface KafkaConnectionOptions extends WireSettings {
  /** `host:port`, several with commas between. */
  readonly brokers: string
  readonly clientId: string
  /** `consumer` is KIP-848 (brokers from 4.0). `classic` is the old protocol, cooperative unless the passthrough says otherwise. */
  readonly groupProtocol: 'consumer' | 'classic'
  /** `metadata`: by asking for the topic, for librdkafka's mock cluster, which does not answer CreateTopics and chooses the number of partitions itself. Default `admin`. */
  readonly createTopicsBy?: 'admin' | 'metadata'
  /** TLS and SASL. Default: neither. */
  readonly security?: SecuritySettings
  /** For the consumers' groups: with 'classic' it is asked for, with 'consumer' it must be what the broker has. Default 45 s, as there. Milliseconds. */
  readonly sessionTimeoutMs?: number
  /** Any other librdkafka property. Keys of `ownedProperties` are refused, and those of TLS and SASL too once `security` is used. */
  readonly librdkafka?: Readonly<Record<string, unknown>>
  /** The next step when no broker answers, said behind the facts: whoever has `brokers` knows where they were written. Default: to start one, or correct `brokers`. */
  readonly ifUnreachable?: string
  readonly log: Logger
  readonly clock?: Clock
}

/** @throws PyrallelError PYR_CONFIG_INVALID naming the first key that is not the user's to set */
export function refuseOwnedProperties(
  passthrough: Readonly<Record<string, unknown>>,
  security?: SecuritySettings,
): void {
  for (const key of Object.keys(passthrough)) {
    const instead = insteadOf(key, security)
    if (instead === undefined) continue
    throw new PyrallelError('PYR_CONFIG_INVALID', `kafka.librdkafka: '${key}' cannot be set here: ${instead}.`)
  }
}

/** What every client of one connection shares. */
export function commonConfig(options: KafkaConnectionOptions): NativeConfig {
  return {
    'bootstrap.servers': options.brokers,
    'client.id': options.clientId,
    ...wireConfig(options, 'connection'),
    ...securityConfig(options.security),
    ...options.librdkafka,
  }
}

/**
 * How much the client fetches ahead, per partition. librdkafka's default of 100,000 records is thrown away with every pause, and fetched again after it: a few
 * partitions that are paused twice a second fetch a hundred times what they hand out. With so few ahead, the next fetch must not wait for a second.
 */
export const FETCH_AHEAD = { 'queued.min.messages': 5_000, 'fetch.queue.backoff.ms': 5 } as const

/**
 * The new protocol's coordinator sees by itself that partitions were added. In the classic one the members must: one request for each consumer in that
 * time, instead of one in 5 minutes.
 */
const CLASSIC = {
  'partition.assignment.strategy': 'cooperative-sticky',
  'topic.metadata.refresh.interval.ms': 5_000,
} as const

export function consumerConfig(options: KafkaConnectionOptions, consumer: ConsumerOptions): NativeConfig {
  return {
    'bootstrap.servers': options.brokers,
    'client.id': options.clientId,
    'group.id': consumer.group,
    'group.protocol': options.groupProtocol,
    ...(options.groupProtocol === 'classic' && { ...CLASSIC, ...classicSession(options) }),
    ...(consumer.instanceId !== undefined && { 'group.instance.id': consumer.instanceId }),
    ...wireConfig(options, 'connection'),
    ...wireConfig(options, 'fetch'),
    // Not `startFrom`, which is for topics that are new to the group: the membership sees to those. This is for positions outside the log, where
    // going to its end would skip records.
    'auto.offset.reset': 'earliest',
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    ...FETCH_AHEAD,
    ...securityConfig(options.security),
    ...options.librdkafka,
  }
}

/** How long a record waits for companions before its batch is sent. One-record batches cost consumers twenty times as much. */
const LINGER_MS = 2

export function producerConfig(options: KafkaConnectionOptions): NativeConfig {
  return {
    'bootstrap.servers': options.brokers,
    'client.id': options.clientId,
    'enable.idempotence': true,
    partitioner: 'murmur2_random',
    'linger.ms': LINGER_MS,
    ...wireConfig(options, 'connection'),
    ...wireConfig(options, 'produce'),
    ...securityConfig(options.security),
    ...options.librdkafka,
  }
}

/**
 * Brokers refuse the first requests of a transaction while they still write the markers of the last one: some milliseconds. librdkafka's default of 100 ms, doubled with
 * each further try, would make most of a transaction's time.
 */
const TRANSACTION_RETRY_MS = 10

/** Records wait for their delivery no longer than the transaction lasts. */
export function transactionConfig(
  options: KafkaConnectionOptions,
  { id, timeoutMs }: TransactionOptions,
): NativeConfig {
  return {
    'retry.backoff.ms': TRANSACTION_RETRY_MS,
    ...producerConfig(options),
    'transactional.id': id,
    'transaction.timeout.ms': timeoutMs,
    'message.timeout.ms': timeoutMs,
  }
}

/** The options that are the same for every client. One whose property the passthrough has, under whatever name, is the passthrough's. */
function wireConfig(options: KafkaConnectionOptions, part: WireProperty['part']): NativeConfig {
  const isTaken = (name: string) => Object.hasOwn(options.librdkafka ?? {}, name)
  const own = wireProperties.filter((each) => each.part === part && !each.names.some(isTaken))
  const values = own.map(({ names: [name], read }) => [name, read(options)] as const)
  return Object.fromEntries(values.filter(([, value]) => value !== undefined))
}

/** Kafka's own default, for both protocols. */
const DEFAULT_SESSION_TIMEOUT_MS = 45_000

export function sessionTimeoutMs(options: Pick<KafkaConnectionOptions, 'sessionTimeoutMs'>): number {
  return options.sessionTimeoutMs ?? DEFAULT_SESSION_TIMEOUT_MS
}

/** With KIP-848 the broker says both. Three heartbeats in a session, which librdkafka's own 3 s would not be in a short one. */
function classicSession(options: KafkaConnectionOptions): NativeConfig {
  const sessionMs = sessionTimeoutMs(options)
  return { 'session.timeout.ms': sessionMs, 'heartbeat.interval.ms': Math.min(3_000, Math.floor(sessionMs / 3)) }
}

/** librdkafka's own default for `max.poll.interval.ms`. */
const DEFAULT_MAX_POLL_INTERVAL_MS = 300_000

/** After so long without a poll the group expels a member, and within it a rebalance must be through. */
export function pollIntervalMs(options: KafkaConnectionOptions): number {
  const configured = Number(options.librdkafka?.['max.poll.interval.ms'])
  return Number.isFinite(configured) ? configured : DEFAULT_MAX_POLL_INTERVAL_MS
}

const DEFAULT_MAX_RECORD_BYTES = 1_000_000

/** librdkafka's `message.max.bytes`: it refuses larger records before it sends anything. */
export function maxRecordBytes(options: KafkaConnectionOptions): number {
  const configured = Number(options.librdkafka?.['message.max.bytes'])
  return Number.isFinite(configured) ? configured : DEFAULT_MAX_RECORD_BYTES
}

/** How long a revoke may be left unanswered: well below the time after which the group expels a member that does not answer. */
export function revokeLimitMs(options: KafkaConnectionOptions): number {
  return pollIntervalMs(options) * 0.8
}
