/** TLS, mutual TLS and SASL on Apache Kafka: records go through, and whoever is refused is told why, without a secret in any word of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import type { KafkaClient } from '../../framework/kafka/kafka-client.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { SecuritySettings } from '../../framework/model/settings.ts'
import { clientVariables, connectUnderTest, skipWithout } from '../client-under-test.ts'
import { aProject, command } from '../integration/command-process.ts'
import { clientUnderTest } from '../test-client.ts'
import { makeCertificates } from './certificates.ts'
import { startKafka } from './kafka-harness.ts'

const external = process.env.PYRALLEL_TEST_BROKERS !== undefined
const CHECK_MS = 4_000
/** After so long a connection over the listener SHORT must be authenticated anew. A client begins a tenth of it before, so a busy machine needs it long. */
const SESSION_MS = 3_500
const password = 'secret-of-alice'
const wrongPassword = 'guess-of-mallory'
const secrets = [password, wrongPassword, 'passphrase-of-the-test', 'PRIVATE KEY']

const folder = mkdtempSync(join(tmpdir(), 'pyrallel-security-'))
const certificates = makeCertificates(folder)
const tlsOf = (listener: string) => ({
  [`listener.name.${listener}.ssl.keystore.type`]: 'PEM',
  [`listener.name.${listener}.ssl.keystore.location`]: certificates.broker,
  [`listener.name.${listener}.ssl.truststore.type`]: 'PEM',
  [`listener.name.${listener}.ssl.truststore.location`]: certificates.ca,
})
const scramLogin = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
const cluster = await startKafka({
  scramUsers: { alice: password },
  listeners: { TLS: 'SSL', NARROW: 'SSL', MUTUAL: 'SSL', SASL: 'SASL_SSL', SHORT: 'SASL_SSL' },
  config: {
    ...tlsOf('tls'),
    ...tlsOf('narrow'),
    'listener.name.narrow.ssl.enabled.protocols': 'TLSv1.2',
    'listener.name.narrow.ssl.cipher.suites': 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
    ...tlsOf('mutual'),
    ...tlsOf('sasl'),
    'listener.name.sasl.ssl.client.auth': 'requested',
    'listener.name.mutual.ssl.client.auth': 'required',
    ...tlsOf('short'),
    'listener.name.short.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
    'listener.name.short.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="${password}";`,
    'listener.name.short.scram-sha-512.sasl.jaas.config': scramLogin,
    'listener.name.short.plain.connections.max.reauth.ms': SESSION_MS,
    'listener.name.short.scram-sha-512.connections.max.reauth.ms': SESSION_MS,
    'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.sasl.oauthbearer.sasl.jaas.config':
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
    'listener.name.sasl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="${password}";`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': scramLogin,
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': scramLogin,
  },
})
after(async () => {
  await cluster.stop()
  rmSync(folder, { recursive: true, force: true })
})
interface SecurityParts extends Partial<Omit<SecuritySettings, 'sasl'>> {
  /** Properties of TLS beside `kafka.security`. */
  readonly beside?: Readonly<Record<string, string>>
  readonly sasl?: Partial<SecuritySettings['sasl']>
}

function securityOf({ sasl, beside: _, ...parts }: SecurityParts): SecuritySettings {
  const noTls = { ca: undefined, cert: undefined, key: undefined, keyPassphrase: undefined }
  const noUser = { mechanism: undefined, username: undefined, password: undefined }
  const noToken = { clientId: undefined, clientSecret: undefined, tokenEndpoint: undefined, scope: undefined }
  return {
    tls: true,
    verifyHostname: true,
    allowPlaintext: false,
    ...noTls,
    ...parts,
    sasl: { ...noUser, ...noToken, ...sasl },
  }
}

/** A connection, and every word that was logged about it. */
async function connected(listener: string, parts: SecurityParts, host = '127.0.0.1') {
  const words: string[] = []
  const write = (fields: object, message: string) => words.push(message, JSON.stringify(fields))
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
  const connection = await connectUnderTest({
    brokers: cluster.brokersAt(listener).replace('127.0.0.1', host),
    clientId: 'security',
    security: securityOf(parts),
    librdkafka: parts.beside ?? {},
    log,
  })
  return { connection, words }
}

/** Produces a record and reads it back, all over the secured listener. */
async function roundTrip(topic: string, listener: string, parts: SecurityParts, host?: string): Promise<string> {
  const { connection, words } = await connected(listener, parts, host)
  await connection.createTopics([topic], 1)
  const producer = await connection.producer()
  const consumer = await connection.consumer({ group: topic, startFrom: 'earliest' })
  try {
    await producer.produce({ topic, key: null, value: Buffer.from('hello'), headers: [] })
    await consumer.subscribe([topic], { onAssigned() {}, async onRevoked() {}, onLost() {} })
    for (;;) {
      const [record] = await consumer.poll(1, 100)
      if (record === undefined) continue
      assert.doesNotMatch(words.join('\n'), /reports an error/)
      return String(record.value)
    }
  } finally {
    await closePolled(consumer)
    await producer.close(5_000)
    await connection.close()
  }
}

async function closePolled(consumer: KafkaClient): Promise<void> {
  let isClosed = false
  void consumer.close().finally(() => {
    isClosed = true
  })
  while (!isClosed) await consumer.poll(0, 20).catch(() => nextTurn())
}

const { ca, strangerCa, client, stranger, revoked, server } = certificates
const user = { username: 'alice', password }

const accepted: readonly (readonly [string, string, SecurityParts, string?])[] = [
  ['TLS, with the authority by its path', 'TLS', { ca }],
  ['TLS, with the authority as a PEM text', 'TLS', { ca: readFileSync(ca, 'utf8') }],
  ['TLS to another name, when nobody is to look at it', 'TLS', { ca, verifyHostname: false }, 'localhost'],
  ['mutual TLS', 'MUTUAL', { ca, ...client }],
  [
    'mutual TLS, with an encrypted key',
    'MUTUAL',
    { ca, cert: client.cert, key: certificates.encryptedKey, keyPassphrase: certificates.passphrase },
  ],
  [
    'TLS, with a revocation list that the broker is not on',
    'TLS',
    { ca, beside: { 'ssl.crl.location': revoked.nobody } },
  ],
  [
    'TLS, with the one cipher suite that the broker takes',
    'NARROW',
    { ca, beside: { 'ssl.cipher.suites': 'ECDHE-RSA-AES256-GCM-SHA384' } },
  ],
  [
    'TLS, with a curve and signatures of its own choice',
    'TLS',
    { ca, beside: { 'ssl.curves.list': 'P-384', 'ssl.sigalgs.list': 'RSA-PSS+SHA256:RSA+SHA256' } },
  ],
  ['SASL PLAIN', 'SASL', { ca, sasl: { mechanism: 'PLAIN', ...user } }],
  ['SASL SCRAM-SHA-256', 'SASL', { ca, sasl: { mechanism: 'SCRAM-SHA-256', ...user } }],
  ['SASL SCRAM-SHA-512', 'SASL', { ca, sasl: { mechanism: 'SCRAM-SHA-512', ...user } }],
]

const refused: readonly (readonly [string, string, SecurityParts, RegExp, string?])[] = [
  ['an authority that did not issue the broker', 'TLS', { ca: strangerCa }, /certificate/i],
  ['the authorities of the system', 'TLS', {}, /certificate/i],
  [
    'a broker whose certificate is revoked',
    'TLS',
    { ca, beside: { 'ssl.crl.location': revoked.broker } },
    /certificate/i,
  ],
  [
    'a broker that takes none of the cipher suites',
    'NARROW',
    { ca, beside: { 'ssl.cipher.suites': 'ECDHE-RSA-AES128-GCM-SHA256' } },
    /handshake|SSL/i,
  ],
  ['a name that the certificate is not for', 'TLS', { ca }, /hostname|certificate/i, 'localhost'],
  ['no certificate where one is required', 'MUTUAL', { ca }, /certificate|SSL/i],
  ['a certificate of another authority', 'MUTUAL', { ca, ...stranger }, /certificate|SSL/i],
  [
    'a wrong password for PLAIN',
    'SASL',
    { ca, sasl: { mechanism: 'PLAIN', username: 'alice', password: wrongPassword } },
    /authentication/i,
  ],
  [
    'a wrong password for SCRAM',
    'SASL',
    { ca, sasl: { mechanism: 'SCRAM-SHA-512', username: 'alice', password: wrongPassword } },
    /authentication/i,
  ],
  [
    'a user that nobody knows',
    'SASL',
    { ca, sasl: { mechanism: 'SCRAM-SHA-256', username: 'mallory', password } },
    /authentication/i,
  ],
]

/** Properties beside `kafka.security` are librdkafka's own. */
const skipBeside = ({ beside }: SecurityParts) => beside !== undefined && skipWithout('settings of librdkafka')

describe('a secured cluster', { skip: external && 'the listeners need a cluster of our own', timeout: 300_000 }, () => {
  for (const [index, [what, listener, parts, host]] of accepted.entries()) {
    it(`takes and gives records over ${what}`, { skip: skipBeside(parts) }, async () => {
      assert.equal(await roundTrip(`secured-${index}`, listener, parts, host), 'hello')
    })
  }

  for (const [what, listener, parts, reason, host] of refused) {
    it(`refuses ${what}, says why and where to look, and shows no secret`, { skip: skipBeside(parts) }, async () => {
      const { connection, words } = await connected(listener, parts, host)
      const error = await connection.check(CHECK_MS).then(
        () => assert.fail('the broker took it'),
        (thrown: unknown) => thrown,
      )
      await connection.close()
      assert.ok(error instanceof PyrallelError)
      assert.equal(error.code, 'PYR_AUTH_FAILED', error.message)
      assert.match(error.message, reason)
      assert.match(error.message, /kafka\.security/)
      // librdkafka tells of a failed handshake by an event, whose code the binding leaves out.
      const codes = { librdkafka: undefined, javascript: '"code":-181' } as const
      const code = parts.sasl === undefined ? codes[clientUnderTest] : '"code":-169'
      if (code !== undefined) {
        assert.ok(
          words.some((word) => word.includes(code)),
          words.join('\n'),
        )
      }
      const said = [error.message, error.stack, JSON.stringify(error.cause), inspect(error), ...words].join('\n')
      for (const secret of secrets) assert.ok(!said.includes(secret), `${secret} in: ${said}`)
    })
  }
})

describe('sessions of SASL that end', { skip: external, timeout: 60_000 }, () => {
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-512'] as const) {
    it(`are left for a new one in time, with requests under way: ${mechanism}`, async (t) => {
      const { connection, words } = await connected('SHORT', { ca, sasl: { mechanism, ...user } })
      const topic = `short-${mechanism}`
      await connection.createTopics([topic], 1)
      const [producer, consumer] = [
        await connection.producer(),
        await connection.consumer({ group: topic, startFrom: 'earliest' }),
      ]
      t.after(async () => {
        await closePolled(consumer)
        await producer.close(1_000)
        await connection.close()
      })
      await consumer.subscribe([topic], { onAssigned() {}, async onRevoked() {}, onLost() {} })
      const produced: Promise<unknown>[] = []
      let read = 0
      const until = performance.now() + 2.2 * SESSION_MS
      while (performance.now() < until) {
        produced.push(producer.produce({ topic, key: null, value: Buffer.from('x'), headers: [] }))
        read += (await consumer.poll(100, 5)).length
      }
      await Promise.all(produced)
      while (read < produced.length) read += (await consumer.poll(100, 100)).length
      assert.equal(read, produced.length)
      assert.doesNotMatch(words.join('\n'), /reports an error/)
    })
  }
})

/** How an endpoint's authority is believed: by a property of librdkafka, or by Node itself. */
const believed = {
  librdkafka: { librdkafka: { 'https.ca.location': ca }, env: {} },
  javascript: { librdkafka: {}, env: { NODE_EXTRA_CA_CERTS: ca } },
} as const

describe('a token endpoint', { skip: external, timeout: 120_000 }, () => {
  /** Refuses whoever asks. */
  async function anEndpoint(t: TestContext) {
    const asked: string[] = []
    let connections = 0
    const key = { key: readFileSync(server.key), cert: readFileSync(server.cert) }
    const endpoint = createServer(key, (request, response) => {
      asked.push(String(request.headers.authorization))
      response.writeHead(401).end('{"error":"invalid_client"}')
    })
    endpoint.on('connection', () => {
      connections += 1
    })
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      endpoint.closeAllConnections()
      endpoint.close()
    })
    const address = endpoint.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    return { asked, url: `https://127.0.0.1:${port}/token`, connections: () => connections }
  }

  /** @returns all that was said */
  async function look(tokenEndpoint: string, librdkafka: object, env: Readonly<Record<string, string>>) {
    const sasl = { mechanism: 'OAUTHBEARER', clientId: 'known', tokenEndpoint }
    const kafka = { security: { tls: true, ca, sasl }, librdkafka }
    const root = aProject({ 'pyrallel.config.ts': `export default ${JSON.stringify({ group: 'tokens', kafka })}` })
    const { end, out, err } = await command(root, ['inspect', 'offsets', 'tokens'], {
      env: {
        PYRALLEL_KAFKA_BROKERS: cluster.brokersAt('SASL'),
        PYRALLEL_KAFKA_SECURITY_SASL_CLIENT_SECRET: password,
        ...clientVariables,
        ...env,
      },
    }).ended
    assert.equal(end, 1, out + err)
    return out + err
  }

  it('whose authority is believed is given the secret, and whoever answers instead of it is not', async (t) => {
    const [trusted, pretender] = [await anEndpoint(t), await anEndpoint(t)]
    const { librdkafka, env } = believed[clientUnderTest]
    const said = (await Promise.all([look(trusted.url, librdkafka, env), look(pretender.url, {}, {})])).join('\n')
    const authorization = `Basic ${Buffer.from(`known:${password}`).toString('base64')}`
    assert.deepEqual(new Set(trusted.asked), new Set([authorization]))
    assert.ok(pretender.connections() > 0, said)
    assert.deepEqual(pretender.asked, [])
    for (const secret of [...secrets, authorization]) assert.ok(!said.includes(secret), secret)
  })
})

/** An app with every secret that there is, each given by its variable. */
const app = {
  'package.json': '{ "name": "vault", "version": "1.0.0", "type": "module" }',
  'pyrallel.config.ts': `import { defineConfig } from 'pyrallel'
export default defineConfig({
  group: 'vault',
  logging: { level: 'debug', pretty: false },
  http: { enabled: true, port: 0 },
  kafka: { security: { tls: true, ca: ${JSON.stringify(ca)}, cert: ${JSON.stringify(client.cert)}, sasl: { mechanism: 'SCRAM-SHA-512', username: 'alice' } } },
})
`,
  'handlers/pay.ts': `import { handler } from 'pyrallel'
export default handler('payments', { retry: { attempts: 3, min: 10, max: 10 } }, (record, { log }) => {
  if (record.attempt === 1) throw new Error('the first attempt fails')
  log.info({ attempt: record.attempt }, 'paid')
})
`,
}
const keyText = readFileSync(certificates.encryptedKey, 'utf8')
const environment = () => ({
  PYRALLEL_KAFKA_BROKERS: cluster.brokersAt('SASL'),
  PYRALLEL_KAFKA_SECURITY_KEY: keyText,
  PYRALLEL_KAFKA_SECURITY_KEY_PASSPHRASE: certificates.passphrase,
  PYRALLEL_KAFKA_SECURITY_SASL_PASSWORD: password,
  DEBUG: '1',
  ...clientVariables,
})
/** The first line of the key's own bytes stands for the key. */
const everySecret = [...secrets, String(keyText.split('\n')[1])]

function assertSilent(text: string, what: string): void {
  assert.notEqual(text, '', what)
  for (const secret of everySecret) assert.ok(!text.includes(secret), `${secret} in ${what}:\n${text}`)
}

async function builtApp(): Promise<string> {
  const root = aProject(app)
  // Which client a build brings is said when it is made.
  const { end, err } = await command(root, ['build'], { env: clientVariables }).ended
  assert.equal(end, 0, err)
  for (const external of ['@confluentinc', '@opentelemetry', '@platformatic']) {
    const path = join('node_modules', external)
    symlinkSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), join(root, path))
  }
  return root
}

describe('an app on a secured cluster', { skip: external, timeout: 300_000 }, () => {
  it('runs by secrets from its environment, and shows none in its log, its snapshot and its metrics', async () => {
    const root = await builtApp()
    const { connection } = await connected('SASL', { ca, sasl: { mechanism: 'PLAIN', ...user } })
    await connection.createTopics(['payments', 'payments.vault.dlq'], 1)
    const producer = await connection.producer()
    const server = command(root, ['start'], { env: environment() })
    try {
      const started = await server.seen(/"msg":"started"/)
      await producer.produce({ topic: 'payments', key: null, value: Buffer.from('{}'), headers: [] })
      await server.seen(/"msg":"paid"/)
      const [, url] = /"url":"([^"]+)"/.exec(started) ?? assert.fail(started)
      for (const path of ['snapshot', 'metrics', 'readyz']) {
        assertSilent(await (await fetch(`${url}/${path}`)).text(), path)
      }
    } finally {
      await producer.close(5_000)
      await connection.close()
    }
    server.signal('SIGTERM')
    const { end, out, err } = await server.ended
    assert.equal(end, 0, err)
    assert.match(out, /a record failed and will be tried again/)
    assertSilent(out + err, 'its output')
  })

  it('ends with PYR_AUTH_FAILED and a next step when its password is wrong', async () => {
    const root = await builtApp()
    const env = { ...environment(), PYRALLEL_KAFKA_SECURITY_SASL_PASSWORD: wrongPassword }
    const { end, out, err } = await command(root, ['start'], { env }).ended
    assert.equal(end, 1)
    assert.match(err, /PYR_AUTH_FAILED/)
    assert.match(err, /Check kafka\.security/)
    assertSilent(out + err, 'its output')
  })
})
