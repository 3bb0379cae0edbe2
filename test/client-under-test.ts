/**
 * The client that the tests run on that meet a broker, integration and end to end: all by this one place. What only librdkafka has stands in one table
 * here, and tests of that are left out on the other client by name, with the reason in their output.
 */
import { connectKafka, type KafkaConnectionOptions } from '../framework/kafka/clients/connect-kafka.ts'
import type { ViewedConnection } from '../framework/kafka/kafka-client.ts'
import type { MemberPlan } from './e2e/member-log.ts'
import { clientUnderTest, type TestClient } from './test-client.ts'

/** By what a test needs: why the client in JavaScript is not asked for it. */
const librdkafkaAlone = {
  'the classic group protocol': 'the client in JavaScript speaks the group protocol consumer alone',
  'settings of librdkafka': 'kafka.librdkafka sets properties that are of librdkafka alone',
  'a cure for late answers':
    'the client in JavaScript says everything after an answer that it has missed: javascript-wire.suite.ts',
  'the native client': 'it is about what happens where the native client is missing',
  'the process of the embedded broker': 'it is about the process that the native client lives in, whoever asks it',
  'no choice of client': 'it names the client of each of its steps itself',
} as const

/** For `skip` of a test: false, or the reason. */
export function skipWithout(need: keyof typeof librdkafkaAlone): string | false {
  return clientUnderTest === 'librdkafka' ? false : librdkafkaAlone[need]
}

/** npm leaves optional packages out without a word where their `engines` name another Node. */
const hasPackageOfClient = clientUnderTest === 'librdkafka' || Number(process.versions.node.split('.')[0]) >= 22

/** For `skip` of a test that installs the client as users do. */
export const skipWhereLeftOut: string | false = hasPackageOfClient
  ? false
  : 'npm leaves @platformatic/kafka out on Node 20, as it asks for Node 22; CI runs this on Node 26'

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

/** As `clientVariables`, but as users have it where the native client is there: without a variable. */
export const clientWish: Readonly<Record<string, string>> = clientUnderTest === 'librdkafka' ? {} : clientVariables
