/** What users are shown of librdkafka's own sentences, and under which names its errors are counted. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clientErrorCode } from '../../../../framework/kafka/faults/codes.ts'
import { isCredentialRefusal, nativeError, plainReason } from '../../../../framework/kafka/librdkafka/errors.ts'

describe('a reason that librdkafka gives', () => {
  for (const [reason, plain] of [
    [
      '[thrd:127.0.0.1:9092/bootstrap]: 127.0.0.1:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT, 1 identical error(s) suppressed)',
      'Connect to ipv4#127.0.0.1:9092 failed: Connection refused',
    ],
    [
      "[thrd:kafka:9092/bootstrap]: kafka:9092/bootstrap: Failed to resolve 'kafka:9092': Name or service not known (after 3ms in state CONNECT)",
      "Failed to resolve 'kafka:9092': Name or service not known",
    ],
    ['Local: Timed out', 'Local: Timed out'],
  ] as const) {
    it(`is shown as: ${plain}`, () => assert.equal(plainReason(reason), plain))
  }
})

describe('a refusal of the credentials', () => {
  const refused =
    '[thrd:sasl_plaintext://k:9092/bootstrap]: sasl_plaintext://k:9092/1: SASL authentication error: Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256 (after 301ms in state AUTH_REQ)'
  for (const [reason, isRefusal] of [
    [refused, true],
    ['Failed to acquire SASL OAUTHBEARER token: Failed to retrieve OIDC token: Connection refused (-1)', false],
    [
      '[thrd:k:9092/bootstrap]: k:9092/bootstrap: Connect to ipv4#10.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)',
      false,
    ],
    [
      '[thrd:ssl://k:9092/bootstrap]: ssl://k:9092/bootstrap: SSL handshake failed: certificate has expired (after 5ms in state SSL_HANDSHAKE)',
      false,
    ],
  ] as const) {
    it(`is ${isRefusal ? '' : 'not '}told by: ${reason.slice(-70)}`, () =>
      assert.equal(isCredentialRefusal(reason), isRefusal))
  }
})

describe('an error', () => {
  for (const [what, error, counted] of [
    ["the broker's", { code: 29 }, 'TOPIC_AUTHORIZATION_FAILED'],
    ["librdkafka's own, by Kafka's name", { code: -188 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['one that ends the consumer', { code: 82 }, 'FATAL'],
    ['one that librdkafka marks as fatal, whatever its code', { code: 29, isFatal: true }, 'FATAL'],
    ['one that no code is kept for', { code: -154 }, 'OTHER'],
  ] as const) {
    it(`is counted as ${counted}: ${what}`, () => assert.equal(clientErrorCode(error), counted))
  }
})

describe('an error that the binding gives without its code', () => {
  for (const [what, error, code] of [
    ['an event', { message: 'all broker connections are down', code: -1 }, -187],
    ['an event of the end', { message: 'fatal error', code: -1 }, -150],
    ["a partition's", new Error('Broker: Topic authorization failed'), 29],
    ['one that no code is kept for', { message: 'no offset stored', code: -1 }, -1],
    ['one that has its code', { message: 'timed out', code: 7 }, 7],
  ] as const) {
    it(`gets it back by its text: ${what}`, () => assert.equal(nativeError(error).code, code))
  }
})
