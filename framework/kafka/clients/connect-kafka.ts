/** Connects to Kafka by the client that `kafka.client` names. Above it, nobody knows which one runs. */
import type { KafkaSettings } from '../../config/config.ts'
import type { ViewedConnection } from '../kafka-client.ts'
import type { KafkaConnectionOptions as LibrdkafkaOptions } from '../librdkafka/settings.ts'
import { yieldingTo } from '../wire-properties.ts'
import { type ClientLoaders, type ClientNeeds, loadClient } from './load-client.ts'

export type KafkaConnectionOptions = LibrdkafkaOptions & Pick<ClientNeeds, 'client'>

/** What the config says of a connection, whoever opens it. */
export function connectionSettings(
  kafka: KafkaSettings,
): Omit<KafkaConnectionOptions, 'brokers' | 'createTopicsBy' | 'ifUnreachable' | 'log' | 'clock'> {
  const { client, clientId, groupProtocol, sessionTimeoutMs, security, librdkafka } = kafka
  const { fetch, requestTimeoutMs, connectTimeoutMs, keepAlive, rack, compression } = kafka
  // The config has refused what contradicts itself there; what is left are defaults.
  const wire = yieldingTo(librdkafka, { fetch, requestTimeoutMs, connectTimeoutMs, keepAlive, rack, compression })
  return { client, clientId, groupProtocol, sessionTimeoutMs, security, librdkafka, ...wire }
}

/**
 * Loads a client's library and checks the options. Asks no broker: that is what `check` is for.
 * @throws PyrallelError PYR_CONFIG_INVALID; PYR_NATIVE_MISSING where only the native client would do; PYR_CLIENT_MISSING
 */
export async function connectKafka(
  options: KafkaConnectionOptions,
  loaders: ClientLoaders = {},
): Promise<ViewedConnection> {
  const client = await loadClient(options, loaders)
  if (client.name === 'librdkafka') {
    const { connectLibrdkafka } = await import('../librdkafka/client.ts')
    return connectLibrdkafka(options, async () => client.library)
  }
  const { connectJavascript } = await import('../javascript/client.ts')
  const connection = await connectJavascript(options, async () => client.library)
  if (client.insteadOf !== undefined) {
    const why = client.insteadOf.message
    options.log.info({ why }, 'Kafka is reached by the client in JavaScript, as the native one cannot be loaded')
  }
  return connection
}
