/** Values and keys in a registry's format under `simulate`: written, read, published and shown as on a cluster with a registry. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { avro, jsonSchema, type PulledSchema } from '../../../framework/api/format.ts'
import { batchHandler, type HandlerDefinition, handler } from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'
import { simulate } from '../../../framework/testing/index.ts'
import { exactlyOnce } from '../../simulation/user/invoices.ts'
import { keyedRecords, keyedRoutes, requireKeyedOnce } from '../../simulation/user/keyed-invoices.ts'

interface Order {
  readonly id: bigint
  readonly tenant: string
}
interface OrderKey {
  readonly tenant: string
}

const pulled = { kind: 'pyrallel.schema', format: 'avro', guid: null, fingerprint: 'f00d' } as const
const record = (...fields: readonly object[]) => JSON.stringify({ type: 'record', name: 'Order', fields })
const tenant = { name: 'tenant', type: 'string' }
const ordersValue: PulledSchema<Order> = {
  ...pulled,
  subject: 'orders-value',
  id: 7,
  text: record({ name: 'id', type: 'long' }, tenant),
}
const ordersKey: PulledSchema<OrderKey> = { ...pulled, subject: 'orders-key', id: 8, text: record(tenant) }
const total: PulledSchema<{ readonly count: number }> = {
  ...pulled,
  format: 'json-schema',
  subject: 'totals-value',
  id: 9,
  guid: '89791762-2336-4186-9674-299b90a802e2',
  text: '{"type":"object","properties":{"count":{"type":"integer"}},"required":["count"]}',
}
const orders = topic('orders', {
  format: avro(ordersValue),
  keyFormat: avro(ordersKey),
  key: (order) => ({ tenant: order.tenant }),
})
const copies = topic('copies', { format: avro(ordersValue), keyFormat: avro(ordersKey) })
const totals = topic('totals', { format: jsonSchema(total, { framing: 'header' }), keyFormat: avro(ordersKey) })

const route = (id: string, definition: HandlerDefinition<Order, OrderKey>) => ({
  id,
  file: `handlers/${id}.ts`,
  topic: definition.topic.name,
  group: null,
  handler: definition,
})
const copy = route(
  'copy',
  handler(orders, async ({ key, value }, { publish }) => {
    await publish(copies, { ...value, id: value.id + 2n ** 60n }, { key })
  }),
)
const sum = route(
  'sum',
  batchHandler(copies, async (batch, { publish }) => {
    for (const { key } of batch) await publish(totals, { count: 1 }, { key })
  }),
)
const config = { group: 'shop' }
const order = (id: bigint, of = 'a'): Order => ({ id, tenant: of })
const records = [
  { topic: orders, value: order(1n) },
  { topic: orders, value: order(2n) },
  { topic: orders, value: order(3n), key: { tenant: 'b' } },
  { topic: orders, value: order(4n), key: null },
]

describe('a simulation with values and keys in formats', () => {
  it('writes, reads, publishes and shows them as they are', async () => {
    let runs = 0
    const { schedules } = await simulate({
      config,
      routes: [copy, sum],
      records,
      seeds: 12,
      check: ({ attempts, records: told, published }) => {
        runs += 1
        const done = told.filter(({ handler: by }) => by === 'copy')
        assert.deepEqual(
          done
            .map(({ key, value, outcome }) => [key, (value as Order).id, outcome])
            .sort(([, a], [, b]) => Number(a as bigint) - Number(b as bigint)),
          [
            [{ tenant: 'a' }, 1n, 'done'],
            [{ tenant: 'a' }, 2n, 'done'],
            [{ tenant: 'b' }, 3n, 'done'],
            [null, 4n, 'done'],
          ],
        )
        assert.ok(attempts.some(({ key }) => (key as OrderKey | null)?.tenant === 'b'))
        const ofA = published.filter(
          ({ topic: name, key }) => name === 'copies' && (key as OrderKey | null)?.tenant === 'a',
        )
        assert.ok(ofA.some(({ value }) => (value as Order).id === 2n ** 60n + 1n))
        const sums = published.filter(({ topic: name }) => name === 'totals')
        assert.ok(sums.length >= records.length)
        for (const { value, headers } of sums) {
          assert.deepEqual(value, { count: 1 })
          assert.ok('__value_schema_id' in headers)
        }
        assert.deepEqual(
          new Set(sums.map(({ key }) => JSON.stringify(key))),
          new Set(['{"tenant":"a"}', '{"tenant":"b"}', 'null']),
        )
      },
    })
    assert.equal(runs, schedules + 1)
  })

  it('knows what a topic is written in that handlers only name', async () => {
    const name = route(
      'name',
      handler(orders, async ({ key, value }, { publish }) => {
        await publish('copies', value, { key: key as never })
        await publish('raw', Buffer.from('as it is'))
      }),
    )
    const topicFormats = {
      copies: { format: avro(ordersValue), keyFormat: avro(ordersKey) },
      raw: { values: 'bytes' },
    } as const
    await simulate({
      config,
      routes: [{ ...name, topicFormats }],
      records: records.slice(0, 1),
      seeds: 3,
      check: ({ published }) => {
        const [copied] = published.filter(({ topic: of }) => of === 'copies')
        assert.deepEqual([copied?.key, copied?.value], [{ tenant: 'a' }, order(1n)])
        const [raw] = published.filter(({ topic: of }) => of === 'raw')
        assert.equal(String(raw?.value), 'as it is')
      },
    })
  })

  it('keeps the order of a key, which is that of its bytes, while processes come and go', async () => {
    const many = Array.from({ length: 10 }, (_, index) => ({
      topic: orders,
      value: order(BigInt(index), index % 2 === 0 ? 'a' : 'b'),
    }))
    await simulate({
      config: { ...config, commit: { exactlyOnce: true } },
      routes: [copy],
      records: many,
      seeds: 12,
      check: ({ published }) => {
        for (const of of ['a', 'b']) {
          const ids = published.flatMap(({ key, value }) =>
            (key as OrderKey).tenant === of ? [(value as Order).id] : [],
          )
          assert.deepEqual(
            ids,
            [...ids].sort((a, b) => Number(a - b)),
          )
          assert.equal(ids.length, 5)
        }
      },
    })
  })

  it('finds nothing invoiced before its key can be read, nor with another key, whatever befalls the processes', async () => {
    const scenario = { config: exactlyOnce, routes: keyedRoutes, records: keyedRecords, check: requireKeyedOnce }
    const { schedules } = await simulate({ ...scenario, seeds: 60 })
    assert.equal(schedules, 60)
  })

  it('refuses a key that is none of its schema, and one that is no text where keys are', async () => {
    const scenario = { config, routes: [copy], check: () => {}, seeds: 1 }
    await assert.rejects(simulate({ ...scenario, records: [{ topic: orders, value: order(1n), key: 'a' }] }), {
      code: 'PYR_SCHEMA',
      message: 'The key published to orders does not satisfy schema orders-key: the key is no Order.',
    })
    const plain = topic<string>('plain')
    const reads = { ...copy, topic: 'plain', handler: handler(plain, () => {}) }
    const wrong = { ...scenario, routes: [reads], records: [{ topic: plain, value: 'x', key: 5 }] }
    await assert.rejects(simulate(wrong), {
      name: 'TypeError',
      message: 'simulate({ records }): the key of records[0] is a number, and keys of plain are text.',
    })
  })

  it('refuses two schemas with one id, as no registry has them', async () => {
    const other = topic('orders', { format: avro(ordersValue), keyFormat: avro({ ...ordersKey, id: 7 }) })
    const reads = route(
      'reads',
      handler(other, () => {}),
    )
    const scenario = { config, routes: [reads], records: [{ topic: other, value: order(1n) }], check: () => {} }
    await assert.rejects(simulate(scenario), {
      name: 'TypeError',
      message:
        'simulate(): the schemas orders-value and orders-key both have id 7, and a registry gives each its own. Pull both from one registry.',
    })
  })
})
