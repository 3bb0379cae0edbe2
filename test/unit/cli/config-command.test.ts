/** `pyrallel config`, and the `.env` files behind it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { main } from '../../../cli/main.ts'
import { applyEnvironment, readEnvironment } from '../../../cli/project/environment.ts'
import { type ExplainedOption, explainConfig } from '../../../cli/project/explain.ts'
import { traceConfig } from '../../../framework/config/resolve-config.ts'
import { projectFolder, testIo } from './test-io.ts'

const secret = 'xyzzy-secret'

/** A project whose config needs no package. */
function aProject(config: object, files: Readonly<Record<string, string>> = {}): string {
  return projectFolder({
    'pyrallel.config.ts': `export default ${JSON.stringify(config)}\n`,
    ...files,
  })
}

afterEach(() => applyEnvironment({ env: {}, envFiles: new Map() }))

describe('the environment of a project', () => {
  const files = {
    '.env': 'A=env\nB=env\nC=env\nD=env\n',
    '.env.development': 'B=development\nC=development\nD=development\n',
    '.env.production': 'B=production\n',
    '.env.test': 'B=test\n',
    '.env.local': 'C=local\nD="local, # quoted"\n',
  }

  it('is the process, over .env.local, over .env of the mode, over .env', () => {
    const { mode, env, envFiles } = readEnvironment(aProject({}, files), { D: 'process' }, 'development')
    assert.equal(mode, 'development')
    assert.deepEqual([env.A, env.B, env.C, env.D], ['env', 'development', 'local', 'process'])
    assert.deepEqual(
      [...envFiles],
      [
        ['A', '.env'],
        ['B', '.env.development'],
        ['C', '.env.local'],
      ],
    )
  })

  it('is that of the mode which PYRALLEL_MODE names', () => {
    const { mode, env } = readEnvironment(aProject({}, files), { PYRALLEL_MODE: 'production' }, 'development')
    assert.equal(mode, 'production')
    assert.deepEqual([env.B, env.C], ['production', 'local'])
    assert.throws(() => readEnvironment('/', { PYRALLEL_MODE: 'prod' }, 'test'), {
      code: 'PYR_CONFIG_INVALID',
      message: "PYRALLEL_MODE is 'prod', but must be one of development, production, test.",
    })
  })

  it('is the same on every machine in tests: .env.local does not count', () => {
    const { env } = readEnvironment(aProject({}, files), {}, 'test')
    assert.deepEqual([env.B, env.C, env.D], ['test', 'env', 'env'])
  })

  it('begins with the first line of a file that has a byte order mark before it', () => {
    const { env } = readEnvironment(aProject({}, { '.env': '\ufeffA=1\nB=2\n' }), {}, 'development')
    assert.deepEqual([env.A, env.B], ['1', '2'])
  })

  it('is not read from a file in another encoding', () => {
    const root = aProject({})
    for (const [bytes, fault] of [
      [Buffer.from('\ufeffA=1\n', 'utf16le'), /^\.env is UTF-16, not UTF-8\. Save it as UTF-8/],
      [Buffer.from('A=1\n', 'utf16le'), /^\.env is UTF-16, not UTF-8/],
      [Buffer.from('A=caf\xe9\n', 'latin1'), /^\.env is not UTF-8/],
    ] as const) {
      writeFileSync(join(root, '.env'), bytes)
      assert.throws(() => readEnvironment(root, {}, 'development'), { code: 'PYR_CONFIG_LOAD', message: fault })
    }
  })

  it('takes no mode from a file, and says so where that would be another one', () => {
    const asked = (mode: string) => {
      const root = aProject({ group: 'a' }, { '.env': `PYRALLEL_MODE=${mode}\nA=1\n` })
      const { env, warnings, mode: counted } = readEnvironment(root, {}, 'development')
      return { mode: counted, set: env.PYRALLEL_MODE, a: env.A, warnings }
    }
    assert.deepEqual(asked('development'), { mode: 'development', set: undefined, a: '1', warnings: [] })
    const { mode, set, warnings } = asked('production')
    assert.deepEqual([mode, set], ['development', undefined])
    assert.match(
      warnings.join(),
      /^PYRALLEL_MODE in \.env \('production'\) does not count, .* Set it in the environment/,
    )
  })

  it('is nothing but the process where there is no file', () => {
    assert.deepEqual(readEnvironment(aProject({}), { A: '1' }, 'development').env, { A: '1' })
  })

  it('is set in the process, and taken back with the file, but never over what the process had', () => {
    const root = aProject({}, { '.env': 'PYR_TEST_ONE=1\nPYR_TEST_TWO=2\nPATH=none\n' })
    const path = process.env.PATH
    applyEnvironment(readEnvironment(root, process.env, 'development'))
    assert.deepEqual([process.env.PYR_TEST_ONE, process.env.PYR_TEST_TWO, process.env.PATH], ['1', '2', path])
    writeFileSync(join(root, '.env'), 'PYR_TEST_TWO=changed\n')
    applyEnvironment(readEnvironment(root, process.env, 'development'))
    assert.deepEqual([process.env.PYR_TEST_ONE, process.env.PYR_TEST_TWO], [undefined, 'changed'])
  })
})

describe('pyrallel config', () => {
  it('says what was written and does not count', async () => {
    const io = testIo(
      aProject({ group: 'a' }, { '.env': 'PYRALLEL_MODE=production\nPYRALLEL_HTTP_PORT=tcp://10.0.0.7:80\n' }),
    )
    assert.equal(await main(['config'], io), 0)
    assert.match(io.out(), /! PYRALLEL_MODE in \.env \('production'\) does not count/)
    assert.match(
      io.out(),
      /! PYRALLEL_HTTP_PORT: passed over, as Kubernetes sets them for a Service named pyrallel-http\./,
    )
  })

  const config = {
    group: 'shop',
    commit: { minInterval: '2s' },
    kafka: { security: { tls: true, sasl: { mechanism: 'PLAIN', username: 'u', password: secret } } },
    production: { limits: { maxRecords: 9 } },
  }

  async function run(root: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const io = testIo(root, '', env)
    const code = await main(['config', ...argv], io)
    return { code, out: io.out(), err: io.err() }
  }

  it('prints each value with where it was written', async () => {
    const root = aProject(config, { '.env': 'PYRALLEL_HTTP_PORT=81\n' })
    const { code, out, err } = await run(root, [], { PYRALLEL_LIMITS_MAX_BYTES: '4096' })
    assert.equal(code, 0, err)
    assert.match(out, /^mode development$/m)
    assert.match(out, /^group +'shop' +pyrallel\.config\.ts$/m)
    assert.match(out, /^commit\.minInterval +'2s' +pyrallel\.config\.ts$/m)
    assert.match(out, /^limits\.maxRecords +50000 +default$/m)
    assert.match(out, /^limits\.maxBytes +4096 +PYRALLEL_LIMITS_MAX_BYTES$/m)
    assert.match(out, /^http\.port +81 +PYRALLEL_HTTP_PORT in \.env$/m)
    assert.match(out, /^kafka\.instanceId +- +default$/m)
  })

  it('prints them as another mode has them', async () => {
    const { out } = await run(aProject(config), ['--mode', 'production'])
    assert.match(out, /^limits\.maxRecords +9 +pyrallel\.config\.ts \(production\)$/m)
  })

  it('marks what `start` would not see in production: it reads no .env file', async () => {
    const files = { '.env': 'PYRALLEL_HTTP_PORT=81\n', '.env.production': 'PYRALLEL_LIMITS_MAX_BYTES=4096\n' }
    const root = aProject(config, files)
    const env = { PYRALLEL_COMMIT_MIN_INTERVAL: '3s' }
    const { out } = await run(root, ['--mode', 'production'], env)
    assert.match(out, /^http\.port +81 +PYRALLEL_HTTP_PORT in \.env \(not read by `start`\)$/m)
    assert.match(out, /^! `start` reads no \.env file: in production, the platform must set what is marked\.$/m)
    // As `start` resolves it. What differs is marked, and nothing else is.
    const asStart = { mode: 'production', env } as const
    const started = explainConfig(traceConfig(config, 'pyrallel.config.ts', asStart), asStart)
    const shown: readonly ExplainedOption[] = JSON.parse(
      (await run(root, ['--mode', 'production', '--json'], env)).out,
    ).options
    const differing = shown.filter(({ value }, index) => value !== started[index]?.value)
    assert.deepEqual(
      shown.filter(({ isUnreadByStart }) => isUnreadByStart).map(({ option }) => option),
      ['limits.maxBytes', 'http.port'],
    )
    assert.deepEqual(
      differing.map(({ option }) => option),
      ['limits.maxBytes', 'http.port'],
    )
    assert.doesNotMatch((await run(root, [], env)).out, /`start`/)
  })

  for (const [retry, note] of [
    [{}, 'the delays between 28 attempts are 5m 10s to 10m 21s in all. An outage that lasts longer ends'],
    [{ attempts: 4, jitter: false }, 'the delays between 4 attempts are 1.4s in all. An outage'],
    [{ attempts: 3, backoff: 'fixed', min: '1h', max: '2h' }, 'the delays between 3 attempts are 1h to 2h in all. An'],
    [{ attempts: 1 }, 'a record that fails is given up at once.'],
    [{ attempts: 1, then: 'park' }, 'a record that fails is parked at once.'],
    [{ then: 'park-alone' }, 'in all. An outage that lasts longer parks records, until somebody or a limit decides.'],
  ] as const) {
    it(`says with --explain how long an outage may last before records are given up: ${note}`, async () => {
      const root = aProject({ group: 'shop', handlers: { retry } })
      const { out } = await run(root, ['--explain'])
      assert.ok(out.includes('  Together: ') && out.includes(note), out)
      const { options } = JSON.parse((await run(root, ['--json'])).out)
      const notes = options.flatMap((each: ExplainedOption) => (each.note === null ? [] : [each]))
      assert.deepEqual(
        notes.map(({ option }: ExplainedOption) => option),
        ['handlers.retry.attempts'],
      )
    })
  }

  it('says with --explain where exactly once is switched on, and what follows from it', async () => {
    const root = aProject({ group: 'shop', commit: { exactlyOnce: true, minInterval: '300ms' } })
    const { out } = await run(root, ['--explain'])
    const [, block = ''] = /\n(commit\.exactlyOnce .*?)\n\n/s.exec(out) ?? []
    assert.match(block, /^commit\.exactlyOnce +true +pyrallel\.config\.ts\n/)
    for (const part of [
      'only what is committed is read (isolation.level read_committed)',
      'stored with its offsets (commit.recovery metadata)',
      'within 300ms and the time of a commit',
      'limits.maxBytes (67,108,864 bytes)',
    ]) {
      assert.ok(block.includes(part), `${part}: ${block}`)
    }
    assert.ok(block.includes('runtime.publish'), block)
    const byVariable = await run(aProject({ group: 'shop' }), ['--explain'], { PYRALLEL_COMMIT_EXACTLY_ONCE: 'true' })
    assert.match(byVariable.out, /\ncommit\.exactlyOnce +true +PYRALLEL_COMMIT_EXACTLY_ONCE\n.*\n {2}Together: only/)
    const without = await run(aProject({ group: 'shop' }), ['--explain'])
    assert.doesNotMatch(without.out, /read_committed/)
  })

  it('explains each option with --explain', async () => {
    const { out } = await run(aProject(config), ['--explain'])
    assert.match(
      out,
      /limits\.maxRecords .*\n {2}The most records in memory .*\n {2}Allowed: a whole number from 1 .*\n {2}Variable: PYRALLEL_LIMITS_MAX_RECORDS\n/,
    )
  })

  it('says with --explain, and as JSON, what topics are written in, and loads no handler for it', async () => {
    const facts = "kind: 'pyrallel.schema', guid: '0f0e', fingerprint: ''"
    const files = {
      'handlers/pay.ts': "throw new Error('a handler was loaded')\n",
      'generated/formats.ts': `export const topicFormats = {
  raw: { values: 'bytes' },
  orders: {
    format: { kind: 'pyrallel.format', framing: 'header', schema: { ${facts}, format: 'protobuf', subject: 'orders-value', id: 7, text: '', message: 'shop.Order' } },
    keyFormat: { kind: 'pyrallel.format', schema: { ${facts}, format: 'avro', subject: 'orders-key', id: 9, text: '"long"' } },
  },
} as const
`,
    }
    const { out } = await run(aProject(config, files), ['--explain'])
    assert.match(
      out,
      /\ntopics with a format\n {2}orders: values in Protobuf: orders-value, id 7, message shop\.Order, published with its GUID in a header; keys in Avro: orders-key, id 9\n {2}raw: values are bytes\n/,
    )
    assert.doesNotMatch((await run(aProject(config, files), [])).out, /orders-value/)
    assert.deepEqual(JSON.parse((await run(aProject(config, files), ['--json'])).out).formats, [
      {
        topic: 'orders',
        values: {
          ...{ format: 'protobuf', subject: 'orders-value', id: 7, guid: '0f0e' },
          ...{ message: 'shop.Order', framing: 'header' },
        },
        keys: { format: 'avro', subject: 'orders-key', id: 9, guid: '0f0e', message: null, framing: 'id' },
      },
      { topic: 'raw', values: 'bytes', keys: null },
    ])
    const broken = await run(aProject(config, { 'generated/formats.ts': "import './registry/gone.ts'\n" }), [
      '--explain',
    ])
    assert.equal(broken.code, 0)
    assert.match(broken.out, /! generated\/formats\.ts .*gone\.ts/)
    assert.deepEqual(JSON.parse((await run(aProject(config), ['--json'])).out).formats, [])
  })

  it('prints one JSON document with --json', async () => {
    const { mode, options } = JSON.parse((await run(aProject(config), ['--json'])).out)
    assert.equal(mode, 'development')
    const tls = options.find(({ option }: { readonly option: string }) => option === 'kafka.security.tls')
    assert.deepEqual(
      [tls.value, tls.source, tls.variable],
      ['true', 'pyrallel.config.ts', 'PYRALLEL_KAFKA_SECURITY_TLS'],
    )
  })

  it('hides every secret, however it is printed and wherever it stands', async () => {
    const security = { tls: true, key: secret, cert: 'c', keyPassphrase: secret }
    const token = {
      mechanism: 'OAUTHBEARER',
      clientId: 'c',
      clientSecret: secret,
      tokenEndpoint: 'https://id',
    } as const
    const passthrough = { 'sasl.password': secret, 'ssl.key.pem': secret, 'fetch.min.bytes': 1 }
    for (const kafka of [config.kafka, { security }, { security: { sasl: token } }, { librdkafka: passthrough }]) {
      const root = aProject({ group: 'shop', kafka })
      for (const argv of [[], ['--explain'], ['--json']]) {
        const { code, out, err } = await run(root, argv)
        assert.equal(code, 0, err)
        assert.match(out, /\(hidden\)/)
        assert.ok(!(out + err).includes(secret), out)
      }
    }
  })

  it('hides what librdkafka is told of TLS and SASL, misspelt names too, but for what is known to be none', async () => {
    const librdkafka = {
      'sasl.pasword': secret,
      'ssl.kee.pem': secret,
      'sasl.mechanisms': 'PLAIN',
      'fetch.min.bytes': 1,
    }
    const { out } = await run(aProject({ group: 'shop', kafka: { librdkafka } }), [])
    const shown = '{"sasl.pasword":"(hidden)","ssl.kee.pem":"(hidden)","sasl.mechanisms":"PLAIN","fetch.min.bytes":1}'
    assert.ok(out.includes(shown), out)
  })

  it('says what is wrong instead, without the secrets', async () => {
    const { code, err } = await run(aProject({ ...config, limits: { maxRecords: 'x' } }), [])
    assert.equal(code, 1)
    assert.match(err, /PYR_CONFIG_INVALID\n {2}pyrallel\.config\.ts: option limits\.maxRecords is 'x'/)
    assert.ok(!err.includes(secret))
  })

  it('marks every option as secret whose name says so', () => {
    const around = { mode: 'test', env: {} } as const
    const names = explainConfig(traceConfig({ group: 'a' }, 'x', around), around).map(({ option }) => option)
    const secrets = names.filter((name) => /pass|secret|\.key$/i.test(name))
    assert.deepEqual(secrets, [
      'kafka.security.key',
      'kafka.security.keyPassphrase',
      'kafka.security.sasl.password',
      'kafka.security.sasl.clientSecret',
      'registry.auth.password',
      'registry.auth.clientSecret',
      'registry.tls.key',
      'registry.tls.keyPassphrase',
    ])
  })

  it('shows no secret of the registry', () => {
    const around = { mode: 'test', env: {} } as const
    const auth = { password: 'hunter2', token: 'hunter3', clientSecret: 'hunter4' }
    for (const [name, value] of Object.entries(auth)) {
      const registry = { auth: { [name]: value }, tls: { key: 'hunter5', keyPassphrase: 'hunter6' } }
      const explained = explainConfig(traceConfig({ group: 'a', registry }, 'x', around), around)
      assert.doesNotMatch(JSON.stringify(explained), /hunter/)
      assert.equal(explained.find(({ option }) => option === `registry.auth.${name}`)?.value, '(hidden)')
    }
  })
})
