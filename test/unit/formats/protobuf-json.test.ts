/** Values in Protobuf as people write and see them: Protobuf's own JSON, with all digits. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { PulledSchema } from '../../../framework/api/format.ts'
import { ProtobufCodec } from '../../../framework/formats/protobuf-codec.ts'
import { readWithSchema } from '../../../framework/formats/read-value.ts'
import { typedValue } from '../../../framework/formats/typed-value.ts'
import { loadCodec } from '../../../framework/formats/value-codec.ts'
import type { RegisteredSchema } from '../../../framework/registry/schema-registry.ts'
import { readExact } from '../../../framework/validation/exact-json.ts'

const money = 'syntax = "proto3"; package shop; message Money { sint64 units = 1; }'
const text = `syntax = "proto3"; package shop; import "shop/money.proto"; import "google/protobuf/timestamp.proto"; import "google/protobuf/any.proto";
  message Other { int32 x = 1; }
  message Order { int64 id = 1; State state = 2; bytes raw = 3; google.protobuf.Timestamp placed_at = 4; Money total = 5;
    oneof paid { string card = 6; bool cash = 7; } map<string, int64> counts = 8; google.protobuf.Any any = 9; }
  enum State { NONE = 0; PAID = 1; }`
const schema: PulledSchema<unknown> = {
  kind: 'pyrallel.schema',
  format: 'protobuf',
  subject: 'orders-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text,
  references: [{ name: 'shop/money.proto', subject: 'money', version: 1, text: money }],
  message: 'shop.Order',
}
const json = `{ "id": 9007199254740993, "state": "PAID", "raw": "AP8=", "placedAt": "2026-11-29T17:05:00Z", "total": { "units": "-9223372036854775808" },
  "cash": true, "counts": { "a": 9223372036854775807 }, "any": { "@type": "type.googleapis.com/shop.Money", "units": "3" } }`

describe('a value in Protobuf', () => {
  before(() => loadCodec(schema))

  it('is made of the JSON that a person writes, and keeps its digits', () => {
    const value = typedValue(schema, readExact(json)) as Readonly<Record<string, unknown>>
    assert.deepEqual(
      [value.id, value.state, value.raw, value.paid, value.counts],
      [9007199254740993n, 1, new Uint8Array([0, 255]), { case: 'cash', value: true }, { a: 2n ** 63n - 1n }],
    )
    assert.equal((value.total as { units: bigint }).units, -(2n ** 63n))
    assert.equal(typedValue(schema, null), null)
  })

  it('is not made of JSON with a field that the message does not have, or with a value that it cannot have', () => {
    assert.throws(() => typedValue(schema, { gone: 1 }), /the value cannot be made of this JSON: .*"gone"/)
    assert.throws(() => typedValue(schema, { id: 2n ** 63n }), /the value cannot be made of this JSON/)
    assert.throws(() => typedValue(schema, { state: 'LOST' }), /the value cannot be made of this JSON/)
  })

  it('is shown as the message that its indexes say, with 64 bits as texts', async () => {
    const { references = [] } = schema
    const registered: RegisteredSchema = { format: 'protobuf', text, references, guid: null, rules: [] }
    const registry = { url: 'http://registry', byId: async () => registered, byGuid: async () => registered }
    const bytes = new ProtobufCodec(schema).encode(typedValue(schema, readExact(json)))
    const value = Buffer.concat([Buffer.of(0, 0, 0, 0, 7, 2, 2), bytes])
    const read = await readWithSchema({ value, headers: [] }, { registry, topics: async () => [] })
    assert.deepEqual(read, {
      kind: 'read',
      by: 'id 7, message shop.Order, of http://registry',
      value: {
        id: '9007199254740993',
        state: 'PAID',
        raw: 'AP8=',
        placedAt: '2026-11-29T17:05:00Z',
        total: { units: '-9223372036854775808' },
        cash: true,
        counts: { a: '9223372036854775807' },
        any: { '@type': 'type.googleapis.com/shop.Money', units: '3' },
      },
    })
    const other = await readWithSchema(
      { value: Buffer.of(0, 0, 0, 0, 7, 0, 8, 5), headers: [] },
      { registry, topics: async () => [] },
    )
    assert.deepEqual(other, { kind: 'read', by: 'id 7, message shop.Other, of http://registry', value: { x: 5 } })
    const lost = await readWithSchema(
      { value: Buffer.of(0, 0, 0, 0, 7, 2, 8), headers: [] },
      { registry, topics: async () => [] },
    )
    assert.deepEqual(lost, { kind: 'unread', why: 'with schema id 7: the indexes of its message lead nowhere' })
  })
})
