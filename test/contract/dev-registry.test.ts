/** The registry of a dev session: what every registry answers, and what only this one does. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { DevRegistry } from '../../cli/dev/registry/dev-registry.ts'
import { avro, type PulledSchema } from '../../framework/api/format.ts'
import { handler } from '../../framework/api/handler.ts'
import { topic } from '../../framework/api/topic.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { ResolvedHandler } from '../../framework/runtime/runtime.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { schemaRegistrySuite } from './schema-registry.suite.ts'

const config = resolveConfig({ group: 'shop' }, 'x')
const money = '{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"}]}'

function pulled(parts: Partial<PulledSchema<unknown>> = {}): PulledSchema<unknown> {
  const text = '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"total","type":"shop.Money"}]}'
  const references = [{ name: 'shop.Money', subject: 'money', version: 4, text: money }]
  const facts = { kind: 'pyrallel.schema', format: 'avro', guid: null, fingerprint: 'f00d' } as const
  return { ...facts, subject: 'orders-value', id: 17, text, references, ...parts }
}

function handlersOf(...schemas: readonly PulledSchema<unknown>[]): readonly ResolvedHandler[] {
  const registered = schemas.map((schema, index) => {
    const orders = topic(`orders-${index}`, { format: avro(schema) })
    const id = `orders-${index}`
    return { id, file: `handlers/${id}.ts`, topic: orders.name, group: null, handler: handler(orders, async () => {}) }
  })
  return resolveHandlers(registered, config)
}

describe('the registry of a dev session', () => {
  const registry = new DevRegistry()
  let url = ''
  before(async () => {
    url = (await registry.configFor(config, handlersOf(pulled()))).registry.url ?? ''
  })
  after(() => registry.close())

  schemaRegistrySuite(() => url)

  it('has what was pulled, under its own id, with what that names', async () => {
    const client = connectRegistry({ ...config.registry, url }, systemClock(), Math.random)
    const { text, references } = await client.byId(17)
    assert.deepEqual([text, references], [pulled().text, pulled().references])
    assert.equal((await client.latest('orders-value')).id, 17)
    assert.ok((await client.latest('suite-a')).id > 1_000_000, 'what is registered here takes no id of the real one')
    client.close()
  })

  it('says what it is', async () => {
    const answer = (await (await fetch(url)).json()) as Readonly<Record<string, string>>
    assert.match(answer.name ?? '', /the schema registry of a `pyrallel dev` session/)
  })

  const registered = async (
    subject: string,
    schemaType: string,
    schema: string,
    references: readonly object[] = [],
  ) => {
    const body = JSON.stringify({ schema, schemaType, references })
    const response = await fetch(`${url}/subjects/${subject}/versions`, { method: 'POST', body })
    return { status: response.status, answer: (await response.json()) as Readonly<Record<string, unknown>> }
  }

  it('takes no text that is no schema of its type, and says what is wrong with it', async () => {
    const proto = 'syntax = "proto3"; package shop; import "money.proto"; message Order { Money total = 1; }'
    for (const [type, text, message] of [
      ['PROTOBUF', 'syntax = "proto3"; message Order { int64 id = ; }', /^Invalid schema of type PROTOBUF: .*line 1/],
      [
        'PROTOBUF',
        'syntax = "proto3"; message Order { Money total = 1; }',
        /^Invalid schema of type PROTOBUF: .*Money/,
      ],
      ['PROTOBUF', proto, /money\.proto/],
      ['AVRO', '{"type":"recrod"}', /cannot be read/],
      ['JSON', '{"type":', /^Invalid schema of type JSON: .*JSON/],
      ['JSON', '"object"', /^Invalid schema of type JSON: # is neither an object nor a boolean$/],
      ['JSON', '{"type":"objekt"}', /^Invalid schema of type JSON: # has the type "objekt", which is none$/],
      ['JSON', '{"properties":{"id":{"items":"x"}}}', /: #\/properties\/id\/items is neither an object nor a boolean$/],
    ] as const) {
      const { status, answer } = await registered('wrong', type, text)
      assert.deepEqual([status, answer.error_code], [422, 42_201], text)
      assert.match(String(answer.message), message)
    }
    const { answer: none } = await registered('wrong', 'AVRO', '"string"')
    assert.equal(typeof none.id, 'number', 'nothing of it was kept')
  })

  it('takes schemas with what they name, and such as are only not read here', async () => {
    const money = 'syntax = "proto3"; package shop; message Money { int64 cents = 1; }'
    const order = 'syntax = "proto3"; package shop; import "money.proto"; message Order { Money total = 1; }'
    const references = [{ name: 'money.proto', subject: 'proto-money', version: 1 }]
    const list = 'syntax = "proto3"; package shop; import "order.proto"; message List { repeated Order orders = 1; }'
    const deep = [{ name: 'order.proto', subject: 'proto-order', version: 1 }]
    for (const [subject, type, text, named] of [
      ['proto-money', 'PROTOBUF', money, []],
      ['proto-order', 'PROTOBUF', order, references],
      ['proto-list', 'PROTOBUF', list, deep],
      ['json-dynamic', 'JSON', '{"$dynamicRef":"#node","type":["object","null"],"properties":{"id":true}}', []],
      ['json-true', 'JSON', 'true', []],
    ] as const) {
      const { answer } = await registered(subject, type, text, named)
      assert.equal(typeof answer.id, 'number', JSON.stringify(answer))
    }
  })

  it('answers no page of a browser, and nobody who asks for another host', async () => {
    const asked = (headers: Readonly<Record<string, string>>) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(`${url}/subjects`, { headers }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
          .on('error', reject)
          .end()
      })
    assert.equal(await asked({ origin: 'https://example.com' }), 403)
    assert.equal(await asked({ host: 'example.com' }), 403)
    assert.equal(await asked({}), 200)
  })
})

describe('a dev session', () => {
  it('has no registry where no handler needs one, or the config names one', async () => {
    const registry = new DevRegistry()
    const json = resolveHandlers(
      [{ id: 'a', file: 'handlers/a.ts', topic: 'a', group: null, handler: handler('a', async () => {}) }],
      config,
    )
    assert.equal(await registry.configFor(config, json), config)
    const own = resolveConfig({ group: 'shop', registry: { url: 'https://registry' } }, 'x')
    assert.equal(await registry.configFor(own, handlersOf(pulled())), own)
    assert.equal(registry.url, undefined)
    await registry.close()
  })

  it('has the schemas of topics that handlers only publish to', async () => {
    const registry = new DevRegistry()
    const [reads] = handlersOf(pulled({ id: 16 }))
    const [plain] = resolveHandlers(
      [{ id: 'a', file: 'handlers/a.ts', topic: 'a', group: null, handler: handler('a', async () => {}) }],
      config,
    )
    assert.ok(reads !== undefined && plain !== undefined)
    const topicFormats = { copies: { format: avro(pulled()) } }
    for (const [handlers, ids] of [
      [[{ ...plain, topicFormats }], [17]],
      [[{ ...reads, topicFormats }], [16, 17]],
    ] as const) {
      const { url } = (await registry.configFor(config, handlers)).registry
      const client = connectRegistry({ ...config.registry, url }, systemClock(), Math.random)
      for (const id of ids) assert.equal((await client.byId(id)).text, pulled().text)
      client.close()
    }
    await registry.close()
  })

  it('keeps its registry over reloads, and takes what is pulled meanwhile', async () => {
    const registry = new DevRegistry()
    const first = await registry.configFor(config, handlersOf(pulled()))
    const more = handlersOf(pulled(), pulled({ subject: 'new-value', id: 18, text: '"long"', references: [] }))
    const second = await registry.configFor(config, more)
    assert.deepEqual(second.registry, first.registry)
    const client = connectRegistry(second.registry, systemClock(), Math.random)
    assert.equal((await client.byId(18)).text, '"long"')
    client.close()
    await registry.close()
  })

  it('keeps the id free of a schema that nobody can use, for the one that mends it', async () => {
    const registry = new DevRegistry()
    const broken = pulled({ text: '"lon', references: [] })
    const { url } = (await registry.configFor(config, handlersOf(broken))).registry
    await registry.configFor(config, handlersOf(pulled()))
    const client = connectRegistry({ ...config.registry, url }, systemClock(), Math.random)
    assert.equal((await client.byId(17)).text, pulled().text)
    client.close()
    await registry.close()
  })

  it('refuses a schema that has changed under its id: values were written with the one before', async () => {
    const registry = new DevRegistry()
    await registry.configFor(config, handlersOf(pulled()))
    await assert.rejects(registry.configFor(config, handlersOf(pulled({ text: '"long"', references: [] }))), {
      code: 'PYR_SCHEMA_REFUSED',
      message:
        'The schema of orders-value has changed, and its id 17 has not: values of this session were written with the one before. Start `pyrallel dev` again; if the file was edited, pull it again before.',
    })
    await registry.close()
  })

  it('refuses schemas of two registries: one id would stand for both', async () => {
    const registry = new DevRegistry()
    const both = handlersOf(pulled(), pulled({ subject: 'other-value', text: '"long"', references: [] }))
    await assert.rejects(registry.configFor(config, both), {
      code: 'PYR_SCHEMA_REFUSED',
      message: /The schemas of other-value and orders-value differ, and both have id 17/,
    })
    await registry.close()
  })
})
