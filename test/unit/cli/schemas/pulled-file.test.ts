/** The file of a pulled schema: its place, its text, and what is read back of it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { pulledFacts, pulledFile, pulledPath } from '../../../../cli/schemas/pulled-file.ts'
import { loadProtobuf } from '../../../../framework/formats/protobuf/protobuf-library.ts'
import type { SubjectVersion } from '../../../../framework/registry/schema-registry.ts'

const money = '{"type":"record","name":"Money","namespace":"shop","fields":[]}'
const order: SubjectVersion = {
  subject: 'orders-value',
  version: 3,
  id: 17,
  guid: '0f2a7c1e-6d5b-4c3a-9f8e-7d6c5b4a3f2e',
  format: 'avro',
  text: '{"type":"record","name":"Order","doc":"it\'s","fields":[{"name":"total","type":"shop.Money"}]}',
  references: [{ name: 'shop.Money', subject: 'money', version: 1, text: money }],
  rules: [],
}

before(() => loadProtobuf())

describe('a pulled file', () => {
  it('has types and the constant, and is the same for the same schema', () => {
    assert.equal(
      pulledFile(order),
      `// Made by \`pyrallel schemas pull\` (format 1). Do not edit: pull again.
// Subject "orders-value", version 3
import type { PulledSchema } from 'pyrallel'

/** it's */
export interface Order {
  readonly total: Money
}

export type Money = Readonly<Record<string, never>>

export const ordersValue: PulledSchema<Order> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-value',
  id: 17,
  guid: '0f2a7c1e-6d5b-4c3a-9f8e-7d6c5b4a3f2e',
  fingerprint: '${createHash('sha256').update(`${order.text}${money}`).digest('hex')}',
  text: '{"type":"record","name":"Order","doc":"it\\'s","fields":[{"name":"total","type":"shop.Money"}]}',
  references: [
    {
      name: 'shop.Money',
      subject: 'money',
      version: 1,
      text: '${money}',
    },
  ],
}
`,
    )
  })

  it('tells which schema it holds, also where its lines end as those of Windows do', () => {
    const subject = ':.eu:a"b\u202e/c'
    const content = pulledFile({ ...order, subject })
    assert.deepEqual(pulledFacts(content), { subject, version: 3 })
    assert.deepEqual(pulledFacts(content.replaceAll('\n', '\r\n')), { subject, version: 3 })
    assert.doesNotMatch(content.split('\n')[1] ?? '', /\u202e/)
    assert.equal(pulledFacts('export const a = 1\n'), undefined)
    assert.equal(pulledFacts('// Subject "a, version 3\n'), undefined)
  })

  it('stands in its folder, whatever the subject is called', () => {
    for (const [subject, name] of [
      ['orders-value', 'orders-value'],
      ['../../../etc/passwd', '%2E%2E%2F..%2F..%2Fetc%2Fpasswd'],
      ['..', '%2E%2E'],
      [':.eu:a*', '%3A.eu%3Aa%2A'],
    ] as const) {
      assert.equal(pulledPath(subject), `generated/registry/${name}.ts`)
    }
  })

  for (const [parts, expected] of [
    [{ rules: ['encrypt'] }, /The schema of orders-value has rules \(encrypt\): values may be encrypted/],
    [{ format: 'protobuf' }, /^The schema of orders-value cannot be used: line 1: /],
    [{ format: 'protobuf', text: 'syntax = "proto3";' }, /^The schema of orders-value defines no message, so no value/],
    [{ format: 'json-schema' }, /the schema has the type record, which JSON Schema does not know/],
  ] as const) {
    it(`is refused: ${expected.source}`, () => {
      assert.throws(() => pulledFile({ ...order, ...parts }), { code: 'PYR_SCHEMA_REFUSED', message: expected })
    })
  }
})

describe('a pulled file of Protobuf', () => {
  const proto: SubjectVersion = {
    ...order,
    format: 'protobuf',
    text: 'syntax = "proto3";\npackage shop;\nmessage Order { int64 id = 1; message Line {} }\nmessage Bill {}\n',
    references: [],
  }

  it('says which message its values are: the first, unless another is wanted', () => {
    const content = pulledFile(proto)
    assert.match(content, /^\/\/ Subject "orders-value", version 3, message shop\.Order$/m)
    assert.match(content, /^ {2}text: 'syntax = "proto3";.*',\n {2}message: 'shop\.Order',\n}$/m)
    assert.match(
      content,
      /^export const ordersValue: PulledSchema<Order> = \{\n {2}kind: 'pyrallel.schema',\n {2}format: 'protobuf',$/m,
    )
    assert.deepEqual(pulledFacts(content), { subject: 'orders-value', version: 3, message: 'shop.Order' })
    const line = pulledFile(proto, 'shop.Order.Line')
    assert.match(line, /PulledSchema<Line>/)
    assert.match(line, /^ {2}message: 'shop\.Order\.Line',$/m)
    assert.equal(pulledFacts(line)?.message, 'shop.Order.Line')
  })

  it('is refused where it has no such message', () => {
    const refusal = (facts: string) => ({
      code: 'PYR_USAGE',
      message: `The schema of orders-value ${facts} Name one: pyrallel schemas pull orders-value --message <name>.`,
    })
    assert.throws(() => pulledFile(proto, 'shop.Ordr'), refusal('has no message shop.Ordr. Did you mean "shop.Order"?'))
    const known = 'has no message a. Known: shop.Order, shop.Bill, shop.Order.Line.'
    assert.throws(() => pulledFile(proto, 'a'), refusal(known))
    assert.throws(() => pulledFile(order, 'shop.Order'), {
      code: 'PYR_USAGE',
      message: 'The schema of orders-value is one of Avro: --message is for those of Protobuf, which have several.',
    })
  })
})
