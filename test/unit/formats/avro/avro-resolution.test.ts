/** Values that were written with one schema and are read with another: what may differ, and what is refused so that nothing else is read than was written. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AvroCodec } from '../../../../framework/formats/avro-codec.ts'
import { codec, field, read, record, through } from './avro-values.ts'

describe("Avro's schema resolution", () => {
  it('passes over fields that are not wanted, in every type', () => {
    const extras = [
      field('null', 'null'),
      field('boolean', 'boolean'),
      field('long', 'long'),
      field('float', 'float'),
      field('double', 'double'),
      field('text', 'string'),
      field('fixed', { type: 'fixed', name: 'Two', size: 2 }),
      field('enum', { type: 'enum', name: 'E', symbols: ['A'] }),
      field('list', { type: 'array', items: { type: 'map', values: ['null', 'int'] } }),
      field('self', ['null', 'Order']),
    ]
    const writer = record('Order', ...extras, field('id', 'int'))
    const inner = {
      null: null,
      boolean: true,
      long: 2n ** 60n,
      float: 1,
      double: 1,
      text: 'x',
      fixed: Uint8Array.of(1, 2),
      enum: 'A',
      list: [{ a: null, b: 1 }, {}],
    }
    const value = { ...inner, id: 7, self: { ...inner, id: 8, self: null } }
    assert.deepEqual(through(value, writer, record('Order', field('id', 'int'))), { id: 7 })
  })

  it('gives fields that were not written their default, each value a new one', () => {
    const reader = record(
      'Order',
      field('id', 'int'),
      field('note', ['null', 'string'], { default: null }),
      field('count', 'long', { default: 3 }),
      field('on', { type: 'int', logicalType: 'date' }, { default: 0 }),
      field('raw', 'bytes', { default: '\u00ff' }),
      field('tags', { type: 'array', items: 'string' }, { default: [] }),
      field('by', record('By', field('name', 'string', { default: 'nobody' })), { default: {} }),
    )
    const read = () => through({ id: 1 }, record('Order', field('id', 'int')), reader) as { readonly tags: string[] }
    const first: { readonly tags: string[] } = read()
    assert.deepEqual(first as unknown, {
      id: 1,
      note: null,
      count: 3n,
      on: '1970-01-01',
      raw: Uint8Array.of(255),
      tags: [],
      by: { name: 'nobody' },
    })
    first.tags.push('changed')
    assert.deepEqual(read().tags, [])
  })

  it('reads numbers and texts as what they may be promoted to', () => {
    assert.equal(through(7, 'int', 'long'), 7n)
    assert.equal(through(7, 'int', 'double'), 7)
    assert.equal(through(-(2n ** 52n) - 1n, 'long', 'double'), -(2 ** 52) - 1)
    assert.equal(through(1.5, 'float', 'double'), 1.5)
    assert.deepEqual(through('a', 'string', 'bytes'), Uint8Array.of(97))
    assert.equal(through(Uint8Array.of(97), 'bytes', 'string'), 'a')
    assert.equal(through(5, 'int', { type: 'long', logicalType: 'timestamp-millis' }), 5)
  })

  it('follows names through aliases and other namespaces', () => {
    const writer = { ...record('Order', field('no', 'int')), namespace: 'old' }
    const reader = {
      ...record('Purchase', field('id', 'int', { aliases: ['no'] })),
      namespace: 'shop',
      aliases: ['old.Order'],
    }
    assert.deepEqual(through({ no: 1 }, writer, reader), { id: 1 })
    assert.deepEqual(through({ no: 1 }, writer, { ...record('Order', field('no', 'int')), namespace: 'shop' }), {
      no: 1,
    })
  })

  it('never rounds the default of a long', () => {
    const until = (value: string) => {
      return `{"type":"record","name":"Order","fields":[{"name":"until","type":["long","null"],"default":${value}}]}`
    }
    for (const value of ['9223372036854775807', '-9223372036854775808', '9007199254740993', '-7']) {
      const later = new AvroCodec({ text: until(value) })
      const before = { format: 'avro', text: JSON.stringify(record('Order')), references: [] } as const
      assert.deepEqual(later.readerOf(before)(Buffer.alloc(0), 0), { until: BigInt(value) })
      assert.deepEqual(read(later.encode({}), record('Order', field('until', ['long', 'null']))), {
        until: BigInt(value),
      })
    }
  })

  it('asks for a default that is none only where it is needed', () => {
    const odd = record('Order', field('id', 'int'), field('note', 'string', { default: null }))
    assert.deepEqual(through({ id: 1, note: 'a' }, odd), { id: 1, note: 'a' })
    assert.throws(
      () => codec(odd).encode({ id: 1 }),
      /^Error: note is missing, and its default is none: a default is no string$/,
    )
    assert.throws(() => read(Buffer.of(2), record('Order', field('id', 'int')), odd), /a default is no string/)
  })

  it('gives an unknown symbol the default of its enum, and refuses it without one', () => {
    const states = (symbols: readonly string[], more = {}) => ({ type: 'enum', name: 'State', symbols, ...more })
    assert.equal(through('LOST', states(['OPEN', 'LOST']), states(['OPEN'], { default: 'OPEN' })), 'OPEN')
    assert.throws(
      () => through('LOST', states(['OPEN', 'LOST']), states(['OPEN'])),
      /a symbol that its enum does not have here/,
    )
    assert.equal(through('OPEN', states(['OPEN', 'LOST']), states(['OPEN'])), 'OPEN')
  })

  it('compares enums of many symbols: in milliseconds, where each is not looked for in all others', () => {
    const symbols = Array.from({ length: 100_000 }, (_, index) => `S${index}`)
    const states = { type: 'enum', name: 'State', symbols }
    assert.equal(through('S99999', states, states), 'S99999')
  })

  it('takes the very type of a union before one that it could be rounded to', () => {
    const writer = record('A', field('v', 'long'), field('w', 'int'))
    const reader = record('A', field('v', ['double', 'long']))
    assert.deepEqual(through({ v: 2n ** 60n + 1n, w: 1 }, writer, reader), { v: 2n ** 60n + 1n })
    assert.equal(through(5, 'int', ['null', 'int']), 5)
    assert.equal(through('a', ['null', 'string'], 'string'), 'a')
    assert.throws(() => through(null, ['null', 'string'], 'string'), /written as null, and string is wanted/)
  })

  const unfit: readonly (readonly [writer: unknown, reader: unknown, message: RegExp])[] = [
    ['string', 'int', /was written as string, and int is wanted/],
    ['double', 'float', /was written as double, and float is wanted/],
    ['long', 'int', /was written as long/],
    [record('A'), record('B'), /was written as A, and B is wanted/],
    [
      'string',
      { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
      /was written as string, and decimal is wanted/,
    ],
    [
      { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
      ['null', 'string'],
      /was written as bytes, which is no branch/,
    ],
    [
      { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
      'string',
      /was written as decimal, and string is wanted/,
    ],
    [record('A'), record('A', field('x', 'int')), /was written without x, and it has no default/],
    ['int', ['null', 'string'], /no branch of the union/],
    [{ type: 'fixed', name: 'F', size: 1 }, { type: 'fixed', name: 'F', size: 2 }, /was written as F/],
    [
      { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 },
      { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
      /was written with scale 3, and scale 2 is wanted/,
    ],
    [
      { type: 'long', logicalType: 'timestamp-micros' },
      { type: 'long', logicalType: 'timestamp-millis' },
      /was written as timestamp-micros, and timestamp-millis is wanted/,
    ],
  ]
  for (const [writer, reader, message] of unfit) {
    it(`refuses ${JSON.stringify(reader)} for ${JSON.stringify(writer)}`, () => {
      const readerOf = () => codec(reader).readerOf({ format: 'avro', text: JSON.stringify(writer), references: [] })
      assert.throws(readerOf, message)
    })
  }
})

describe('a schema of Avro', () => {
  it('may name others, which stand before it', () => {
    const money = { ...record('Money', field('cents', 'long')), namespace: 'shop' }
    const bill = record('Bill', field('total', 'shop.Money'))
    assert.deepEqual(codec(bill, [money]).encode({ total: { cents: 1n } }), Buffer.of(2))
  })

  it('may be the bare name of a primitive type, as registries have it', () => {
    const readerOf = codec('string').readerOf({ format: 'avro', text: ' string\n', references: [] })
    assert.equal(readerOf(Buffer.of(2, 97), 0), 'a')
  })

  it('may have a namespace with a hyphen, which Java takes', () => {
    const bill = { ...record('Bill', field('total', 'long')), namespace: 'my-shop' }
    assert.deepEqual(codec(bill).encode({ total: 1n }), Buffer.of(2))
  })

  it('has no default of an enum that is none of its symbols', () => {
    const states = (symbols: readonly string[]) => ({ type: 'enum', name: 'State', symbols, default: 'GONE' })
    assert.throws(() => through('B', states(['A', 'B']), states(['A'])), /a symbol that its enum does not have here/)
  })

  it('tells the place of what is wrong', () => {
    const bill = record('Bill', field('total', ['null', { type: 'array', items: 'Money' }]))
    assert.throws(() => codec(bill), /^Error: the items of branch 2 of Bill\.total names Money, which is defined/)
  })

  const wrong: readonly (readonly [schema: unknown, message: RegExp])[] = [
    ['Order', /names Order, which is defined nowhere/],
    [{ type: 'record', name: 'A' }, /A is a record without fields/],
    [{ type: 'record', name: '1', fields: [] }, /defines 1, which is no name of a type in Avro/],
    [record('A', field('x', 'int'), field('x', 'int')), /A\.x is there twice/],
    [['int', 'int'], /is a union that has int twice/],
    [['int', ['null']], /is a union in a union/],
    [{ type: 'enum', name: 'E', symbols: [] }, /E is an enum without symbols/],
    [{ type: 'fixed', name: 'F' }, /F is fixed without a size/],
    [[record('A'), { type: 'array', items: record('A') }], /defines A a second time/],
    [7, /neither a name, nor a list, nor an object/],
    [record('int'), /defines int, which is no name of a type in Avro/],
  ]
  for (const [schema, message] of wrong) {
    it(`is none when it is ${JSON.stringify(schema)}`, () => {
      assert.throws(() => codec(schema), message)
    })
  }

  it('is none when it is no JSON, or nested without an end', () => {
    assert.throws(() => codecOfText('{'), /is no JSON/)
    assert.throws(
      () => codecOfText(`${'{"type":'.repeat(5_000)}"int"${'}'.repeat(5_000)}`),
      /is more than 200 levels deep/,
    )
  })
})

function codecOfText(text: string): unknown {
  return codec('int').readerOf({ format: 'avro', text, references: [] })
}
