import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { fieldsOf, headersOf, jsonOf, textsOf } from '../../../../framework/console/page/models/schema-form.ts'

const order = Type.Object({
  id: Type.String(),
  total: Type.Number(),
  isPaid: Type.Boolean(),
  status: Type.Union([Type.Literal('new'), Type.Literal('sent')]),
  note: Type.Optional(Type.String()),
  address: Type.Object({ city: Type.String(), floor: Type.Integer() }),
  lines: Type.Array(Type.String()),
})
const value = {
  id: 'o"1',
  total: 12.5,
  isPaid: false,
  status: 'sent',
  address: { city: 'Ulm', floor: 3 },
  lines: ['a'],
}

describe('a form made from a schema', () => {
  const fields = fieldsOf(order)

  it('has a field for each property, also of objects within, by what it can be', () => {
    assert.deepEqual(
      fields.map(({ label, kind, isOptional }) => [label, kind, isOptional]),
      [
        ['id', 'text', false],
        ['total', 'number', false],
        ['isPaid', 'choice', false],
        ['status', 'choice', false],
        ['note', 'text', true],
        ['address.city', 'text', false],
        ['address.floor', 'number', false],
        ['lines', 'json', false],
      ],
    )
    assert.deepEqual(fields[3]?.options, ['"new"', '"sent"'])
  })

  it('gives back the value that it was filled with', () => {
    assert.deepEqual(JSON.parse(jsonOf(fields, textsOf(fields, value))), value)
  })

  it('keeps what is typed as it is, and leaves out what may be left out', () => {
    const typed = { ...textsOf(fields, value), 'address.floor': '12345678901234567890', note: 'x', total: '' }
    const text = jsonOf(fields, typed)
    assert.ok(text.includes('"address":{"city":"Ulm","floor":12345678901234567890}'))
    assert.ok(text.includes('"note":"x"') && text.includes('"total":null'))
    assert.ok(!jsonOf(fields, textsOf(fields, value)).includes('note'))
  })

  it('is one field of JSON where the schema is no plain object, and a text where it is one', () => {
    const some = fieldsOf({})
    assert.deepEqual(
      some.map(({ label, kind }) => [label, kind]),
      [['', 'json']],
    )
    assert.equal(jsonOf(some, { '': '[1, 2]' }), '[1, 2]')
    assert.equal(jsonOf(fieldsOf(Type.String()), { '': 'a' }), '"a"')
    assert.equal(fieldsOf(Type.Record(Type.String(), Type.Number()))[0]?.kind, 'json')
  })

  it('takes headers as lines, with colons in their values', () => {
    assert.deepEqual(headersOf('a: b:c\n\n d:e \nalone'), [
      ['a', 'b:c'],
      ['d', 'e'],
      ['alone', ''],
    ])
  })
})
