/** Which written schemas a pulled one can read, by Avro's rules. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unreadable } from '../../../../cli/schemas/avro-reading.ts'
import { readAvro } from '../../../../cli/schemas/read-avro.ts'

function reasons(reader: unknown, writer: unknown): readonly string[] {
  const read = (schema: unknown) => readAvro(JSON.stringify(schema), [], 's')
  return unreadable(read(reader), read(writer))
}

const record = (fields: readonly unknown[], name = 'shop.Order', more: object = {}) => ({
  type: 'record',
  name,
  fields,
  ...more,
})
const list = { type: 'record', name: 'List', fields: [{ name: 'next', type: ['null', 'List'] }] }
const decimal = (scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision: 9, scale })
const time = (logicalType: string) => ({ type: 'long', logicalType })
const fixed = (size: number) => ({ type: 'fixed', name: 'F', size })
const colour = (symbols: readonly string[], more: object = {}) => ({ type: 'enum', name: 'C', symbols, ...more })

describe('values that were written with one schema, read with another', () => {
  for (const [what, reader, writer] of [
    ['the same', 'long', 'long'],
    ['a number that became wider for the reader', 'long', 'int'],
    ['a text as bytes', 'bytes', 'string'],
    ['a field that the reader does not know', record([]), record([{ name: 'a', type: 'int' }])],
    ['a field that is not written, with a default', record([{ name: 'a', type: 'int', default: 0 }]), record([])],
    [
      'a field that was renamed, with an alias',
      record([{ name: 'b', aliases: ['a'], type: 'int' }]),
      record([{ name: 'a', type: 'int' }]),
    ],
    ['another namespace', record([]), record([], 'mart.Order')],
    [
      'another name, with an alias',
      record([], 'shop.Order', { aliases: ['Bestellung'] }),
      record([], 'shop.Bestellung'),
    ],
    ['one branch of a union', ['null', 'string'], 'string'],
    ['fewer branches', ['null', 'string', 'int'], ['string', 'null']],
    ['fewer symbols', colour(['A', 'B']), colour(['B'])],
    ['more symbols, with a default', colour(['A'], { default: 'A' }), colour(['A', 'B'])],
    ['a record that contains itself', list, list],
    ['items and entries', { type: 'array', items: 'long' }, { type: 'array', items: 'int' }],
    ['a time as the number that it is', 'long', time('timestamp-micros')],
    ['a number as a time', time('timestamp-micros'), 'long'],
    ['a decimal of the same scale', decimal(2), { ...decimal(2), precision: 7 }],
  ] as const) {
    it(`are all read: ${what}`, () => assert.deepEqual(reasons(reader, writer), []))
  }

  for (const [reader, writer, expected] of [
    ['int', 'long', 'the value is long now, and not int'],
    ['string', 'int', 'the value is int now, and not string'],
    [record([{ name: 'a', type: 'int' }]), record([]), 'a is not written, and has no default'],
    [
      record([{ name: 'a', type: record([{ name: 'b', type: 'int' }], 'Inner') }]),
      record([{ name: 'a', type: record([{ name: 'b', type: 'string' }], 'Inner') }]),
      'a.b is string now, and not int',
    ],
    [record([]), record([], 'shop.Invoice'), 'the value is shop.Invoice now, and not shop.Order'],
    ['string', ['null', 'string'], 'the value is null now, and not string'],
    [['null', 'string'], ['null', 'long'], 'the value may be long now, which is none of null, string'],
    [colour(['A']), colour(['A', 'B']), 'the value may be B now'],
    [fixed(4), fixed(8), 'the value is F now, and not F'],
    [
      { type: 'array', items: 'int' },
      { type: 'array', items: 'long' },
      'an item of the value is long now, and not int',
    ],
    [{ type: 'map', values: 'int' }, { type: 'map', values: 'long' }, 'an entry of the value is long now, and not int'],
    [{ type: 'map', values: 'int' }, 'int', 'the value is int now, and not map'],
    [decimal(2), decimal(3), 'the value is a decimal of scale 3 now, and not a decimal of scale 2'],
    [time('timestamp-millis'), time('timestamp-micros'), 'the value is timestamp-micros now, and not timestamp-millis'],
    [decimal(2), 'bytes', 'the value is no decimal now, and not a decimal of scale 2'],
  ] as const) {
    it(`are not all read: ${expected}`, () => assert.deepEqual(reasons(reader, writer), [expected]))
  }
})
