import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { avroFromJson } from '../../../../framework/formats/avro/avro-from-json.ts'
import { readAvroSchema } from '../../../../framework/formats/avro/avro-schema.ts'
import { typedValue } from '../../../../framework/formats/typed-value.ts'

const card = { type: 'record', name: 'shop.Card', fields: [{ name: 'id', type: 'long' }] }
const bill = { type: 'record', name: 'shop.Bill', fields: [] }

function turned(schema: unknown, json: unknown): unknown {
  return avroFromJson(readAvroSchema(JSON.stringify(schema)), json)
}

describe('JSON for a value in Avro', () => {
  for (const [schema, json, expected] of [
    ['long', 5, 5n],
    ['long', '9007199254740993', 9_007_199_254_740_993n],
    ['long', 9_007_199_254_740_993n, 9_007_199_254_740_993n],
    [{ type: 'long', logicalType: 'timestamp-millis' }, 5, 5],
    [{ type: 'long', logicalType: 'timestamp-micros' }, 5, 5n],
    ['double', 2n ** 60n, 2 ** 60],
    ['double', 'Infinity', Number.POSITIVE_INFINITY],
    ['bytes', '/wA=', new Uint8Array([255, 0])],
    [{ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, '12.50', '12.50'],
    [{ type: 'fixed', name: 'F', size: 2 }, '/wA=', new Uint8Array([255, 0])],
    [{ type: 'array', items: 'long' }, [1, '2'], [1n, 2n]],
    [{ type: 'map', values: 'long' }, { a: 1 }, { a: 1n }],
    [['null', 'long'], null, null],
    [['null', 'long'], '7', 7n],
    [['string', 'long'], '7', '7'],
    [['string', 'long'], 7, 7n],
    [['int', 'long'], 7, 7],
    [['int', 'long'], 2 ** 40, 2n ** 40n],
    [['null', card], { id: 1 }, { id: 1n }],
    [['null', card, bill], { 'shop.Card': { id: 1 } }, { 'shop.Card': { id: 1n } }],
    ['string', 5, 5],
  ] as const) {
    it(`turns ${JSON.stringify(json, (_name, each) => (typeof each === 'bigint' ? `${each}n` : each))} for ${JSON.stringify(schema)}`, () => {
      assert.deepEqual(turned(schema, json), expected)
    })
  }

  for (const [schema, json, message] of [
    [card, { id: 1.5 }, 'id is no whole number, written as 12 or "12"'],
    [card, { id: 1e20 }, 'id is no whole number, written as 12 or "12"'],
    [card, { id: '9223372036854775808' }, 'id is no whole number of 64 bits'],
    [card, { id: 1, note: 'x' }, 'the value has a field "note", which shop.Card has not'],
    [{ type: 'array', items: 'bytes' }, ['%'], '[0] is no text in base64, for bytes'],
    [['null', card, bill], { 'shop.Card': { id: true } }, 'shop.Card.id is no whole number, written as 12 or "12"'],
  ] as const) {
    it(`says that ${message}`, () => {
      const text = JSON.stringify(schema)
      const pulled = {
        kind: 'pyrallel.schema',
        format: 'avro',
        subject: 's',
        id: 1,
        guid: null,
        fingerprint: '',
      } as const
      assert.throws(() => typedValue({ ...pulled, text }, json), { message })
    })
  }
})
