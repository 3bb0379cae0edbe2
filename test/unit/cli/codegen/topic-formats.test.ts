/** What is generated for topics whose values have a pulled schema, and what of them is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Parser } from '@asyncapi/parser'
import { generate } from '../../../../cli/codegen/generate.ts'
import { projectOnDisk } from './project-on-disk.ts'

const pulled = `import type { PulledSchema } from 'pyrallel'

export interface Order {
  readonly id: bigint
}

export const ordersValue: PulledSchema<Order> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-value',
  id: 7,
  guid: '89791762-2336-4186-9674-299b90a802e2',
  fingerprint: 'f00d',
  text: '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}',
}
`

const pulledJson = (schema: string, references = '') => `import type { PulledSchema } from 'pyrallel'

export interface Order {
  readonly id: string
}

export const ordersValue: PulledSchema<Order> = {
  kind: 'pyrallel.schema',
  format: 'json-schema',
  subject: 'orders-value',
  id: 7,
  guid: '89791762-2336-4186-9674-299b90a802e2',
  fingerprint: 'f00d',
  text: '${schema}',${references}
}
`

const pulledProtobuf = (text: string, message = 'shop.Order', references = '') =>
  pulledJson('', references)
    .replace("'json-schema'", "'protobuf'")
    .replace("text: ''", `text: ${JSON.stringify(text)},\n  message: '${message}'`)

/** Stands for a file that is not there. */
const none = ''

async function made(format: string, more = '', constant = pulled) {
  const book = `import { avro, jsonSchema, handler, protobuf, topic, Type } from 'pyrallel'
import { ordersValue } from '../generated/registry/orders-value.ts'

const orders = topic('orders', { format: ${format}${more} })
export default handler(orders, { engine: 'worker' }, () => {})
`
  const project = projectOnDisk({
    'handlers/book.ts': book,
    ...(constant !== none && { 'generated/registry/orders-value.ts': constant }),
  })
  const { files, diagnostics } = await generate(project, 'shop')
  const textOf = (path: string) => files.find((file) => file.path === path)?.content ?? ''
  return {
    textOf,
    diagnostics: diagnostics.map(({ code, message }) => `${code}: ${message}`),
    fixes: diagnostics.map(({ fix }) => fix),
  }
}

describe('a topic whose values are bytes', () => {
  it('has no schema, and nothing says that its type is none that JSON has', async () => {
    const book = `import { handler, topic } from 'pyrallel'
const orders = topic('orders', { values: 'bytes' })
export default handler(orders, { engine: 'worker' }, (record) => void record.value?.length)
`
    const { files, diagnostics } = await generate(projectOnDisk({ 'handlers/book.ts': book }), 'shop')
    assert.deepEqual(diagnostics, [])
    const textOf = (path: string) => files.find((file) => file.path === path)?.content ?? ''
    assert.match(textOf('generated/schemas.ts'), /topicSchemas = \{\}/)
    assert.doesNotMatch(textOf('generated/routes.ts'), /schema:/)
    const text = textOf('generated/asyncapi.json')
    const parsed = await new Parser().parse(text)
    assert.deepEqual(
      parsed.diagnostics.filter(({ severity }) => severity === 0),
      [],
    )
    const { value } = JSON.parse(text).channels.orders.messages
    assert.deepEqual([value.contentType, value.payload], ['application/octet-stream', undefined])
  })
})

describe('a topic with a format', () => {
  it('has the fingerprint of its pulled schema in the manifest, and no schema is derived', async () => {
    const { textOf, diagnostics } = await made(
      'avro(ordersValue, { tombstones: true })',
      ', key: (order) => String(order?.id)',
    )
    assert.deepEqual(diagnostics, [])
    const { topics, handlers } = JSON.parse(textOf('generated/manifest.json'))
    assert.deepEqual([topics[0].schema, handlers[0].schema], ['f00d', 'f00d'])
    assert.match(textOf('generated/schemas.ts'), /topicSchemas = \{\}/)
    assert.doesNotMatch(textOf('generated/routes.ts'), /schema:/)
    assert.doesNotMatch(textOf('generated/workers/book.ts'), /schema:/)
  })

  it('says in asyncapi.json what its values are and where their schema is', async () => {
    const text = (await made('avro(ordersValue)')).textOf('generated/asyncapi.json')
    const { diagnostics } = await new Parser().parse(text)
    assert.deepEqual(
      diagnostics.filter(({ severity }) => severity === 0),
      [],
    )
    const { value } = JSON.parse(text).channels.orders.messages
    assert.deepEqual(value, {
      name: 'orders',
      contentType: 'application/vnd.apache.avro',
      description: 'Its schema is orders-value in the schema registry.',
      bindings: {
        kafka: {
          key: { type: 'string' },
          bindingVersion: '0.5.0',
          schemaIdLocation: 'payload',
          schemaIdPayloadEncoding: 'confluent',
        },
      },
    })
  })

  it('may be one of JSON Schema, whose values are JSON behind an id', async () => {
    const { textOf, diagnostics } = await made('jsonSchema(ordersValue)', '', pulledJson('{"type":"object"}'))
    assert.deepEqual(diagnostics, [])
    const { topics } = JSON.parse(textOf('generated/manifest.json'))
    assert.equal(topics[0].schema, 'f00d')
    const { value } = JSON.parse(textOf('generated/asyncapi.json')).channels.orders.messages
    assert.equal(value.contentType, 'application/json')
    assert.equal(value.description, 'Its schema is orders-value in the schema registry.')
    assert.equal(value.bindings.kafka.schemaIdPayloadEncoding, 'confluent')
  })

  it('may be one of Protobuf, whose schema and message are told', async () => {
    const text = 'syntax = "proto3"; package shop; message Order { int64 id = 1; }'
    const constant = pulled
      .replace("'avro'", "'protobuf'")
      .replace(/text: .*/, `text: ${JSON.stringify(text)},\n  message: 'shop.Order',`)
    const { textOf, diagnostics } = await made('protobuf(ordersValue)', '', constant)
    assert.deepEqual(diagnostics, [])
    const { topics } = JSON.parse(textOf('generated/manifest.json'))
    assert.equal(topics[0].schema, 'f00d')
    const document = textOf('generated/asyncapi.json')
    const found = (await new Parser().parse(document)).diagnostics
    assert.deepEqual(
      found.filter(({ severity }) => severity === 0),
      [],
    )
    const { value } = JSON.parse(document).channels.orders.messages
    assert.equal(value.contentType, 'application/vnd.google.protobuf')
    assert.equal(value.description, 'Its schema is orders-value in the schema registry, message shop.Order.')
    assert.deepEqual(value.payload, { schemaFormat: 'application/vnd.google.protobuf;version=3', schema: text })
    assert.equal(value.bindings.kafka.schemaIdPayloadEncoding, 'confluent')
    const record = await made("protobuf(ordersValue, { subjects: 'record' })", '', constant)
    assert.match(record.diagnostics.join(), /have the schema of shop\.Order by subjects: 'record'/)
  })

  it('is refused in words where its JSON Schema says what is not read here', async () => {
    const dynamic = await made('jsonSchema(ordersValue)', '', pulledJson('{"items":{"$dynamicRef":"#node"}}'))
    assert.match(
      dynamic.diagnostics.join(),
      /^PYR_SCHEMA_REFUSED: The values of the topic cannot be checked: #\/items has \$dynamicRef/,
    )
    const reference = `
  references: [
    {
      name: 'customer.json',
      subject: 'customer',
      version: 1,
      text: '{"type":"string"}',
    },
  ],`
    const named = await made('jsonSchema(ordersValue)', '', pulledJson('{"$ref":"customer.json"}', reference))
    assert.deepEqual(named.diagnostics, [])
    const absent = await made('jsonSchema(ordersValue)', '', pulledJson('{"$ref":"customer.json"}'))
    assert.match(absent.diagnostics.join(), /# names customer\.json, which is not among its references/)
  })

  it('is refused where its Avro is none, as after an edit by hand', async () => {
    const broken = (text: string) => {
      const constant = pulledJson(text).replace("'json-schema'", "'avro'")
      return made('avro(ordersValue)', '', constant)
    }
    assert.deepEqual((await broken('{"type":"array","items":"long"}')).diagnostics, [])
    assert.match(
      (await broken('{"type":"array","items":"lung"}')).diagnostics.join(),
      /^PYR_SCHEMA_REFUSED: The values of the topic cannot be read: .*lung/,
    )
  })

  it('is refused where its Protobuf cannot be used, with the line, the file, and how to get another', async () => {
    const whole = 'syntax = "proto3";\npackage shop;\nmessage Order { int64 id = 1; }\n'
    const found = (text: string, message?: string, references?: string) =>
      made('protobuf(ordersValue)', '', pulledProtobuf(text, message, references))
    assert.deepEqual((await found(whole)).diagnostics, [])
    const place = /\(generated\/registry\/orders-value\.ts:14\)\.$/.source
    for (const [text, why] of [
      [whole.replace('id = 1', 'id'), /line 3: ";" stands where "=" is wanted/],
      [whole.slice(0, 45), /line 3: the end of the text stands where .* is wanted/],
      [whole.replace('int64', 'Line'), /field shop\.Order\.id has a type "Line" that is defined nowhere/],
      ['', /it defines no message "shop\.Order"/],
    ] as const) {
      const { diagnostics, fixes } = await found(text)
      assert.match(
        diagnostics.join('\n'),
        new RegExp(`^PYR_SCHEMA_REFUSED: The values of the topic cannot be read: ${why.source} ${place}`),
      )
      assert.deepEqual(fixes, ['Pull it again: pyrallel schemas pull orders-value.'])
    }
    assert.match((await found(whole, 'shop.Other')).diagnostics.join(), /it defines no message "shop\.Other"/)
    const line = `syntax = "proto3"; import "line.proto"; message Order { Line line = 1; }`
    const reference = (text: string) => `
  references: [{ name: 'line.proto', subject: 'line', version: 1, text: '${text}' }],`
    const named = await found(line, 'Order', reference('syntax = "proto3"; message Line {}'))
    assert.deepEqual(named.diagnostics, [])
    const cut = await found(line, 'Order', reference('syntax = "proto3"; message Line {'))
    assert.match(cut.diagnostics.join(), /cannot be read: in "line\.proto", line 1: the end of the text/)
    const ofKey = await made(
      'jsonSchema(ordersValue)',
      ', keyFormat: protobuf(ordersValue)',
      pulledProtobuf('message Order {'),
    )
    assert.match(ofKey.diagnostics.join('\n'), /The keys of the topic cannot be read: line 1: a field of proto2/)
  })

  it('is refused where the schema is of another format, or has no text', async () => {
    const other = await made('protobuf(ordersValue)')
    assert.match(
      other.diagnostics.join(),
      /^PYR_SCHEMA_REFUSED: The values of the topic have a schema of Avro, and are declared as Protobuf /,
    )
    assert.match(other.fixes.join(), /^Write `avro\(\.\.\.\)`, or pull the subject/)
    const empty = await made('avro(ordersValue)', '', pulled.replace(/ {2}text: .*\n/, ''))
    assert.match(empty.diagnostics.join(), /cannot be read: the schema has no text \(generated\/registry/)
  })

  it('is refused where the file of its schema is missing, or was cut, and is pulled then', async () => {
    const missing = await made('avro(ordersValue)', '', none)
    assert.match(missing.diagnostics.join(), /^PYR_HANDLER_STATIC: The import of .* leads nowhere/)
    assert.match(missing.fixes.join(), /^Pull the schema \(pyrallel schemas pull orders-value\), or correct the path\./)
    const blank = await made('avro(ordersValue)', '', '\n')
    assert.match(blank.diagnostics.join(), /exports no `ordersValue`/)
    assert.match(blank.fixes.join(), /or pull the schema again: pyrallel schemas pull orders-value\.$/)
    const cut = await made('avro(ordersValue)', '', pulled.slice(0, -20))
    assert.match(cut.diagnostics.join(), /^PYR_SYNTAX: /)
    assert.match(cut.fixes.join(), /^Pull the schema again: pyrallel schemas pull orders-value\./)
    const text = await made('jsonSchema(ordersValue)', '', pulledJson('{"type":"obj'))
    assert.match(text.diagnostics.join(), /cannot be checked: the schema is no JSON/)
    assert.deepEqual(text.fixes, ['Pull it again: pyrallel schemas pull orders-value.'])
  })

  it('says where its framing puts what names the schema', async () => {
    const kafkaOf = async (framing: string) => {
      const { textOf } = await made(`avro(ordersValue, { framing: '${framing}' })`)
      return JSON.parse(textOf('generated/asyncapi.json')).channels.orders.messages.value.bindings.kafka
    }
    const inHeader = await kafkaOf('header')
    assert.deepEqual([inHeader.schemaIdLocation, inHeader.schemaIdPayloadEncoding], ['header', undefined])
    const inFront = await kafkaOf('guid')
    assert.deepEqual([inFront.schemaIdLocation, inFront.schemaIdPayloadEncoding], ['payload', undefined])
  })

  it('is refused where its rule for subjects says that the schema is of another', async () => {
    assert.deepEqual((await made(`avro(ordersValue, { subjects: 'topic' })`)).diagnostics, [])
    const record = await made(`avro(ordersValue, { subjects: 'record' })`)
    assert.match(
      record.diagnostics.join(),
      /^PYR_TOPIC_TYPE: The values of orders have the schema of Order by subjects: 'record', and this is the one of orders-value/,
    )
  })

  it('may be one of keys, whose fingerprint stands in the manifest, and whose place in asyncapi.json', async () => {
    const computed = await made('avro(ordersValue)', ', keyFormat: pick()')
    assert.match(
      computed.diagnostics.join(),
      /^PYR_HANDLER_STATIC: The format is computed at run time, but it must be readable without running code\.$/,
    )
    const { textOf, diagnostics } = await made(
      'avro(ordersValue)',
      ", keyFormat: avro(ordersValue, { framing: 'header' })",
    )
    assert.deepEqual(diagnostics, [])
    const [topic] = JSON.parse(textOf('generated/manifest.json')).topics
    assert.deepEqual([topic.schema, topic.keySchema], ['f00d', 'f00d'])
    const text = textOf('generated/asyncapi.json')
    const parsed = await new Parser().parse(text)
    assert.deepEqual(
      parsed.diagnostics.filter(({ severity }) => severity === 0),
      [],
    )
    assert.deepEqual(JSON.parse(text).channels.orders.messages.value.bindings.kafka.key, {
      description:
        'application/vnd.apache.avro. Its schema is orders-value in the schema registry. The header __key_schema_id names the schema.',
    })
  })

  it('is refused for keys where the schema is of another subject, has tombstones, or is not read here', async () => {
    const subject = await made('avro(ordersValue)', ", keyFormat: avro(ordersValue, { subjects: 'topic' })")
    assert.match(
      subject.diagnostics.join(),
      /^PYR_TOPIC_TYPE: The keys of orders have the schema of orders-key by subjects: 'topic', and this is the one of orders-value/,
    )
    const tombstones = await made('avro(ordersValue)', ', keyFormat: avro(ordersValue, { tombstones: true })')
    assert.match(tombstones.diagnostics.join(), /^PYR_TOPIC_TYPE: The keys of orders have tombstones/)
    const dynamic = pulledJson('{"items":{"$dynamicRef":"#node"}}')
    const unread = await made('jsonSchema(ordersValue)', ', keyFormat: jsonSchema(ordersValue)', dynamic)
    assert.match(unread.diagnostics.join('\n'), /PYR_SCHEMA_REFUSED: The keys of the topic cannot be checked: #\/items/)
  })

  it('of keys is one for all that declare the topic, and stands beside a type', async () => {
    const book = `import { avro, handler, topic } from 'pyrallel'
import { ordersValue } from '../generated/registry/orders-value.ts'
interface Order { readonly id: string }
const orders = topic<Order, { readonly id: bigint }>('orders', { keyFormat: avro(ordersValue) })
export default handler(orders, () => {})
`
    const again = `import { handler, topic } from 'pyrallel'
export default handler(topic<{ readonly id: string }>('orders'), { group: 'other' }, () => {})
`
    const project = (more: object) =>
      projectOnDisk({ 'handlers/book.ts': book, 'generated/registry/orders-value.ts': pulled, ...more })
    const { files, diagnostics } = await generate(project({}), 'shop')
    assert.deepEqual(diagnostics, [])
    const manifest = JSON.parse(files.find(({ path }) => path === 'generated/manifest.json')?.content ?? '')
    assert.equal(manifest.topics[0].keySchema, 'f00d')
    assert.match(manifest.topics[0].schema, /^[0-9a-f]{12}$/)
    const twice = await generate(project({ 'handlers/again.ts': again }), 'shop')
    assert.match(
      twice.diagnostics.map(({ message }) => message).join(),
      /The topic 'orders' is declared before \(handlers\/again\.ts:2\), with other keys/,
    )
  })

  it('is not passed over by a handler that only names its topic, which would make a dead letter of each record', async () => {
    const topics = (format: string, keys = '') => `import { avro, jsonSchema, topic } from 'pyrallel'
import { ordersValue } from './generated/registry/orders-value.ts'
export const orders = topic('orders', { ${format}${keys} })
export const bytes = topic('orders', { values: 'bytes' })
`
    const told = async (declared: string, read: string, constant = pulled) => {
      const project = projectOnDisk({
        'topics.ts': topics(declared),
        'generated/registry/orders-value.ts': constant,
        'handlers/book.ts': `import { batchHandler, handler, topic, Type } from 'pyrallel'
import { bytes, orders } from '../topics.ts'
export const written = orders
interface Order { readonly id: string }
export default ${read}
`,
      })
      const { diagnostics } = await generate(project, 'shop')
      return diagnostics.map(({ code, line, column, message, fix }) => `${line}:${column} ${code} ${message} ${fix}`)
    }
    const avro = 'format: avro(ordersValue)'
    assert.deepEqual(await told(avro, "handler('orders', () => {})"), [
      "5:24 PYR_TOPIC_TYPE The values of 'orders' have a format (topics.ts:3), and a handler that only names the topic reads JSON: each record would be a dead letter. Import the topic and give it to the handler, or declare one with `values: 'bytes'`.",
    ])
    for (const read of [
      "handler<Order>('orders', { engine: 'worker' }, () => {})",
      "batchHandler('orders', () => {})",
      "handler(['payments', 'orders'], () => {})",
      "handler('orders', { schema: Type.Object({}) }, () => {})",
    ]) {
      assert.match((await told(avro, read)).join(), /PYR_TOPIC_TYPE The values of 'orders' have a format/, read)
    }
    for (const read of ['handler(orders, () => {})', 'handler(bytes, () => {})', "handler('payments', () => {})"]) {
      assert.deepEqual(await told(avro, read), [], read)
    }
    const keys = await told('keyFormat: avro(ordersValue)', "handler<Order>('orders', () => {})")
    assert.match(keys.join(), /The keys of 'orders' have a format .* reads text: .* Import the topic/)
    // With the id in a header, the values are JSON for everybody.
    const inHeader = await told(
      "format: jsonSchema(ordersValue, { framing: 'header' })",
      "handler('orders', () => {})",
      pulledJson('{"type":"object"}'),
    )
    assert.deepEqual(inHeader, [])
  })

  it('is refused where it stands in a spread that only running the code could read, and warned of where it may', async () => {
    const project = (options: string, shared: string) =>
      projectOnDisk({
        'handlers/book.ts': `import { avro, handler, topic } from 'pyrallel'
import { ordersValue } from '../generated/registry/orders-value.ts'
import { shared } from '../shared.ts'
import { company } from '@company/topics'
const options = { ordersValue, shared, company }
export default handler(topic<{ readonly id: string }>('orders', ${options}), () => {})
`,
        'shared.ts': shared,
        'node_modules/@company/topics/package.json': '{ "name": "@company/topics", "exports": "./index.js" }',
        'node_modules/@company/topics/index.js': 'export const company = {}',
        'node_modules/@company/topics/index.d.ts': 'export declare const company: object',
        'generated/registry/orders-value.ts': pulled,
      })
    const made = `import { avro } from 'pyrallel'
import { ordersValue } from './generated/registry/orders-value.ts'
export function shared() { return { format: avro(ordersValue), keyFormat: avro(ordersValue) } }\n`
    const found = async (options: string, shared = made) => {
      const { diagnostics, warnings } = await generate(project(options, shared), 'shop')
      const shown = (list: typeof diagnostics) => list.map(({ line, message, fix }) => `${line} ${message} ${fix}`)
      return { refused: shown(diagnostics), warned: shown(warnings) }
    }
    const { refused } = await found('{ ...shared() }')
    assert.equal(refused.length, 2)
    assert.match(
      refused[0] ?? '',
      /^6 The option `format` of the topic is computed at run time here.* Write `format` below/,
    )
    assert.match(refused[1] ?? '', /^6 The option `keyFormat` of the topic is computed/)
    assert.equal((await found('shared()')).refused.length, 2)
    assert.match(
      (await found('{ get format() { return avro(ordersValue) } }')).refused.join(),
      /`format` .* is computed/,
    )
    const written = await found('{ ...shared(), format: avro(ordersValue), keyFormat: avro(ordersValue) }')
    assert.deepEqual(written, { refused: [], warned: [] })
    const other = 'export function shared() { return { key: () => null } }\n'
    assert.deepEqual(await found('{ ...shared() }', other), { refused: [], warned: [] })
    const { refused: none, warned } = await found('{ ...company }')
    assert.deepEqual(none, [])
    assert.equal(warned.length, 2)
    assert.match(warned[0] ?? '', /^6 The option `format` of the topic may be computed .* leave it as it is/)
  })

  it('may not have a schema beside it, nor be computed', async () => {
    const both = await made('avro(ordersValue)', ', schema: Type.Object({})')
    assert.match(both.diagnostics.join(), /^PYR_TOPIC_TYPE: The topic has a schema and a format/)
    const computed = await made('pick()', '') // `pick` is nobody's.
    assert.match(computed.diagnostics.join(), /^PYR_HANDLER_STATIC: The format is computed at run time/)
  })
})
