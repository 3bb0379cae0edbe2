/** The config: defaults, mistakes, and the sentences about them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configSchema } from '../../../framework/config/config.ts'
import { optionRows } from '../../../framework/config/option-schema.ts'
import { configDefaults, resolveConfig } from '../../../framework/config/resolve-config.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'

function mistakesOf(config: unknown): readonly string[] {
  try {
    resolveConfig(config, 'pyrallel.config.ts')
  } catch (error) {
    assert.ok(error instanceof PyrallelError)
    assert.equal(error.code, 'PYR_CONFIG_INVALID')
    return error.message.split('\n')
  }
  return []
}

describe('resolveConfig', () => {
  it('puts every default in place, with durations in milliseconds', () => {
    const { group, ...rest } = resolveConfig({ group: 'billing' }, 'pyrallel.config.ts')
    assert.equal(group, 'billing')
    assert.deepEqual(rest, configDefaults)
    assert.deepEqual(rest.handlers, {
      concurrency: 100,
      ordering: 'key',
      timeoutMs: 30_000,
      retry: {
        attempts: 28,
        backoff: 'exponential',
        minMs: 200,
        maxMs: 30_000,
        jitter: true,
        maxAgeMs: 0,
        then: 'dead-letter',
      },
      rateLimit: undefined,
      adaptive: { enabled: false, min: 1, intervalMs: 1_000 },
      poison: { threshold: 0, cooldownMs: 30_000 },
      maxBlockingMs: 0,
    })
    assert.deepEqual(rest.limits, {
      maxRecords: 50_000,
      maxBytes: 64 * 1024 * 1024,
      maxRecordsPerPartition: 10_000,
      maxBytesPerPartition: 32 * 1024 * 1024,
      maxOffsetSpan: 1_000_000,
      maxUncommitted: 100_000,
    })
    assert.deepEqual(rest.commit, { minIntervalMs: 100, recovery: 'metadata', takeOver: 'none', exactlyOnce: false })
    assert.deepEqual(rest.shutdown, { drainMs: 30_000, revokeGraceMs: 5_000 })
  })

  it('keeps what is written, next to the defaults of what is not', () => {
    const config = resolveConfig(
      { group: 'billing', handlers: { timeout: '2m', retry: { attempts: 1 } }, kafka: { instanceId: 'a-1' } },
      'pyrallel.config.ts',
    )
    assert.equal(config.handlers.timeoutMs, 120_000)
    assert.equal(config.handlers.concurrency, 100)
    assert.deepEqual(config.handlers.retry, { ...configDefaults.handlers.retry, attempts: 1 })
    assert.equal(config.kafka.instanceId, 'a-1')
  })

  it('says what is missing', () => {
    assert.deepEqual(mistakesOf({}), [
      'pyrallel.config.ts: option group is missing. Write 1 to 200 letters, digits, dots, dashes or underscores.',
    ])
  })

  it('names an unknown option, its value, and the option that was probably meant', () => {
    assert.deepEqual(mistakesOf({ group: 'a', limits: { maxRecord: 3 } }), [
      'pyrallel.config.ts: there is no option limits.maxRecord (its value is 3). Did you mean limits.maxRecords?',
    ])
  })

  it('lists what exists when nothing is close to an unknown option', () => {
    assert.deepEqual(mistakesOf({ group: 'a', commit: { zzz: true } }), [
      'pyrallel.config.ts: there is no option commit.zzz (its value is true). Options here: minInterval, recovery, takeOver, exactlyOnce.',
    ])
  })

  it('reports all mistakes at once', () => {
    const mistakes = mistakesOf({ group: 'a b', loging: {}, handlers: { timeout: 'soon', concurrency: 0 } })
    assert.equal(mistakes.length, 4)
    assert.match(mistakes[0] ?? '', /loging.*Did you mean logging\?/)
    assert.match(mistakes[1] ?? '', /option group is 'a b'/)
    assert.match(mistakes[2] ?? '', /option handlers\.concurrency is 0, but must be a whole number from 1 to 10,000\./)
    assert.match(mistakes[3] ?? '', /option handlers\.timeout is 'soon', but must be a duration from 1ms to 24h\./)
  })

  it('refuses what the client in JavaScript cannot do, each by its name and with what to write', () => {
    const kafka = { client: 'javascript', groupProtocol: 'classic', librdkafka: { 'linger.ms': 5 } }
    const mistakes = mistakesOf({ group: 'a', kafka })
    assert.equal(mistakes.length, 2)
    assert.match(
      mistakes[0] ?? '',
      /option kafka\.groupProtocol is 'classic', .* Write 'consumer', or kafka\.client: 'librdkafka'\.$/,
    )
    assert.match(mistakes[1] ?? '', /option kafka\.librdkafka has settings of librdkafka \(linger\.ms\)/)
    for (const client of ['auto', 'librdkafka'])
      assert.deepEqual(mistakesOf({ group: 'a', kafka: { ...kafka, client } }), [])
  })

  it('names the option that stands for a setting of librdkafka, where the client in JavaScript refuses it', () => {
    const librdkafka = { 'socket.timeout.ms': 5_000, 'sasl.username': 'u', 'linger.ms': 5 }
    const [mistake = ''] = mistakesOf({ group: 'a', kafka: { client: 'javascript', librdkafka } })
    assert.match(
      mistake,
      /\(socket\.timeout\.ms: use kafka\.requestTimeout; sasl\.username: use kafka\.security; linger\.ms\)/,
    )
  })

  it('refuses an option and a setting of librdkafka that contradict each other, and none that agree', () => {
    const of = (kafka: object) => mistakesOf({ group: 'a', kafka })
    assert.deepEqual(of({ fetch: { maxBytesPerPartition: 2_048 }, librdkafka: { 'fetch.message.max.bytes': 4_096 } }), [
      "pyrallel.config.ts: option kafka.librdkafka['fetch.message.max.bytes'] is 4096, but kafka.fetch.maxBytesPerPartition says 2048. Take it out.",
    ])
    assert.match(of({ keepAlive: true, librdkafka: { 'socket.keepalive.enable': false } })[0] ?? '', /kafka\.keepAlive/)
    assert.deepEqual(of({ keepAlive: true, librdkafka: { 'socket.keepalive.enable': 'true' } }), [])
    assert.deepEqual(of({ requestTimeout: '5s', librdkafka: { 'socket.timeout.ms': 5_000 } }), [])
    // A default is no statement.
    assert.deepEqual(of({ librdkafka: { 'socket.keepalive.enable': false, 'fetch.min.bytes': 9 } }), [])
  })

  it('refuses a request time-out that leaves no time for an answer behind the wait of a fetch', () => {
    const of = (requestTimeout: string) =>
      mistakesOf({ group: 'a', kafka: { requestTimeout, fetch: { maxWait: '4s' } } })
    assert.deepEqual(of('5s'), [])
    assert.match(of('4900')[0] ?? '', /kafka\.requestTimeout is '4900'/)
    assert.match(
      of('4s')[0] ?? '',
      /kafka\.requestTimeout \(4000 ms\) is below kafka\.fetch\.maxWait \(4000 ms\) and a second/,
    )
  })

  for (const [what, config, expected] of [
    ['a section that is no object', { kafka: 'localhost' }, /option kafka is 'localhost', but must be an object/],
    ['a list instead of the config', [], /the value is \[\], but must be an object/],
    ['a broker without a port', { kafka: { brokers: ['localhost'] } }, /kafka\.brokers is \["localhost"\].*host:port/],
    ['no broker at all', { kafka: { brokers: [] } }, /kafka\.brokers is \[\]/],
    [
      'a text that is not among the choices',
      { commit: { recovery: 'none' } },
      /'none', but must be one of 'metadata', 'contiguous'/,
    ],
    ['a number with a fraction', { limits: { maxRecords: 1.5 } }, /maxRecords is 1\.5, but must be a whole number/],
    [
      'a duration that is too long',
      { shutdown: { revokeGrace: '1h' } },
      /revokeGrace is '1h', but must be a duration from 0ms to 4m/,
    ],
    ['a negative duration', { commit: { minInterval: -1 } }, /minInterval is -1, but must be a duration/],
    [
      'a setting that is neither text, number nor boolean',
      { kafka: { librdkafka: { a: {} } } },
      /kafka\.librdkafka is/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      const [mistake = ''] = mistakesOf(Array.isArray(config) ? config : { group: 'a', ...config })
      assert.match(mistake, expected)
    })
  }

  it('refuses to take a group over and to store nothing of it', () => {
    const of = (commit: object) => mistakesOf({ group: 'a', commit })
    assert.match(
      of({ takeOver: 'parallel-consumer', recovery: 'contiguous' })[0] ?? '',
      /option commit\.takeOver is 'parallel-consumer', but commit\.recovery is 'contiguous'.*Write 'metadata' there/,
    )
    for (const commit of [{ takeOver: 'parallel-consumer' }, { takeOver: 'none', recovery: 'contiguous' }])
      assert.deepEqual(of(commit), [])
  })

  it('refuses exactly once without what transactions need, and where something else would be read than what is committed', () => {
    const of = (config: object) => mistakesOf({ group: 'a', ...config })
    assert.match(
      of({ commit: { exactlyOnce: true, recovery: 'contiguous' } })[0] ?? '',
      /option commit\.exactlyOnce is true, but commit\.recovery is 'contiguous'.*Write 'metadata' there/,
    )
    assert.match(
      of({ commit: { exactlyOnce: true }, kafka: { librdkafka: { 'isolation.level': 'read_uncommitted' } } })[0] ?? '',
      /option kafka\.librdkafka\['isolation\.level'\] belongs to Pyrallel.*Take it out/,
    )
    assert.deepEqual(of({ commit: { exactlyOnce: true } }), [])
    assert.deepEqual(of({ kafka: { librdkafka: { 'isolation.level': 'read_uncommitted' } } }), [])
  })

  it('tells what options mean together beside mistakes of others, and mistakes of other modes, once each', () => {
    const mistakes = mistakesOf({
      group: 'a',
      limits: { maxRecords: 0 },
      kafka: { librdkafka: { 'group.id': 'x' } },
      handlers: { retry: { min: '1m', max: '1s' } },
      development: { http: { port: 'x' } },
    })
    assert.deepEqual(
      mistakes.map((line) => /option ([\w.]+)/.exec(line)?.[1]),
      ['limits.maxRecords', 'kafka.librdkafka', 'handlers.retry.min', 'http.port'],
    )
  })

  it('does not judge what options mean together where one of them is wrong by itself', () => {
    assert.equal(mistakesOf({ group: 'a', kafka: { librdkafka: 'x', security: 7 } }).length, 2)
    assert.equal(mistakesOf({ group: 'a', handlers: { retry: { min: '1m', max: 'soon' } } }).length, 1)
    assert.equal(mistakesOf({ group: 'a', kafka: 7 }).length, 1)
    assert.equal(mistakesOf(7).length, 1)
  })

  it('refuses a shortest delay above the longest one', () => {
    const [mistake = ''] = mistakesOf({ group: 'a', handlers: { retry: { min: '1m', max: '1s' } } })
    assert.match(mistake, /handlers\.retry\.min \(60000 ms\) is above handlers\.retry\.max \(1000 ms\)/)
  })

  it('refuses a console without a token at an address that others reach, and at no other', () => {
    const mistakeOf = (http: object) => mistakesOf({ group: 'a', http: { console: { enabled: true }, ...http } })
    const token = 'token-of-sixteen-characters'
    for (const host of ['0.0.0.0', '::', '10.0.0.7', 'shop.internal']) {
      const [mistake = ''] = mistakeOf({ enabled: true, host })
      assert.match(mistake, /option http\.console\.enabled needs an http\.token/, host)
      assert.deepEqual(mistakeOf({ enabled: true, host, token }), [])
      assert.deepEqual(mistakeOf({ enabled: false, host }), [])
      assert.deepEqual(mistakeOf({ enabled: true, host, console: {} }), [])
    }
    for (const host of ['127.0.0.1', '127.0.0.2', '::1', 'localhost']) {
      assert.deepEqual(mistakeOf({ enabled: true, host }), [])
    }
  })

  it('refuses a token that is short or has spaces, and does not show it', () => {
    for (const token of ['hunter2-hunter2', 'hunter2 hunter2 hunter2']) {
      const [mistake = ''] = mistakesOf({ group: 'a', http: { token } })
      assert.match(mistake, /option http\.token/)
      assert.ok(!mistake.includes('hunter2'), mistake)
    }
  })

  for (const key of [
    'group.id',
    'enable.auto.commit',
    'enable.auto.offset.store',
    'rebalance_cb',
    'offset_commit_cb',
    'bootstrap.servers',
    'client.id',
    'auto.offset.reset',
    'group.protocol',
  ]) {
    it(`refuses librdkafka's ${key}, which belongs to Pyrallel`, () => {
      const [mistake = ''] = mistakesOf({ group: 'a', kafka: { librdkafka: { [key]: 'x' } } })
      assert.ok(mistake.includes(`option kafka.librdkafka['${key}'] belongs to Pyrallel: `), mistake)
    })
  }

  it('hands other settings of librdkafka on as they are', () => {
    const librdkafka = { 'security.protocol': 'sasl_ssl', 'sasl.password': 'hunter2', 'fetch.min.bytes': 1 }
    assert.deepEqual(resolveConfig({ group: 'a', kafka: { librdkafka } }, 'x').kafka.librdkafka, librdkafka)
  })

  it('never shows a secret, wherever it was written', () => {
    for (const config of [
      { kafka: { librdkafka: { 'sasl.password': 'hunter2', broken: {} } } },
      { kafka: { password: 'hunter2' } },
      { apiToken: 'hunter2' },
    ]) {
      const text = mistakesOf({ group: 'a', ...config }).join('\n')
      assert.ok(text.includes('(hidden)'), text)
      assert.ok(!text.includes('hunter2'), text)
    }
  })

  it('shows nothing of what should be settings of librdkafka and is no object', () => {
    for (const [librdkafka, shown] of [
      ['{"sasl.password":"hunter2"', 'a text that is not JSON'],
      ['sasl.password=hunter2', 'a text that is not JSON'],
      ['"hunter2"', 'a text'],
      [['sasl.password=hunter2'], 'a list'],
    ] as const) {
      const [mistake = ''] = mistakesOf({ group: 'a', kafka: { librdkafka } })
      assert.ok(mistake.includes(`option kafka.librdkafka is ${shown}, but must be names of librdkafka`), mistake)
      assert.doesNotMatch(mistake, /hunter2/)
    }
  })

  it('takes no user or password in an address, and shows none', () => {
    for (const [kafka, option] of [
      [{ brokers: ['alice:hunter2@k1:9092'] }, 'kafka.brokers'],
      [{ brokers: ['hunter2@k1:9092'] }, 'kafka.brokers'],
      [{ brokers: 'alice:hunter2@k1:9092' }, 'kafka.brokers'],
      [
        { security: { sasl: { tokenEndpoint: 'https://alice:hunter2@idp/token' } } },
        'kafka.security.sasl.tokenEndpoint',
      ],
    ] as const) {
      const [mistake = ''] = mistakesOf({ group: 'a', kafka })
      assert.ok(mistake.includes(`option ${option} is `) && mistake.includes('(hidden)'), mistake)
      assert.doesNotMatch(mistake, /hunter2/)
    }
  })

  it('does not show what may be a secret under a name that is misspelt', () => {
    for (const [config, shown] of [
      [{ kafka: { security: { sasl: { pasword: 'hunter2' } } } }, '(hidden)'],
      [{ kafka: { security: { pasphrase: 4711 } } }, '(hidden)'],
      [{ kafka: { pwd: 'hunter2' } }, '(hidden)'],
      [{ kafak: { security: { sasl: { pasword: 'hunter2' } } } }, 'an object'],
      [{ pwds: ['hunter2'] }, '(hidden)'],
    ] as const) {
      const text = mistakesOf({ group: 'a', ...config }).join('\n')
      assert.ok(text.includes(`(its value is ${shown})`), text)
      assert.doesNotMatch(text, /hunter2|4711/)
    }
  })
})

describe('the reference of the options', () => {
  it('tells of every option what it does, its default, its range, and what gets worse', () => {
    const rows = optionRows(configSchema)
    assert.equal(rows.length, 91)
    for (const row of rows) {
      for (const part of [row.what, row.range, row.worse, row.standard]) assert.ok(part.length > 0, row.name)
      assert.match(row.what, /\.$/, row.name)
      assert.match(row.worse, /\.$/, row.name)
    }
  })

  it('shows defaults as one writes them', () => {
    const standards = new Map(optionRows(configSchema).map(({ name, standard }) => [name, standard]))
    assert.equal(standards.get('group'), 'required')
    assert.equal(standards.get('kafka.instanceId'), 'none')
    assert.equal(standards.get('commit.minInterval'), "'100ms'")
    assert.equal(standards.get('limits.maxRecords'), '50000')
  })
})
