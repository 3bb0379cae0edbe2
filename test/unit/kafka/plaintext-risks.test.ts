/** Who may send a password in clear, and what is said to those who come close to it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { resolveConfig } from '../../../framework/config/resolve-config.ts'
import { connectLibrdkafka } from '../../../framework/kafka/librdkafka/client.ts'
import { commonConfig } from '../../../framework/kafka/librdkafka/settings.ts'
import { isLoopback } from '../../../framework/kafka/plaintext-risks.ts'
import { recordedLog } from './recorded-log.ts'

const plain = { mechanism: 'PLAIN', username: 'u', password: 'secret-word' }
const token = { mechanism: 'OAUTHBEARER', clientId: 'c', clientSecret: 'secret-word', tokenEndpoint: 'https://id/t' }
const scram = { ...plain, mechanism: 'SCRAM-SHA-512' }

/** What connecting is answered, and what is logged. */
async function connect(kafka: object, brokers = 'kafka.internal:9092') {
  const { security, librdkafka } = resolveConfig({ group: 'g', kafka }, 'x').kafka
  const { log, lines } = recordedLog()
  const load = () => Promise.reject(new Error('loaded'))
  const options = { brokers, clientId: 'me', groupProtocol: 'consumer', security, librdkafka, log } as const
  const message = await connectLibrdkafka(options, load).then(
    () => '',
    (error: Error & { code?: string }) =>
      error.code === 'PYR_NATIVE_MISSING' ? 'connects' : `${error.code} ${error.message}`,
  )
  const said = JSON.stringify([message, lines])
  assert.ok(!said.includes('secret-word'), said)
  return { message, warnings: lines.map(({ fields }) => String(Reflect.get(fields, 'why'))) }
}

describe('a password over the network', () => {
  const refused: readonly (readonly [what: string, kafka: object, words: RegExp])[] = [
    [
      'PLAIN without TLS',
      { security: { sasl: plain } },
      /sasl\.mechanism is PLAIN without TLS: the password would go .* in clear/,
    ],
    ['OAUTHBEARER without TLS', { security: { sasl: token } }, /OAUTHBEARER without TLS: the token would go/],
    [
      'a token endpoint over http',
      { security: { tls: true, sasl: { ...token, tokenEndpoint: 'http://id.internal/t' } } },
      /tokenEndpoint begins with http: the client's secret would go there in clear/,
    ],
    [
      'PLAIN in the passthrough',
      {
        librdkafka: {
          'security.protocol': 'SASL_PLAINTEXT',
          'sasl.mechanism': 'PLAIN',
          'sasl.password': 'secret-word',
        },
      },
      /kafka\.librdkafka\['sasl\.mechanisms'\] is PLAIN without TLS/,
    ],
  ]
  for (const [what, kafka, words] of refused) {
    it(`in clear is refused, with what to write: ${what}`, async () => {
      const { message, warnings } = await connect(kafka)
      assert.match(message, /^PYR_CONFIG_INVALID option kafka\./)
      assert.match(message, words)
      assert.match(message, /kafka\.security\.allowPlaintext: true/)
      assert.deepEqual(warnings, [])
    })

    it(`in clear goes with allowPlaintext, and a warning: ${what}`, async () => {
      const { security = {}, ...rest } = kafka as { readonly security?: object }
      const { message, warnings } = await connect({ ...rest, security: { ...security, allowPlaintext: true } })
      assert.equal(message, 'connects')
      assert.equal(warnings.length, 1)
      assert.match(warnings[0] ?? '', words)
    })
  }

  it('is nobody else’s business at a loopback address', async () => {
    for (const brokers of ['127.0.0.1:9092', 'localhost:9092,127.1.2.3:1', '[::1]:9092']) {
      assert.deepEqual(
        await connect({ security: { sasl: plain } }, brokers),
        { message: 'connects', warnings: [] },
        brokers,
      )
    }
    const local = { ...token, tokenEndpoint: 'http://127.0.0.1:8080/t' }
    assert.equal((await connect({ security: { tls: true, sasl: local } })).message, 'connects')
  })

  it('is refused where one of several brokers is elsewhere', async () => {
    assert.match(
      (await connect({ security: { sasl: plain } }, '127.0.0.1:9092,kafka:9092')).message,
      /PYR_CONFIG_INVALID/,
    )
  })

  it('a password that is only proved (SCRAM) goes without TLS, with a warning', async () => {
    const { message, warnings } = await connect({ security: { sasl: scram } })
    assert.equal(message, 'connects')
    assert.match(warnings.join(), /^kafka\.security\.sasl\.mechanism is SCRAM-SHA-512 without TLS/)
    assert.deepEqual((await connect({ security: { tls: true, sasl: scram } })).warnings, [])
  })

  it('goes over TLS without a word', async () => {
    for (const sasl of [plain, scram, token]) {
      assert.deepEqual(await connect({ security: { tls: true, sasl } }), { message: 'connects', warnings: [] })
    }
  })
})

describe('a certificate that nobody looks at', () => {
  it('is a warning, wherever that was written', async () => {
    const byOption = await connect({ security: { tls: true, verifyHostname: false } })
    assert.match(byOption.warnings.join(), /^kafka\.security\.verifyHostname is false: whoever is on the way/)
    for (const off of [
      { 'enable.ssl.certificate.verification': false },
      { 'ssl.endpoint.identification.algorithm': 'none' },
    ]) {
      const { warnings } = await connect({ librdkafka: { 'security.protocol': 'ssl', ...off } })
      assert.match(warnings.join(), /turns the check of the broker's certificate off/)
    }
  })
})

it('isLoopback knows this machine by its loopback addresses, and by no other name', () => {
  for (const broker of ['localhost:1', 'LOCALHOST:1', '127.0.0.1:1', '127.255.0.9:1', '[::1]:1', ' 127.0.0.1:9092']) {
    assert.ok(isLoopback(broker), broker)
  }
  for (const broker of [
    '127.0.0.1.evil.example:1',
    'localhost.example:1',
    '10.0.0.1:1',
    '0.0.0.0:1',
    '[fe80::1]:1',
    '',
  ]) {
    assert.ok(!isLoopback(broker), broker)
  }
})

it('what people need of TLS goes beside kafka.security', () => {
  const librdkafka = {
    'ssl.crl.location': 'crl.pem',
    'ssl.cipher.suites': 'TLS_AES_256_GCM_SHA384',
    'ssl.curves.list': 'P-256',
    'ssl.sigalgs.list': 'RSA+SHA256',
    'https.ca.location': 'ca.pem',
    'https.ca.pem': '-----BEGIN CERTIFICATE-----',
  }
  const { kafka } = resolveConfig({ group: 'g', kafka: { security: { tls: true }, librdkafka } }, 'x')
  const config = commonConfig({ ...kafka, brokers: 'b:1', log: recordedLog().log })
  for (const [name, value] of Object.entries(librdkafka)) assert.equal(config[name], value, name)
  assert.equal(config['security.protocol'], 'ssl')
})
