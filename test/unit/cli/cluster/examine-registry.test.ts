/** What `pyrallel doctor` says of a schema registry, and of the schemas that topics are written with. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { examineRegistry, pulledSchemas } from '../../../../cli/cluster/examine-registry.ts'
import { doctor } from '../../../../cli/verbs/doctor.ts'
import { avro, type PulledSchema, protobuf } from '../../../../framework/api/format.ts'
import { configDefaults } from '../../../../framework/config/resolve-config.ts'
import { PyrallelError } from '../../../../framework/model/errors.ts'
import { connectRegistry } from '../../../../framework/registry/registry-client.ts'
import { systemClock } from '../../../../framework/time/clock.ts'
import { type Answer, serve } from '../../registry/registry-server.ts'
import { projectFolder, testIo } from '../test-io.ts'

const order: PulledSchema<bigint> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-value',
  id: 7,
  guid: null,
  fingerprint: '',
  text: '{"type":"long"}',
}
const key: PulledSchema<object> = {
  ...order,
  format: 'protobuf',
  subject: 'orders-key',
  id: 9,
  text: 'syntax = "proto3";\nmessage Key {\n}\n',
  valueType: {},
}
const schemas = pulledSchemas([{ format: avro(order), keyFormat: protobuf(key) }, { format: avro(order) }, {}])

async function examined(answers: Readonly<Record<string, Answer>>) {
  const unknown = { status: 404, json: { error_code: 40_403 } }
  const { url, asked } = await serve(({ path }) => answers[path] ?? unknown)
  const registry = connectRegistry({ ...configDefaults.registry, url }, systemClock(), Math.random)
  const findings = await examineRegistry(registry, schemas)
  registry.close()
  return { url, findings, asked: asked.map(({ path }) => path).sort() }
}

const right = {
  // Both as a registry writes them anew.
  '/schemas/ids/7': { json: { schema: '{ "type": "long" }' } },
  '/schemas/ids/9': { json: { schemaType: 'PROTOBUF', schema: 'syntax = "proto3";\n\nmessage Key {}\n' } },
}

describe('the schema registry, to the doctor', () => {
  it('is well where it has all schemas under the ids that are published, and is asked for each once', async () => {
    const { url, findings, asked } = await examined(right)
    const detail = `${url} answers, and has 2 schemas of the topics, under the ids that are published`
    assert.deepEqual(findings, [{ what: 'schema registry', state: 'well', detail }])
    assert.deepEqual(asked, ['/schemas/ids/7', '/schemas/ids/9'])
  })

  it('is ill where an id is another schema there, or none: it is not the registry that was pulled from', async () => {
    const { url, findings } = await examined({ '/schemas/ids/7': { json: { schema: '"string"' } } })
    const next = (subject: string) =>
      `Pull it from this registry: pyrallel schemas pull ${subject}. Or correct registry.url.`
    assert.deepEqual(findings, [
      {
        what: 'schema orders-value',
        state: 'ill',
        detail: `id 7 is another schema at ${url} than the one that was pulled: what is published would be read by it`,
        next: next('orders-value'),
      },
      {
        what: 'schema orders-key',
        state: 'ill',
        detail: `${url} has no schema with id 9: what is published could be read by nobody`,
        next: next('orders-key'),
      },
    ])
    const other = await examined({ ...right, '/schemas/ids/7': { json: { schemaType: 'JSON', schema: order.text } } })
    assert.match(other.findings[0]?.detail ?? '', /^id 7 is another schema/)
  })

  it('is ill once, with what to look at, where it cannot be asked', async () => {
    const { findings } = await examined({ '/schemas/ids/7': { status: 401 }, '/schemas/ids/9': { status: 401 } })
    assert.equal(findings.length, 1)
    assert.match(findings[0]?.detail ?? '', /may not ask the registry at .* \(status 401\)/)
    assert.equal(findings[0]?.next, 'pyrallel docs PYR_REGISTRY_REFUSED')
  })

  it('is looked at where a topic has a format, also where no broker answers', async () => {
    const facts = "kind: 'pyrallel.schema', format: 'avro', guid: null, fingerprint: '', text: '\"long\"'"
    const handler = (format: string) => ({
      'generated/routes.ts': `import { avro, handler, topic } from 'pyrallel'
const definition = handler(topic('orders'${format}), async () => {})
export const routes = [{ id: 'pay', file: 'handlers/pay.ts', topic: 'orders', group: null, handler: definition }]
`,
    })
    const away = async (): Promise<never> => {
      throw new PyrallelError('PYR_BROKER_UNREACHABLE', 'no broker')
    }
    const told = async (format: string, url?: string) => {
      const registry = url === undefined ? '' : `, registry: { url: '${url}' }`
      const io = testIo(
        projectFolder({
          'pyrallel.config.ts': `import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop'${registry} })\n`,
          ...handler(format),
        }),
      )
      await doctor({}, io, away)
      return io.out()
    }
    const format = `, { format: avro({ ${facts}, subject: 'orders-value', id: 7 }) }`
    const { url } = await serve((): Answer => ({ json: { schema: '"long"' } }))
    assert.match(await told(format, url), /✓ schema registry {2}http:\/\/127\.0\.0\.1:\d+ answers, and has 1 schema of/)
    assert.match(await told(format), /- schema registry {2}registry\.url is missing: .*\n {4}Next: Set registry\.url/)
    assert.doesNotMatch(await told('', url), /schema registry/)
  })
})
