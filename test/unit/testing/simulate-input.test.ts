/** What `simulate` is given: which of it counts, and what it says of mistakes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { batchHandler, handler } from '../../../framework/api/handler.ts'
import { type RecordToSimulate, simulate } from '../../../framework/testing/index.ts'
import { config, newBank, type Order, orders, requireChargedOnce, routesOf, threeOrders } from './simulated-bank.ts'

const routes = routesOf((record, bank) => bank.charge(record.value.id, record.value.id))
const scenario = { config, routes, records: threeOrders, services: newBank, check: () => {}, seeds: 2 }

describe('what a simulation is given', () => {
  it('are values of the types of their topics: the compiler refuses others', async () => {
    // @ts-expect-error: customer is missing.
    await simulate({ ...scenario, records: [{ topic: orders, value: { id: 'a' } }] })
    const many: readonly RecordToSimulate<Order>[] = threeOrders.map(({ value }) => ({ topic: orders, value }))
    await simulate({ ...scenario, records: many })
    await simulate({
      ...scenario,
      check: ({ services }) => {
        // @ts-expect-error: `services` is what the option of that name returns.
        assert.equal(services.shop, undefined)
      },
    })
  })

  it('are records for which the handler is not called where they do not satisfy the schema', async () => {
    const strict = Type.Object({ id: Type.String({ maxLength: 1 }), customer: Type.String() })
    const [route] = routes
    assert.ok(route)
    await simulate({
      ...scenario,
      routes: [{ ...route, schema: strict }],
      records: [{ topic: orders, value: { id: 'long', customer: 'c' } }],
      check: ({ attempts, records }) => {
        assert.deepEqual([attempts.length, records[0]?.outcome], [0, 'dead'])
      },
    })
  })

  it('is a config that opens no port, pauses nothing, and begins at the beginning', async () => {
    const eager = {
      group: 'billing',
      kafka: { startFrom: 'latest' as const, instanceId: 'one' },
      http: { enabled: true, port: 1 },
      paused: ['charge'],
    }
    await simulate({ ...scenario, config: eager, check: requireChargedOnce })
  })

  it('may be handlers of batches and of worker threads, which run on the event loop, and one that reads what another publishes', async () => {
    const copied: string[] = []
    const chain = [
      {
        ...routes[0],
        id: 'copy',
        file: 'handlers/copy.ts',
        topic: 'orders',
        group: null,
        entry: 'file:///nowhere.ts',
        handler: batchHandler(orders, { engine: 'worker', batch: { size: 10 } }, async (batch, context) => {
          for (const record of batch) await context.publish('copies', record.value)
        }),
      },
      {
        id: 'read',
        file: 'handlers/read.ts',
        topic: 'copies',
        group: null,
        handler: handler<Order>('copies', (record) => {
          copied.push(record.value.id)
        }),
      },
    ]
    await simulate({
      ...scenario,
      routes: chain,
      check: ({ records, published }) => {
        assert.deepEqual(new Set(copied.splice(0)), new Set(['a', 'b', 'c']))
        assert.equal(records.length, 3 + published.length)
      },
      seeds: 30,
    })
  })

  const mistakes = [
    [
      'no routes',
      { routes: [] },
      /^TypeError: simulate\({ routes }\): there is none\. Pass `routes` of generated\/routes\.ts\.$/,
    ],
    ['no records', { records: [] }, /^TypeError: simulate\({ records }\): there is none/],
    [
      'a record that nobody reads',
      { records: [{ topic: 'order', value: {} }] },
      /^TypeError: simulate\({ records }\): no handler of routes reads 'order', the topic of records\[0\]\. Did you mean "orders"\?/,
    ],
    [
      'a value that is no JSON',
      { records: [{ topic: 'orders', value: undefined }] },
      /the value of records\[0\] is no JSON\. Write null for a tombstone/,
    ],
    [
      'seeds that are none',
      { seeds: 0 },
      /^TypeError: simulate\({ seeds }\): 0 is no count of schedules\. Write 1 to 1000000/,
    ],
    ['a list of seeds with one that is none', { seeds: [1, -2] }, /^TypeError: simulate\({ seeds }\): -2 is no seed/],
    ['an empty list of seeds', { seeds: [] }, /^TypeError: simulate\({ seeds }\): an empty list is no seed/],
    [
      'services that are a promise',
      { services: async () => ({}) },
      /simulate\({ services }\): it must return an object, at least {}, and no promise/,
    ],
    ['a config without a group', { config: {} }, /group/],
  ] as const
  for (const [what, mistake, message] of mistakes) {
    it(`is refused where it is ${what}`, async () => {
      const options: unknown = { ...scenario, ...mistake }
      const untyped: (given: never) => Promise<unknown> = simulate
      await assert.rejects(untyped(options as never), message)
    })
  }
})

describe('the services of a simulation', () => {
  it('are shown to handlers as they are: fields, nested objects, lists, and calls that answer at once', async () => {
    const seen: unknown[] = []
    const list = [1, 2]
    class Store {
      readonly #rows = new Map([['a', 1]])
      readonly limits = Object.freeze({ most: 3 })
      get size(): number {
        return this.#rows.size
      }
      row(id: string): number | undefined {
        return this.#rows.get(id)
      }
    }
    const services = () => ({ ...newBank(), store: new Store(), list })
    await simulate({
      ...scenario,
      services,
      routes: routesOf((_, __, context) => {
        const { store, list: given }: Partial<ReturnType<typeof services>> = context.services
        seen.push([store?.size, store?.row('a'), { ...store?.limits }, store instanceof Store, given === list])
      }),
      seeds: 1,
    })
    assert.deepEqual(seen[0], [1, 1, { most: 3 }, true, true])
  })
})
