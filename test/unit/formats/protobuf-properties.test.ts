/** Random messages of random schemas: what we write is read by the library alone, and the other way; broken bytes are a value or an error. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { create, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { messageOf, readProtoSchema } from '../../../framework/formats/protobuf/proto-schema.ts'
import { loadProtobuf } from '../../../framework/formats/protobuf/protobuf-library.ts'
import { ProtobufCodec } from '../../../framework/formats/protobuf-codec.ts'

const RUNS = 300

const long = (min: bigint, max: bigint) =>
  fc.oneof(fc.constantFrom(min, max, 0n, min + 1n, max - 1n), fc.bigInt({ min, max }))
const signed = long(-(2n ** 63n), 2n ** 63n - 1n)
const unsigned = long(0n, 2n ** 64n - 1n)
const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const uint = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const text = fc.string({ unit: 'binary', maxLength: 5 })

const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  double: fc.double(),
  float: fc.float(),
  int32: int,
  sint32: int,
  sfixed32: int,
  uint32: uint,
  fixed32: uint,
  int64: signed,
  sint64: signed,
  sfixed64: signed,
  uint64: unsigned,
  fixed64: unsigned,
  bool: fc.boolean(),
  string: text,
  bytes: fc.uint8Array({ maxLength: 5 }),
  Kind: int,
}
const keys: Readonly<Record<string, fc.Arbitrary<string>>> = {
  string: text.filter((key) => key !== '__proto__'),
  int32: int.map(String),
  uint64: unsigned.map(String),
  sint64: signed.map(String),
  bool: fc.boolean().map(String),
}

interface Field {
  readonly written: string
  readonly value: fc.Arbitrary<object>
}

function fieldOf(index: number, number: number): fc.Arbitrary<Field> {
  const name = `f${index}`
  const one = fc.constantFrom(...Object.keys(scalars))
  const anyOf = (type: string) => scalars[type] ?? fc.constant(undefined)
  const maybe = (value: fc.Arbitrary<unknown>) => fc.option(value, { nil: undefined }).map((each) => ({ [name]: each }))
  return fc.oneof(
    one.map((type) => ({ written: `${type} ${name} = ${number};`, value: maybe(anyOf(type)) })),
    one.map((type) => ({ written: `optional ${type} ${name} = ${number};`, value: maybe(anyOf(type)) })),
    fc.tuple(one, fc.constantFrom('', ' [packed = false]')).map(([type, packed]) => ({
      written: `repeated ${type} ${name} = ${number}${['string', 'bytes'].includes(type) ? '' : packed};`,
      value: maybe(fc.array(anyOf(type), { maxLength: 4 })),
    })),
    fc.tuple(fc.constantFrom(...Object.keys(keys)), one).map(([key, type]) => ({
      written: `map<${key}, ${type}> ${name} = ${number};`,
      value: maybe(fc.dictionary(keys[key] ?? text, anyOf(type), { maxKeys: 3 })),
    })),
    fc.tuple(one, one).map(([a, b]) => ({
      written: `oneof ${name} { ${a} ${name}a = ${number}; ${b} ${name}b = ${number + 1}; }`,
      value: maybe(
        fc.oneof(
          anyOf(a).map((value) => ({ case: `${name}a`, value })),
          anyOf(b).map((value) => ({ case: `${name}b`, value })),
        ),
      ),
    })),
    fc.constant({
      written: `repeated Inner ${name} = ${number};`,
      value: maybe(
        fc.array(
          signed.map((x) => ({ x })),
          { maxLength: 3 },
        ),
      ),
    }),
  )
}

interface Sample {
  readonly source: string
  readonly value: object
}

const samples: fc.Arbitrary<Sample> = fc
  .array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 6 })
  .chain((steps) => fc.tuple(...steps.map((step, index) => fieldOf(index, index * 3000 + step))))
  .chain((fields) => {
    const body = fields.map(({ written }) => written).join(' ')
    const source = `syntax = "proto3"; package p; message M { ${body} } message Inner { int64 x = 1; } enum Kind { NONE = 0; }`
    return fc
      .tuple(...fields.map(({ value }) => value))
      .map((parts) => ({ source, value: Object.assign({}, ...parts) }))
  })

function both(source: string): { readonly desc: DescMessage; readonly codec: ProtobufCodec } {
  return { desc: messageOf(readProtoSchema(source, [])), codec: new ProtobufCodec({ text: source }) }
}

describe('a random message', () => {
  before(loadProtobuf)

  it('is the same to the library and to us', () => {
    fc.assert(
      fc.property(samples, ({ source, value }) => {
        const { desc, codec } = both(source)
        const bytes = Buffer.from(toBinary(desc, create(desc, value as never)))
        assert.equal(codec.encode(value).toString('hex'), bytes.toString('hex'))
        const read = codec.readerOf({ format: 'protobuf', text: source, references: [] })
        const back = read(Buffer.concat([Buffer.of(0), bytes]), 0)
        assert.deepEqual(back, fromBinary(desc, new Uint8Array(bytes)))
        assert.equal(codec.encode({ ...(back as object) }).toString('hex'), bytes.toString('hex'))
      }),
      { numRuns: RUNS },
    )
  })

  it('whose bytes are broken is a value that can be written, or an error', () => {
    const breaks = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'add')), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(samples, breaks, ({ source, value }, changes) => {
        const { codec } = both(source)
        let bytes: readonly number[] = [0, ...codec.encode(value)]
        for (const [at, byte, how] of changes) {
          const place = at % (bytes.length + 1)
          const rest = how === 'cut' ? [] : how === 'set' ? bytes.slice(place + 1) : bytes.slice(place)
          bytes = [...bytes.slice(0, place), byte, ...rest]
        }
        const read = codec.readerOf({ format: 'protobuf', text: source, references: [] })
        let back: unknown
        try {
          back = read(Buffer.from(bytes), 0)
        } catch (thrown) {
          assert.ok(thrown instanceof Error)
          return
        }
        if (!(back as { readonly $typeName?: string }).$typeName) return
        const again = Buffer.concat([Buffer.of(0), codec.encode(back)])
        assert.deepEqual(codec.encode(read(again, 0)), again.subarray(1))
      }),
      { numRuns: RUNS },
    )
  })

  it('nested more deeply than anybody writes is an error, and does not end the process', () => {
    const source = 'syntax = "proto3"; message M { M m = 1; }'
    const { codec } = both(source)
    let bytes = Buffer.alloc(0)
    for (let depth = 0; depth < 5_000; depth += 1) {
      const length: number[] = []
      for (let left = bytes.length; ; left >>= 7) {
        length.push(left > 127 ? (left & 127) | 128 : left)
        if (left <= 127) break
      }
      bytes = Buffer.concat([Buffer.from([10, ...length]), bytes])
    }
    const read = codec.readerOf({ format: 'protobuf', text: source, references: [] })
    assert.throws(() => read(Buffer.concat([Buffer.of(0), bytes]), 0), /recursion depth/)
  })
})
