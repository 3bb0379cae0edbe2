/** `kafka.security`: what becomes of it in librdkafka's configuration, what does not go together, and that no secret is ever shown. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { resolveConfig } from '../../../../framework/config/resolve-config.ts'
import { connectLibrdkafka } from '../../../../framework/kafka/librdkafka/client.ts'
import { commonConfig, consumerConfig, producerConfig } from '../../../../framework/kafka/librdkafka/settings.ts'
import type { SecuritySettings } from '../../../../framework/model/settings.ts'
import { recordedLog } from '../recorded-log.ts'

const folder = mkdtempSync(join(tmpdir(), 'pyrallel-security-'))
const pemFile = join(folder, 'ca.pem')
writeFileSync(pemFile, 'a certificate')
after(() => rmSync(folder, { recursive: true, force: true }))

const options = { brokers: 'b:9092', clientId: 'me', groupProtocol: 'consumer', log: recordedLog().log } as const

type Written = NonNullable<Parameters<typeof write>[0]>

/** The settings that a config with this section resolves to. */
function write(
  security: {
    readonly [K in keyof SecuritySettings]?: K extends 'sasl' ? Partial<SecuritySettings['sasl']> : SecuritySettings[K]
  },
): SecuritySettings {
  return resolveConfig({ group: 'g', kafka: { security } }, 'x').kafka.security
}

/** What is added for it, beside what every client has. */
function added(security: Written): Readonly<Record<string, unknown>> {
  const plain: Readonly<Record<string, unknown>> = commonConfig(options)
  const secured = commonConfig({ ...options, security: write(security) })
  return Object.fromEntries(Object.entries(secured).filter(([key]) => plain[key] === undefined))
}

describe('kafka.security', () => {
  it('adds nothing while it is not used', () => {
    assert.deepEqual(added({}), {})
  })

  it('encrypts, and checks the name in the certificate unless told otherwise', () => {
    const algorithm = 'ssl.endpoint.identification.algorithm'
    assert.deepEqual(added({ tls: true }), { 'security.protocol': 'ssl', [algorithm]: 'https' })
    assert.equal(added({ tls: true, verifyHostname: false })[algorithm], 'none')
  })

  it('takes certificates and keys as files', () => {
    const config = added({ tls: true, ca: pemFile, cert: pemFile, key: pemFile, keyPassphrase: 'sesame' })
    assert.equal(config['ssl.ca.location'], pemFile)
    assert.equal(config['ssl.certificate.location'], pemFile)
    assert.equal(config['ssl.key.location'], pemFile)
    assert.equal(config['ssl.key.password'], 'sesame')
  })

  it('takes certificates and keys as texts', () => {
    const pem = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`
    const config = added({ tls: true, ca: pem('CERTIFICATE'), cert: pem('CERTIFICATE'), key: pem('PRIVATE KEY') })
    assert.equal(config['ssl.ca.pem'], pem('CERTIFICATE'))
    assert.equal(config['ssl.certificate.pem'], pem('CERTIFICATE'))
    assert.equal(config['ssl.key.pem'], pem('PRIVATE KEY'))
  })

  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    it(`proves who it is by ${mechanism}, with and without TLS`, () => {
      const sasl = { mechanism, username: 'u', password: 'p' }
      const expected = { 'sasl.mechanisms': mechanism, 'sasl.username': 'u', 'sasl.password': 'p' }
      assert.deepEqual(added({ sasl }), { 'security.protocol': 'sasl_plaintext', ...expected })
      assert.equal(added({ tls: true, sasl })['security.protocol'], 'sasl_ssl')
    })
  }

  it('proves who it is by a token', () => {
    const sasl = {
      mechanism: 'OAUTHBEARER',
      clientId: 'c',
      clientSecret: 's',
      tokenEndpoint: 'https://id/t',
      scope: 'k',
    } as const
    assert.deepEqual(added({ sasl }), {
      'security.protocol': 'sasl_plaintext',
      'sasl.mechanisms': 'OAUTHBEARER',
      'sasl.oauthbearer.method': 'oidc',
      'sasl.oauthbearer.client.id': 'c',
      'sasl.oauthbearer.client.secret': 's',
      'sasl.oauthbearer.token.endpoint.url': 'https://id/t',
      'sasl.oauthbearer.scope': 'k',
    })
  })

  it('reaches consumers and producers', () => {
    const secured = { ...options, security: write({ tls: true }) }
    assert.equal(consumerConfig(secured, { group: 'g', startFrom: 'earliest' })['security.protocol'], 'ssl')
    assert.equal(producerConfig(secured)['security.protocol'], 'ssl')
  })
})

describe('mistakes in kafka.security', () => {
  const sasl = { mechanism: 'PLAIN', username: 'u', password: 'p' } as const
  for (const [security, message] of [
    [{ ca: pemFile }, /option kafka\.security\.ca is set, but tls is false/],
    [
      { sasl: { ...sasl, scope: 's' } },
      /sasl\.scope is set, but PLAIN does not use it\. Options of PLAIN: username, password/,
    ],
    [{ sasl: { ...sasl, mechanism: 'GSSAPI' as 'PLAIN' } }, /sasl\.mechanism is 'GSSAPI', but must be one of 'PLAIN'/],
  ] as const) {
    it(`are told: ${message.source.replaceAll('\\', '')}`, () => {
      assert.throws(() => write(security), { code: 'PYR_CONFIG_INVALID', message })
    })
  }

  for (const [security, message] of [
    [{ key: pemFile }, /option kafka\.security\.key is set, but tls is false/],
    [{ tls: true, cert: pemFile }, /cert is set without key\. Set PYRALLEL_KAFKA_SECURITY_KEY\./],
    [{ tls: true, key: pemFile }, /key is set without cert\. Set PYRALLEL_KAFKA_SECURITY_CERT\./],
    [{ tls: true, keyPassphrase: 'p' }, /option kafka\.security\.keyPassphrase is set without key/],
    [{ sasl: { username: 'u' } }, /option kafka\.security\.sasl\.username is set without sasl\.mechanism/],
    [
      { sasl: { ...sasl, password: undefined } },
      /sasl\.password is missing: PLAIN needs it\. Set PYRALLEL_KAFKA_SECURITY_SASL_PASSWORD\./,
    ],
    [{ sasl: { mechanism: 'OAUTHBEARER' } }, /sasl\.tokenEndpoint is missing: OAUTHBEARER needs it/],
  ] as const) {
    it(`are told to whoever connects, and to nobody who builds without the secrets: ${message.source.replaceAll('\\', '')}`, async () => {
      const written = write(security)
      const load = () => Promise.reject(new Error('nothing needs to be loaded'))
      await assert.rejects(connectLibrdkafka({ ...options, security: written }, load), {
        code: 'PYR_CONFIG_INVALID',
        message,
      })
    })
  }

  it('are told for a file that cannot be read, without its name, which may be a key that was meant as a text', () => {
    assert.throws(
      () => added({ tls: true, ca: 'MIIEvQIBADANBg' }),
      (error: Error) => {
        assert.match(error.message, /option kafka\.security\.ca names a file that cannot be read \(ENOENT\)/)
        assert.doesNotMatch(error.message, /MIIE/)
        return true
      },
    )
  })

  it('are told for properties of the passthrough that it stands for, by name, once it is used', async () => {
    for (const key of [
      'security.protocol',
      'ssl.ca.location',
      'sasl.mechanisms',
      'sasl.password',
      'enable.ssl.certificate.verification',
    ]) {
      const librdkafka = { [key]: 'x' }
      assert.throws(
        () => resolveConfig({ group: 'g', kafka: { security: { tls: true }, librdkafka } }, 'x'),
        (error: Error) =>
          error.message === `x: option kafka.librdkafka['${key}'] belongs to Pyrallel: use kafka.security.`,
      )
      resolveConfig({ group: 'g', kafka: { librdkafka } }, 'x')
      const connected = connectLibrdkafka({ ...options, security: write({ tls: true }), librdkafka }, async () => ({}))
      await assert.rejects(connected, {
        message: new RegExp(`'${key.replaceAll('.', '\\.')}' cannot be set here: use kafka\\.security`),
      })
    }
  })
})

describe('secrets', () => {
  const secret = 'xyzzy-secret'
  const wrong: readonly unknown[] = [
    { security: secret },
    { security: [secret] },
    { security: { passwrd: secret } },
    { security: { tls: false, key: { pem: secret } } },
    { security: { sasl: secret } },
    { security: { sasl: [secret] } },
    { security: { sasl: { mechanism: 'PLAIN', username: 'u', password: [secret] } } },
    { security: { sasl: { mechanism: 'PLAIN', username: 'u', password: secret, scope: 'x' } } },
    { security: { sasl: { mechanism: 'OAUTHBEARER', clientSecret: secret, password: secret } } },
    { security: { tls: true }, librdkafka: { 'sasl.password': secret } },
    { librdkafka: { 'sasl.password': [secret] } },
  ]
  for (const kafka of wrong) {
    it(`are in no error: ${JSON.stringify(kafka).replaceAll(secret, '…')}`, () => {
      assert.throws(
        () => resolveConfig({ group: 'g', kafka }, 'x'),
        (error: Error) => {
          assert.ok(!`${error.message}${error.stack}`.includes(secret), error.message)
          return true
        },
      )
    })
  }
})
