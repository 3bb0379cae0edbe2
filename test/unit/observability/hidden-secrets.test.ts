/** What a log line shows of secrets: nothing, however they are spelt and wherever they stand. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLogger } from '../../../framework/observability/logger.ts'

/** Thirty ways to write it. */
const spellings = [
  ...['password', 'Password', 'PASSWD', 'db_password', 'pwd', 'passphrase', 'secret', 'clientSecret', 'client_secret'],
  ...['CLIENT-SECRET', 'aws_secret_access_key', 'token', 'accessToken', 'access_token', 'refreshToken', 'id_token'],
  ...['X-Auth-Token', 'Authorization', 'proxy-authorization', 'cookie', 'Set-Cookie', 'apiKey', 'api_key', 'X-Api-Key'],
  ...[
    'accessKeyId',
    'privateKey',
    'private_key',
    'credentials',
    'sasl.jaas.config',
    'ssl.key.password',
    'connectionString',
  ],
]
const value = 'hunter2-value'

function logged(write: (log: ReturnType<typeof createLogger>) => void, pretty = false): string {
  const lines: string[] = []
  write(createLogger({ level: 'info', pretty }, { write: (line) => lines.push(line) }))
  assert.equal(lines.length, 1)
  return lines.join('')
}

function nested(depth: number, inner: unknown): unknown {
  return depth === 0 ? inner : { below: nested(depth - 1, inner) }
}

describe('secrets in a log line', () => {
  assert.ok(spellings.length >= 30)
  const secrets = Object.fromEntries(spellings.map((name) => [name, value]))
  const places: readonly (readonly [where: string, write: Parameters<typeof logged>[0]])[] = [
    ['at the top', (log) => log.info(secrets, 'x')],
    ['five levels down', (log) => log.info({ a: nested(5, secrets) }, 'x')],
    ['fifty levels down', (log) => log.info({ a: nested(50, secrets) }, 'x')],
    ['in a list of a list', (log) => log.info({ a: [[secrets]] }, 'x')],
    ['as an object and not a text', (log) => log.info({ password: { is: value }, token: [value] }, 'x')],
    ['in what a child logger carries', (log) => log.child({ ...secrets, deep: secrets }).info('x')],
    [
      'in what a library has put beside an error',
      (log) => log.error({ err: Object.assign(new Error('x'), { config: { headers: secrets } }) }, 'x'),
    ],
    ['in an error that is logged by itself', (log) => log.error(Object.assign(new Error('x'), secrets))],
    [
      'in the cause of an error under another name',
      (log) => log.info({ why: new Error('x', { cause: Object.assign(new Error('y'), secrets) }) }, 'x'),
    ],
    ['in what toJSON makes', (log) => log.info({ a: { toJSON: () => secrets } }, 'x')],
    [
      'in an address',
      (log) => log.info({ url: `https://user:${value}@host/path`, list: [`kafka://${value}@h:1`] }, 'x'),
    ],
    ['in the sentence', (log) => log.info(`connecting to postgres://me:${value}@db/x`)],
    ['behind Bearer, in any text', (log) => log.info({ line: `authorization: bearer ${value}` }, `Bearer ${value}`)],
  ]
  for (const [where, write] of places) {
    it(`are hidden ${where}`, () => {
      for (const pretty of [false, true]) {
        const line = logged(write, pretty)
        assert.ok(!line.includes(value), line)
      }
    })
  }

  it('are hidden in every spelling by itself', () => {
    for (const name of spellings) {
      assert.equal(JSON.parse(logged((log) => log.info({ [name]: value }, 'x')))[name], '(hidden)', name)
    }
  })

  it('take nothing else along: what has another name is shown as it is', () => {
    const at = new Date(0)
    const fields = {
      key: 'k1',
      topic: 'orders',
      partition: 3,
      deep: { list: [1, 'a', null, true], at },
      mail: 'a@b.example',
    }
    const { level, time, msg, ...shown } = JSON.parse(logged((log) => log.info(fields, 'x')))
    assert.deepEqual(shown, { ...fields, deep: { ...fields.deep, at: at.toJSON() } })
  })

  it('leave errors as they were shown: type, message and stack, with causes', () => {
    const error = new TypeError('outer', { cause: new Error('inner') })
    const { err } = JSON.parse(logged((log) => log.error({ err: error, code: 5 }, 'x')))
    assert.deepEqual([err.type, err.message], ['TypeError', 'outer: inner'])
    assert.match(err.stack, /^TypeError: outer\n[\s\S]*caused by: Error: inner/)
  })
})

describe('a log line', () => {
  it('is written whatever is in it: circles, getters and toJSON that throw, bytes, names of prototypes', () => {
    const circle: Record<string, unknown> = { name: 'circle' }
    circle.self = circle
    const odd = {
      circle,
      bytes: Buffer.alloc(10),
      get bad(): unknown {
        throw new Error('getter')
      },
      json: {
        toJSON() {
          throw new Error('json')
        },
      },
      proto: JSON.parse('{"__proto__":{"a":1},"constructor":2}'),
      proxy: new Proxy({}, { ownKeys: () => assert.fail('a trap') }),
    }
    const line = JSON.parse(logged((log) => log.info(odd, 'x')))
    assert.deepEqual(
      [line.circle.self, line.bytes, line.bad, line.proto.constructor],
      ['[Circular]', '(10 bytes)', '(cannot be read)', 2],
    )
    assert.equal(line.msg, 'x')
  })

  it('is bounded: of 100,000 values and of 1,000 levels it shows some, and says so', () => {
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`n${index}`, index]))
    const line = logged((log) => log.info({ wide, list: new Array(100_000).fill(1), deep: nested(1_000, 1) }, 'x'))
    assert.ok(line.length < 100_000, String(line.length))
    assert.match(line, /more is not shown|…/)
    assert.match(
      logged((log) => log.info({ deep: nested(1_000, 1) }, 'x')),
      /\(too deep\)/,
    )
  })
})
