/** From a config to a runtime: the one place that says which option goes where. Starts nothing. */
import type { ResolvedConfig } from '../config/config.ts'
import { connectionSettings, connectKafka } from '../kafka/clients/connect-kafka.ts'
import type { KafkaConnection } from '../kafka/kafka-client.ts'
import { connectRegistry } from '../registry/registry-client.ts'
import { systemClock } from '../time/clock.ts'
import { settlesWithin } from '../time/wait.ts'
import { CHECK_TIMEOUT_MS, createRuntime } from './create-runtime.ts'
import { neededTopics, refuseMissingTopics } from './required-topics.ts'
import type { Runtime, RuntimeOptions } from './runtime.ts'
import type { OpenRegistry } from './runtime-schemas.ts'
import { CONNECTION_CLOSE_MS } from './shutdown-limit.ts'

/** Options of a runtime that the config says. */
type Configured =
  | 'startFrom'
  | 'instanceId'
  | 'paused'
  | 'limits'
  | 'commit'
  | 'shutdown'
  | 'http'
  | 'scale'
  | 'registry'

/** What the config does not say. */
export type RuntimeParts = Omit<RuntimeOptions, Configured> & {
  /** In place of the one that the config names. */
  readonly registry?: OpenRegistry
}

export interface OpenOptions extends Omit<RuntimeParts, 'connection'> {
  /** What to do when no broker can be reached, for the message. */
  readonly ifUnreachable?: string
}

/**
 * With a connection of its own to the brokers that the config names.
 * @throws PyrallelError PYR_NATIVE_MISSING, PYR_CLIENT_MISSING, or PYR_CONFIG_INVALID for settings that the Kafka client refuses
 */
export async function openRuntime(config: ResolvedConfig, options: OpenOptions): Promise<Runtime> {
  const { ifUnreachable: _, ...parts } = options
  return runtimeOf(config, { ...parts, connection: await connect(config, options) })
}

export function runtimeOf(config: ResolvedConfig, parts: RuntimeParts): Runtime {
  const { clock = systemClock() } = parts
  const { kafka, paused, limits, commit, shutdown, http, scale } = config
  return createRuntime({
    ...parts,
    startFrom: kafka.startFrom,
    ...(kafka.instanceId === undefined ? {} : { instanceId: kafka.instanceId }),
    paused,
    limits,
    commit,
    shutdown,
    http,
    scale,
    registry: parts.registry ?? (() => connectRegistry(config.registry, clock, Math.random)),
  })
}

/**
 * Looks whether the brokers can be reached and have the topics that the handlers need, dead-letter topics included. Joins no group.
 * @throws PyrallelError PYR_BROKER_UNREACHABLE, PYR_AUTH_FAILED, PYR_TOPIC_UNKNOWN; and what `openRuntime` throws
 */
export async function checkTopics(config: ResolvedConfig, options: OpenOptions): Promise<void> {
  const { handlers, log, clock = systemClock() } = options
  const connection = await connect(config, options)
  try {
    await connection.check(CHECK_TIMEOUT_MS)
    await refuseMissingTopics(handlers, { connection, log, clock, isStopping: () => false })
    log.info({ broker: connection.description, topics: neededTopics(handlers) }, 'every topic is there')
  } finally {
    await settlesWithin(clock, connection.close(), CONNECTION_CLOSE_MS)
  }
}

function connect({ kafka }: ResolvedConfig, { log, clock, ifUnreachable }: OpenOptions): Promise<KafkaConnection> {
  return connectKafka({
    ...connectionSettings(kafka),
    brokers: kafka.brokers.join(','),
    ...(ifUnreachable === undefined ? {} : { ifUnreachable }),
    log,
    ...(clock === undefined ? {} : { clock }),
  })
}
