/** Opens the cluster that `pyrallel dev` runs on: one that is named, the embedded broker, or the one in memory. */

import type { KafkaSettings } from '../../../framework/config/config.ts'
import { connectionSettings, connectKafka } from '../../../framework/kafka/clients/connect-kafka.ts'
import type { ClientLoaders } from '../../../framework/kafka/clients/load-client.ts'
import type { ViewedConnection } from '../../../framework/kafka/kafka-client.ts'
import { closeAfterFailure } from '../../../framework/model/closers.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import type { BrokerKind } from '../../cluster/dev-file.ts'

export interface BrokerRequest {
  /** A cluster of the user's own; `undefined` starts one of `kind`. */
  readonly brokers: string | undefined
  readonly kind: 'embedded' | 'memory'
  readonly kafka: KafkaSettings
  /** `commit.exactlyOnce`: the embedded broker has no transactions, the one in memory has. */
  readonly exactlyOnce: boolean
  /** All topics that will be read or written, as far as they are known. */
  readonly topics: readonly string[]
  readonly log: Logger
  /** How the clients' libraries are loaded; replaced in tests. */
  readonly loaders?: ClientLoaders
}

export interface DevBroker {
  readonly kind: BrokerKind
  readonly connection: ViewedConnection
  /** `host:port`, or `memory`. */
  readonly address: string
  /** Why it is not the broker that was asked for. */
  readonly fallback: string | undefined
  /** Topics that did not exist and were created on the user's own cluster. */
  readonly created: readonly string[]
  /** Settles when a broker that was started here ends by itself, with what to tell; else never. */
  readonly died: Promise<PyrallelError>
  /** Another connection to the same cluster, by settings that may have changed. */
  connect(kafka: KafkaSettings): Promise<ViewedConnection>
  /** Close the clients first. */
  stop(): Promise<void>
}

/** Local clusters answer at once; one that does not within this time is not there. */
const CHECK_TIMEOUT_MS = 5_000
/** As many as the embedded broker gives every topic, so that keys fall into the same partitions everywhere. */
export const DEV_PARTITIONS = 4

/** What to do about it depends on why this client was chosen, so the native one's own advice would be beside the point. */
const EMBEDDED_IS_NATIVE =
  "kafka.client is 'javascript', and the embedded broker is part of the native client, which cannot be loaded here. --brokers names a cluster."

const EMBEDDED_HAS_NO_TRANSACTIONS =
  'commit.exactlyOnce needs transactions, which the embedded broker does not have. --brokers names a cluster that has.'

const never = new Promise<never>(() => {})

/** All topics exist when it returns. @throws PyrallelError PYR_BROKER_UNREACHABLE; for a named cluster PYR_NATIVE_MISSING, PYR_CLIENT_MISSING */
export async function openBroker(request: BrokerRequest): Promise<DevBroker> {
  if (request.brokers !== undefined) return openCluster(request, request.brokers)
  if (request.kind === 'memory') return openMemory(request, undefined)
  if (request.exactlyOnce) return openMemory(request, EMBEDDED_HAS_NO_TRANSACTIONS)
  try {
    return await openEmbedded(request)
  } catch (error) {
    if (!(error instanceof PyrallelError) || error.code !== 'PYR_NATIVE_MISSING') throw error
    // Trying things out must not depend on a compiler. What is lost is said in the header.
    return openMemory(request, request.kafka.client === 'javascript' ? EMBEDDED_IS_NATIVE : error.message)
  }
}

async function openCluster(request: BrokerRequest, brokers: string): Promise<DevBroker> {
  const ifUnreachable = 'Start one there, or name another; without --brokers, `pyrallel dev` starts one of its own.'
  const connect = (kafka: KafkaSettings) =>
    connectKafka({ ...connectionSettings(kafka), brokers, ifUnreachable, log: request.log }, request.loaders)
  const connection = await connect(request.kafka)
  try {
    await connection.check(CHECK_TIMEOUT_MS)
    const created = await connection.missingTopics(request.topics)
    await connection.createTopics(created, DEV_PARTITIONS)
    return {
      kind: 'cluster',
      connection,
      connect,
      address: brokers,
      fallback: undefined,
      created,
      died: never,
      stop: async () => {},
    }
  } catch (error) {
    await closeAfterFailure(() => connection.close())
    throw error
  }
}

async function openEmbedded({ kafka, topics, log, loaders }: BrokerRequest): Promise<DevBroker> {
  const { startEmbeddedBroker } = await import('../../../framework/kafka/embedded/embedded-broker.ts')
  const { loadLibrdkafka } = await import('../../../framework/kafka/librdkafka/client.ts')
  // Without it there is no such broker, which is known sooner here than in a process of its own. The one in JavaScript keeps it out of this process.
  if (kafka.client !== 'javascript') await loadLibrdkafka(loaders?.librdkafka)
  const broker = await startEmbeddedBroker({ log, topics })
  try {
    // The config's TLS, SASL and librdkafka settings are for the real cluster; the embedded one would refuse them.
    const connect = ({ client, clientId }: KafkaSettings) =>
      connectKafka({ ...broker.connection, client, clientId, log }, loaders)
    return {
      kind: 'embedded',
      connection: await connect(kafka),
      connect,
      address: broker.brokers,
      fallback: undefined,
      created: [],
      died: broker.died.then(startAnew),
      stop: () => broker.stop(),
    }
  } catch (error) {
    await closeAfterFailure(() => broker.stop())
    throw error
  }
}

async function openMemory({ topics }: BrokerRequest, fallback: string | undefined): Promise<DevBroker> {
  const { memoryCluster } = await import('../../../framework/kafka/memory/client.ts')
  const cluster = memoryCluster()
  const connection = cluster.connection()
  await connection.createTopics(topics, DEV_PARTITIONS)
  return {
    kind: 'memory',
    connection,
    connect: async () => cluster.connection(),
    address: 'memory',
    fallback,
    created: [],
    died: never,
    stop: async () => {},
  }
}

function startAnew(error: PyrallelError): PyrallelError {
  return new PyrallelError(error.code, `${error.message} Start \`pyrallel dev\` again.`, { cause: error })
}
