/** The registry's client: what it asks, what it keeps, what it tries again, and what it says of answers that are none. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import type { ErrorCode, PyrallelError } from '../../../framework/model/errors.ts'
import type { RegistrySettings } from '../../../framework/model/settings.ts'
import { connectRegistry } from '../../../framework/registry/registry-client.ts'
import type { SchemaRegistry } from '../../../framework/registry/schema-registry.ts'
import { systemClock } from '../../../framework/time/clock.ts'
import { makeCertificates } from '../../e2e/certificates.ts'
import { type Asked, listener, serve } from './registry-server.ts'

type Parts = Partial<Omit<RegistrySettings, 'auth' | 'tls'>> & {
  readonly auth?: RegistrySettings['auth']
  readonly tls?: Partial<RegistrySettings['tls']>
}

const clients: SchemaRegistry[] = []
after(() => {
  for (const client of clients) client.close()
})

/** Random numbers of 0: the delays between tries are half of what they may be. */
function connect({ auth = {}, tls = {}, ...rest }: Parts): SchemaRegistry {
  const settings = { ...configDefaults.registry, ...rest, auth, tls: { ...configDefaults.registry.tls, ...tls } }
  const client = connectRegistry(settings, systemClock(), () => 0)
  clients.push(client)
  return client
}

async function failure(promise: Promise<unknown>): Promise<PyrallelError> {
  const error = await promise.then(
    () => assert.fail('it was answered'),
    (thrown: unknown) => thrown as PyrallelError,
  )
  assert.equal(error.name, 'PyrallelError', String(error.stack))
  return error
}

async function fails(promise: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<PyrallelError> {
  const error = await failure(promise)
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return error
}

const order = '{"type":"record","name":"Order","namespace":"shop","fields":[]}'
const guid = '0f2a7c1e-6d5b-4c3a-9f8e-7d6c5b4a3f2e'
const unknown = { status: 404, json: { error_code: 40_403, message: 'Schema not found' } }

describe('what is asked', () => {
  it('a schema by its id, with its format and without references', async () => {
    const server = await serve(() => ({ json: { schema: order, schemaType: 'AVRO', guid: guid.toUpperCase() } }))
    assert.deepEqual(await connect({ url: `${server.url}/` }).byId(7), {
      format: 'avro',
      text: order,
      guid,
      references: [],
      rules: [],
    })
    assert.deepEqual(
      server.asked.map(({ method, path }) => `${method} ${path}`),
      ['GET /schemas/ids/7'],
    )
    assert.match(server.asked[0]?.headers.accept ?? '', /application\/vnd\.schemaregistry\.v1\+json/)
    assert.equal(server.asked[0]?.headers.authorization, undefined)
  })

  it('by its GUID, in small letters', async () => {
    const server = await serve(() => ({ json: { schema: '{}', schemaType: 'JSON' } }))
    const { format, guid: read } = await connect({ url: server.url }).byGuid(guid.toUpperCase())
    assert.deepEqual([format, read, server.asked[0]?.path], ['json-schema', guid, `/schemas/guids/${guid}`])
  })

  it('the latest version of a subject, whatever its name is made of, anew each time', async () => {
    const server = await serve(() => ({ json: { subject: ':.eu:a/b', version: 3, id: 9, schema: order } }))
    const client = connect({ url: `${server.url}/apis/ccompat/v7` })
    const { subject, version, id } = await client.latest(':.eu:a/b')
    assert.deepEqual([subject, version, id], [':.eu:a/b', 3, 9])
    await client.latest(':.eu:a/b')
    assert.deepEqual(
      server.asked.map(({ path }) => path),
      Array(2).fill('/apis/ccompat/v7/subjects/%3A.eu%3Aa%2Fb/versions/latest'),
    )
  })

  it('the subjects in the order of their names', async () => {
    const server = await serve(() => ({ json: ['b', 'a'] }))
    assert.deepEqual(await connect({ url: server.url }).subjects(), ['a', 'b'])
  })

  it('all that a schema names, each once, what is named before what names it', async () => {
    const named: Readonly<Record<string, readonly [string, readonly string[]]>> = {
      order: ['Order', ['customer', 'money']],
      customer: ['Customer', ['address']],
      money: ['Money', []],
      address: ['Address', ['money']],
    }
    const server = await serve(({ path }) => {
      const [, , subject = ''] = path.split('/')
      const [text, names] = named[subject] ?? ['', []]
      const references = names.map((name) => ({ name: `shop.${name}`, subject: name, version: 1 }))
      return { json: { subject, version: 1, id: 1, schema: text, references } }
    })
    const { references } = await connect({ url: server.url }).latest('order')
    assert.deepEqual(
      references.map(({ name, subject, version, text }) => [name, subject, version, text]),
      [
        ['shop.money', 'money', 1, 'Money'],
        ['shop.address', 'address', 1, 'Address'],
        ['shop.customer', 'customer', 1, 'Customer'],
      ],
    )
    assert.equal(server.asked.length, 4)
  })

  it('at most 1,000 schemas, one naming the next without an end', async () => {
    const server = await serve(({ path }) => {
      const [, , subject = ''] = path.split('/')
      const next = String(Number(subject) + 1)
      const references = [{ name: next, subject: next, version: 1 }]
      return { json: { subject, version: 1, id: 1, schema: subject, references } }
    })
    const asked = connect({ url: server.url }).latest('0')
    await fails(asked, 'PYR_REGISTRY', /names more than 1000 others/)
    assert.equal(server.asked.length, 1_001)
  })

  it('at most 1,000 schemas, one of them under ever new names', async () => {
    const server = await serve(({ path }) => {
      const [, , subject = ''] = path.split('/')
      const names = subject === '0' ? Array.from({ length: 2_000 }, (_, index) => `n${index}`) : []
      const references = names.map((name) => ({ name, subject: '1', version: 1 }))
      return { json: { subject, version: 1, id: 1, schema: subject, references } }
    })
    await fails(connect({ url: server.url }).latest('0'), 'PYR_REGISTRY', /names more than 1000 others/)
    assert.equal(server.asked.length, 1_001)
  })

  it('an end, of schemas that name each other', async () => {
    const server = await serve(({ path }) => {
      const [, , subject = ''] = path.split('/')
      const other = subject === 'a' ? 'b' : 'a'
      return {
        json: {
          subject,
          version: 1,
          id: 1,
          schema: subject,
          references: [{ name: other, subject: other, version: 1 }],
        },
      }
    })
    const { references } = await connect({ url: server.url }).latest('a')
    assert.deepEqual(
      references.map(({ name }) => name),
      ['a', 'b'],
    )
  })

  it('rules, but for those that are disabled', async () => {
    const ruleSet = {
      migrationRules: [{ name: 'rename', kind: 'TRANSFORM' }],
      domainRules: [{ name: 'encrypt' }, { name: 'old', disabled: true }, {}],
    }
    const server = await serve(() => ({ json: { schema: order, ruleSet } }))
    assert.deepEqual((await connect({ url: server.url }).byId(1)).rules, ['rename', 'encrypt', 'without a name'])
  })
})

describe('what is kept', () => {
  it('a schema that was asked for by id, also while it is asked for', async () => {
    const server = await serve(async ({ path }) => ({ json: { schema: path } }))
    const client = connect({ url: server.url })
    const answers = await Promise.all([client.byId(1), client.byId(1), client.byId(2)])
    assert.deepEqual(
      answers.map(({ text }) => text),
      ['/schemas/ids/1', '/schemas/ids/1', '/schemas/ids/2'],
    )
    await client.byId(1)
    assert.equal(server.asked.length, 2)
  })

  it('at most 1,000 schemas: those that were used last', async () => {
    const server = await serve(() => ({ json: { schema: order } }))
    const client = connect({ url: server.url })
    const ask = async (from: number, to: number) => {
      for (let id = from; id <= to; id++) await client.byId(id)
    }
    await ask(1, 1_000)
    await client.byId(1)
    await client.byId(1_001)
    assert.equal(server.asked.length, 1_001)
    await client.byId(1)
    assert.equal(server.asked.length, 1_001)
    await client.byId(2)
    assert.equal(server.asked.length, 1_002)
  })

  it('no error, so that it is asked again', async () => {
    let isThere = false
    const server = await serve(() => (isThere ? { json: { schema: order } } : unknown))
    const client = connect({ url: server.url })
    await fails(client.byId(4), 'PYR_SCHEMA_UNKNOWN', /^There is no schema with id 4 in the registry at http:/)
    isThere = true
    assert.equal((await client.byId(4)).text, order)
  })
})

describe('who asks', () => {
  it('shows a user and password', async () => {
    const server = await serve(() => ({ json: [] }))
    await connect({ url: server.url, auth: { username: 'ada', password: 'pä:ss' } }).subjects()
    const [, encoded = ''] = (server.asked[0]?.headers.authorization ?? '').split('Basic ')
    assert.equal(Buffer.from(encoded, 'base64').toString('utf8'), 'ada:pä:ss')
  })

  it('shows a token as it is', async () => {
    const server = await serve(() => ({ json: [] }))
    await connect({ url: server.url, auth: { token: 't-1' } }).subjects()
    assert.equal(server.asked[0]?.headers.authorization, 'Bearer t-1')
  })

  it('asks for a token once, and for another when that is refused', async () => {
    let given = 0
    const isToken = ({ path }: Asked) => path === '/token'
    const server = await serve((asked) => {
      if (isToken(asked)) return { json: { access_token: `t-${++given}`, expires_in: 3_600 } }
      return asked.headers.authorization === `Bearer t-${given}` && given !== 1
        ? { json: ['a'] }
        : { status: given === 1 ? 401 : 403, json: {} }
    })
    const auth = { clientId: 'me', clientSecret: 's&t', tokenEndpoint: `${server.url}/token`, scope: 'read' }
    const client = connect({ url: server.url, auth })
    assert.deepEqual(await client.subjects(), ['a'])
    assert.deepEqual(await client.subjects(), ['a'])
    const tokens = server.asked.filter(isToken)
    assert.equal(tokens.length, 2)
    assert.equal(tokens[0]?.body, 'grant_type=client_credentials&scope=read')
    const [, encoded = ''] = (tokens[0]?.headers.authorization ?? '').split('Basic ')
    assert.equal(Buffer.from(encoded, 'base64').toString('utf8'), 'me:s%26t')
  })

  it('is told that no token can be had, without the secret', async () => {
    const server = await serve(() => ({ status: 400, json: {} }))
    const auth = { clientId: 'me', clientSecret: 'hunter2', tokenEndpoint: `${server.url}/token` }
    const error = await fails(
      connect({ url: server.url, auth }).subjects(),
      'PYR_REGISTRY_REFUSED',
      /registry\.auth\.tokenEndpoint \(status 400\)/,
    )
    assert.doesNotMatch(error.message, /hunter2/)
  })

  it('is told that a password is refused, at once', async () => {
    const server = await serve(() => ({ status: 401, json: {} }))
    const client = connect({ url: server.url, auth: { username: 'ada', password: 'hunter2' } })
    const error = await fails(client.subjects(), 'PYR_REGISTRY_REFUSED', /status 401.*registry\.auth/)
    assert.doesNotMatch(error.message, /hunter2/)
    assert.equal(server.asked.length, 1)
  })

  it('may show a certificate, and believes that of the authority only', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pyrallel-registry-'))
    const { ca, server, client } = makeCertificates(folder)
    const read = (path: string) => readFileSync(path, 'utf8')
    const asked: Asked[] = []
    const registry = createServer(
      { cert: read(server.cert), key: read(server.key), ca: read(ca), requestCert: true },
      listener(() => ({ json: ['a'] }), asked),
    )
    try {
      await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
      const url = `https://127.0.0.1:${(registry.address() as AddressInfo).port}`
      const { cert, key } = client
      assert.deepEqual(await connect({ url, tls: { ca, cert, key: read(key) } }).subjects(), ['a'])
      await fails(connect({ url }).subjects(), 'PYR_REGISTRY_REFUSED', /No TLS connection to .*registry\.tls/)
      await fails(connect({ url, tls: { ca } }).subjects(), 'PYR_REGISTRY_REFUSED', /No TLS connection to /)
      assert.equal(asked.length, 1)
    } finally {
      registry.closeAllConnections()
      registry.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  for (const [parts, expected] of [
    [{}, /^registry\.url is missing\. Set it, or PYRALLEL_REGISTRY_URL\.$/],
    [
      { url: 'http://registry:8081', auth: { username: 'a', password: 'b' } },
      /^registry\.url begins with http: the password would go there in clear\./,
    ],
    [{ url: 'http://registry:8081', auth: { token: 'b' } }, /the token would go there in clear\./],
    [
      { url: 'https://r', auth: { clientId: 'a', clientSecret: 'b', tokenEndpoint: 'http://idp/t' } },
      /^registry\.auth\.tokenEndpoint begins with http/,
    ],
    [
      { url: 'https://r', auth: { username: 'a' } },
      /^registry\.auth\.password is missing, and registry\.auth\.username is set\. Set PYRALLEL_REGISTRY_AUTH_PASSWORD\.$/,
    ],
    [
      { url: 'https://r', auth: { clientId: 'a' } },
      /^registry\.auth\.clientSecret is missing.*\n.*tokenEndpoint is missing/,
    ],
    [{ url: 'https://r', tls: { cert: 'x' } }, /^registry\.tls\.key is missing/],
    [{ url: 'https://r', tls: { ca: '/nowhere/ca.pem' } }, /^option registry\.tls\.ca names a file .*ENOENT/],
  ] as const satisfies readonly (readonly [Parts, RegExp])[]) {
    it(`is told before anything is asked: ${expected.source}`, () => {
      assert.throws(() => connect(parts), { code: 'PYR_CONFIG_INVALID', message: expected })
    })
  }

  it('may send a password in clear where that is allowed', () => {
    const auth = { username: 'a', password: 'b' }
    assert.doesNotThrow(() => connect({ url: 'http://registry:8081', auth, allowPlaintext: true }))
  })
})

describe('what goes wrong', () => {
  for (const answer of [{ status: 503, json: {} }, { status: 429, json: {} }, 'cut'] as const) {
    it(`is tried three times: ${JSON.stringify(answer)}`, async () => {
      const server = await serve(() => answer)
      const error = await failure(connect({ url: server.url }).byId(1))
      assert.deepEqual([error.code, error.retriable], ['PYR_REGISTRY_UNREACHABLE', true])
      assert.equal(server.asked.length, 3)
    })
  }

  it('is not noticed when it is over by then', async () => {
    let left = 2
    const server = await serve(() => (left-- > 0 ? { status: 500, json: {} } : { json: { schema: order } }))
    assert.equal((await connect({ url: server.url }).byId(1)).text, order)
  })

  it('an answer that does not come in time', async () => {
    const server = await serve(() => 'hang')
    const asking = connect({ url: server.url, requestTimeoutMs: 50 }).byId(1)
    await fails(asking, 'PYR_REGISTRY_UNREACHABLE', /no answer within registry\.requestTimeout/)
  })

  it('nobody who listens at the address', async () => {
    const error = await fails(
      connect({ url: 'http://127.0.0.1:1' }).subjects(),
      'PYR_REGISTRY_UNREACHABLE',
      /^Nothing answers for the registry at http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\)/,
    )
    assert.equal(error.retriable, true)
  })

  for (const [answer, expected] of [
    [{ status: 404, text: '<html>' }, /is no registry\. Look at registry\.url: that of Apicurio ends in/],
    [{ status: 404, json: { error_code: 0, message: 'no such resource' } }, /does not know this question/],
    [{ status: 302, json: {}, headers: { location: '/login' } }, /status 302.*redirects are not followed/],
    [{ status: 200, text: '<html>' }, /is no JSON\./],
    [{ json: [1] }, /is not a schema\./],
    [{ json: { schema: order, references: [{ name: 'a' }] } }, /is not a schema that names another\./],
    [{ text: ' '.repeat(16 * 1_048_576 + 1) }, /is larger than 16777216 bytes/],
  ] as const) {
    it(`an answer that is none, told at once: ${expected.source}`, async () => {
      const server = await serve(() => answer)
      const error = await fails(connect({ url: server.url }).byId(1), 'PYR_REGISTRY', expected)
      assert.equal(error.retriable, false)
      assert.equal(server.asked.length, 1)
    })
  }

  it('a schema of another kind, which no later answer makes one', async () => {
    const server = await serve(() => ({ json: { schema: order, schemaType: 'XSD' } }))
    const expected = /^A schema in the registry at .* is one of XSD\. There are Avro, Protobuf and JSON Schema\./
    await fails(connect({ url: server.url }).byId(1), 'PYR_SCHEMA_REFUSED', expected)
  })

  it('a registry that knows no GUIDs has none of this name', async () => {
    const absent = { status: 404, json: { error_code: 0, message: 'no such resource' } }
    const server = await serve(({ path }) => (path === '/schemas/types' ? { json: ['AVRO'] } : absent))
    const expected = /^There is no schema with GUID 0f2a7c1e-.*, as it knows schemas by their ids only\./
    await fails(connect({ url: server.url }).byGuid(guid), 'PYR_SCHEMA_UNKNOWN', expected)
  })

  it('what knows neither GUIDs nor the kinds of schemas is no registry', async () => {
    const server = await serve(() => ({ status: 404, text: '<html>' }))
    await fails(connect({ url: server.url }).byGuid(guid), 'PYR_REGISTRY', /or is no registry\. Look at registry\.url/)
  })

  it('a version that is none', async () => {
    const server = await serve(() => ({ json: { schema: order, subject: 'a', version: 0, id: 1 } }))
    await fails(connect({ url: server.url }).latest('a'), 'PYR_REGISTRY', /is not a version of a subject/)
  })

  it('a GUID that is none counts as not given', async () => {
    const server = await serve(() => ({ json: { schema: order, guid: 'x' } }))
    assert.equal((await connect({ url: server.url }).byId(1)).guid, null)
  })

  for (const [code, ask, expected] of [
    [40_401, (client: SchemaRegistry) => client.latest('nope'), /^There is no subject nope in the registry at /],
    [40_402, (client: SchemaRegistry) => client.version('a', 3), /^There is no version 3 of the subject a in /],
    [40_403, (client: SchemaRegistry) => client.byGuid(guid), /^There is no schema with GUID 0f2a7c1e-/],
  ] as const) {
    it(`what the registry does not know, code ${code}`, async () => {
      const server = await serve(() => ({ status: 404, json: { error_code: code, message: 'no' } }))
      await fails(ask(connect({ url: server.url })), 'PYR_SCHEMA_UNKNOWN', expected)
      assert.equal(server.asked.length, 1)
    })
  }
})
