/** The types that values of an Avro schema have, and the schemas that are none. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { avroTypes } from '../../../../cli/schemas/avro-types.ts'
import { readAvro } from '../../../../cli/schemas/read-avro.ts'
import { constantName } from '../../../../cli/schemas/type-text.ts'

function typesOf(schema: unknown, ...references: readonly unknown[]) {
  const texts = references.map((reference) => JSON.stringify(reference))
  return avroTypes(readAvro(JSON.stringify(schema), texts, 'orders-value'), 'OrdersValue')
}

/** Of a field of that type. */
function fieldType(type: unknown): string {
  const { declarations } = typesOf({ type: 'record', name: 'R', fields: [{ name: 'f', type }] })
  const [, written = ''] = /readonly f: (.*)\n/.exec(declarations[0] ?? '') ?? []
  return written
}

const record = (name: string, fields: Readonly<Record<string, unknown>> = {}) => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
})
const logical = (type: unknown, logicalType: string, more: object = {}) => ({ type, logicalType, ...more })
const fixed = (size: number) => ({ type: 'fixed', name: 'F', size })

describe('the type of a value', () => {
  for (const [schema, expected] of [
    ['null', 'null'],
    ['boolean', 'boolean'],
    ['int', 'number'],
    ['long', 'bigint'],
    ['float', 'number'],
    ['double', 'number'],
    ['bytes', 'Uint8Array'],
    ['string', 'string'],
    [{ type: 'string', 'avro.java.string': 'String' }, 'string'],
    [{ type: { type: 'long' } }, 'bigint'],
    [fixed(4), 'Uint8Array'],
    [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'E'],
    [{ type: 'array', items: 'long' }, 'readonly bigint[]'],
    [{ type: 'array', items: ['null', 'long'] }, 'readonly (bigint | null)[]'],
    [{ type: 'array', items: { type: 'array', items: 'int' } }, 'readonly (readonly number[])[]'],
    [{ type: 'map', values: ['null', 'string'] }, 'Readonly<Record<string, string | null>>'],
    [record('Line'), 'Line'],
    [logical('int', 'date'), 'string'],
    [logical('int', 'time-millis'), 'number'],
    [logical('long', 'time-micros'), 'bigint'],
    [logical('long', 'timestamp-millis'), 'number'],
    [logical('long', 'timestamp-micros'), 'bigint'],
    [logical('long', 'timestamp-nanos'), 'bigint'],
    [logical('long', 'local-timestamp-millis'), 'number'],
    [logical('long', 'local-timestamp-micros'), 'bigint'],
    [logical('long', 'local-timestamp-nanos'), 'bigint'],
    [logical('string', 'uuid'), 'string'],
    [logical('bytes', 'decimal', { precision: 9, scale: 2 }), 'string'],
    [{ ...fixed(8), logicalType: 'decimal', precision: 9 }, 'string'],
    [{ ...fixed(16), logicalType: 'uuid' }, 'string'],
    [{ ...fixed(12), logicalType: 'duration' }, 'Uint8Array'],
    // What says nothing of its base is passed over.
    [logical('long', 'date'), 'bigint'],
    [logical('string', 'timestamp-millis'), 'string'],
    [logical('bytes', 'decimal', { precision: 2, scale: 3 }), 'Uint8Array'],
    [{ ...fixed(12), logicalType: 'uuid' }, 'Uint8Array'],
    [logical('int', 'made-up'), 'number'],
    // Unions: plain where typeof tells the branches apart.
    [['null', 'string'], 'string | null'],
    [['string', 'null'], 'string | null'],
    [['null', 'long', 'int', 'string'], 'bigint | number | string | null'],
    [['int', 'double'], '{ readonly int: number } | { readonly double: number }'],
    [
      ['null', { ...record('A'), namespace: 'shop' }, record('B')],
      "{ readonly 'shop.A': A } | { readonly B: B } | null",
    ],
    [['string', logical('int', 'date')], '{ readonly string: string } | { readonly int: string }'],
    [
      ['bytes', { type: 'map', values: 'int' }],
      '{ readonly bytes: Uint8Array } | { readonly map: Readonly<Record<string, number>> }',
    ],
    [['null'], 'null'],
  ] as const) {
    it(`of ${JSON.stringify(schema)} is ${expected}`, () => assert.equal(fieldType(schema), expected))
  }
})

describe('declarations', () => {
  it('stand in the order of the schema, each once, with what is said of them', () => {
    const address = { ...record('Address', { street: 'string' }), doc: 'Where to.\n*/ and how' }
    const schema = {
      type: 'record',
      name: 'Order',
      namespace: 'shop',
      doc: 'An order.',
      fields: [
        { name: 'id', type: 'long', doc: 'Of the shop.' },
        { name: 'to', type: address },
        { name: 'from', type: ['null', 'Address'] },
        { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['NEW', 'PAID'] } },
        { name: 'parent', type: ['null', 'shop.Order'] },
      ],
    }
    const { root, declarations } = typesOf(schema)
    assert.equal(root, 'Order')
    assert.equal(
      declarations.join('\n'),
      `/** An order. */
export interface Order {
  /** Of the shop. */
  readonly id: bigint
  readonly to: Address
  readonly from: Address | null
  readonly status: Status
  readonly parent: Order | null
}

/**
 * Where to.
 * *\\/ and how
 */
export interface Address {
  readonly street: string
}

export type Status = 'NEW' | 'PAID'
`,
    )
  })

  it('of what has no name are named by the subject', () => {
    assert.deepEqual(typesOf({ type: 'array', items: record('Order') }), {
      root: 'OrdersValue',
      declarations: [
        'export type OrdersValue = readonly Order[]\n',
        'export type Order = Readonly<Record<string, never>>\n',
      ],
    })
  })

  it('of a namespace with a hyphen are named without it', () => {
    const inner = { ...record('Order'), namespace: 'old-shop' }
    const { declarations } = typesOf({ ...record('Order', { was: ['null', inner] }), namespace: 'my-shop' })
    assert.match(declarations.join(''), /interface MyShopOrder \{\n {2}readonly was: OldShopOrder \| null\n/)
  })

  it('of one name in two namespaces are told apart', () => {
    const inner = { ...record('Order'), namespace: 'old.shop' }
    const { declarations } = typesOf({ ...record('Order', { was: inner }), namespace: 'shop' })
    assert.deepEqual(
      declarations.map((text) => text.split(' {')[0]),
      ['export interface ShopOrder', 'export type OldShopOrder = Readonly<Record<string, never>>\n'],
    )
  })

  it('take no name that TypeScript has', () => {
    const { root, declarations } = typesOf(
      record('Record', { a: record('string'.toUpperCase()), b: record('Uint8Array') }),
    )
    assert.equal(root, 'Record2')
    assert.match(declarations.join(''), /type STRING = .*type Uint8Array2 = /s)
  })

  it('use what other schemas define', () => {
    const money = { ...record('Money', { cents: 'long' }), namespace: 'shop' }
    const { declarations } = typesOf({ ...record('Invoice', { total: 'Money' }), namespace: 'shop' }, money)
    assert.match(declarations.join(''), /readonly total: Money\n.*interface Money \{\n {2}readonly cents: bigint/s)
  })

  it('are the same for the same schema, whatever is asked before', () => {
    const schema = record('Order', { a: record('A'), b: record('B') })
    assert.deepEqual(typesOf(schema), typesOf(schema))
  })
})

describe('the name of the constant', () => {
  for (const [subject, expected] of [
    ['orders-value', 'ordersValue'],
    ['orders.created-value', 'ordersCreatedValue'],
    [':.eu:orders-key', 'euOrdersKey'],
    ['class', 'classSchema'],
    ['4711', '_4711'],
    ['über', 'ber'],
    ['☃', '_'],
  ] as const) {
    it(`of ${subject} is ${expected}`, () => assert.equal(constantName(subject), expected))
  }
})

describe('a schema that is none', () => {
  const deep = `${'{"type":"array","items":'.repeat(300)}"int"${'}'.repeat(300)}`
  for (const [text, expected] of [
    ['{', /the schema is no JSON/],
    ['3', /the schema is neither a name, nor a list, nor an object/],
    ['"Order"', /the schema names Order, which is defined nowhere/],
    [JSON.stringify(record('R', { f: 'Nope' })), /R\.f names Nope, which is defined nowhere/],
    [JSON.stringify(record('R', { f: ['int', 'int'] })), /R\.f is a union that has int twice/],
    [JSON.stringify(record('R', { f: ['int', ['null']] })), /R\.f is a union in a union/],
    [JSON.stringify(record('R', { f: [] })), /R\.f is a union of nothing/],
    [JSON.stringify({ type: 'record', name: 'R' }), /R is a record without fields/],
    [JSON.stringify({ type: 'record', fields: [] }), /has a type without a name/],
    [JSON.stringify(record('a-b')), /defines a-b, which is no name of a type in Avro/],
    [JSON.stringify(record('long')), /defines long, which is no name/],
    [JSON.stringify(record('R', { 'a b': 'int' })), /R has a field without a name/],
    [JSON.stringify(record('R', { a: record('R') })), /R\.a defines R a second time/],
    [JSON.stringify({ type: 'enum', name: 'E', symbols: ['a b'] }), /E is an enum without symbols, or/],
    [JSON.stringify({ type: 'fixed', name: 'F', size: -1 }), /F is fixed without a size/],
    [deep, /is more than 200 levels deep/],
  ] as const) {
    it(`is told with its place: ${expected.source}`, () => {
      assert.throws(() => readAvro(text, [], 'orders-value'), { code: 'PYR_SCHEMA_REFUSED', message: expected })
    })
  }

  it('is not the bare name of a primitive type, which registries take', () => {
    assert.equal(readAvro('string', [], 's').kind, 'string')
  })
})
