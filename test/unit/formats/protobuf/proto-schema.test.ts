/** The descriptors of `.proto` files are those that protoc makes. `golden/*.bin` were made by `protoc --descriptor_set_out`, the first with `--include_imports`. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { fromBinary, toBinary, toJson } from '@bufbuild/protobuf'
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import {
  commentsOf,
  messageOf,
  type NamedProto,
  readProtoSchema,
} from '../../../../framework/formats/protobuf/proto-schema.ts'
import { loadProtobuf } from '../../../../framework/formats/protobuf/protobuf-library.ts'

const golden = new URL('golden/', import.meta.url)
const names = ['order', 'money', 'currency', 'old', 'edition', 'next_edition'].map((name) => `shop/${name}.proto`)
const files: readonly NamedProto[] = names.map((name) => ({
  name,
  text: readFileSync(new URL(name, golden), 'utf8'),
}))
const made = ['protoc-35.1.bin', 'protoc-35.1-edition-2024.bin'].flatMap(
  (name) => fromBinary(FileDescriptorSetSchema, readFileSync(new URL(name, golden))).file,
)

/** Without services, what is for compilers of other languages, and which files may name what: what a registry has, its own compiler has taken. */
function compared(file: FileDescriptorProto): unknown {
  const all = toJson(FileDescriptorProtoSchema, file) as Readonly<Record<string, unknown>>
  const { service: _, sourceCodeInfo: __, optionDependency: ___, syntax = 'proto2', ...rest } = all
  return JSON.parse(JSON.stringify({ ...rest, syntax }), (key, value) => {
    switch (key) {
      case 'visibility':
        return undefined
      case 'options': {
        const { javaPackage: _, javaMultipleFiles: __, ...others } = value
        return Object.keys(others).length === 0 ? undefined : others
      }
      case 'extensionRange':
        return value.map(({ start, end }: { readonly start: number; readonly end: number }) => ({ start, end }))
      case 'enumType':
        // The feature of that name is none.
        if (!Array.isArray(value)) return value
        return value.map(({ reservedRange: _, reservedName: __, ...others }: Record<string, unknown>) => others)
      default:
        return value
    }
  })
}

function read(text: string, references: readonly NamedProto[] = []) {
  return readProtoSchema(text, references)
}

describe('a .proto file', () => {
  before(loadProtobuf)

  for (const { name, text } of files) {
    it(`is described as protoc does it: ${name}`, () => {
      const file = read(text, files)
      const wanted = made.find((each) => each.name === name)
      assert.ok(wanted !== undefined)
      file.proto.name = name
      assert.deepEqual(compared(file.proto), compared(wanted))
    })
  }

  it('tells what its comments say', () => {
    const said = (...path: readonly number[]) => commentsOf(read(files[0]!.text, files), path)
    assert.deepEqual(said(4, 0), ['An order.\nWith two lines.', ''])
    assert.deepEqual(said(4, 0, 2, 0), ['The number.', 'of the order'])
    assert.deepEqual(said(5, 0, 2, 0), ['Nothing.', ''])
    assert.deepEqual(said(4, 0, 2, 1), ['', ''])
  })

  it('takes the options of others, services and extensions without a word', () => {
    const text = `syntax = "proto3";
      import "validate/validate.proto"; import weak "gone.proto";
      option (custom.option).inner = { a: 1 b { c: "}" } d: [1, 2] };
      message Order {
        option (my.message).set = true;
        oneof paid { option (my.oneof) = "x"; bool cash = 1 [(my.field) = { x: "]" }, (my.other).a.b = -inf]; }
        extend google.protobuf.FieldOptions { string mark = 50000; }
      }
      extend google.protobuf.FieldOptions { optional group Mark = 50001 { optional string x = 1; } }
      service Orders { rpc Get (Gone) returns (stream .Gone.Away) { option (google.api.http) = { get: "/{id}" }; } }`
    const file = read(text)
    assert.deepEqual(
      file.messages.map(({ fields }) => fields.map(({ name }) => name)),
      [['cash']],
    )
  })

  it('may import what registries let everybody import, without a reference', () => {
    const names = [
      'calendar_period',
      'color',
      'date',
      'datetime',
      'dayofweek',
      'decimal',
      'expr',
      'fraction',
      'interval',
    ]
    names.push(
      'latlng',
      'localized_text',
      'money',
      'month',
      'phone_number',
      'postal_address',
      'quaternion',
      'timeofday',
    )
    const imports = names.map((name) => `import "google/type/${name}.proto";`).join(' ')
    const types = ['Money', 'DateTime', 'TimeOfDay', 'DayOfWeek', 'PhoneNumber.ShortCode']
    const fields = types.map((type, index) => `google.type.${type} f${index} = ${index + 1};`).join(' ')
    const more = 'import "confluent/type/decimal.proto"; import "confluent/meta.proto";'
    const text = `syntax = "proto3"; ${imports} ${more} message X { ${fields} confluent.type.Decimal d = 9; }`
    const [message] = read(text).messages
    assert.deepEqual(
      message?.fields.map((field) => (field.message ?? field.enum)?.typeName),
      [...types.map((type) => `google.type.${type}`), 'confluent.type.Decimal'],
    )
  })

  it('is read from a descriptor in base64, as serializers for JavaScript register it', () => {
    const money = read(files[1]!.text, files)
    const text = Buffer.from(toBinary(FileDescriptorProtoSchema, money.proto)).toString('base64')
    assert.equal(messageOf(read(text, files)).typeName, 'shop.v1.Money')
    assert.throws(() => read(text), /imports "shop\/currency\.proto", and no reference has that name/)
  })

  it('finds names from the inside out, and sees what is imported publicly only', () => {
    const a = {
      name: 'a.proto',
      text: 'syntax = "proto3"; package a; import public "b.proto"; import "c.proto"; message A {}',
    }
    const b = {
      name: 'b.proto',
      text: 'syntax = "proto3"; package a.b; message B { message A {} A a = 1; .a.b.B up = 2; }',
    }
    const c = { name: 'c.proto', text: 'syntax = "proto3"; package a.c; enum C { NONE = 0; }' }
    const references = [c, b, a]
    const own = (type: string) =>
      read(`syntax = "proto3"; package a.x; import "a.proto"; message X { ${type} x = 1; }`, references).messages[0]
        ?.fields[0]
    assert.equal(own('A')?.message?.typeName, 'a.A')
    assert.equal(own('b.B')?.message?.typeName, 'a.b.B')
    assert.equal(own('.a.b.B.A')?.message?.typeName, 'a.b.B.A')
    assert.equal(own('X')?.message?.typeName, 'a.x.X')
    assert.throws(() => own('c.C'), /field a\.x\.X\.x has a type "c\.C" that is defined nowhere/)
    assert.equal(read(b.text).messages[0]?.fields[0]?.message?.typeName, 'a.b.B.A')
  })

  it('does not choose between two of one name: of references, and of types that imports bring', () => {
    const a = { name: 'a.proto', text: 'syntax = "proto3"; message A { int32 x = 1; }' }
    const b = { name: 'b.proto', text: 'syntax = "proto3"; import public "a.proto"; message B {}' }
    const c = { name: 'c.proto', text: 'syntax = "proto3"; import public "a.proto"; message C {}' }
    const d = { name: 'd.proto', text: 'syntax = "proto3"; message A { string x = 1; }' }
    const text = 'syntax = "proto3"; import "b.proto"; import "c.proto"; import "a.proto"; message X { A a = 1; }'
    assert.equal(read(text, [a, a, b, c]).messages[0]?.fields[0]?.message?.typeName, 'A')
    assert.throws(
      () => read(text, [a, { ...a, text: d.text }, b, c]),
      /two references are named "a\.proto", and differ/,
    )
    const twice = text.replace('"c.proto"', '"d.proto"')
    assert.throws(() => read(twice, [a, b, d]), /A is defined twice/)
    const far = { name: 'e.proto', text: 'syntax = "proto3"; import "d.proto"; message E { A a = 1; }' }
    assert.throws(() => read(text.replace('"c.proto"', '"e.proto"'), [a, b, d, far]), /A is defined twice/)
  })

  it('has a field in each oneof, be it a group, and however many oneofs stand before', () => {
    const read = (oneofs: string) => readProtoSchema(`syntax = "proto2"; message M { ${oneofs} }`, [])
    const first = 'oneof a { int32 x = 1; } optional int32 y = 2;'
    assert.equal(messageOf(read(`${first} oneof b { group Z = 3 { optional int32 inner = 1; } }`)).oneofs.length, 2)
    assert.throws(() => read(`${first} oneof b { }`), /line 1: oneof b has no field/)
    assert.throws(
      () => read(`${first} oneof b { option (my.oneof) = "x"; } oneof c { int32 z = 3; }`),
      /oneof b has no/,
    )
    const many = Array.from({ length: 18_000 }, (_, index) => `oneof o${index} { int32 f${index} = ${index + 1}; }`)
    assert.equal(messageOf(read(many.join('\n'))).oneofs.length, 18_000)
  })

  it('says which message is wanted and is not there', () => {
    const file = read('syntax = "proto3"; message A { message B { message C {} } } message D {}')
    assert.equal(messageOf(file).typeName, 'A')
    assert.equal(messageOf(file, 'A.B.C').typeName, 'A.B.C')
    assert.throws(() => messageOf(file, 'B'), /defines no message "B"/)
    assert.throws(() => messageOf(read('enum E { A = 0; }')), /defines no message/)
  })

  it('takes an entry of a map that is written as a message, as libraries for Java do', () => {
    const entry = (fields: string) =>
      read(`syntax = "proto3"; message A { repeated .A.CountsEntry counts = 1; B b = 2; message B {}
message CountsEntry { option map_entry = true; ${fields} } }`)
    const [message] = entry('string key = 1; int64 value = 2;').messages
    const [field] = message?.fields ?? []
    assert.deepEqual([field?.fieldKind, field?.localName], ['map', 'counts'])
    assert.deepEqual(
      message?.nestedMessages.map(({ name }) => name),
      ['B'],
    )
    for (const fields of ['string key = 1;', 'bytes key = 1; int64 value = 2;', 'B key = 1; int64 value = 2;']) {
      assert.throws(() => entry(fields), /message CountsEntry has option map_entry, and is no entry of a map/)
    }
  })

  const refused: readonly (readonly [why: RegExp, text: string])[] = [
    [/line 2: "2" stands where the name of a field is wanted/, 'message A {\noptional int32 2 = 1; }'],
    [/line 1: the text ends in the middle/, 'service A {'],
    [/line 1: "~" stands where it cannot/, 'message ~'],
    [/syntax "proto4" is not read here: proto2 and proto3 are/, 'syntax = "proto4";'],
    [/edition "2099" is not read here: 2023 and 2024 are/, 'edition = "2099";'],
    [/begins with optional, required or repeated/, 'message A { int32 a = 1; }'],
    [/required is not of this syntax/, 'syntax = "proto3"; message A { required int32 a = 1; }'],
    [/0 is no number of a field/, 'message A { optional int32 a = 0; }'],
    [/536870912 is no number of a field/, 'message A { optional int32 a = 536870912; }'],
    [/19500 is a number of Protobuf's own/, 'message A { optional int32 a = 19500; }'],
    [/A has two fields with the number 1/, 'message A { optional int32 a = 1; optional int32 b = 1; }'],
    [/A has a twice/, 'message A { optional int32 a = 1; optional int32 a = 2; }'],
    [/A is defined twice/, 'message A {} enum A { X = 0; }'],
    [/two values with one number/, 'enum E { A = 0; B = 0; }'],
    [/first value of enum E has not the number 0/, 'syntax = "proto3"; enum E { A = 1; }'],
    [/enum E has no value/, 'enum E { }'],
    [
      /has a type "Gone" that is defined nowhere; it imports "gone.proto"/,
      'import "gone.proto"; message A { optional Gone a = 1; }',
    ],
    [/keys of a map/, 'message A { map<double, string> a = 1; }'],
    [/option message_set_wire_format is not read/, 'message A { option message_set_wire_format = true; }'],
    [/feature field_presence is not read/, 'edition = "2023"; option features.field_presence = SOMETIMES;'],
    [/messages stand more than 100 deep/, `${'message A { '.repeat(200)}${'}'.repeat(200)}`],
    [/"a.proto" imports itself/, 'import "a.proto"; message X { optional A a = 1; }'],
  ]
  for (const [why, text] of refused) {
    it(`is refused in words: ${text.slice(0, 60).replaceAll('\n', ' ')}`, () => {
      const circle = [
        { name: 'a.proto', text: 'import "b.proto"; message A {}' },
        { name: 'b.proto', text: 'import "a.proto"; message B {}' },
      ]
      assert.throws(() => read(text, circle), why)
    })
  }
})
