/**
 * The client that the end-to-end tests run on: all by this one place. What only librdkafka has stands in one table here, and tests of that are left
 * out on the other client by name, with the reason in their output.
 */
import { connectKafka, type KafkaConnectionOptions } from '../../framework/kafka/clients/connect-kafka.ts'
import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { clientUnderTest, type TestClient } from '../test-client.ts'
import type { MemberPlan } from './member-log.ts'

/** By what a test needs: why the client in JavaScript is not asked for it. */
const librdkafkaAlone = {
  'the classic group protocol': 'the client in JavaScript speaks the group protocol consumer alone',
  'settings of librdkafka': 'kafka.librdkafka sets properties that are of librdkafka alone',
} as const

/** For `skip` of a test: false, or the reason. */
export function skipWithout(need: keyof typeof librdkafkaAlone): string | false {
  return clientUnderTest === 'librdkafka' ? false : librdkafkaAlone[need]
}

/** Properties that make a test quicker on librdkafka, and change nothing of what it shows. */
export function quicker(librdkafka: MemberPlan['librdkafka']): MemberPlan['librdkafka'] {
  return clientUnderTest === 'librdkafka' ? librdkafka : {}
}

export interface TestConnectionOptions extends Omit<KafkaConnectionOptions, 'client' | 'groupProtocol'> {
  readonly groupProtocol?: KafkaConnectionOptions['groupProtocol']
}

/** As the product connects by `kafka.client`. It refuses what only the other client has. */
export function connectUnderTest(
  options: TestConnectionOptions,
  client: TestClient = clientUnderTest,
): Promise<ViewedConnection> {
  return connectKafka({ groupProtocol: 'consumer', ...options, client })
}

/** For the environment of a command. */
export const clientVariables = { PYRALLEL_KAFKA_CLIENT: clientUnderTest } as const
