/** Avro's binary encoding: each type as the specification writes it, and what is no value of a schema. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { codec, field, hex, read, record, through } from './avro-values.ts'

/** Bytes by the specification, written out by hand. */
const vectors: readonly (readonly [schema: unknown, bytes: string, value: unknown])[] = [
  ['null', '', null],
  ['boolean', '01', true],
  ['boolean', '00', false],
  ['int', '00', 0],
  ['int', '01', -1],
  ['int', '02', 1],
  ['int', '7f', -64],
  ['int', '80 01', 64],
  ['int', 'fe ff ff ff 0f', 2_147_483_647],
  ['int', 'ff ff ff ff 0f', -2_147_483_648],
  ['long', '80 80 80 80 80 80 80 20', 2n ** 53n],
  ['long', 'fe ff ff ff ff ff ff ff ff 01', 2n ** 63n - 1n],
  ['long', 'ff ff ff ff ff ff ff ff ff 01', -(2n ** 63n)],
  ['long', '83 80 80 80 80 80 80 10', -(2n ** 52n) - 2n],
  ['float', '00 00 c0 3f', 1.5],
  ['double', '00 00 00 00 00 00 f8 bf', -1.5],
  ['string', '06 66 6f 6f', 'foo'],
  ['string', '06 e2 82 ac', '€'],
  ['bytes', '04 00 ff', Uint8Array.of(0, 255)],
  [{ type: 'fixed', name: 'Pair', size: 2 }, '07 08', Uint8Array.of(7, 8)],
  [{ type: 'enum', name: 'State', symbols: ['OPEN', 'PAID'] }, '02', 'PAID'],
  [{ type: 'array', items: 'int' }, '04 02 04 00', [1, 2]],
  [{ type: 'array', items: 'int' }, '00', []],
  [{ type: 'map', values: 'boolean' }, '02 02 61 01 00', { a: true }],
  [['null', 'string'], '00', null],
  [['null', 'string'], '02 02 61', 'a'],
  [
    record('Order', field('id', 'long'), field('lines', { type: 'array', items: 'string' })),
    '36 02 06 66 6f 6f 00',
    { id: 27n, lines: ['foo'] },
  ],
]

const logicals: readonly (readonly [schema: object, bytes: string, value: unknown])[] = [
  [{ type: 'int', logicalType: 'date' }, 'e4 c4 02', '2026-11-29'],
  [{ type: 'int', logicalType: 'date' }, '01', '1969-12-31'],
  [{ type: 'int', logicalType: 'time-millis' }, '02', 1],
  [{ type: 'long', logicalType: 'time-micros' }, '02', 1n],
  [{ type: 'long', logicalType: 'timestamp-millis' }, '80 80 fa ed 95 6a', 1_824_000_000_000],
  [{ type: 'long', logicalType: 'timestamp-micros' }, '02', 1n],
  [{ type: 'long', logicalType: 'timestamp-nanos' }, '01', -1n],
  [{ type: 'long', logicalType: 'local-timestamp-millis' }, '02', 1],
  [{ type: 'long', logicalType: 'local-timestamp-micros' }, '02', 1n],
  [{ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, '04 04 e2', '12.50'],
  [{ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, '02 ff', '-0.01'],
  [{ type: 'bytes', logicalType: 'decimal', precision: 9 }, '02 00', '0'],
  [{ type: 'fixed', name: 'Price', size: 4, logicalType: 'decimal', precision: 9, scale: 3 }, 'ff ff ff 85', '-0.123'],
  [{ type: 'string', logicalType: 'uuid' }, '02 61', 'a'],
  [
    { type: 'fixed', name: 'Id', size: 16, logicalType: 'uuid' },
    '00112233445566778899aabbccddeeff',
    '00112233-4455-6677-8899-aabbccddeeff',
  ],
  [
    { type: 'fixed', name: 'Span', size: 12, logicalType: 'duration' },
    '010000000200000003000000',
    Uint8Array.from(hex('010000000200000003000000')),
  ],
]

describe("Avro's encoding", () => {
  for (const [schema, bytes, value] of [...vectors, ...logicals]) {
    it(`of ${JSON.stringify(schema)} writes ${bytes === '' ? 'nothing' : bytes} and reads it`, () => {
      assert.deepEqual(codec(schema).encode(value).toString('hex'), hex(bytes).toString('hex'))
      assert.deepEqual(read(hex(bytes), schema), value)
    })
  }

  it('never rounds a long, whatever its size', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => through(value, 'long') === value),
    )
  })

  it('has one form for a long, and keeps it, at each power of two', () => {
    for (let bits = 0n; bits < 63n; bits += 1n) {
      for (const near of [-2n, -1n, 0n, 1n, 2n]) {
        for (const value of [2n ** bits + near, -(2n ** bits) + near]) {
          assert.equal(through(value, 'long'), value)
          // Seven bits a byte, of twice the number.
          const twice = value < 0n ? -2n * value - 1n : 2n * value
          assert.equal(
            codec('long').encode(value).length,
            Math.max(1, Math.ceil(twice.toString(2).length / 7)),
            `${value}`,
          )
        }
      }
    }
  })

  it('keeps texts of every length, with and without characters beyond ASCII', () => {
    for (let length = 0; length < 70; length += 1) {
      for (const end of ['', 'é', '漢', '😀', '\u007f', '\u0080']) {
        const text = `${'a'.repeat(length)}${end}`
        assert.equal(through(text, 'string'), text)
        assert.deepEqual(through([text, 'next'], { type: 'array', items: 'string' }), [text, 'next'])
      }
    }
  })

  it('writes each value into memory of its own, also behind one that was refused and inside another', () => {
    const pair = record('Pair', field('a', 'string'), field('b', 'int'))
    const [first, second] = [
      { a: 'first', b: 1 },
      { a: 'second', b: 2 },
    ]
    const within = {
      get a() {
        assert.throws(() => codec(pair).encode({ a: 'refused', b: 'no int' }), /b is no whole number/)
        return String(codec(pair).encode(second).length)
      },
      b: 3,
    }
    const written = [first, within, second].map((value) => codec(pair).encode(value))
    assert.deepEqual(
      written.map((bytes) => read(bytes, pair)),
      [first, { a: '8', b: 3 }, second],
    )
    const large = { a: 'x'.repeat(100_000), b: 1 }
    assert.deepEqual(through(large, pair), large)
    assert.deepEqual(through(first, pair), first)
  })

  it('takes nothing that every object has for a field that is not given', () => {
    const odd = record('Odd', field('toString', ['null', 'string'], { default: null }), field('constructor', 'string'))
    assert.throws(() => codec(odd).encode({}), /constructor is missing/)
    assert.deepEqual(through({ constructor: 'c' }, odd), { toString: null, constructor: 'c' })
  })

  it('has what a float can hold, and what is no number', () => {
    for (const value of [3.4028234663852886e38, -1e-45, Number.NaN, Number.NEGATIVE_INFINITY]) {
      assert.ok(Object.is(through(value, 'float'), Math.fround(value)), String(value))
    }
  })

  it('keeps every decimal, to the last digit', () => {
    const schema = { type: 'bytes', logicalType: 'decimal', precision: 40, scale: 5 }
    const property = fc.property(fc.bigInt({ min: -(10n ** 39n), max: 10n ** 39n }), (unscaled) => {
      const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(6, '0')
      const text = `${unscaled < 0n ? '-' : ''}${digits.slice(0, -5)}.${digits.slice(-5)}`
      assert.equal(through(text, schema), text)
    })
    fc.assert(property)
  })

  it('reads lists in blocks, with or without their size in bytes', () => {
    assert.deepEqual(read(hex('02 02 03 04 04 06 00'), { type: 'array', items: 'int' }), [1, 2, 3])
  })

  it('reads a record that contains itself', () => {
    const list = record('List', field('value', 'int'), field('next', ['null', 'List']))
    const value = { value: 1, next: { value: 2, next: null } }
    assert.deepEqual(through(value, list), value)
  })

  it('has names of fields and keys of maps that JavaScript uses itself as what they are', () => {
    const odd = record('Odd', field('__proto__', 'int'), field('constructor', 'string'))
    const value = JSON.parse('{"__proto__":1,"constructor":"x"}')
    assert.deepEqual(through(value, odd), value)
    const map = JSON.parse('{"__proto__":1,"a":2}')
    assert.deepEqual(Object.entries(through(map, { type: 'map', values: 'int' }) as object), [
      ['__proto__', 1],
      ['a', 2],
    ])
  })

  it('gives bytes memory of their own', () => {
    const bytes = hex('04 01 02')
    const value = read(bytes, 'bytes') as Uint8Array
    bytes.fill(0)
    assert.deepEqual([...value, value.buffer.byteLength], [1, 2, 2])
  })
})

describe('a union of Avro', () => {
  const card = record('Card', field('digits', 'string'))
  const invoice = { ...record('Invoice', field('days', 'int')), namespace: 'shop' }

  it('is plain where typeof tells its branches apart', () => {
    const union = ['null', 'boolean', 'int', 'long', 'string', { type: 'array', items: 'int' }]
    for (const value of [null, true, 7, 7n, 'a', [1]]) assert.deepEqual(through(value, union), value)
  })

  it('names its branch where typeof does not', () => {
    for (const value of [null, { Card: { digits: '1' } }, { 'shop.Invoice': { days: 3 } }]) {
      assert.deepEqual(through(value, ['null', card, invoice]), value)
    }
    assert.deepEqual(through({ double: 1 }, ['int', 'double']), { double: 1 })
    const times = ['int', { type: 'long', logicalType: 'timestamp-millis' }]
    assert.deepEqual(through({ long: 5 }, times), { long: 5 })
  })
})

describe('what is no value of an Avro schema', () => {
  const refused: readonly (readonly [schema: unknown, value: unknown, message: RegExp])[] = [
    ['int', 1.5, /the value is no whole number of 32 bits/],
    ['int', 2 ** 31, /no whole number of 32 bits/],
    ['long', 5, /is no bigint of 64 bits/],
    ['long', 2n ** 63n, /is no bigint of 64 bits/],
    ['string', 7, /is no text/],
    ['string', '\ud800', /half a character/],
    ['boolean', 'true', /is no boolean/],
    ['double', '1', /is no number/],
    ['float', 1e39, /is no number that 32 bits can hold/],
    ['float', -3.4028235677973366e38, /is no number that 32 bits can hold/],
    ['bytes', 'x', /is no Uint8Array/],
    [{ type: 'map', values: 'int' }, new Map([['secret', 1]]), /is no map/],
    [{ type: 'map', values: 'int' }, Uint8Array.of(1), /is no map/],
    [record('Order', field('n', 'int', { default: 1 })), new Date(0), /is no Order/],
    [['null', record('Order', field('n', 'int', { default: 1 }))], Uint8Array.of(1), /is no Order/],
    ['null', 1, /is not null/],
    [{ type: 'fixed', name: 'Pair', size: 2 }, Uint8Array.of(1), /has not 2 bytes/],
    [{ type: 'enum', name: 'State', symbols: ['A'] }, 'B', /is no symbol of State/],
    [{ type: 'array', items: 'int' }, [1, 'secret'], /\[1\] is no whole number/],
    [{ type: 'map', values: 'int' }, { secret: 'x' }, /\(an entry\) is no whole number/],
    [['null', 'string'], 5, /is none of null, string/],
    [['int', 'double'], 5, /does not say which it is of int, double/],
    [record('Order', field('line', record('Line', field('sku', 'string')))), { line: {} }, /line\.sku is missing/],
    [record('Order', field('line', record('Line', field('sku', 'string')))), {}, /^line is missing/],
    [record('Order', field('note', ['null', 'string'])), {}, /note is missing/],
    [record('Order', field('line', record('Line', field('sku', 'string')))), { line: { sku: 5 } }, /sku is no text/],
    [record('Order', field('id', 'int')), 'secret', /is no Order/],
    [{ type: 'int', logicalType: 'date' }, '2026-02-31', /a date is not written as 2026-11-29/],
    [{ type: 'long', logicalType: 'timestamp-millis' }, 0.5, /too large|whole|milliseconds/],
    [{ type: 'bytes', logicalType: 'decimal', precision: 3, scale: 1 }, '1.25', /more than 1 digits behind its point/],
    [{ type: 'bytes', logicalType: 'decimal', precision: 3, scale: 1 }, '1234', /more than 3 digits/],
    [{ type: 'fixed', name: 'Id', size: 16, logicalType: 'uuid' }, 'x', /a UUID is not written as 36 characters/],
  ]
  for (const [schema, value, message] of refused) {
    it(`is refused by ${JSON.stringify(schema)}: ${message.source}`, () => {
      assert.throws(
        () => codec(schema).encode(value),
        (error: Error) => {
          assert.match(error.message, message)
          assert.doesNotMatch(error.message, /secret/)
          return true
        },
      )
    })
  }
})

describe('bytes that are no value of an Avro schema', () => {
  const broken: readonly (readonly [schema: unknown, bytes: string, message: RegExp])[] = [
    ['string', '0a 61', /ends too early/],
    ['string', '02 ff', /not UTF-8/],
    ['string', '01', /a length is below 0/],
    ['int', '80', /ends too early/],
    ['int', 'ff ff ff ff ff 01', /more than 32 bits/],
    ['long', 'ff ff ff ff ff ff ff ff ff ff 01', /more than 64 bits/],
    ['boolean', '07', /neither 0 nor 1/],
    ['double', '00', /ends too early/],
    ['int', '02 02', /bytes are left behind its end: 1/],
    [['null', 'string'], '08', /a place in a list of 2 is 4/],
    [{ type: 'enum', name: 'State', symbols: ['A'] }, '09', /a place in a list of 1 is -5/],
    [{ type: 'array', items: 'int' }, 'fe ff ff ff 0f', /ends too early/],
    [{ type: 'array', items: 'null' }, 'fe ff ff ff ff ff ff ff ff 01', /entries that take no byte/],
    [{ type: 'array', items: record('Empty') }, 'fe ff ff ff ff ff 01', /entries that take no byte/],
    [{ type: 'map', values: 'int' }, 'fe ff ff ff 0f', /ends too early/],
  ]
  for (const [schema, bytes, message] of broken) {
    it(`are refused by ${JSON.stringify(schema)}: ${bytes}`, () => {
      assert.throws(() => read(hex(bytes), schema), message)
    })
  }

  it('end in an error or a value, and quickly, whatever they are', () => {
    const tree = record(
      'Tree',
      field('name', 'string'),
      field('tags', { type: 'map', values: ['null', 'long'] }),
      field('children', { type: 'array', items: 'Tree' }),
    )
    const tryToRead = (bytes: Uint8Array) => {
      try {
        read(Buffer.from(bytes), tree)
      } catch (thrown) {
        assert.ok(thrown instanceof Error)
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), tryToRead))
  })
})
