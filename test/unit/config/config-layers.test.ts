/** Modes and variables: what wins over what, how variables are named and read, and that no option is left out. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { configSchema } from '../../../framework/config/config.ts'
import type { ConfigSurroundings } from '../../../framework/config/config-layers.ts'
import { modeOf } from '../../../framework/config/mode.ts'
import { optionVariables } from '../../../framework/config/option-variables.ts'
import { configDefaults, traceConfig } from '../../../framework/config/resolve-config.ts'
import { passedOverText, serviceOf } from '../../../framework/config/service-variables.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'

const file = 'pyrallel.config.ts'

function trace(config: unknown, around: Partial<ConfigSurroundings> = {}) {
  return traceConfig(config, file, { mode: 'development', env: {}, ...around })
}

function mistakes(config: unknown, around: Partial<ConfigSurroundings> = {}): readonly string[] {
  try {
    trace(config, around)
    return []
  } catch (error) {
    assert.ok(error instanceof PyrallelError)
    assert.equal(error.code, 'PYR_CONFIG_INVALID')
    return error.message.split('\n')
  }
}

describe('the sections of the modes', () => {
  const config = {
    group: 'shop',
    limits: { maxRecords: 7, maxBytes: 2_048 },
    kafka: { librdkafka: { 'fetch.min.bytes': 1, 'socket.keepalive.enable': true } },
    production: {
      group: 'shop-live',
      limits: { maxRecords: 9 },
      kafka: { brokers: ['k1:9092'], librdkafka: { 'fetch.min.bytes': 2 } },
    },
  }

  it('count in their mode only, option by option', () => {
    assert.equal(trace(config).config.limits.maxRecords, 7)
    const { config: live } = trace(config, { mode: 'production' })
    assert.equal(live.group, 'shop-live')
    assert.deepEqual(live.limits, { ...configDefaults.limits, maxRecords: 9, maxBytes: 2_048 })
    assert.deepEqual(live.kafka.brokers, ['k1:9092'])
    assert.deepEqual(live.kafka.librdkafka, { 'fetch.min.bytes': 2, 'socket.keepalive.enable': true })
  })

  it('are checked in every mode, so that a mistake is found before the deployment', () => {
    assert.deepEqual(mistakes({ group: 'a', production: { limits: { maxRecord: 1 } } }), [
      `${file} (production): there is no option limits.maxRecord (its value is 1). Did you mean limits.maxRecords?`,
    ])
    assert.deepEqual(mistakes({ group: 'a', test: { limits: { maxRecords: 0 } } }, { mode: 'test' }), [
      `${file} (test): option limits.maxRecords is 0, but must be a whole number from 1 to 10,000,000.`,
    ])
    assert.match(mistakes({ group: 'a', production: 3 })[0] ?? '', /there is no option production /)
  })

  it('may be the only place of an option that must be written', () => {
    assert.equal(trace({ development: { group: 'local' } }).config.group, 'local')
    assert.deepEqual(mistakes({ development: { group: 'local' }, production: { limits: {} } }), [
      `${file} (production): option group is missing. Write 1 to 200 letters, digits, dots, dashes or underscores.`,
    ])
  })
})

const known = optionVariables(configSchema)

describe('the variables', () => {
  it('are named after the path of their option, each once', () => {
    const names = new Map(known.map(({ option, variable }) => [option, variable]))
    assert.equal(names.get('group'), 'PYRALLEL_GROUP')
    assert.equal(names.get('limits.maxRecordsPerPartition'), 'PYRALLEL_LIMITS_MAX_RECORDS_PER_PARTITION')
    assert.equal(names.get('kafka.security.sasl.clientSecret'), 'PYRALLEL_KAFKA_SECURITY_SASL_CLIENT_SECRET')
    assert.equal(new Set(names.values()).size, known.length)
  })

  /** For each option: a text that is not its default, and what it becomes. */
  const samples: Readonly<Record<string, readonly [text: string, value: unknown]>> = {
    group: ['other', 'other'],
    'kafka.brokers': ['k1:9092, k2:9092', ['k1:9092', 'k2:9092']],
    'kafka.clientId': ['me', 'me'],
    'kafka.client': ['javascript', 'javascript'],
    'kafka.groupProtocol': ['classic', 'classic'],
    'kafka.startFrom': ['latest', 'latest'],
    'kafka.fetch.minBytes': ['10', 10],
    'kafka.fetch.maxWait': ['1s', 1_000],
    'kafka.fetch.maxBytes': ['2000000', 2_000_000],
    'kafka.fetch.maxBytesPerPartition': ['65536', 65_536],
    'kafka.requestTimeout': ['20s', 20_000],
    'kafka.connectTimeout': ['5s', 5_000],
    'kafka.keepAlive': ['false', false],
    'kafka.rack': ['eu-1a', 'eu-1a'],
    'kafka.compression': ['lz4', 'lz4'],
    'kafka.sessionTimeout': ['30s', 30_000],
    'kafka.instanceId': ['one', 'one'],
    'kafka.security.tls': ['true', true],
    'kafka.security.verifyHostname': ['false', false],
    'kafka.librdkafka': ['{"fetch.min.bytes":5}', { 'fetch.min.bytes': 5 }],
    'registry.url': ['https://registry:8081', 'https://registry:8081'],
    'registry.auth.username': ['ada', 'ada'],
    'registry.auth.password': ['12345', '12345'],
    'registry.auth.token': ['t', 't'],
    'registry.auth.clientId': ['c', 'c'],
    'registry.auth.clientSecret': ['s', 's'],
    'registry.auth.tokenEndpoint': ['https://id/', 'https://id/'],
    'registry.auth.scope': ['x', 'x'],
    'registry.tls.ca': ['ca.pem', 'ca.pem'],
    'registry.tls.cert': ['cert.pem', 'cert.pem'],
    'registry.tls.key': ['key.pem', 'key.pem'],
    'registry.tls.keyPassphrase': ['p', 'p'],
    'registry.tls.verifyHostname': ['false', false],
    'registry.allowPlaintext': ['true', true],
    'registry.requestTimeout': ['3s', 3_000],
    'handlers.concurrency': ['3', 3],
    'handlers.ordering': ['unordered', 'unordered'],
    'handlers.timeout': ['1m', 60_000],
    'handlers.retry.attempts': ['9', 9],
    'handlers.retry.backoff': ['fixed', 'fixed'],
    'handlers.retry.min': ['50', 50],
    'handlers.retry.max': ['1h', 3_600_000],
    'handlers.retry.jitter': ['false', false],
    'handlers.retry.maxAge': ['1h', 3_600_000],
    'handlers.retry.then': ['park', 'park'],
    'handlers.rateLimit': ['50', 50],
    'handlers.adaptive.enabled': ['true', true],
    'handlers.adaptive.min': ['4', 4],
    'handlers.adaptive.interval': ['2s', 2_000],
    'handlers.poison.threshold': ['3', 3],
    'handlers.poison.cooldown': ['1m', 60_000],
    'handlers.maxBlocking': ['5m', 300_000],
    paused: ['charge-order, audit', ['charge-order', 'audit']],
    'limits.maxRecords': ['11', 11],
    'limits.maxBytes': ['4096', 4_096],
    'limits.maxRecordsPerPartition': ['12', 12],
    'limits.maxBytesPerPartition': ['4097', 4_097],
    'limits.maxOffsetSpan': ['13', 13],
    'limits.maxUncommitted': ['14', 14],
    'commit.minInterval': ['2s', 2_000],
    'commit.recovery': ['contiguous', 'contiguous'],
    'commit.takeOver': ['pyrallel-consumer', 'pyrallel-consumer'],
    'commit.exactlyOnce': ['true', true],
    'shutdown.drain': ['1s', 1_000],
    'shutdown.revokeGrace': ['2s', 2_000],
    'http.enabled': ['true', true],
    'http.host': ['0.0.0.0', '0.0.0.0'],
    'http.port': ['0', 0],
    'kafka.security.allowPlaintext': ['true', true],
    'http.names': ['shop.internal, shop', ['shop.internal', 'shop']],
    'http.token': ['0123456789abcdef', '0123456789abcdef'],
    'http.console.enabled': ['true', true],
    'http.console.actions': ['true', true],
    'http.console.instances': ['shop:9464, [::1]:9465', ['shop:9464', '[::1]:9465']],
    'http.console.shownTopics': ['orders,refunds', ['orders', 'refunds']],
    'http.metrics': ['false', false],
    'http.stallAfter': ['5s', 5_000],
    'scale.drainTarget': ['5m', 300_000],
    'logging.level': ['warn', 'warn'],
    'logging.pretty': ['true', true],
  }
  /** These make sense only together: see below. */
  const secured = known.filter(({ option }) => option.startsWith('kafka.security.') && samples[option] === undefined)

  it('exist for every option, and each sample below is another value than the default', () => {
    const tested = [...Object.keys(samples), ...secured.map(({ option }) => option)]
    assert.deepEqual(tested.sort(), known.map(({ option }) => option).sort())
  })

  for (const { option, variable } of known) {
    const sample = samples[option]
    if (sample === undefined) continue
    it(`${variable} sets ${option}, over the file`, () => {
      const [text, value] = sample
      const { config, places } = trace({ group: 'shop' }, { env: { [variable]: text } })
      const path = option.split('.')
      const read = (from: object): unknown =>
        path.reduce<unknown>((at, key) => Reflect.get(at as object, key) ?? Reflect.get(at as object, `${key}Ms`), from)
      assert.deepEqual(read(config), value)
      assert.notDeepEqual(read({ group: 'shop', ...configDefaults }), value)
      assert.equal(places.get(option), variable)
    })
  }

  it('set the TLS and SASL options too', () => {
    const base = 'PYRALLEL_KAFKA_SECURITY_'
    const tls = { TLS: 'true', CA: 'ca.pem', CERT: 'cert.pem', KEY: 'key.pem', KEY_PASSPHRASE: 'p' }
    const plain = { SASL_MECHANISM: 'PLAIN', SASL_USERNAME: 'u', SASL_PASSWORD: '12345' }
    const token = {
      SASL_MECHANISM: 'OAUTHBEARER',
      SASL_CLIENT_ID: 'c',
      SASL_CLIENT_SECRET: 's',
      SASL_TOKEN_ENDPOINT: 'https://id/',
      SASL_SCOPE: 'x',
    }
    const secure = (variables: Record<string, string>) =>
      trace(
        { group: 'shop' },
        { env: Object.fromEntries(Object.entries(variables).map(([name, value]) => [base + name, value])) },
      ).config.kafka.security
    const { sasl, ...ofTls } = secure({ ...tls, ...plain })
    assert.deepEqual(ofTls, {
      tls: true,
      ca: 'ca.pem',
      cert: 'cert.pem',
      key: 'key.pem',
      keyPassphrase: 'p',
      verifyHostname: true,
      allowPlaintext: false,
    })
    assert.deepEqual([sasl.mechanism, sasl.username, sasl.password], ['PLAIN', 'u', '12345'])
    const byToken = secure(token).sasl
    assert.deepEqual(
      [byToken.mechanism, byToken.clientId, byToken.clientSecret, byToken.tokenEndpoint, byToken.scope],
      ['OAUTHBEARER', 'c', 's', 'https://id/', 'x'],
    )
  })

  it('say nothing when they are empty', () => {
    assert.equal(trace({ group: 'shop' }, { env: { PYRALLEL_GROUP: '' } }).config.group, 'shop')
  })

  it('win over the section of the mode', () => {
    const config = { group: 'shop', production: { group: 'live' } }
    const { config: resolved, places } = trace(config, { mode: 'production', env: { PYRALLEL_GROUP: 'mine' } })
    assert.equal(resolved.group, 'mine')
    assert.equal(places.get('group'), 'PYRALLEL_GROUP')
  })

  it('are named with the value that is wrong, and the file it was read from', () => {
    const env = { PYRALLEL_LIMITS_MAX_RECORDS: 'many' }
    assert.deepEqual(mistakes({ group: 'a' }, { env }), [
      "PYRALLEL_LIMITS_MAX_RECORDS: option limits.maxRecords is 'many', but must be a whole number from 1 to 10,000,000.",
    ])
    const envFiles = new Map([['PYRALLEL_LIMITS_MAX_RECORDS', '.env.local']])
    assert.match(mistakes({ group: 'a' }, { env, envFiles })[0] ?? '', /^PYRALLEL_LIMITS_MAX_RECORDS in \.env\.local: /)
  })

  it('variables that belong to no option are refused when they begin like those of a section, and left alone otherwise', () => {
    assert.deepEqual(
      mistakes({ group: 'a' }, { env: { PYRALLEL_LIMITS_MAX_RECORD: '1', PYRALLEL_TEST_BROKERS: 'x' } }),
      [
        'The environment variable PYRALLEL_LIMITS_MAX_RECORD belongs to no option. Did you mean "PYRALLEL_LIMITS_MAX_RECORDS"?',
      ],
    )
  })
})

describe('the registry', () => {
  const shop = (registry: object) => ({ group: 'shop', registry })

  it('may be asked in one way only', () => {
    const env = { PYRALLEL_REGISTRY_AUTH_TOKEN: 'hunter2' }
    assert.deepEqual(mistakes(shop({ auth: { username: 'ada' } }), { env }), [
      'PYRALLEL_REGISTRY_AUTH_TOKEN: option registry.auth.token is set beside registry.auth.username. Take one of them out: only one way to prove who one is can be used.',
    ])
  })

  it('has no TLS where its address is one of http', () => {
    assert.deepEqual(mistakes(shop({ url: 'http://r:8081', tls: { ca: 'ca.pem' } })), [
      `${file}: option registry.tls.ca is set, but registry.url begins with http:. Write https.`,
    ])
    const auth = { clientId: 'c', tokenEndpoint: 'https://id/token' }
    assert.deepEqual(mistakes(shop({ url: 'http://r:8081', tls: { ca: 'ca.pem' }, auth })), [])
  })

  it('has no user and no question in its address, and shows none that was written', () => {
    const [told = ''] = mistakes(shop({ url: 'https://ada:hunter2@r:8081' }))
    assert.match(told, /option registry\.url is \(hidden\), but must be an http or https URL without an @/)
    assert.equal(mistakes(shop({ url: 'https://r?a=b' })).length, 1)
    assert.equal(mistakes(shop({ url: 'registry:8081' })).length, 1)
  })
})

describe('what Kubernetes sets for a Service whose name begins like an option', () => {
  const ofHttp = {
    PYRALLEL_HTTP_PORT: 'tcp://10.0.0.7:80',
    PYRALLEL_HTTP_SERVICE_HOST: '10.0.0.7',
    PYRALLEL_HTTP_SERVICE_PORT: '80',
    PYRALLEL_HTTP_SERVICE_PORT_WEB_UI: '80',
    PYRALLEL_HTTP_PORT_80_TCP: 'tcp://10.0.0.7:80',
    PYRALLEL_HTTP_PORT_80_TCP_ADDR: '10.0.0.7',
    PYRALLEL_HTTP_PORT_80_TCP_PORT: '80',
    PYRALLEL_HTTP_PORT_80_TCP_PROTO: 'tcp',
  }
  const ofKafka = { PYRALLEL_KAFKA_PORT: 'udp://10.0.0.8:53', PYRALLEL_KAFKA_PORT_53_UDP: 'udp://10.0.0.8:53' }

  it('is passed over and told, by Service', () => {
    const { config, places, passedOver } = trace({ group: 'a' }, { env: { ...ofHttp, ...ofKafka } })
    assert.equal(config.http.port, 9_464)
    assert.equal(places.has('http.port'), false)
    assert.deepEqual(passedOver, [
      { service: 'pyrallel-http', variables: Object.keys(ofHttp).sort() },
      { service: 'pyrallel-kafka', variables: Object.keys(ofKafka).sort() },
    ])
    assert.match(
      passedOver.map(passedOverText)[1] ?? '',
      /^PYRALLEL_KAFKA_PORT, .* a Service named pyrallel-kafka\. .*enableServiceLinks: false/,
    )
  })

  it('has no name that an option has, but the port', () => {
    const names = known.map(({ variable }) => variable)
    const judged = names.filter((name) => serviceOf(name, 'tcp://10.0.0.7:80', false) !== undefined)
    assert.deepEqual(judged, ['PYRALLEL_HTTP_PORT'])
  })

  it('is an option where its value is no address of a Service, and a mistake where no Service sets such a name', () => {
    assert.equal(trace({ group: 'a' }, { env: { PYRALLEL_HTTP_PORT: '81' } }).config.http.port, 81)
    assert.deepEqual(mistakes({ group: 'a' }, { env: { PYRALLEL_HTTP_PORT: 'http://10.0.0.7:80' } }), [
      "PYRALLEL_HTTP_PORT: option http.port is 'http://10.0.0.7:80', but must be a whole number from 0 to 65,535.",
    ])
    assert.match(
      mistakes({ group: 'a' }, { env: { PYRALLEL_HTTP_PORTS: 'tcp://10.0.0.7:80' } })[0] ?? '',
      /PYRALLEL_HTTP_PORTS belongs to no option/,
    )
  })
})

describe('the value of a variable', () => {
  it('is read without the end of its line, whatever the option is', () => {
    const secured = trace(
      { group: 'a' },
      {
        env: {
          PYRALLEL_GROUP: 'b\n',
          PYRALLEL_LIMITS_MAX_RECORDS: '7\r\n',
          PYRALLEL_KAFKA_BROKERS: 'k1:9092\n',
          PYRALLEL_KAFKA_SECURITY_TLS: 'true\n',
          PYRALLEL_KAFKA_SECURITY_CA: 'ca.pem\n',
          PYRALLEL_KAFKA_SECURITY_SASL_MECHANISM: 'PLAIN\n',
          PYRALLEL_KAFKA_SECURITY_SASL_USERNAME: 'u\n',
          PYRALLEL_KAFKA_SECURITY_SASL_PASSWORD: 'p\n',
        },
      },
    ).config
    assert.deepEqual([secured.group, secured.limits.maxRecords, secured.kafka.brokers], ['b', 7, ['k1:9092']])
    const { tls, ca, sasl } = secured.kafka.security
    assert.deepEqual([tls, ca, sasl.mechanism, sasl.username, sasl.password], [true, 'ca.pem', 'PLAIN', 'u', 'p'])
    assert.equal(modeOf({ PYRALLEL_MODE: 'test\n' }, 'production'), 'test')
  })

  it('is shown with an escape for what nobody can see', () => {
    const shown = (value: string) => {
      const [first = ''] = mistakes({ group: 'a' }, { env: { PYRALLEL_LIMITS_MAX_RECORDS: value } })
      return /^PYRALLEL_LIMITS_MAX_RECORDS: option limits.maxRecords is (.*), but must be/.exec(first)?.[1]
    }
    assert.equal(shown('5\u200b'), "'5\\u200b'")
    assert.equal(shown('a\tb \u00a0'), "'a\\tb \\u00a0'")
    assert.equal(shown('five\nsix'), "'five\\nsix'")
    assert.equal(shown('\u001b[2J'), "'\\u001b[2J'")
    assert.equal(shown('\ufeffx'), "'\\ufeffx'")
    assert.throws(() => modeOf({ PYRALLEL_MODE: 'prod\u200b' }, 'test'), { message: /is 'prod\\u200b', but/ })
  })

  it('is shown as it was written where it is no number that can be used', () => {
    for (const value of ['Infinity', '-Infinity', 'NaN'])
      assert.deepEqual(mistakes({ group: 'a' }, { env: { PYRALLEL_LIMITS_MAX_RECORDS: value } }), [
        `PYRALLEL_LIMITS_MAX_RECORDS: option limits.maxRecords is '${value}', but must be a whole number from 1 to 10,000,000.`,
      ])
    const seen = (value: unknown) => mistakes({ group: 'a', limits: { maxRecords: value } })[0] ?? ''
    assert.match(seen(Number.POSITIVE_INFINITY), /is Infinity, but/)
    assert.match(seen(Number.NaN), /is NaN, but/)
    assert.match(seen(10n), /is 10, but/)
    assert.match(seen([Number.NaN]), /is \["NaN"\], but/)
  })

  it('is no list of brokers when something else than commas stands between them', () => {
    for (const brokers of ['a:1;b:2', 'a:1 b:2', 'a:1\nb:2'])
      assert.match(
        mistakes({ group: 'a' }, { env: { PYRALLEL_KAFKA_BROKERS: brokers } })[0] ?? '',
        /^PYRALLEL_KAFKA_BROKERS: option kafka.brokers is .* but must be a list of 'host:port'/,
      )
    assert.match(mistakes({ group: 'a', kafka: { brokers: ['a:1;b:2'] } })[0] ?? '', /option kafka.brokers is/)
    assert.match(mistakes({ group: 'a', kafka: { brokers: ['a:1,b:2'] } })[0] ?? '', /option kafka.brokers is/)
  })

  it('is named by its variable where it contradicts what another place says', () => {
    const sasl = (env: Readonly<Record<string, string>>, config: object = {}) =>
      mistakes({ group: 'a', ...config }, { env })
    const base = 'PYRALLEL_KAFKA_SECURITY'
    assert.deepEqual(sasl({ [`${base}_CA`]: 'ca.pem' }), [
      `${base}_CA: option kafka.security.ca is set, but tls is false. Set kafka.security.tls: true. (kafka.security.tls is that of ${file}.)`,
    ])
    const withToken = { kafka: { security: { sasl: { clientId: 'c' } } } }
    assert.match(
      sasl({ [`${base}_SASL_MECHANISM`]: 'PLAIN' }, withToken)[0] ?? '',
      new RegExp(`^${file}: option kafka.security.sasl.clientId .* that of ${base}_SASL_MECHANISM`),
    )
    assert.deepEqual(sasl({ PYRALLEL_HANDLERS_RETRY_MAX: '1s' }, { handlers: { retry: { min: '5s' } } }), [
      `${file}: option handlers.retry.min (5000 ms) is above handlers.retry.max (1000 ms, PYRALLEL_HANDLERS_RETRY_MAX). Raise max or lower min.`,
    ])
  })
})

describe('a secret in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pyrallel-secret-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const password = 'PYRALLEL_KAFKA_SECURITY_SASL_PASSWORD'
  const path = join(folder, 'password')
  const shop = { group: 'shop', kafka: { security: { tls: true, sasl: { mechanism: 'PLAIN', username: 'u' } } } }

  it('counts in place of the variable, without the end of its line, for every secret', () => {
    writeFileSync(path, 'hunter2\n')
    const { config, places } = trace(shop, { env: { [`${password}_FILE`]: path } })
    assert.equal(config.kafka.security.sasl.password, 'hunter2')
    assert.equal(places.get('kafka.security.sasl.password'), `${password}_FILE`)
    for (const [variable, option] of [
      ['KEY', 'key'],
      ['KEY_PASSPHRASE', 'keyPassphrase'],
    ] as const) {
      const env = { [`PYRALLEL_KAFKA_SECURITY_${variable}_FILE`]: path }
      assert.equal(trace(shop, { env }).config.kafka.security[option], 'hunter2')
    }
  })

  it('is refused when it is not there, empty, too large, or beside the variable itself, and shown by nobody', () => {
    writeFileSync(path, '\n')
    const large = join(folder, 'large')
    writeFileSync(large, 'hunter2'.repeat(10_000))
    for (const [env, words] of [
      [{ [`${password}_FILE`]: `${path}-hunter2` }, /names a file that cannot be read \(ENOENT\)/],
      [{ [`${password}_FILE`]: folder }, /cannot be read \(EISDIR\)/],
      [{ [`${password}_FILE`]: path }, /names a file that is empty/],
      [{ [`${password}_FILE`]: large }, /more than 65536 bytes/],
      [{ [`${password}_FILE`]: path, [password]: 'hunter2' }, /are both set/],
    ] as const) {
      const text = mistakes(shop, { env }).join()
      assert.match(text, words)
      assert.ok(!text.includes('hunter2'), text)
    }
  })

  it('counts without a byte order mark, and by a path that ends in the end of a line', () => {
    writeFileSync(path, '\ufeffhunter2\r\n')
    const { config } = trace(shop, { env: { [`${password}_FILE`]: `${path}\n` } })
    assert.equal(config.kafka.security.sasl.password, 'hunter2')
  })

  it('is refused in UTF-16, and shown by nobody', () => {
    writeFileSync(path, Buffer.from('\ufeffhunter2', 'utf16le'))
    assert.throws(() => trace(shop, { env: { [`${password}_FILE`]: path } }), {
      code: 'PYR_CONFIG_INVALID',
      message: /^PYRALLEL_KAFKA_SECURITY_SASL_PASSWORD_FILE names a file that is UTF-16, not UTF-8\. Save it as UTF-8/,
    })
  })

  it('is for secrets only', () => {
    assert.match(
      mistakes({ group: 'a' }, { env: { PYRALLEL_LIMITS_MAX_RECORDS_FILE: path } }).join(),
      /belongs to no option/,
    )
  })
})

describe('where a value was written', () => {
  it('is the file, its section, the variable, or nowhere', () => {
    const config = { group: 'shop', limits: { maxRecords: 7 }, test: { commit: { recovery: 'contiguous' } } }
    const { places } = trace(config, { mode: 'test', env: { PYRALLEL_HTTP_PORT: '1' } })
    assert.deepEqual(Object.fromEntries(places), {
      group: file,
      'limits.maxRecords': file,
      'commit.recovery': `${file} (test)`,
      'http.port': 'PYRALLEL_HTTP_PORT',
    })
  })
})
