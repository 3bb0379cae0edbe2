/** Keys in a format: written and read as values are, but named by a header of their own, and never a tombstone. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { avro, type Format, jsonSchema, type PulledSchema } from '../../../framework/api/format.ts'
import { topic } from '../../../framework/api/topic.ts'
import { FormatDecoder } from '../../../framework/formats/format-decoder.ts'
import { encodeFormat, encodeKey } from '../../../framework/formats/format-encoder.ts'
import type { SchemaAnswer } from '../../../framework/formats/known-schemas.ts'
import { readKeyWithSchema } from '../../../framework/formats/read-value.ts'
import { loadCodec } from '../../../framework/formats/value-codec.ts'
import { isFramed, valueFrame, writtenFrame } from '../../../framework/formats/value-frame.ts'
import type { OutgoingRecord } from '../../../framework/model/record.ts'
import { publisher } from '../../../framework/publishing/publisher.ts'
import { RejectedValue } from '../../../framework/validation/value-decoder.ts'

const guid = '89791762-2336-4186-9674-299b90a802e2'
const guidBytes = `01${guid.replaceAll('-', '')}`
const long: PulledSchema<bigint> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-key',
  id: 9,
  guid,
  fingerprint: 'f00d',
  text: '"long"',
}
const found: SchemaAnswer = { kind: 'found', schema: { format: 'avro', text: '"long"', references: [] } }
const decoderOf = (format: Format<unknown> = avro(long), answer = found) =>
  FormatDecoder.of(format, 'bill', { find: () => answer }, undefined, 'key')

describe('a key in a format', () => {
  it('is written by each framing, and read again', () => {
    const vectors = [
      ['id', '00000000090a', undefined],
      ['guid', `${guidBytes}0a`, undefined],
      ['header', '0a', guidBytes],
    ] as const
    for (const [framing, inFront, beside] of vectors) {
      const format = avro(long, { framing })
      const { key, headers } = encodeKey(format, 'orders', 5n)
      assert.equal(key?.toString('hex'), inFront)
      const names = headers.map(([name, bytes]) => [name, bytes?.toString('hex')])
      assert.deepEqual(names, beside === undefined ? [] : [['__key_schema_id', beside]])
      assert.equal(decoderOf(format).decode(key, headers), 5n)
      assert.equal(isFramed({ key, headers }, writtenFrame(format, 'key'), 'key'), true)
      assert.equal(isFramed({ key: Buffer.from('c1'), headers: [] }, writtenFrame(format, 'key'), 'key'), false)
    }
  })

  it('is named in its own header, beside that of the value', () => {
    const format = avro(long, { framing: 'header' })
    const other = { ...long, guid: guid.replace('8', '9') }
    const value = encodeFormat(avro(other, { framing: 'header' }), 'orders', 7n)
    const { key, headers } = encodeKey(format, 'orders', 5n, { headers: value.headers })
    assert.deepEqual(
      headers.map(([name]) => name),
      ['__value_schema_id', '__key_schema_id'],
    )
    assert.deepEqual(valueFrame(key ?? Buffer.of(), headers, 'key'), {
      ref: { guid },
      from: 0,
      beside: Buffer.alloc(0),
    })
    assert.deepEqual(valueFrame(key ?? Buffer.of(), headers), {
      ref: { guid: other.guid },
      from: 0,
      beside: Buffer.alloc(0),
    })
    assert.match(
      valueFrame(Buffer.of(0, 0, 0, 0, 9, 10), [['__key_schema_id', Buffer.of(5)]], 'key') as string,
      /has a header __key_schema_id that names no schema/,
    )
  })

  it('never has the header of another key, and leaves that of the value alone', () => {
    const headers = [
      ['__value_schema_id', Buffer.of(1)],
      ['__key_schema_id', Buffer.of(1)],
    ] as const
    assert.deepEqual(encodeKey(avro(long), 'orders', 5n, { headers }).headers, [headers[0]])
    assert.deepEqual(encodeKey(avro(long), 'orders', null, { headers }), { key: null, headers: [headers[0]] })
  })

  it('is null where there is none, whatever the schema says', () => {
    assert.equal(decoderOf().decode(null, []), null)
    const nullable = avro({ ...long, text: '["null","long"]' } as PulledSchema<bigint | null>)
    assert.deepEqual(encodeKey(nullable, 'orders', null), { key: null, headers: [] })
    assert.deepEqual(encodeKey(avro(long), 'orders', undefined), { key: null, headers: [] })
  })

  it('says that it is the key, where it cannot be written or read', async () => {
    assert.throws(() => encodeKey(avro(long), 'orders', 'secret'), {
      code: 'PYR_SCHEMA',
      message: 'The key published to orders does not satisfy schema orders-key: the key is no bigint of 64 bits.',
    })
    const json = jsonSchema({
      ...long,
      format: 'json-schema',
      text: '{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"]}',
    } as PulledSchema<unknown>)
    await loadCodec(json.schema)
    const ofJson = decoderOf(json, {
      kind: 'found',
      schema: { format: 'json-schema', text: json.schema.text, references: [] },
    })
    const read = ofJson.decode(Buffer.concat([Buffer.of(0, 0, 0, 0, 9), Buffer.from('{"id":"x"}')]), [])
    assert.ok(read instanceof RejectedValue)
    assert.deepEqual([read.failure.name, read.failure.reason], ['InvalidKey', 'invalid'])
    assert.match(read.failure.message, /^the key does not satisfy its schema: \/id must be integer/)
    assert.throws(() => FormatDecoder.of(avro(long), 'bill', undefined, undefined, 'key'), {
      code: 'PYR_HANDLER_OPTION',
      message: /the keys of its topic have schema orders-key of a registry/,
    })
  })
})

describe('publish to a topic whose keys have a format', () => {
  function aPublisher() {
    const sent: OutgoingRecord[] = []
    const produce = async (record: OutgoingRecord) => {
      sent.push(record)
    }
    const named = topic('named', { format: avro(long), keyFormat: avro(long) })
    const formatsOf = (name: string) => (name === 'named' ? named : undefined)
    const producer = { produce, close: async () => {} }
    return { sent, publish: publisher(producer, undefined, undefined, undefined, formatsOf) }
  }
  const orders = topic<{ readonly id: number }, bigint>('orders', {
    keyFormat: avro(long, { framing: 'header' }),
    key: ({ id }) => (id === 0 ? null : BigInt(id)),
  })
  const told = ({ key, value, headers }: OutgoingRecord) => [
    key?.toString('hex') ?? null,
    value?.toString(),
    headers.map(([name]) => name),
  ]

  it("writes the option's key, or the topic's own, and keeps other headers; JSON values stay JSON", async () => {
    const { sent, publish } = aPublisher()
    await publish(orders, { id: 5 }, { headers: { trace: 't' } })
    await publish(orders, { id: 5 }, { key: 6n })
    await publish(orders, { id: 0 })
    await publish(orders, { id: 5 }, { key: null })
    assert.deepEqual(sent.map(told), [
      ['0a', '{"id":5}', ['trace', '__key_schema_id']],
      ['0c', '{"id":5}', ['__key_schema_id']],
      [null, '{"id":0}', []],
      [null, '{"id":5}', []],
    ])
  })

  it('knows the format by the name of a topic that a handler reads', async () => {
    const { sent, publish } = aPublisher()
    await publish('named', 5n, { key: 6n as never })
    assert.deepEqual([sent[0]?.key?.toString('hex'), sent[0]?.value?.toString('hex')], ['00000000090c', '00000000090a'])
  })

  it('sends nothing where the key is none of its schema', async () => {
    const { sent, publish } = aPublisher()
    await assert.rejects(publish(orders, { id: 5 }, { key: 'c1' as never }), {
      code: 'PYR_SCHEMA',
      message: 'The key published to orders does not satisfy schema orders-key: the key is no bigint of 64 bits.',
    })
    assert.deepEqual(sent, [])
  })
})

describe('a key that somebody looks at', () => {
  const declared = (name: string) => [{ ...topic<unknown, bigint>('orders', { keyFormat: avro(long) }), name }]
  const read = (name: string, of: string) =>
    readKeyWithSchema({ key: Buffer.from('00000000090a', 'hex'), headers: [] }, of, {
      registry: undefined,
      topics: async () => declared(name) as never,
    })

  it('is read where its topic has a format for keys, by its name or by a pattern', async () => {
    const expected = { kind: 'read', value: 5n, by: 'id 9, pulled from orders-key' }
    assert.deepEqual(await read('orders.eu', 'orders.eu'), expected)
    assert.deepEqual(await read('/^orders\\./', 'orders.eu'), expected)
    assert.deepEqual(await read('/^orders\\./', 'payments.eu'), { kind: 'plain' })
  })

  it('is no key of a project that cannot be loaded, and that is loaded for bytes that could be one only', async () => {
    let loads = 0
    const sources = {
      registry: undefined,
      topics: async () => {
        loads += 1
        throw new Error('no such file')
      },
    }
    const looked = (key: Buffer | null) => readKeyWithSchema({ key, headers: [] }, 'orders', sources)
    for (const key of [null, Buffer.from('c1')]) assert.deepEqual(await looked(key), { kind: 'plain' })
    assert.equal(loads, 0)
    assert.deepEqual(await looked(Buffer.from('00000000090a', 'hex')), { kind: 'plain' })
    assert.equal(loads, 1)
  })
})
