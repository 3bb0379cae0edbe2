import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PulledSchema } from '../../../framework/api/format.ts'
import { avro, jsonSchema, protobuf } from '../../../framework/api/format.ts'
import { topic } from '../../../framework/api/topic.ts'

interface Order {
  readonly id: bigint
}

const order: PulledSchema<Order> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text: '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}',
}

test('gives a topic the type of its pulled schema', () => {
  const orders = topic('orders', { format: avro(order), key: ({ id }) => String(id) })
  const name: 'orders' = orders.name
  assert.equal(name, 'orders')
  assert.equal(orders.format?.schema, order)
})

test('refuses for Avro a schema of another format, by its subject', () => {
  assert.throws(() => avro({ ...order, format: 'protobuf' }), {
    name: 'TypeError',
    message: 'avro(schema): the schema of orders-value is one of protobuf, not of Avro.',
  })
})

test('refuses for Avro what is no pulled schema', () => {
  const next = /a constant that pyrallel schemas pull has written/
  assert.throws(() => avro(undefined as never), next)
  assert.throws(() => avro('orders-value' as never), next)
})

test('has null among its values where the format has tombstones', () => {
  const orders = topic('orders', { format: avro(order, { tombstones: true }), key: (value) => String(value?.id) })
  assert.equal(orders.format?.tombstones, true)
  assert.equal(avro(order).tombstones, undefined)
})

test('gives a topic the type of a JSON Schema, and refuses one of Avro for it', () => {
  const ofJson: PulledSchema<{ readonly id: number }> = { ...order, format: 'json-schema', text: '{}' } as never
  const orders = topic('orders', { format: jsonSchema(ofJson), key: ({ id }) => String(id) })
  assert.equal(orders.format?.schema, ofJson)
  assert.throws(() => jsonSchema(order), {
    name: 'TypeError',
    message: 'jsonSchema(schema): the schema of orders-value is one of avro, not of JSON Schema.',
  })
  assert.throws(() => jsonSchema(undefined as never), /jsonSchema\(schema\): the schema is a constant/)
})

test('refuses framings and rules for subjects that there are not, and GUIDs where there are none', () => {
  const guid = '89791762-2336-4186-9674-299b90a802e2'
  assert.equal(avro({ ...order, guid }, { framing: 'header' }).framing, 'header')
  assert.throws(() => avro({ ...order, guid }, { framing: 'uuid' as never }), {
    name: 'TypeError',
    message: `avro(schema, { framing }): it is 'id', 'guid' or 'header', and not "uuid".`,
  })
  assert.throws(
    () => avro(order, { framing: 'guid' }),
    /the registry that orders-value was pulled from gives no GUIDs, and framing 'guid' writes one\. Leave it out/,
  )
  assert.throws(() => avro(order, { tombstone: true } as never), {
    name: 'TypeError',
    message: 'avro(schema, { tombstone }): there is no such option, but framing, subjects, tombstones.',
  })
  assert.throws(
    () => avro(order, { subjects: 'none' as never }),
    /it is 'topic', 'record' or 'topic-record', and not "none"/,
  )
})

test('refuses for a topic the schema of another subject, by the rule that its format has', () => {
  const text = '{"type":"record","name":"Order","namespace":"shop","fields":[]}'
  const of = (subject: string) => ({ ...order, subject, text })
  const right = [
    ['topic', 'orders-value'],
    ['topic', ':.eu:orders-value'],
    ['record', 'shop.Order'],
    ['topic-record', 'orders-shop.Order'],
  ] as const
  for (const [subjects, subject] of right) {
    assert.equal(topic('orders', { format: avro(of(subject), { subjects }) }).name, 'orders')
    assert.throws(() => topic('orders', { format: avro(of('bills-value'), { subjects }) }), {
      name: 'TypeError',
      message:
        /^topic\('orders', \{ format \}\): The values of orders have the schema of .* by subjects: .*, and this is the one of bills-value\./,
    })
  }
  assert.equal(topic('orders', { format: avro(of('bills-value')) }).name, 'orders')
  const titled = { ...order, format: 'json-schema', subject: 'Order', text: '{"title":"Order"}' } as never
  assert.equal(topic('orders', { format: jsonSchema(titled, { subjects: 'record' }) }).name, 'orders')
  const proto = { ...order, format: 'protobuf', subject: 'shop.Order', text: 'message Order {}', message: 'shop.Order' }
  assert.equal(topic('orders', { format: protobuf(proto as never, { subjects: 'record' }) }).name, 'orders')
  const nameless = { ...order, text: '"long"' }
  assert.throws(() => topic('orders', { format: avro(nameless, { subjects: 'record' }) }), /orders-value has no name/)
})

test('gives handlers the bytes of a topic whose values are bytes', () => {
  const raw = topic('raw', { values: 'bytes', key: (value) => (value === null ? null : value.toString('hex')) })
  const name: 'raw' = raw.name
  assert.deepEqual([name, raw.values], ['raw', 'bytes'])
})

test('refuses bytes beside a schema or a format, and values of another name', () => {
  const bytes = { values: 'bytes' } as const
  assert.throws(() => topic('raw', { ...bytes, format: avro(order) } as never), {
    name: 'TypeError',
    message: "topic('raw', { values }): bytes have no format. Remove `format`, or `values`.",
  })
  assert.throws(() => topic('raw', { ...bytes, schema: {} } as never), /bytes have no schema/)
  assert.throws(() => topic('raw', { values: 'text' } as never), /it is 'bytes', and not "text"/)
})
