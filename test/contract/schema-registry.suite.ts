/** What the client asks a schema registry, and every one of them must answer alike. */
import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import { systemClock } from '../../framework/time/clock.ts'

export interface NewSchema {
  readonly schema: string
  readonly schemaType?: 'AVRO' | 'PROTOBUF' | 'JSON'
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[]
}

/** @param url asked when a test runs */
export function schemaRegistrySuite(url: () => string): void {
  const post = async (path: string, schema: NewSchema) => {
    const response = await fetch(`${url()}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify(schema),
    })
    return { status: response.status, answer: (await response.json()) as Readonly<Record<string, unknown>> }
  }
  const register = async (subject: string, schema: NewSchema) => {
    const { answer } = await post(`/subjects/${encodeURIComponent(subject)}/versions`, schema)
    assert.equal(typeof answer.id, 'number', JSON.stringify(answer))
    return answer.id as number
  }
  const connect = () => {
    const client = connectRegistry({ ...configDefaults.registry, url: url() }, systemClock(), Math.random)
    after(() => client.close())
    return client
  }
  const money = '{"type":"record","name":"Money","namespace":"suite","fields":[{"name":"cents","type":"long"}]}'
  const invoice =
    '{"type":"record","name":"Invoice","namespace":"suite","fields":[{"name":"total","type":"suite.Money"}]}'

  it('gives a schema an id, and the same one to the same schema', async () => {
    const id = await register('suite-a', { schema: money })
    assert.equal(await register('suite-a', { schema: money }), id)
    assert.equal((await connect().byId(id)).text, money)
    assert.deepEqual((await connect().latest('suite-a')).version, 1)
  })

  it('numbers the versions of a subject, and finds each', async () => {
    await register('suite-b', { schema: '"string"' })
    const id = await register('suite-b', { schema: '"bytes"' })
    const client = connect()
    const { version, id: latest, text } = await client.latest('suite-b')
    assert.deepEqual([version, latest, text], [2, id, '"bytes"'])
    assert.equal((await client.version('suite-b', 1)).text, '"string"')
  })

  it('knows a schema with what it names', async () => {
    await register('suite-money', { schema: money })
    const references = [{ name: 'suite.Money', subject: 'suite-money', version: 1 }]
    const id = await register('suite-invoice', { schema: invoice, references })
    assert.deepEqual((await connect().byId(id)).references, [{ ...references[0], text: money }])
  })

  it('tells which formats schemas may have', async () => {
    const proto = 'syntax = "proto3";\npackage suite;\n\nmessage A {\n  string id = 1;\n}\n'
    const json = '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}'
    await register('suite-proto', { schema: proto, schemaType: 'PROTOBUF' })
    await register('suite-json', { schema: json, schemaType: 'JSON' })
    const client = connect()
    assert.equal((await client.latest('suite-proto')).format, 'protobuf')
    assert.equal((await client.latest('suite-json')).format, 'json-schema')
    const subjects = await client.subjects()
    assert.deepEqual(
      ['suite-json', 'suite-proto'].filter((each) => !subjects.includes(each)),
      [],
    )
  })

  it('says what it does not know', async () => {
    await register('suite-c', { schema: '"string"' })
    const client = connect()
    const code = 'PYR_SCHEMA_UNKNOWN'
    await assert.rejects(client.byId(2_000_000_000), { code })
    await assert.rejects(client.latest('suite-none'), { code })
    await assert.rejects(client.version('suite-c', 9), { code })
    const { status, answer } = await post('/subjects/suite-c', { schema: '"long"' })
    assert.deepEqual([status, answer.error_code], [404, 40_403])
  })

  it('finds what is registered in a subject', async () => {
    const id = await register('suite-d', { schema: '"string"' })
    const { answer } = await post('/subjects/suite-d', { schema: '"string"' })
    assert.deepEqual([answer.subject, answer.version, answer.id], ['suite-d', 1, id])
  })

  it('refuses what is no schema', async () => {
    const { status, answer } = await post('/subjects/suite-e/versions', { schema: '{"type":"record"}' })
    assert.deepEqual([status, answer.error_code], [422, 42_201])
  })
}
