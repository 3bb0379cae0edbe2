/** Values in Protobuf, read and written. Frames were made by @confluentinc/schemaregistry 1.10.1, and are what we write. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { create, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf'
import { type PulledSchema, protobuf } from '../../../framework/api/format.ts'
import { FormatDecoder } from '../../../framework/formats/format-decoder.ts'
import { encodeFormat } from '../../../framework/formats/format-encoder.ts'
import { messageOf, readProtoSchema } from '../../../framework/formats/protobuf/proto-schema.ts'
import { protobufJsonReader } from '../../../framework/formats/protobuf/protobuf-json.ts'
import { loadProtobuf } from '../../../framework/formats/protobuf/protobuf-library.ts'
import { ProtobufCodec } from '../../../framework/formats/protobuf-codec.ts'
import { loadCodec } from '../../../framework/formats/value-codec.ts'
import { RejectedValue } from '../../../framework/validation/value-decoder.ts'

const nested = `syntax = "proto3"; package v;
message A { string a = 1; message B { message C { int32 c = 1; } message D { sint32 d = 1; } } message E { bool e = 1; } }
message F { bool f = 1; }`
const guid = '89791762-2336-4186-9674-299b90a802e2'

function pulled(text: string, message?: string): PulledSchema<unknown> {
  const more = message === undefined ? {} : { message }
  return {
    kind: 'pyrallel.schema',
    format: 'protobuf',
    subject: 'orders-value',
    id: 1,
    guid,
    fingerprint: 'f00d',
    text,
    ...more,
  }
}

function codec(text: string, message?: string): ProtobufCodec {
  return new ProtobufCodec(pulled(text, message))
}

function proto3(body: string): string {
  return `syntax = "proto3"; package shop; ${body}`
}

function reading(bytes: Buffer, written: string, wanted: string, message?: string): unknown {
  const found = { kind: 'found', schema: { format: 'protobuf', text: written, references: [] } } as const
  const decoder = FormatDecoder.of(protobuf(pulled(wanted, message)), 'bill', { find: () => found })
  return decoder.decode(Buffer.concat([Buffer.of(0, 0, 0, 0, 1), bytes]), [])
}

function failure(value: unknown): { readonly name: string; readonly message: string } {
  assert.ok(value instanceof RejectedValue)
  return value.failure
}

describe('a value in Protobuf', () => {
  before(() => loadCodec({ format: 'protobuf' }))

  const frames: readonly (readonly [message: string, value: object, indexes: string, bytes: string])[] = [
    ['v.A', { a: 'x' }, '00', '0a0178'],
    ['v.F', { f: true }, '0202', '0801'],
    ['v.A.E', { e: true }, '040002', '0801'],
    ['v.A.B.C', { c: 5 }, '06000000', '0805'],
    ['v.A.B.D', { d: -3 }, '06000002', '0805'],
  ]
  for (const [message, value, indexes, bytes] of frames) {
    it(`says which message of its file it is, in every framing: ${message}`, () => {
      const schema = pulled(nested, message)
      const names = { id: '0000000001', guid: `01${guid.replaceAll('-', '')}`, header: '' }
      for (const framing of ['id', 'guid', 'header'] as const) {
        const format = protobuf(schema, { framing })
        const written = encodeFormat(format, 'orders', value)
        const isBeside = framing === 'header'
        assert.equal(written.value?.toString('hex'), isBeside ? bytes : `${names[framing]}${indexes}${bytes}`)
        assert.equal(written.headers[0]?.[1]?.toString('hex'), isBeside ? `${names.guid}${indexes}` : undefined)
        const answer = { kind: 'found', schema: { format: 'protobuf', text: nested, references: [] } } as const
        const read = FormatDecoder.of(format, 'bill', { find: () => answer }).decode(written.value, written.headers)
        assert.deepEqual({ ...(read as object) }, { $typeName: message, ...value })
      }
    })
  }

  it('of another message is a dead letter of its own name', () => {
    const { name, message } = failure(reading(Buffer.of(2, 2, 8, 1), nested, nested, 'v.A'))
    assert.deepEqual([name, message], ['OtherMessage', 'the value is a v.F, and v.A is wanted'])
    assert.match(failure(reading(Buffer.of(2, 8, 8, 1), nested, nested)).message, /indexes of its message lead nowhere/)
    assert.equal(failure(reading(Buffer.of(0), proto3('message X {}'), proto3('message Y {}'))).name, 'OtherMessage')
  })

  it('may say in more bytes that it is the first message', () => {
    assert.equal((reading(Buffer.of(2, 0, 10, 1, 120), nested, nested) as { a: string }).a, 'x')
  })

  it('is a dead letter when its indexes or its bytes are none', () => {
    const bad = [
      [],
      [2],
      [1, 0],
      [255, 255, 255, 255, 255, 255],
      [254, 255, 255, 255, 15],
      [0, 10, 200, 1],
      [0, 7],
      [0, 10, 2, 0xc3, 0x28],
    ]
    for (const bytes of bad) {
      assert.equal(failure(reading(Buffer.from(bytes), nested, nested)).name, 'UndecodableValue', String(bytes))
    }
  })

  it('is read with what was pulled, when that fits what it was written with', () => {
    const written = proto3(
      'message O { int32 a = 1; string b = 2; E e = 3; int32 gone = 4; string y = 6; } enum E { NONE = 0; X = 1; }',
    )
    const wanted = proto3(
      'message O { int64 renamed = 1; bytes b = 2; int32 e = 3; string fresh = 5; oneof o { string y = 6; string z = 7; } }',
    )
    const bytes = codec(written).encode({ a: -5, b: 'ä', e: 1, gone: 9, y: 'why' })
    const { $unknown: unknown, ...value } = reading(Buffer.concat([Buffer.of(0), bytes]), written, wanted) as {
      readonly $unknown: readonly { readonly no: number }[]
    }
    assert.deepEqual(value, {
      $typeName: 'shop.O',
      renamed: -5n,
      b: new Uint8Array([0xc3, 0xa4]),
      e: 1,
      fresh: '',
      o: { case: 'y', value: 'why' },
    })
    assert.deepEqual(
      unknown.map(({ no }) => no),
      [4],
    )
    const again = codec(wanted).encode({ ...value, $unknown: unknown })
    assert.deepEqual(
      codec(written).readerOf({ format: 'protobuf', text: written, references: [] })(
        Buffer.concat([Buffer.of(0), again]),
        0,
      ),
      {
        $typeName: 'shop.O',
        a: -5,
        b: 'ä',
        e: 1,
        gone: 9,
        y: 'why',
      },
    )
  })

  const unfit: readonly (readonly [written: string, wanted: string, why: RegExp])[] = [
    ['int32 a = 1;', 'string a = 1;', /shop\.O\.a \(1\) was written as int32, and string is wanted/],
    ['int64 a = 1;', 'int32 a = 1;', /int64, and int32/],
    ['sint32 a = 1;', 'int32 a = 1;', /sint32, and int32/],
    ['uint32 a = 1;', 'int32 a = 1;', /uint32, and int32/],
    ['fixed32 a = 1;', 'float a = 1;', /fixed32, and float/],
    ['bytes a = 1;', 'string a = 1;', /bytes, and string/],
    ['E a = 1;', 'string a = 1;', /shop\.E, and string/],
    ['string a = 1;', 'repeated string a = 1;', /a single value, and a list/],
    ['map<string, int32> a = 1;', 'map<int32, int32> a = 1;', /keys of string, and int32/],
    ['map<string, int32> a = 1;', 'map<string, bool> a = 1;', /int32, and bool/],
    ['M a = 1;', 'N a = 1;', /shop\.N\.x \(1\) was written as string, and int32/],
    ['M a = 1;', 'string a = 1;', /shop\.M, and string/],
    [
      'google.protobuf.Duration a = 1;',
      'google.protobuf.Timestamp a = 1;',
      /Duration, and google\.protobuf\.Timestamp/,
    ],
    ['F a = 1;', 'E a = 1;', /written with another number for MOVED/],
    [
      'string a = 1; string b = 2;',
      'oneof o { string a = 1; string b = 2; }',
      /shop\.O\.o was written as fields that do not exclude/,
    ],
  ]
  for (const [written, wanted, why] of unfit) {
    it(`is a mismatch, and never a wrong value: ${written} -> ${wanted}`, () => {
      const imports = 'import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto";'
      const text = (fields: string, moved: number, other: string) =>
        proto3(
          `${imports} message O { ${fields} } enum ${other} { N_${other} = 0; MOVED = ${moved}; } message M { string x = 1; } message N { int32 x = 1; }`,
        )
      const result = failure(
        reading(Buffer.of(0), text(written, 1, written.startsWith('F') ? 'F' : 'E'), text(wanted, 2, 'E')),
      )
      assert.equal(result.name, 'SchemaMismatch')
      assert.match(result.message, why)
    })
  }

  it('a message that refers to itself is compared to its end', () => {
    const tree = proto3('message T { repeated T branches = 1; Leaf leaf = 2; } message Leaf { T tree = 1; }')
    const value = { branches: [{ leaf: { tree: {} } }] }
    const read = reading(Buffer.concat([Buffer.of(0), codec(tree).encode(value)]), tree, tree)
    assert.equal((read as { branches: readonly unknown[] }).branches.length, 1)
  })

  it('without a field that proto2 requires is neither read nor written', () => {
    const text = 'message O { repeated I items = 1; } message I { required string id = 1; }'
    assert.match(failure(reading(Buffer.of(0, 10, 0), text, text)).message, /I\.id is required and missing/)
    assert.throws(() => codec(text).encode({ items: [{ id: '' }, {}] }), /items\[1\]\.id is missing, and required/)
    assert.equal(
      codec(text)
        .encode({ items: [{ id: '' }] })
        .toString('hex'),
      '0a020a00',
    )
  })

  it('keeps no part of the bytes that a client hands out', () => {
    const text = proto3('message O { bytes b = 1; }')
    const bytes = Buffer.of(0, 0, 0, 0, 1, 0, 10, 1, 7)
    const found = { kind: 'found', schema: { format: 'protobuf', text, references: [] } } as const
    const read = FormatDecoder.of(protobuf(pulled(text)), 'bill', { find: () => found }).decode(bytes, [])
    bytes.fill(9)
    assert.deepEqual((read as { b: Uint8Array }).b, new Uint8Array([7]))
    assert.equal(Object.getPrototypeOf((read as { b: Uint8Array }).b), Uint8Array.prototype)
  })

  const bad: readonly (readonly [fields: string, value: object, why: string])[] = [
    ['int32 a = 1;', { a: 2 ** 31 }, 'a is no whole number of 32 bits with a sign'],
    ['int32 a = 1;', { a: 1.5 }, 'a is no whole number of 32 bits with a sign'],
    ['int32 a = 1;', { a: null }, 'a is no whole number of 32 bits with a sign'],
    ['uint32 a = 1;', { a: -1 }, 'a is no whole number of 32 bits without a sign'],
    ['int64 a = 1;', { a: 5 }, 'a is no bigint'],
    ['int64 a = 1;', { a: 2n ** 63n }, 'a is no whole number of 64 bits with a sign'],
    ['uint64 a = 1;', { a: -1n }, 'a is no whole number of 64 bits without a sign'],
    ['int64 a = 1 [jstype = JS_STRING];', { a: 5n }, 'a is no text of a whole number'],
    ['float a = 1;', { a: 1e39 }, 'a is no number that 32 bits can hold'],
    ['string a = 1;', { a: '\ud800' }, 'a has half a character in it, which no UTF-8 can hold'],
    ['bytes a = 1;', { a: 'x' }, 'a is no Uint8Array'],
    ['bool a = 1;', { a: 0 }, 'a is no boolean'],
    ['repeated int32 a = 1;', { a: [1, '2'] }, 'a[1] is no whole number of 32 bits with a sign'],
    ['repeated string a = 1;', { a: 'x' }, 'a is no list'],
    ['map<int32, bool> a = 1;', { a: { x: true } }, 'a.(an entry) has a key that the map cannot have'],
    ['map<string, I> a = 1;', { a: { x: { b: 1 } } }, 'a.(an entry).b is no text'],
    ['I a = 1;', { a: 'x' }, 'a is no shop.I'],
    ['I a = 1;', { a: new Date(0) }, 'a is no shop.I'],
    ['map<string, bool> a = 1;', { a: new Map([['x', true]]) }, 'a is no map'],
    ['I a = 1;', { a: { c: 1 } }, 'a has a property "c", which shop.I has not'],
    ['repeated I a = 1;', { a: [{}, { b: 1 }] }, 'a[1].b is no text'],
    ['oneof o { I a = 1; }', { o: { case: 'a', value: { b: 1 } } }, 'o.a.b is no text'],
    [
      'oneof o { I a = 1; }',
      { o: { case: 'b', value: 1 } },
      "o does not say which it is of a: { case: 'name', value }",
    ],
    ['oneof o { I a = 1; }', { a: {} }, 'the value has a property "a", which shop.O has not'],
    ['I a = 1;', { a: { $typeName: 'shop.O' } }, 'a is another message, and no shop.I'],
    ['int32 a = 1;', { constructor: 1 }, 'the value has a property "constructor", which shop.O has not'],
    ['int32 a = 1;', { $unknown: [{ no: 5 }] }, 'the value has a $unknown that was not read'],
    ['google.protobuf.Struct a = 1;', { a: { x: { y: 5n } } }, 'a is no JSON'],
    ['google.protobuf.StringValue a = 1;', { a: 5 }, 'a.value is no text'],
  ]
  for (const [fields, value, why] of bad) {
    it(`is refused with its place: ${why}`, () => {
      const imports = 'import "google/protobuf/struct.proto"; import "google/protobuf/wrappers.proto";'
      const text = proto3(`${imports} message O { ${fields} } message I { string b = 1; }`)
      assert.throws(() => encodeFormat(protobuf(pulled(text)), 'orders', value), {
        code: 'PYR_SCHEMA',
        message: `The value published to orders does not satisfy schema orders-value: ${why}.`,
      })
    })
  }

  it('a value that is no object, or nested too deeply, is refused', () => {
    const text = proto3('message O { O o = 1; }')
    for (const value of [undefined, 5, 'x', []])
      assert.throws(() => codec(text).encode(value), /the value is no shop\.O/)
    const circle: { o?: object } = {}
    circle.o = circle
    assert.throws(() => codec(text).encode(circle), /nested more than 100 deep/)
  })

  it('of a closed enum is one of its numbers, of an open one any', () => {
    const closed = codec('message O { optional E e = 1; } enum E { A = 1; }')
    assert.throws(() => closed.encode({ e: 2 }), /e is no number of enum E/)
    assert.equal(codec(proto3('message O { E e = 1; } enum E { A = 0; }')).encode({ e: 2 }).toString('hex'), '0802')
  })

  const everything = `syntax = "proto3"; package all;
    import "google/protobuf/timestamp.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/wrappers.proto";
    message O {
      double d = 1; float f = 2; int32 i32 = 3; int64 i64 = 4; uint32 u32 = 5; uint64 u64 = 6; sint32 s32 = 7; sint64 s64 = 8;
      fixed32 f32 = 9; fixed64 f64 = 10; sfixed32 sf32 = 11; sfixed64 sf64 = 12; bool b = 13; string s = 14; bytes raw = 15;
      optional int32 maybe = 16; repeated sint64 list = 17; repeated int32 loose = 18 [packed = false]; repeated string texts = 19;
      map<string, O> by_name = 20; map<uint64, bytes> by_long = 21; map<bool, E> by_bool = 22; E e = 23; repeated E es = 24;
      oneof one { O self = 25; int32 zero = 26; } google.protobuf.Timestamp at = 27; google.protobuf.Struct json = 28;
      google.protobuf.Int64Value wrapped = 29; repeated google.protobuf.StringValue wrappers = 30; google.protobuf.Value any = 31;
      int64 text = 32 [jstype = JS_STRING]; string constructor = 33; repeated O children = 34;
    }
    enum E { NONE = 0; SOME = 5; LESS = -1; }`
  const max = 2n ** 63n - 1n
  const min = -(2n ** 63n)
  const values: readonly object[] = [
    {},
    {
      d: -0,
      f: Number.NaN,
      i32: -(2 ** 31),
      i64: min,
      u32: 2 ** 32 - 1,
      u64: 2n ** 64n - 1n,
      s32: 2 ** 31 - 1,
      s64: min,
    },
    { d: Infinity, f: 0.5, i64: max, s64: max, f32: 2 ** 32 - 1, f64: 2n ** 64n - 1n, sf32: -1, sf64: min, b: true },
    { i64: -(2n ** 53n) - 1n, s64: 2n ** 53n + 1n, s: 'ä€😀', raw: new Uint8Array([0, 255]), maybe: 0 },
    { list: [0n, max, min], loose: [0, -1], texts: ['', 'x'], es: [5, -1, 77], e: -1 },
    {
      byName: { '': {}, x: { s: 'y' } },
      byLong: { [String(2n ** 64n - 1n)]: new Uint8Array(2) },
      byBool: { true: 5, false: 0 },
    },
    { one: { case: 'zero', value: 0 } },
    { one: { case: 'self', value: { one: { case: 'self', value: {} } } } },
    {
      one: { case: undefined },
      at: { seconds: 1_796_000_000n, nanos: 5 },
      json: { a: [1, null, { b: 'c' }] },
      wrapped: 0n,
    },
    { wrapped: max, wrappers: [{ value: '' }, { value: 'x' }], any: { kind: { case: 'boolValue', value: true } } },
    { text: '-9223372036854775808', constructor$: 'x', children: [{ children: [{}] }, {}] },
  ]

  function desc(): DescMessage {
    return messageOf(readProtoSchema(everything, []))
  }

  it('is written as the library writes it, and read as it reads it', () => {
    const message = desc()
    const ours = codec(everything)
    const read = ours.readerOf({ format: 'protobuf', text: everything, references: [] })
    for (const value of values) {
      const made = create(message, value as never)
      const bytes = Buffer.from(toBinary(message, made))
      assert.equal(ours.encode(value).toString('hex'), bytes.toString('hex'))
      assert.equal(ours.encode(made).toString('hex'), bytes.toString('hex'), 'a message of the library')
      const back = read(Buffer.concat([Buffer.of(0), bytes]), 0)
      assert.deepEqual(back, fromBinary(message, new Uint8Array(bytes)))
      assert.equal(ours.encode({ ...(back as object) }).toString('hex'), bytes.toString('hex'), 'read and spread')
    }
  })
})

describe('a value of Protobuf that is cut', () => {
  before(loadProtobuf)

  it('is told so, and not that it is nested too deeply', () => {
    const schema = { text: 'syntax = "proto3"; message Order { string name = 1; }' }
    const codec = new ProtobufCodec({ ...schema, message: 'Order' })
    const reader = codec.readerOf({ format: 'protobuf', ...schema, references: [] })
    const bytes = Buffer.of(0, 10, 5, 97)
    assert.throws(() => reader(bytes, 0), { name: 'Error', message: 'the value ends too early' })
    assert.throws(() => protobufJsonReader(schema)(bytes, 0), { name: 'Error', message: 'the value ends too early' })
  })
})
