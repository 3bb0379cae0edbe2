import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { avro, type PulledSchema } from '../../../framework/api/format.ts'
import { FormatDecoder, UnreadyValue } from '../../../framework/formats/format-decoder.ts'
import { encodeFormat } from '../../../framework/formats/format-encoder.ts'
import type { SchemaAnswer } from '../../../framework/formats/known-schemas.ts'
import { RejectedValue } from '../../../framework/validation/value-decoder.ts'

const text = '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}'
const pulled: PulledSchema<{ readonly id: bigint }> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text,
}
const found: SchemaAnswer = { kind: 'found', schema: { format: 'avro', text, references: [] } }

function decoder(answer: SchemaAnswer, schema: PulledSchema<unknown> = pulled) {
  const asked: unknown[] = []
  const find = (ref: unknown) => {
    asked.push(ref)
    return answer
  }
  return { asked, decoder: FormatDecoder.of(avro(schema), 'bill', { find }) }
}

function rejected(answer: SchemaAnswer, bytes: Buffer | null, schema?: PulledSchema<unknown>) {
  const value = decoder(answer, schema).decoder.decode(bytes, [])
  assert.ok(value instanceof RejectedValue)
  return value.failure
}

describe('a value in a format of a registry', () => {
  it('is read with the schema that it was written with, which is asked for once', () => {
    const { asked, decoder: of } = decoder(found)
    const { value: bytes } = encodeFormat(avro(pulled), 'orders', { id: 2n ** 60n })
    assert.deepEqual(bytes?.subarray(0, 5), Buffer.of(0, 0, 0, 0, 7))
    assert.deepEqual(of.decode(bytes, []), { id: 2n ** 60n })
    assert.deepEqual(of.decode(bytes, []), { id: 2n ** 60n })
    assert.deepEqual(asked, [{ id: 7 }])
  })

  it('waits while nobody knows its schema, and asks again each time', () => {
    const { asked, decoder: of } = decoder({ kind: 'unanswered', why: 'nothing answers' })
    for (let time = 0; time < 2; time += 1) {
      const value = of.decode(Buffer.of(0, 0, 0, 0, 7, 2), [])
      assert.ok(value instanceof UnreadyValue)
      assert.equal(value.why, 'nothing answers')
    }
    assert.equal(asked.length, 2)
  })

  it('is rejected, for good and by its own name, when its schema is refused or does not fit', () => {
    const refused: SchemaAnswer = { kind: 'refused', name: 'UnknownSchema', why: 'there is none' }
    const bytes = Buffer.of(0, 0, 0, 0, 7, 2)
    const { name, retryable, reason } = rejected(refused, bytes)
    assert.deepEqual([name, retryable, reason], ['UnknownSchema', false, 'undecodable'])
    const other: SchemaAnswer = { kind: 'found', schema: { format: 'avro', text: '"string"', references: [] } }
    assert.equal(rejected(other, bytes).name, 'SchemaMismatch')
    assert.match(
      rejected(other, bytes).message,
      /schema id 7 does not fit the one that was pulled: the value was written as string/,
    )
    const proto: SchemaAnswer = { kind: 'found', schema: { format: 'protobuf', text: '', references: [] } }
    assert.match(rejected(proto, bytes).message, /it was written as protobuf, and Avro is wanted/)
  })

  it('is rejected when it names no schema, is cut, or has something behind its end', () => {
    assert.match(rejected(found, Buffer.from('{"id":1}')).message, /the value names no schema/)
    assert.match(
      rejected(found, Buffer.of(0, 0, 0, 0, 7)).message,
      /with schema id 7, cannot be read: the value ends too early/,
    )
    assert.match(rejected(found, Buffer.of(0, 0, 0, 0, 7, 2, 2)).message, /bytes are left behind its end: 1$/)
  })

  it('is a tombstone only where the format or its schema admits it, read and written', () => {
    assert.match(rejected(found, null).message, /a tombstone\), which its format does not admit/)
    assert.throws(() => encodeFormat(avro(pulled), 'orders', null), {
      code: 'PYR_SCHEMA',
      message: /the value is no Order/,
    })
    const nullable = { ...pulled, text: `["null",${text}]` }
    assert.equal(decoder(found, nullable).decoder.decode(null, []), null)
    assert.equal(encodeFormat(avro(nullable), 'orders', null).value, null)
    const format = avro(pulled, { tombstones: true })
    assert.equal(FormatDecoder.of(format, 'bill', { find: () => found }).decode(null, []), null)
    assert.equal(encodeFormat(format, 'orders', null).value, null)
  })

  it('is written with what its format says of its schema, and read without asking by a GUID that was pulled', () => {
    const guid = '89791762-2336-4186-9674-299b90a802e2'
    const named = { ...pulled, guid }
    for (const framing of ['guid', 'header'] as const) {
      const format = avro(named, { framing })
      const { value, headers } = encodeFormat(format, 'orders', { id: 5n })
      const asked: unknown[] = []
      const find = (ref: unknown) => {
        asked.push(ref)
        return found
      }
      assert.deepEqual(FormatDecoder.of(format, 'bill', { find }).decode(value, headers), { id: 5n })
      assert.deepEqual(asked, [], framing)
      const other = avro({ ...named, guid: guid.replace('8', '9') }, { framing })
      FormatDecoder.of(other, 'bill', { find }).decode(value, headers)
      assert.deepEqual(asked, [{ guid }], 'another is asked for')
    }
  })

  it('never has the header of another value, which readers would believe', () => {
    const guid = '89791762-2336-4186-9674-299b90a802e2'
    const headers = [
      ['trace', Buffer.from('t')],
      ['__value_schema_id', Buffer.of(1)],
    ] as const
    const byId = encodeFormat(avro(pulled), 'orders', { id: 5n }, { headers })
    assert.deepEqual(byId.headers, [headers[0]])
    const format = avro({ ...pulled, guid }, { framing: 'header', tombstones: true })
    const beside = encodeFormat(format, 'orders', { id: 5n }, { headers })
    assert.deepEqual(
      [beside.value?.toString('hex'), beside.headers.map(([name]) => name)],
      ['0a', ['trace', '__value_schema_id']],
    )
    assert.equal(beside.headers[1]?.[1]?.toString('hex'), `01${guid.replaceAll('-', '')}`)
    assert.deepEqual(encodeFormat(format, 'orders', null, { headers }), { value: null, headers: [headers[0]] })
  })

  it('needs a registry, and a schema that can be read', () => {
    assert.throws(() => FormatDecoder.of(avro(pulled), 'bill', undefined), {
      code: 'PYR_HANDLER_OPTION',
      message: /Set registry\.url/,
    })
    assert.throws(() => decoder(found, { ...pulled, text: '{' }), {
      code: 'PYR_HANDLER_OPTION',
      message: /orders-value cannot be used: the schema is no JSON/,
    })
  })

  it('is not published when it does not satisfy its schema, and is not told then', () => {
    assert.throws(() => encodeFormat(avro(pulled), 'orders', { id: 'secret' }), {
      code: 'PYR_SCHEMA',
      message: 'The value published to orders does not satisfy schema orders-value: id is no bigint of 64 bits.',
    })
  })
})
