/** The types that values of a Protobuf message have: in the shape of @bufbuild/protobuf, for values that are read and for plain ones that are published. */
import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { FileDescriptorSetSchema, ValueSchema } from '@bufbuild/protobuf/wkt'
import { ModuleKind, ModuleResolutionKind, Project, ScriptTarget } from 'ts-morph'
import { protobufTypes } from '../../../../cli/schemas/protobuf-types.ts'
import { messageOf, readProtoSchema } from '../../../../framework/formats/protobuf/proto-schema.ts'
import { loadProtobuf } from '../../../../framework/formats/protobuf/protobuf-library.ts'

before(() => loadProtobuf())

function typesOf(text: string, name?: string) {
  return protobufTypes(messageOf(readProtoSchema(text, []), name), 'ordersValue')
}

const head = `syntax = "proto3"; package shop;
import "google/protobuf/any.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Line { string sku = 1; } enum Status { NEW = 0; }
`

/** Of a field, with its name. */
function fieldOf(field: string, text = `${head} message M { ${field} }`, name = 'shop.M'): string {
  const { declarations } = typesOf(text, name)
  return /\$unknown.*\n {2}([\s\S]*)\n\}\n$/.exec(declarations[0] ?? '')?.[1] ?? ''
}

describe('the type of a field', () => {
  for (const [field, expected] of [
    ['double f = 1;', 'readonly f: number'],
    ['float f = 1;', 'readonly f: number'],
    ['int32 f = 1;', 'readonly f: number'],
    ['uint32 f = 1;', 'readonly f: number'],
    ['sint32 f = 1;', 'readonly f: number'],
    ['fixed32 f = 1;', 'readonly f: number'],
    ['sfixed32 f = 1;', 'readonly f: number'],
    ['int64 f = 1;', 'readonly f: bigint'],
    ['uint64 f = 1;', 'readonly f: bigint'],
    ['sint64 f = 1;', 'readonly f: bigint'],
    ['fixed64 f = 1;', 'readonly f: bigint'],
    ['sfixed64 f = 1;', 'readonly f: bigint'],
    ['int64 f = 1 [jstype = JS_STRING];', 'readonly f: string'],
    ['bool f = 1;', 'readonly f: boolean'],
    ['string f = 1;', 'readonly f: string'],
    ['bytes f = 1;', 'readonly f: Uint8Array'],
    ['Status f = 1;', 'readonly f: Status'],
    ['Line f = 1;', 'readonly f?: Line | undefined'],
    ['optional int32 f = 1;', 'readonly f?: number | undefined'],
    ['optional Status f = 1;', 'readonly f?: Status | undefined'],
    ['repeated int64 f = 1;', 'readonly f: readonly bigint[]'],
    ['repeated Line f = 1;', 'readonly f: readonly Line[]'],
    ['map<string, Line> f = 1;', 'readonly f: Readonly<Record<string, Line>>'],
    ['map<int32, int64> f = 1;', 'readonly f: Readonly<Record<number, bigint>>'],
    ['map<fixed32, Status> f = 1;', 'readonly f: Readonly<Record<number, Status>>'],
    // The name of a property is a text, and these do not fit a number.
    ['map<uint64, bool> f = 1;', 'readonly f: Readonly<Record<string, boolean>>'],
    ['map<bool, bytes> f = 1;', 'readonly f: Readonly<Record<string, Uint8Array>>'],
    // Names as the library has them.
    ['int32 f_number_1 = 1;', 'readonly fNumber1: number'],
    ['int32 constructor = 1;', 'readonly constructor$: number'],
    ['int32 class = 1;', 'readonly class: number'],
    // Well-known types.
    ['google.protobuf.Timestamp f = 1;', 'readonly f?: Timestamp | undefined'],
    ['google.protobuf.Duration f = 1;', 'readonly f?: Duration | undefined'],
    ['google.protobuf.Any f = 1;', 'readonly f?: Any | undefined'],
    ['google.protobuf.Empty f = 1;', 'readonly f?: Empty | undefined'],
    ['google.protobuf.FieldMask f = 1;', 'readonly f?: FieldMask | undefined'],
    ['google.protobuf.Struct f = 1;', 'readonly f?: JsonObject | undefined'],
    ['repeated google.protobuf.Struct f = 1;', 'readonly f: readonly JsonObject[]'],
    ['google.protobuf.Value f = 1;', 'readonly f?: Value | undefined'],
    ['google.protobuf.StringValue f = 1;', 'readonly f?: string | undefined'],
    ['google.protobuf.Int64Value f = 1;', 'readonly f?: bigint | undefined'],
    ['google.protobuf.BytesValue f = 1;', 'readonly f?: Uint8Array | undefined'],
    ['repeated google.protobuf.StringValue f = 1;', 'readonly f: readonly StringValue[]'],
    [
      'oneof by { Line card = 1; int64 till_number = 2; google.protobuf.StringValue note = 3; }',
      `readonly by:
    | { readonly case: 'card'; readonly value: Line }
    | { readonly case: 'tillNumber'; readonly value: bigint }
    | { readonly case: 'note'; readonly value: StringValue }
    | { readonly case: undefined; readonly value?: undefined }`,
    ],
  ] as const) {
    it(`${field} is ${expected.split('\n')[0]}`, () => assert.equal(fieldOf(field), expected))
  }

  it('may be left out in proto2, unless it is required', () => {
    const of = (field: string) => fieldOf('', `syntax = "proto2"; message M { ${field} }`, 'M')
    assert.equal(of('optional int32 f = 1 [default = 7];'), 'readonly f?: number | undefined')
    assert.equal(of('required string f = 1;'), 'readonly f: string')
    assert.equal(of('repeated int32 f = 1 [packed = true];'), 'readonly f: readonly number[]')
    assert.equal(of('optional group Part = 1 { optional int32 n = 1; }'), 'readonly part?: Part | undefined')
  })
})

describe('declarations', () => {
  it('stand in the order of the message, each once, with what is said of them', () => {
    const { root, declarations } = typesOf(
      `syntax = "proto3";
package shop;
/* An order.
   With lines. */
message Order {
  // Of the shop.
  int64 id = 1;
  Status status = 2; // what has become of it
  repeated Line lines = 3;
  Order parent = 4 [deprecated = true];
  enum Status {
    option allow_alias = true;
    STATUS_NEW = 0;
    // @paid in full
    STATUS_PAID = 1;
    STATUS_DONE = 1;
  }
  message Line { Status status = 1; }
}
`,
    )
    assert.equal(root, 'Order')
    assert.equal(
      declarations.join('\n'),
      `/**
 * An order.
 * With lines.
 */
export interface Order {
  readonly $typeName?: 'shop.Order'
  readonly $unknown?: readonly UnknownField[] | undefined
  /** Of the shop. */
  readonly id: bigint
  /** what has become of it */
  readonly status: Status
  readonly lines: readonly Line[]
  /** @deprecated */
  readonly parent?: Order | undefined
}

export const Status = {
  NEW: 0,
  /** \\@paid in full */
  PAID: 1,
  DONE: 1,
} as const
export type Status = number

export interface Line {
  readonly $typeName?: 'shop.Order.Line'
  readonly $unknown?: readonly UnknownField[] | undefined
  readonly status: Status
}

/** A field that the schema does not have: it is kept, and written again. */
export interface UnknownField {
  readonly no: number
  readonly wireType: number
  readonly data: Uint8Array
}
`,
    )
  })

  it('have whole names where two end alike, and none that the module uses otherwise', () => {
    const { declarations } = typesOf(
      `syntax = "proto3"; package shop;
message Order { Line line = 1; Bill.Line other = 2; Record record = 3; UnknownField field = 4; ordersValue value = 5; }
message Line {} message Bill { message Line {} } message Record {} message UnknownField {} enum ordersValue { NONE = 0; }`,
    )
    const names = declarations.flatMap((each) => /^export (?:interface|type|const) (\w+)/m.exec(each)?.[1] ?? [])
    assert.deepEqual(names, [
      'Order',
      'ShopLine',
      'ShopBillLine',
      'Record2',
      'UnknownField',
      'ordersValue2',
      'UnknownField2',
    ])
  })
})

/** What the compiler says of modules in this folder, which are on no disk, as strict as it can be. */
function diagnosticsOf(modules: Readonly<Record<string, string>>): readonly string[] {
  const project = new Project({
    skipAddingFilesFromTsConfig: true,
    compilerOptions: {
      target: ScriptTarget.ES2022,
      module: ModuleKind.NodeNext,
      moduleResolution: ModuleResolutionKind.NodeNext,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      isolatedModules: true,
      verbatimModuleSyntax: true,
      allowImportingTsExtensions: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
    },
  })
  const folder = dirname(fileURLToPath(import.meta.url))
  const files = Object.entries(modules).map(([name, text]) => project.createSourceFile(join(folder, name), text))
  return files.flatMap((file) =>
    file.getPreEmitDiagnostics().map((each) => {
      const text = each.getMessageText()
      return `${file.getBaseName()}:${each.getLineNumber()} ${typeof text === 'string' ? text : text.getMessageText()}`
    }),
  )
}

describe('the types, as the compiler sees them', () => {
  it("take the library's own values, of every message that describes a schema, and of JSON", () => {
    // descriptor.proto is proto2, with enums and messages in messages, and with those that contain themselves.
    const [set = '', value = ''] = [FileDescriptorSetSchema, ValueSchema].map((desc) =>
      protobufTypes(desc, 'ordersValue').declarations.join('\n'),
    )
    const check = (wanted: string) => `import type * as wkt from '@bufbuild/protobuf/wkt'
import type { FileDescriptorSet } from './made-set.ts'
import type { Value } from './made-value.ts'
declare const set: wkt.FileDescriptorSet
declare const value: wkt.Value
export const same: readonly [FileDescriptorSet, ${wanted}] = [set, value]
`
    const made = { 'made-set.ts': set, 'made-value.ts': value }
    assert.deepEqual(diagnosticsOf({ ...made, 'check.ts': check('Value') }), [])
    assert.equal(diagnosticsOf({ ...made, 'check.ts': check('FileDescriptorSet') }).length, 1, 'it tells them apart')
  })

  it('take plain values, and those that were read and spread, and say what is wrong with others', () => {
    const { declarations } = typesOf(
      `${head} message M {
  int64 id = 1;
  Status status = 2;
  repeated Line lines = 3;
  map<string, int32> counts = 4;
  google.protobuf.Timestamp at = 5;
  google.protobuf.Struct more = 6;
  optional string note = 7;
  oneof pay { Line card = 8; int32 days = 9; }
}`,
      'shop.M',
    )
    const use = (change: string) => `import { type M, Status } from './made.ts'
declare const read: M
declare const note: string | undefined
const plain: M = {
  id: 1n,
  status: Status.NEW,
  lines: [{ sku: 'a' }],
  counts: { a: 1 },
  at: { seconds: 1n, nanos: 0 },
  more: { a: [1, null, { b: true }] },
  pay: { case: 'days', value: 30 },
}
const spread: M = { ...read, note }
export const days: number = plain.pay.case === 'days' ? plain.pay.value : spread.lines.length
${change}
`
    const made = { 'made.ts': declarations.join('\n') }
    assert.deepEqual(diagnosticsOf({ ...made, 'use.ts': use('') }), [])
    for (const wrong of [
      "export const a: M = { ...plain, pay: { case: 'days', value: 'x' } }",
      "export const a: M = { ...plain, pay: { case: 'day', value: 1 } }",
      'export const a: M = { ...plain, id: 1 }',
      'export const a: M = { ...plain, nots: 1 }',
      'read.id = 1n',
      "export const a: M = { ...plain, $typeName: 'shop.Line' }",
    ]) {
      assert.equal(diagnosticsOf({ ...made, 'use.ts': use(wrong) }).length, 1, wrong)
    }
  })
})
