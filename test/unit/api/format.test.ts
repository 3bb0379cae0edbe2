import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PulledSchema } from '../../../framework/api/format.ts'
import { avro, jsonSchema } from '../../../framework/api/format.ts'
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
