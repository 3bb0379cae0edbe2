/** What Apache Kafka refuses to both clients alike, and tokens, other tools' members, topics made anew, and bytes of every kind to the one in JavaScript. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { connectJavascript } from '../../framework/kafka/javascript/client.ts'
import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { connectLibrdkafka } from '../../framework/kafka/librdkafka/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { SecuritySettings } from '../../framework/model/settings.ts'
import { aclBrokerConfig, deny } from './kafka-acls.ts'
import type { KafkaCluster } from './kafka-harness.ts'
import { PolledReader } from './polled-reader.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
/** After so long a connection over the listener TOKEN must be authenticated anew. */
const SESSION_MS = 1_000
/** What the suite needs of the cluster, which has a listener TOKEN of SASL_PLAINTEXT. */
export const refusalConfig = {
  ...aclBrokerConfig,
  'listener.name.token.sasl.enabled.mechanisms': 'OAUTHBEARER',
  'listener.name.token.oauthbearer.sasl.jaas.config':
    'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
  'listener.name.token.oauthbearer.connections.max.reauth.ms': SESSION_MS,
} as const

export function refusalSuite(cluster: KafkaCluster): void {
  const { brokers } = cluster
  const skip = cluster.controllable ? false : 'rights are taken away'
  const clients: Readonly<Record<string, () => Promise<ViewedConnection>>> = {
    librdkafka: () =>
      connectLibrdkafka({ brokers, clientId: 'refused', groupProtocol: 'consumer', librdkafka: {}, log: quiet }),
    javascript: () => connectJavascript({ brokers, clientId: 'refused', log: quiet }),
  }

  /** What a refusal says: its code, whether it may pass, and which of Kafka's refusals it names. */
  async function refusalOf(work: Promise<unknown>): Promise<unknown> {
    const thrown: unknown = await work.then(
      () => assert.fail('it was let through'),
      (error: unknown) => error,
    )
    assert.ok(thrown instanceof Error && 'code' in thrown && 'retriable' in thrown, String(thrown))
    const [reason] = /((topic|group) )?authorization failed/i.exec(thrown.message) ?? [thrown.message]
    return { code: thrown.code, retriable: thrown.retriable, reason: reason.toLowerCase() }
  }

  interface Refusal {
    readonly what: string
    readonly forbid: (name: string) => Promise<void>
    readonly attempt: (t: TestContext, connection: ViewedConnection, name: string) => Promise<unknown>
    readonly told: { readonly code: string; readonly retriable: boolean; readonly reason: string }
  }

  const produce = async (t: TestContext, connection: ViewedConnection, topic: string) => {
    const producer = await connection.producer()
    t.after(() => producer.close(1_000))
    return producer.produce({ topic, partition: 0, key: null, value: Buffer.from('x'), headers: [] })
  }

  const refusals: readonly Refusal[] = [
    {
      what: 'write to a topic',
      forbid: (name) => deny(brokers, { on: 'topic', name }, 'write'),
      attempt: produce,
      told: { code: 'PYR_PRODUCE_FAILED', retriable: false, reason: 'topic authorization failed' },
    },
    {
      what: 'know of a topic that it writes to',
      forbid: (name) => deny(brokers, { on: 'topic', name }, 'all'),
      attempt: produce,
      told: { code: 'PYR_PRODUCE_FAILED', retriable: false, reason: 'topic authorization failed' },
    },
    {
      what: 'look at what a group has committed',
      forbid: (name) => deny(brokers, { on: 'group', name: `${name}-group` }, 'describe'),
      attempt: (_, connection, name) => connection.view.groupOffsets(`${name}-group`),
      told: { code: 'PYR_KAFKA', retriable: false, reason: 'group authorization failed' },
    },
    {
      what: 'commit for a topic',
      forbid: async () => {},
      async attempt(t, connection, topic) {
        const reader = await PolledReader.join(t, connection, topic)
        await reader.until('it is assigned', () => reader.owned.length === 1)
        await deny(brokers, { on: 'topic', name: topic }, 'read')
        return reader.during(reader.client.commit([{ topic, partition: 0, position: 1, metadata: '' }]))
      },
      told: { code: 'PYR_COMMIT_REFUSED', retriable: false, reason: 'topic authorization failed' },
    },
    {
      what: 'join a group',
      forbid: (name) => deny(brokers, { on: 'group', name: `${name}-group` }, 'read'),
      async attempt(t, connection, topic) {
        const reader = await PolledReader.join(t, connection, topic)
        const failed = await reader.untilFailed()
        assert.deepEqual([reader.errors.at(-1), reader.story], ['FATAL', []])
        throw failed
      },
      told: { code: 'PYR_KAFKA', retriable: false, reason: 'group authorization failed' },
    },
    {
      what: 'make a topic',
      async forbid(name) {
        await deny(brokers, { on: 'topic', name: `${name}-new` }, 'create')
        // Whoever may make any needs no right to this one.
        await deny(brokers, { on: 'cluster', name: 'kafka-cluster' }, 'create')
      },
      attempt: (_, connection, name) => connection.createTopics([`${name}-new`], 1),
      told: { code: 'PYR_KAFKA', retriable: false, reason: 'authorization failed' },
    },
  ]

  describe('a user', { skip, timeout: 120_000 }, () => {
    for (const [index, { what, forbid, attempt, told }] of refusals.entries()) {
      for (const [client, connect] of Object.entries(clients)) {
        it(`who may not ${what} is told so in the same words by either client: ${client}`, async (t) => {
          const name = `forbidden-${index}-${client}`
          await cluster.admin.createTopic(name)
          await forbid(name)
          const connection = await connect()
          t.after(() => connection.close())
          assert.deepEqual(await refusalOf(attempt(t, connection, name)), told)
        })
      }
    }
  })

  const noToken = { clientId: undefined, clientSecret: undefined, tokenEndpoint: undefined, scope: undefined }
  const noUser = { mechanism: undefined, username: undefined, password: undefined }
  const noTls = { ca: undefined, cert: undefined, key: undefined, keyPassphrase: undefined }

  /** A token as the broker of this test believes it: unsigned, with the claims that are given. */
  function tokenOf(claims: object): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    return `${part({ alg: 'none' })}.${part(claims)}.`
  }

  /** Gives tokens to whoever asks, and counts them. */
  async function tokenEndpoint(t: TestContext, claims: () => object) {
    const given: string[] = []
    const server = createServer((_, response) => {
      const token = tokenOf(claims())
      given.push(token)
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ access_token: token, expires_in: 60 }))
    })
    t.after(() => server.close().closeAllConnections())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return {
      given,
      url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/token`,
    }
  }

  async function withTokens(t: TestContext, url: string) {
    const lines: string[] = []
    const write = (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`)
    const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
    const token = { ...noToken, clientId: 'alice', clientSecret: 'secret-of-alice', tokenEndpoint: url }
    const security: SecuritySettings = {
      ...noTls,
      tls: false,
      verifyHostname: true,
      allowPlaintext: true,
      sasl: { ...noUser, ...token, mechanism: 'OAUTHBEARER' },
    }
    const at = { brokers: cluster.brokersAt('TOKEN'), clientId: 'tokens' }
    const connection = await connectJavascript({ ...at, security, log })
    t.after(() => connection.close())
    return { connection, lines }
  }

  describe('tokens of SASL OAUTHBEARER, to the client in JavaScript', { skip, timeout: 60_000 }, () => {
    it('let it write and read over several sessions, and none of them is shown', async (t) => {
      const { given, url } = await tokenEndpoint(t, () => {
        const now = Math.floor(Date.now() / 1_000)
        return { sub: 'alice', iat: now, exp: now + 60 }
      })
      const { connection, lines } = await withTokens(t, url)
      await cluster.admin.createTopic('tokens')
      const producer = await connection.producer()
      t.after(() => producer.close(1_000))
      const reader = await PolledReader.join(t, connection, 'tokens')
      const places: Promise<unknown>[] = []
      for (const until = performance.now() + 3 * SESSION_MS; performance.now() < until; await reader.poll()) {
        places.push(
          producer.produce({ topic: 'tokens', key: null, value: Buffer.from(`${places.length}`), headers: [] }),
        )
      }
      await Promise.all(places)
      await reader.until('all are there', () => reader.records.length >= places.length)
      assert.deepEqual(
        reader.values(),
        places.map((_, index) => String(index)),
      )
      assert.deepEqual(reader.errors, [])
      // One serves all connections for most of its life.
      assert.equal(given.length, 1)
      for (const line of lines) assert.ok(!line.includes(given[0] ?? ''), line)
    })

    it('are refused as wrong credentials are where the broker does not believe them, and are not shown', async (t) => {
      const { given, url } = await tokenEndpoint(t, () => ({ sub: 'alice', iat: 1, exp: 2 }))
      const { connection, lines } = await withTokens(t, url)
      const thrown: unknown = await connection.check(3_000).catch((error: unknown) => error)
      assert.ok(thrown instanceof Error && 'code' in thrown)
      assert.equal(thrown.code, 'PYR_AUTH_FAILED', thrown.message)
      assert.match(thrown.message, /SASL authentication.*Check kafka\.security/)
      assert.match(lines.join('\n'), /"code":-169/)
      for (const line of [...lines, thrown.message]) assert.ok(!line.includes(given[0] ?? ''), line)
    })
  })
}
