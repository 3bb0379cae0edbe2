import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { avro, type PulledSchema } from '../../../framework/api/format.ts'
import {
  type Batch,
  batchHandler,
  type ContextPublish,
  type HandlerRecord,
  handler,
} from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'

interface Order {
  readonly id: bigint
  readonly tenant: string
}
interface OrderKey {
  readonly tenant: string
}

const text = (...fields: readonly object[]) => JSON.stringify({ type: 'record', name: 'Order', fields })
const pulled = { kind: 'pyrallel.schema', format: 'avro', id: 7, guid: null, fingerprint: 'f00d' } as const
const tenant = { name: 'tenant', type: 'string' }
const ordersValue: PulledSchema<Order> = {
  ...pulled,
  subject: 'orders-value',
  text: text({ name: 'id', type: 'long' }, tenant),
}
const ordersKey: PulledSchema<OrderKey> = { ...pulled, subject: 'orders-key', text: text(tenant) }

/** Only an exact type passes. */
function isExactly<Wanted>() {
  return <Given>(
    _given: Given,
    ..._same: [Wanted] extends [Given] ? ([Given] extends [Wanted] ? [] : [never]) : [never]
  ) => {}
}

const orders = topic('orders', {
  format: avro(ordersValue),
  keyFormat: avro(ordersKey),
  key: (order) => ({ tenant: order.tenant }),
})

test('gives handlers, batches and filters the type of a key', () => {
  const filter = ({ key }: HandlerRecord<Order, string, OrderKey>) => key?.tenant !== 'test'
  const single = handler(orders, { filter }, (record) => {
    isExactly<OrderKey | null>()(record.key)
    isExactly<Order>()(record.value)
  })
  const onThreads = handler(orders, { engine: 'worker' }, ({ key }) => isExactly<OrderKey | null>()(key))
  const bare = handler(orders, ({ key }) => isExactly<OrderKey | null>()(key))
  const many = batchHandler(orders, (batch: Batch<Order, string, OrderKey>) => {
    for (const record of batch) {
      isExactly<OrderKey | null>()(record.key)
      batch.fail(record, new Error('no'))
    }
  })
  for (const each of [single, onThreads, bare, many]) assert.equal(each.topic.keyFormat?.schema, ordersKey)
})

test('gives a key its type beside a TypeBox schema, a type alone, and in a list of topics', () => {
  const checked = topic('orders', { schema: Type.Object({ tenant: Type.String() }), keyFormat: avro(ordersKey) })
  handler(checked, ({ key, value }) => {
    isExactly<OrderKey | null>()(key)
    isExactly<{ tenant: string }>()(value)
  })
  const typed = topic<Order, OrderKey>('orders', { keyFormat: avro(ordersKey), key: (order) => order })
  handler(typed, ({ key }) => isExactly<OrderKey | null>()(key))
  const plain = topic('plain', { format: avro(ordersValue) })
  handler(plain, ({ key }) => isExactly<string | null>()(key))
  handler([orders, plain], (record) => {
    if (record.topic === 'orders') isExactly<OrderKey | null>()(record.key)
    else isExactly<string | null>()(record.key)
  })
  batchHandler([orders, plain], (batch) => {
    for (const { key } of batch) isExactly<OrderKey | string | null>()(key)
  })
  handler('orders', ({ key }) => isExactly<string | null>()(key))
  handler<Order>('orders', ({ key }) => isExactly<string | null>()(key))
})

test('takes keys of that type only, where they are made and where they are published', () => {
  // @ts-expect-error: a text is no OrderKey
  topic('orders', { format: avro(ordersValue), keyFormat: avro(ordersKey), key: (order) => order.tenant })
  // @ts-expect-error: without a format, a key is a text
  topic('orders', { format: avro(ordersValue), key: (order) => order.id })
  // @ts-expect-error: the type of the keys is written where that of the values is
  topic<Order>('orders', { keyFormat: avro(ordersKey) })
  const order = { id: 1n, tenant: 'a' }
  const publishes = async (publish: ContextPublish, record: HandlerRecord<Order, 'orders', OrderKey>) => {
    await publish(orders, order)
    await publish(orders, order, { key: { tenant: 'b' }, of: record })
    await publish(orders, order, { key: null })
    // @ts-expect-error: a text is no OrderKey
    await publish(orders, order, { key: 'b' })
    await publish('orders', order, { key: 'b' })
  }
  assert.equal(typeof publishes, 'function')
})

test('refuses for keys the schema of another subject, and tombstones', () => {
  const keyFormat = (options: object, schema = ordersKey) =>
    topic('orders', { format: avro(ordersValue), keyFormat: avro(schema, options) })
  assert.equal(keyFormat({ subjects: 'topic' }).keyFormat?.subjects, 'topic')
  assert.throws(() => keyFormat({ subjects: 'topic' }, { ...ordersKey, subject: 'orders-value' }), {
    name: 'TypeError',
    message:
      "topic('orders', { keyFormat }): The keys of orders have the schema of orders-key by subjects: 'topic', and this is the one of orders-value. Give the topic the schema of its own, or correct the rule.",
  })
  assert.throws(() => keyFormat({ tombstones: true }), {
    name: 'TypeError',
    message:
      /\{ keyFormat \}\): The keys of orders have tombstones, and only values have these: .* Leave tombstones out\./,
  })
})
