/** `pyrallel schemas`: what is written and what is not, where a registry, a disk or a project is not as one thinks. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { main } from '../../../../cli/main.ts'
import { type Answer, serve } from '../../registry/registry-server.ts'
import { projectFolder, testIo } from '../test-io.ts'

const config = "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })\n"

async function run(root: string, url: string | undefined, ...argv: readonly string[]) {
  const env = url === undefined ? {} : { PYRALLEL_REGISTRY_URL: url }
  const io = testIo(root, '', env)
  return { code: await main(['schemas', ...argv], io), out: io.out(), err: io.err() }
}

const aProject = () => projectFolder({ 'pyrallel.config.ts': config })

/** Each subject has one version, of the schema that is given. */
function registryOf(schemas: Readonly<Record<string, object | undefined>>) {
  return serve(({ path }): Answer => {
    if (path === '/subjects') return { json: Object.keys(schemas) }
    const [, , subject = ''] = path.split('/').map(decodeURIComponent)
    const parts = schemas[subject]
    if (parts === undefined) return { status: 404, json: { error_code: 40_401, message: 'no' } }
    return { json: { subject, version: 1, id: 5, schema: '"string"', ...parts } }
  })
}

describe('pyrallel schemas pull', () => {
  it('says what the registry has, where no subject was ever named', async () => {
    const { url } = await registryOf({ 'orders-value': {}, 'a-value': {} })
    const { code, err } = await run(aProject(), url, 'pull')
    assert.equal(code, 2)
    assert.match(err, /PYR_USAGE\n {2}Nothing was pulled before.*The registry has a-value, orders-value\./)
  })

  it('says what is missing, where the config has no registry', async () => {
    const { code, err } = await run(aProject(), undefined, 'pull', 'a')
    assert.equal(code, 1)
    assert.match(err, /PYR_CONFIG_INVALID\n {2}registry\.url is missing\. Set it, or PYRALLEL_REGISTRY_URL\./)
  })

  it('writes all or nothing, and tells every fault', async () => {
    const root = aProject()
    const { url } = await registryOf({
      'good-value': {},
      'ruled-value': { ruleSet: { domainRules: [{ name: 'mask' }] } },
    })
    const { code, err } = await run(root, url, 'pull', 'good-value', 'ruled-value', 'none-value')
    assert.equal(code, 1)
    assert.match(err, /PYR_SCHEMA_UNKNOWN\n {2}There is no subject none-value/)
    assert.match(err, /PYR_SCHEMA_REFUSED\n {2}The schema of ruled-value has rules \(mask\)/)
    assert.equal(existsSync(join(root, 'generated')), false)
  })

  it('says which subject was meant, where the registry does not have the one that was named', async () => {
    const root = aProject()
    const { url } = await registryOf({ 'orders-value': {}, 'orders-key': {}, 'shop.Bill': {} })
    for (const [asked, next] of [
      ['order-value', 'Did you mean "orders-value"?'],
      // Whoever thinks of the topic.
      ['orders', 'Did you mean "orders-value"?'],
      ['something-else', 'Known: orders-key, orders-value, shop.Bill.'],
    ] as const) {
      const { code, err } = await run(root, url, 'pull', asked)
      assert.equal(code, 1)
      assert.match(err, new RegExp(`PYR_SCHEMA_UNKNOWN\\n {2}There is no subject ${asked} in the registry at .*\\. `))
      assert.ok(err.includes(`. ${next}\n`), err)
    }
  })

  it('says so where records of the version before could not be read any more, and says nothing else', async () => {
    const record = (...fields: readonly object[]) =>
      JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'id', type: 'long' }, ...fields] })
    const message = (type: string) => `syntax = "proto3"; package shop; message Order { ${type} id = 1; }`
    for (const [schemaType, first, fine, broken, reason] of [
      [
        'AVRO',
        record(),
        record({ name: 'note', type: 'string', default: '' }),
        record({ name: 'currency', type: 'string' }),
        /\n {2}a: .*currency.*\n/,
      ],
      [
        'PROTOBUF',
        message('int64'),
        message('int64').replace('id', 'number'),
        message('sint64'),
        /\n {2}a: shop\.Order\.id \(1\) was written as /,
      ],
    ] as const) {
      const root = aProject()
      const versions: string[] = [first]
      const { url } = await serve(({ path }): Answer => {
        const asked = path.split('/').at(-1) ?? ''
        const version = asked === 'latest' ? versions.length : Number(asked)
        const schema = versions[version - 1]
        if (schema === '') return { status: 404, json: { error_code: 40_402 } }
        return { json: { subject: 'a', version, id: version, schemaType, schema } }
      })
      const warned = /a: what was written with version \d+ cannot be read with version \d+/
      assert.doesNotMatch((await run(root, url, 'pull', 'a')).out, warned)
      versions.push(fine)
      assert.doesNotMatch((await run(root, url, 'pull')).out, warned, schemaType)
      versions.push(broken)
      const { code, out } = await run(root, url, 'pull', '--json')
      const [{ unread }] = JSON.parse(out).schemas
      assert.deepEqual([code, unread.version, unread.reasons.length], [0, 2, 1])
      const file = join(root, 'generated/registry/a.ts')
      assert.doesNotMatch((await run(root, url, 'pull')).out, warned)
      writeFileSync(file, readFileSync(file, 'utf8').replace('version 3', 'version 2'))
      const again = await run(root, url, 'pull')
      assert.match(again.out, /a: what was written with version 2 cannot be read with version 3: such records would be/)
      assert.match(again.out, reason)
      // Deleted there: nobody can tell.
      versions[1] = ''
      writeFileSync(file, readFileSync(file, 'utf8').replace('version 3', 'version 2'))
      const gone = await run(root, url, 'pull')
      assert.deepEqual([gone.code, warned.test(gone.out)], [0, false])
    }
  })

  it('tells once that nobody answers, however many subjects are asked for', async () => {
    const { code, err } = await run(aProject(), 'http://127.0.0.1:1', 'pull', 'a', 'b', 'c')
    assert.equal(code, 1)
    assert.equal(err.split('PYR_REGISTRY_UNREACHABLE').length, 3, err)
  })

  it('names each subject once, and refuses two whose files would be one', async () => {
    const { url } = await registryOf({ a: {}, A: {} })
    const twice = await run(aProject(), url, 'pull', 'a', 'a', '--json')
    assert.equal(JSON.parse(twice.out).schemas.length, 1)
    const { code, err } = await run(aProject(), url, 'pull', 'a', 'A')
    assert.deepEqual([code, /A and a differ in capital letters only/.test(err)], [2, true], err)
  })

  it('leaves no part of a file where the folder cannot be written to, and what was there as it was', async () => {
    const root = aProject()
    const { url } = await registryOf({ a: {}, b: {} })
    await run(root, url, 'pull', 'a')
    const folder = join(root, 'generated/registry')
    const before = readFileSync(join(folder, 'a.ts'), 'utf8')
    // A folder where the file should go, as the superuser may write anywhere.
    mkdirSync(join(folder, 'b.ts'))
    const { code, err } = await run(root, url, 'pull', 'a', 'b')
    assert.equal(code, 1)
    assert.match(err, /PYR_WRITE\n {2}generated\/registry cannot be written to: E/)
    assert.deepEqual(readdirSync(folder).sort(), ['a.ts', 'b.ts'])
    assert.equal(readFileSync(join(folder, 'a.ts'), 'utf8'), before)
  })

  it('passes over what others have put into the folder', async () => {
    const root = aProject()
    const { url } = await registryOf({ a: {} })
    await run(root, url, 'pull', 'a')
    const folder = join(root, 'generated/registry')
    writeFileSync(join(folder, 'own.ts'), 'export const mine = 1\n')
    writeFileSync(join(folder, 'copy.ts'), readFileSync(join(folder, 'a.ts')))
    mkdirSync(join(folder, 'folder.ts'))
    const { code, out } = await run(root, url, 'pull', '--json')
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(out), {
      registry: url,
      schemas: [{ subject: 'a', version: 1, id: 5, path: 'generated/registry/a.ts', action: 'unchanged' }],
    })
  })
})

describe('pyrallel schemas pull, of Protobuf', () => {
  const schema = 'syntax = "proto3"; package shop; message Order { int64 id = 1; } message Bill { string no = 1; }'
  const parts = { schemaType: 'PROTOBUF', schema }
  const file = (root: string) => readFileSync(join(root, 'generated/registry/orders-value.ts'), 'utf8')

  it('takes the first message, and says which others there are', async () => {
    const root = aProject()
    const { url } = await registryOf({ 'orders-value': parts })
    const { code, out, err } = await run(root, url, 'pull', 'orders-value')
    assert.deepEqual([code, err], [0, ''])
    assert.equal(
      out,
      `${url}
  ✓ generated/registry/orders-value.ts  version 1, id 5, message shop.Order  written
orders-value also has shop.Bill. Where its values are not shop.Order: pyrallel schemas pull orders-value --message shop.Bill
`,
    )
    assert.match(file(root), /^export interface Order \{$/m)
  })

  it('keeps the message that was named once, and says so when it is gone', async () => {
    const root = aProject()
    const schemas: Record<string, object> = { 'orders-value': parts, 'other-value': {} }
    const { url } = await registryOf(schemas)
    const named = await run(root, url, 'pull', 'orders-value', '--message', 'shop.Bill')
    assert.equal(named.code, 0, named.err)
    assert.equal(
      named.out,
      `${url}\n  ✓ generated/registry/orders-value.ts  version 1, id 5, message shop.Bill  written\n`,
    )
    const before = file(root)
    const again = await run(root, url, 'pull', '--json')
    assert.deepEqual(JSON.parse(again.out).schemas, [
      {
        subject: 'orders-value',
        version: 1,
        id: 5,
        path: 'generated/registry/orders-value.ts',
        message: 'shop.Bill',
        action: 'unchanged',
      },
    ])
    schemas['orders-value'] = { ...parts, schema: 'syntax = "proto3"; package shop; message Order {}' }
    const gone = await run(root, url, 'pull')
    assert.equal(gone.code, 2)
    assert.match(gone.err, /PYR_USAGE\n {2}The schema of orders-value has no message shop\.Bill\. Known: shop\.Order\./)
    assert.equal(file(root), before)
  })

  it('takes a message for one subject only, and only of Protobuf', async () => {
    const root = aProject()
    const { url } = await registryOf({ 'orders-value': parts, 'other-value': {} })
    for (const subjects of [['orders-value', 'other-value'], []]) {
      const { code, err } = await run(root, url, 'pull', ...subjects, '--message', 'shop.Order')
      assert.deepEqual([code, /--message is for one subject: name it/.test(err)], [2, true], err)
    }
    const { code, err } = await run(root, url, 'pull', 'other-value', '--message', 'shop.Order')
    assert.deepEqual([code, /The schema of other-value is one of Avro/.test(err)], [2, true], err)
    assert.equal(existsSync(join(root, 'generated')), false)
  })
})

describe('types of a JSON Schema', () => {
  it('are what handlers are typed with: values are checked for what the schema says', async () => {
    const schema = {
      title: 'Order',
      type: 'object',
      required: ['id', 'count'],
      properties: {
        id: { type: 'string', pattern: '^o-[0-9]+$' },
        count: { type: 'integer', minimum: 1 },
        note: { type: ['string', 'null'], maxLength: 10 },
        lines: { type: 'array', items: { $ref: '#/$defs/line' }, maxItems: 5 },
      },
      $defs: { line: { type: 'object', properties: { price: { type: 'number', exclusiveMinimum: 0 } } } },
    }
    const root = projectFolder({
      'pyrallel.config.ts': config,
      'handlers/orders.ts': `import { handler, topic } from 'pyrallel'
import type { Order } from '../generated/registry/orders-value.ts'

const orders = topic<Order>('orders')
export default handler(orders, async () => {})
`,
    })
    const { url } = await registryOf({ 'orders-value': { schemaType: 'JSON', schema: JSON.stringify(schema) } })
    const pulled = await run(root, url, 'pull', 'orders-value')
    assert.equal(pulled.code, 0, pulled.err)
    const io = testIo(root)
    assert.equal(await main(['generate'], io), 0, io.err())
    const { components } = JSON.parse(readFileSync(join(root, 'generated/asyncapi.json'), 'utf8'))
    assert.deepEqual(components.schemas.Order.properties, {
      id: { type: 'string', pattern: '^o-[0-9]+$' },
      count: { type: 'number', minimum: 1, multipleOf: 1 },
      note: { anyOf: [{ type: 'string', maxLength: 10 }, { type: 'null' }] },
      lines: { type: 'array', items: { $ref: '#/components/schemas/Line' }, maxItems: 5 },
    })
  })
})

describe('pyrallel schemas check', () => {
  it('compares the types of JSON Schemas', async () => {
    const root = aProject()
    const versions = [{ type: 'string' }]
    const { url } = await serve(({ path }) => {
      const asked = path.split('/').at(-1) ?? ''
      const version = asked === 'latest' ? versions.length : Number(asked)
      const schema = JSON.stringify(versions[version - 1])
      return { json: { subject: 'a', version, id: version, schemaType: 'JSON', schema } }
    })
    await run(root, url, 'pull', 'a')
    versions.push({ type: 'string', $comment: 'the same type' } as never)
    assert.equal((await run(root, url, 'check')).code, 0)
    versions.push({ type: 'number' })
    const { code, out } = await run(root, url, 'check')
    assert.equal(code, 3)
    assert.match(out, /its types are others now: pull it, compile, and generate/)
  })

  it('compares the messages of Protobuf by the numbers of their fields, as values are read', async () => {
    const root = aProject()
    const head = 'syntax = "proto3"; package shop; message First {} '
    const versions = [`${head} message Order { int64 id = 1; }`]
    const { url } = await serve(({ path }) => {
      const asked = path.split('/').at(-1) ?? ''
      const version = asked === 'latest' ? versions.length : Number(asked)
      return { json: { subject: 'a', version, id: version, schemaType: 'PROTOBUF', schema: versions[version - 1] } }
    })
    await run(root, url, 'pull', 'a', '--message', 'shop.Order')
    const current = await run(root, url, 'check')
    assert.deepEqual([current.code, current.out], [0, `${url}\n  ✓ a  version 1  current\n`])
    versions.push('syntax = "proto3"; package shop; message Order { int64 number = 1; string note = 2; }')
    const moved = await run(root, url, 'check')
    assert.deepEqual([moved.code, /moved on; what is written now can be read/.test(moved.out)], [0, true], moved.out)
    for (const [version, expected] of [
      [`${head} message Order { sint64 id = 1; }`, 'shop.Order.id (1) was written as sint64, and int64 is wanted'],
      [`${head} message Bill {}`, 'it has no message shop.Order any more'],
    ] as const) {
      versions.push(version)
      const { code, out } = await run(root, url, 'check')
      assert.equal(code, 3)
      assert.ok(out.includes(`\n  a: ${expected}\n`), out)
    }
    const file = join(root, 'generated/registry/a.ts')
    writeFileSync(file, readFileSync(file, 'utf8').replace('message shop.Order', 'message shop.Gone'))
    assert.match((await run(root, url, 'check')).out, /the file is not as it was pulled/)
  })

  it('has nothing to say before anything was pulled', async () => {
    const { url } = await registryOf({})
    assert.deepEqual(await run(aProject(), url, 'check'), {
      code: 0,
      out: 'Nothing was pulled into generated/registry yet: pyrallel schemas pull <subject>\n',
      err: '',
    })
  })

  it('exits with 3 where the format has changed, or rules have come', async () => {
    const root = aProject()
    const versions: object[] = [{}]
    const { url } = await serve(({ path }) => {
      const asked = path.split('/').at(-1) ?? ''
      const version = asked === 'latest' ? versions.length : Number(asked)
      return { json: { subject: 'a', version, id: version, schema: '"string"', ...versions[version - 1] } }
    })
    await run(root, url, 'pull', 'a')
    for (const [parts, expected] of [
      [{ schemaType: 'PROTOBUF' }, /it is protobuf now, and not avro/],
      [{ ruleSet: { domainRules: [{ name: 'mask' }] } }, /it has rules now: mask/],
    ] as const) {
      versions.push(parts)
      const { code, out } = await run(root, url, 'check')
      assert.equal(code, 3)
      assert.match(out, expected)
    }
  })

  it('fails where the registry cannot be asked, and says nothing of the schemas', async () => {
    const root = aProject()
    const { url } = await registryOf({ a: {} })
    await run(root, url, 'pull', 'a')
    const { code, out, err } = await run(root, 'http://127.0.0.1:1', 'check', '--json')
    assert.deepEqual([code, out], [1, ''])
    assert.equal(JSON.parse(err).error.code, 'PYR_REGISTRY_UNREACHABLE')
  })
})

describe('pyrallel schemas push', () => {
  async function generated(): Promise<string> {
    const root = projectFolder({
      'pyrallel.config.ts': config,
      'handlers/orders.ts': `import { handler, topic } from 'pyrallel'
interface Order { id: string; total: number }
export default handler(topic<Order>('orders'), async () => {})
`,
      'handlers/other.ts': `import { handler } from 'pyrallel'
export default handler('untyped', async () => {})
`,
    })
    const io = testIo(root)
    assert.equal(await main(['generate'], io), 0, io.err())
    return root
  }

  /** What it has of orders-value: nothing, another schema that is compatible or not, or this very one. */
  function registryWith(has: 'nothing' | 'compatible' | 'incompatible' | 'same') {
    return serve(({ method, path }): Answer => {
      if (method !== 'POST') return { status: 404, json: { error_code: 40_401 } }
      if (path === '/subjects/orders-value/versions') return { json: { id: 12 } }
      if (path === '/subjects/orders-value') {
        if (has === 'same') return { json: { subject: 'orders-value', version: 3, id: 9, schema: '{}' } }
        return { status: 404, json: { error_code: has === 'nothing' ? 40_401 : 40_403 } }
      }
      if (has === 'nothing') return { status: 404, json: { error_code: 40_401 } }
      return { json: { is_compatible: has === 'compatible', messages: has === 'compatible' ? [] : ['total was text'] } }
    })
  }
  const registered = (asked: readonly { readonly path: string }[]) =>
    asked.filter(({ path }) => path === '/subjects/orders-value/versions').length

  it('registers a JSON Schema of each topic that has a type, and says under which id', async () => {
    const root = await generated()
    for (const has of ['nothing', 'compatible'] as const) {
      const { url, asked } = await registryWith(has)
      const { code, out, err } = await run(root, url, 'push')
      assert.equal(code, 0, err)
      assert.equal(out, `${url}\n  + orders-value  id 12  registered\n`)
      const { schemaType, schema } = JSON.parse(asked.at(-1)?.body ?? '')
      assert.equal(schemaType, 'JSON')
      assert.deepEqual(JSON.parse(schema).required, ['id', 'total'])
    }
  })

  it('only asks with --dry-run', async () => {
    const root = await generated()
    const { url, asked } = await registryWith('compatible')
    const { code, out } = await run(root, url, 'push', '--dry-run')
    assert.equal(code, 0)
    assert.match(
      out,
      /\+ orders-value {2}.*a new version, compatible\nNothing was registered: without --dry-run, it is\n$/,
    )
    const json = await run(root, url, 'push', '--dry-run', '--json')
    const wanted = { topic: 'orders', subject: 'orders-value', state: 'next', version: null, reasons: [], id: null }
    assert.deepEqual(JSON.parse(json.out), { registry: url, schemas: [wanted] })
    assert.equal(registered(asked), 0)
  })

  it('registers nothing, and says why, where one is not compatible', async () => {
    const { url, asked } = await registryWith('incompatible')
    const { code, out } = await run(await generated(), url, 'push')
    assert.equal(code, 3)
    assert.match(out, /✗ orders-value.*not compatible.*\n {2}orders-value: total was text\nNothing was registered\. /)
    assert.equal(registered(asked), 0)
  })

  it('leaves what the registry has as it is', async () => {
    const { url, asked } = await registryWith('same')
    const { code, out } = await run(await generated(), url, 'push')
    assert.deepEqual([code, out], [0, `${url}\n  · orders-value  version 3  registered already\n`])
    assert.equal(registered(asked), 0)
  })

  it('says what it cannot register', async () => {
    const root = await generated()
    const { url } = await registryWith('nothing')
    const untyped = await run(root, url, 'push', 'untyped')
    assert.deepEqual(
      [untyped.code, /Nothing is known of the values of untyped/.test(untyped.err)],
      [2, true],
      untyped.err,
    )
    const unknown = await run(root, url, 'push', 'order')
    assert.match(unknown.err, /No handler reads a topic order.* Did you mean "orders"\?/)
    const empty = await run(aProject(), url, 'push')
    assert.match(empty.out, /^No topic has a type of this project's own/)
  })

  it('passes on what the registry says against a schema', async () => {
    const { url } = await serve(({ path }): Answer => {
      if (path.endsWith('/versions')) return { status: 422, json: { error_code: 42_201, message: 'an empty schema' } }
      return { status: 404, json: { error_code: 40_401 } }
    })
    const { code, err } = await run(await generated(), url, 'push')
    assert.deepEqual(
      [code, /PYR_REGISTRY\n {2}The schema is refused by .*\(status 422\): an empty schema/.test(err)],
      [1, true],
      err,
    )
  })
})
