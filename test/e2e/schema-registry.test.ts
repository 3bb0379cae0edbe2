/** A real schema registry: what the client reads of it, and what becomes of that while it is away. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { main } from '../../cli/main.ts'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { schemaRegistrySuite } from '../contract/schema-registry.suite.ts'
import { projectFolder, testIo } from '../unit/cli/test-io.ts'
import { type RegistryProcess, startRegistry } from './registry-harness.ts'
import { registryProblem } from './registry-jars.mjs'

const problem = registryProblem()
let registry: RegistryProcess
before(async () => {
  if (problem === undefined) registry = await startRegistry()
})
after(() => registry?.stop())

function connect(requestTimeoutMs = 10_000) {
  const settings = { ...configDefaults.registry, url: registry.url, requestTimeoutMs }
  const client = connectRegistry(settings, systemClock(), Math.random)
  after(() => client.close())
  return client
}

const money = '{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"}]}'
const invoice = '{"type":"record","name":"Invoice","namespace":"shop","fields":[{"name":"total","type":"shop.Money"}]}'
const proto = 'syntax = "proto3";\npackage shop;\n\nmessage Order {\n  string id = 1;\n}\n'

describe('the client of a registry', { skip: problem ?? false }, () => {
  it('reads schemas of each format by id and by subject, with what they name', async () => {
    await registry.register('money', { schema: money })
    const references = [{ name: 'shop.Money', subject: 'money', version: 1 }]
    const id = await registry.register('invoices-value', { schema: invoice, references })
    const protoId = await registry.register('orders-value', { schema: proto, schemaType: 'PROTOBUF' })
    const jsonId = await registry.register('users-value', {
      schema: '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}',
      schemaType: 'JSON',
    })

    const client = connect()
    const latest = await client.latest('invoices-value')
    assert.deepEqual(latest, {
      subject: 'invoices-value',
      version: 1,
      id,
      format: 'avro',
      text: invoice,
      guid: null,
      references: [{ name: 'shop.Money', subject: 'money', version: 1, text: money }],
      rules: [],
    })
    const { text, references: named } = await client.byId(id)
    assert.deepEqual([text, named], [latest.text, latest.references])
    assert.deepEqual(
      [(await client.byId(protoId)).format, (await client.byId(protoId)).text, (await client.byId(jsonId)).format],
      ['protobuf', proto, 'json-schema'],
    )
    for (const subject of ['invoices-value', 'money', 'orders-value', 'users-value']) {
      assert.ok((await client.subjects()).includes(subject))
    }
  })

  it('tells what the registry does not know from an address that is wrong', async () => {
    const client = connect()
    await assert.rejects(client.byId(99_999), { code: 'PYR_SCHEMA_UNKNOWN', message: /no schema with id 99999/ })
    await assert.rejects(client.latest('nothing'), { code: 'PYR_SCHEMA_UNKNOWN', message: /no subject nothing/ })
    await assert.rejects(client.version('money', 7), { code: 'PYR_SCHEMA_UNKNOWN', message: /no version 7/ })
    const guid = '0f2a7c1e-6d5b-4c3a-9f8e-7d6c5b4a3f2e'
    await assert.rejects(client.byGuid(guid), {
      code: 'PYR_SCHEMA_UNKNOWN',
      message: /knows schemas by their ids only/,
    })
    const settings = { ...configDefaults.registry, url: new URL('/', registry.url).href }
    const elsewhere = connectRegistry(settings, systemClock(), Math.random)
    await assert.rejects(elsewhere.subjects(), { code: 'PYR_REGISTRY', message: /ends in \/apis\/ccompat\/v7/ })
    await assert.rejects(elsewhere.byGuid(guid), { code: 'PYR_REGISTRY', message: /ends in \/apis\/ccompat\/v7/ })
    elsewhere.close()
  })

  it('registers what it is given, knows it again, and hears what is not compatible', async () => {
    const client = connect()
    const order = (type: string, required: readonly string[]) => ({
      format: 'json-schema' as const,
      text: JSON.stringify({ type: 'object', properties: { id: { type } }, required, additionalProperties: false }),
    })
    const [first, other] = [order('string', ['id']), order('integer', ['id'])]
    assert.equal(await client.versionOf('pushed-value', first), undefined)
    assert.equal(await client.objections('pushed-value', first), undefined)
    const id = await client.register('pushed-value', first)
    assert.deepEqual(
      [await client.register('pushed-value', first), await client.versionOf('pushed-value', first)],
      [id, 1],
    )
    assert.equal(await client.versionOf('pushed-value', other), undefined)
    await registry.configure('pushed-value', 'BACKWARD')
    assert.deepEqual(await client.objections('pushed-value', order('string', [])), [])
    assert.notDeepEqual(await client.objections('pushed-value', other), [])
    await assert.rejects(client.register('pushed-value', other), { code: 'PYR_REGISTRY', message: /status 4(09|22)/ })
  })

  it('goes on with what it has while the registry is away, and asks again when that is back', async () => {
    const id = await registry.register('kept-value', { schema: '"string"' })
    const other = await registry.register('other-value', { schema: '"long"' })
    const client = connect(1_000)
    await client.byId(id)
    await registry.freeze()
    await assert.rejects(client.byId(other), { code: 'PYR_REGISTRY_UNREACHABLE', message: /no answer within/ })
    await registry.thaw()
    await registry.kill()
    await assert.rejects(client.byId(other), { code: 'PYR_REGISTRY_UNREACHABLE', message: /ECONN/ })
    assert.equal((await client.byId(id)).text, '"string"')
    await registry.start()
    assert.equal((await client.byId(other)).text, '"long"')
  })
})

describe('a real registry', { skip: problem ?? false }, () => {
  schemaRegistrySuite(() => registry.url)
})

const orders = (fields: string) => `{"type":"record","name":"Order","namespace":"shop","fields":[${fields}]}`
const id = '{"name":"id","type":"long"}'
const at = '{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}}'
const status = '{"name":"status","type":{"type":"enum","name":"Status","symbols":["NEW","PAID"]}}'

/** The types that a user's compiler sees. */
const use = `import { ordersAvroValue, type Order } from '../generated/registry/orders-avro-value.ts'

const order: Order = { id: 1n, at: 1_700_000_000_000, status: 'NEW', invoice: { total: { cents: 4n } } }
export const { format, id, references } = ordersAvroValue
export const status: 'NEW' | 'PAID' = order.status
// @ts-expect-error: a long is no number
export const wrong: Order = { ...order, id: 1 }
`

describe('pyrallel schemas', { skip: problem ?? false }, () => {
  it('pulls types that compile, offline afterwards, and says what the registry has become since', async () => {
    const subject = 'orders-avro-value'
    await registry.register('schemas-money', { schema: money })
    const toMoney = { name: 'shop.Money', subject: 'schemas-money', version: 1 }
    await registry.register('schemas-invoice', { schema: invoice, references: [toMoney] })
    const references = [{ name: 'shop.Invoice', subject: 'schemas-invoice', version: 1 }, toMoney]
    const first = orders(`${id},${at},${status},{"name":"invoice","type":"shop.Invoice"}`)
    const schemaId = await registry.register(subject, { schema: first, references })

    const project = projectFolder({
      'pyrallel.config.ts': `import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })\n`,
      'handlers/_use.ts': use,
      'tsconfig.json': JSON.stringify({
        compilerOptions: {
          module: 'nodenext',
          target: 'es2023',
          lib: ['es2023'],
          strict: true,
          noEmit: true,
          allowImportingTsExtensions: true,
          skipLibCheck: true,
          types: ['node'],
          typeRoots: [fileURLToPath(new URL('../../node_modules/@types', import.meta.url))],
        },
        files: ['handlers/_use.ts'],
      }),
    })
    const run = async (...argv: readonly string[]) => {
      const io = testIo(project, '', { PYRALLEL_REGISTRY_URL: registry.url })
      return { code: await main(['schemas', ...argv], io), out: io.out(), err: io.err() }
    }
    const pulled = await run('pull', subject)
    assert.equal(pulled.code, 0, pulled.err)
    assert.match(pulled.out, new RegExp(`generated/registry/${subject}\\.ts +version 1, id ${schemaId} +written`))
    const tsc = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url))
    const compiled = spawnSync(tsc, ['-p', project], { encoding: 'utf8' })
    assert.equal(compiled.status, 0, compiled.stdout)

    const path = join(project, `generated/registry/${subject}.ts`)
    const written = readFileSync(path, 'utf8')
    assert.match((await run('pull')).out, /unchanged/)
    assert.equal(readFileSync(path, 'utf8'), written)
    assert.deepEqual((await run('check')).code, 0)

    const wider = `${id},${at},${status},{"name":"note","type":"string"},{"name":"invoice","type":"shop.Invoice"}`
    await registry.register(subject, { schema: orders(wider), references })
    const moved = await run('check')
    assert.equal(moved.code, 0, moved.err)
    assert.match(moved.out, /! orders-avro-value +version 1, registry has 2 +moved on; what is written now can be read/)

    await registry.register(subject, { schema: orders(`{"name":"id","type":"string"},${at},${status}`) })
    const broken = await run('check')
    assert.equal(broken.code, 3, broken.err)
    assert.match(broken.out, /✗ .*registry has 3 +moved on; what is written now cannot be read/)
    assert.match(broken.out, / id is string now, and not long\n.* invoice is not written, and has no default/)
    assert.equal((await run('pull')).code, 0)
    assert.equal((await run('check', '--json')).code, 0)

    writeFileSync(path, readFileSync(path, 'utf8').replace('readonly id: string', 'readonly id: number'))
    const edited = await run('check')
    assert.deepEqual([edited.code, /not as it was pulled/.test(edited.out)], [3, true])
    await registry.remove(subject)
    const gone = await run('check', '--json')
    const [row] = JSON.parse(gone.out).schemas
    assert.deepEqual([gone.code, row.state, row.latest], [3, 'gone', null])
    const unknown = await run('pull')
    assert.equal(unknown.code, 1)
    assert.match(unknown.err, /PYR_SCHEMA_UNKNOWN\n {2}There is no subject orders-avro-value in the registry at /)
  })
  it('pulls JSON Schema, with what it refers to in other subjects', async () => {
    const draft = 'http://json-schema.org/draft-07/schema#'
    const line = { $schema: draft, title: 'Line', type: 'object', properties: { count: { type: 'integer' } } }
    const order = { $schema: draft, title: 'Order', type: 'object', properties: { line: { $ref: 'line.json' } } }
    await registry.register('line', { schemaType: 'JSON', schema: JSON.stringify(line) })
    const references = [{ name: 'line.json', subject: 'line', version: 1 }]
    await registry.register('json-value', { schemaType: 'JSON', schema: JSON.stringify(order), references })
    const project = projectFolder({
      'pyrallel.config.ts': `import { defineConfig } from 'pyrallel'
export default defineConfig({ group: 'shop', registry: { url: '${registry.url}' } })
`,
    })
    const io = testIo(project)
    assert.equal(await main(['schemas', 'pull', 'json-value'], io), 0, io.err())
    const written = readFileSync(join(project, 'generated/registry/json-value.ts'), 'utf8')
    assert.match(written, /export interface Order \{\n {2}readonly line\?: Line\n\}\n/)
    assert.match(written, /export interface Line \{\n {2}readonly count\?: Integer\n\}\n/)
  })
})
