/** Which Kafka client the tests run on that can run on either: `PYRALLEL_TEST_CLIENT`. */

export type TestClient = 'librdkafka' | 'javascript'

export const testClientVariable = 'PYRALLEL_TEST_CLIENT'

/** @throws Error for a client that there is not */
export function testClientOf(value: string | undefined): TestClient {
  if (value === undefined || value === '' || value === 'librdkafka') return 'librdkafka'
  if (value === 'javascript') return value
  throw new Error(`${testClientVariable} is '${value}', and must be 'librdkafka' (the default) or 'javascript'.`)
}

export const clientUnderTest: TestClient = testClientOf(process.env[testClientVariable])
