/** Schemas that the generator derived are what a runtime checks values against: before handlers, and before what they publish, on both engines. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type TSchema, Type } from 'typebox'
import { handler } from '../../framework/api/handler.ts'
import { topic } from '../../framework/api/topic.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { RegisteredHandler, Runtime } from '../../framework/runtime/runtime.ts'
import { bundledEntries } from '../contract/worker-entries/bundle.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'

interface Order {
  readonly id: string
  readonly total: number
}

interface Invoice {
  readonly amount: number | string
}

const schema = Type.Object({ id: Type.String(), total: Type.Number() })
const topicSchemas: Readonly<Record<string, TSchema>> = { invoices: Type.Object({ amount: Type.Number() }) }

class App implements AsyncDisposable {
  readonly cluster: MemoryCluster = memoryCluster()
  readonly runtime: Runtime
  readonly #events: RuntimeEvent[] = []
  #look: () => void = () => {}

  constructor(registered: Partial<RegisteredHandler> & Pick<RegisteredHandler, 'handler'>) {
    for (const name of ['orders', 'orders.shop.dlq', 'invoices']) this.cluster.createTopic(name)
    const config = resolveConfig({ group: 'shop', handlers: { retry: { attempts: 1 } } }, 'test')
    const entry = { id: 'orders', file: 'handlers/orders.ts', topic: 'orders', group: null, schema, topicSchemas }
    this.runtime = createRuntime({
      connection: this.cluster.connection(),
      handlers: resolveHandlers([{ ...entry, ...registered }], config),
      startFrom: 'earliest',
      limits: config.limits,
      commit: config.commit,
      shutdown: config.shutdown,
      log: recordedLog().log,
      onEvent: (event) => {
        this.#events.push(event)
        this.#look()
      },
    })
  }

  /** Gives the values to the handler. @returns how each ended: `done`, or why it is dead */
  async run(...values: readonly unknown[]): Promise<readonly string[]> {
    for (const value of values) {
      this.cluster.append({
        topic: 'orders',
        key: Buffer.from('k'),
        value: Buffer.from(JSON.stringify(value)),
        headers: [],
      })
    }
    await this.runtime.start()
    const ends = () => this.#events.flatMap((event) => endOf(event) ?? [])
    while (ends().length < values.length) {
      await new Promise<void>((resolve) => {
        this.#look = resolve
      })
    }
    return ends()
  }

  invoices(): readonly unknown[] {
    const records = [0, 1, 2, 3].flatMap((partition) => this.cluster.log('invoices', partition).read(0, 100))
    return records.map(({ value }) => JSON.parse(String(value)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runtime.stop()
  }
}

function endOf(event: RuntimeEvent): string | undefined {
  if (event.kind === 'record.done') return 'done'
  return event.kind === 'record.dead' ? `${event.failure.reason}: ${event.failure.message}` : undefined
}

const publishes = handler<Order>('orders', async (record, { publish }) => {
  const invoice: Invoice = { amount: record.value.total < 0 ? 'negative' : record.value.total }
  await publish('invoices', invoice)
})

const good = { id: 'a', total: 1 }
const badlyPublished = { id: 'b', total: -1 }
const ends = [
  'done',
  'invalid: the value does not satisfy its schema: /total must be number',
  'handler: The value published to invoices does not satisfy its schema: /amount must be number.',
]

describe('a derived schema', { timeout: 300_000 }, () => {
  it('is what values are checked against before the handler and before a publish', async () => {
    await using app = new App({ handler: publishes })
    assert.deepEqual(await app.run(good, { id: 'a', total: '1' }, badlyPublished), ends)
    assert.deepEqual(app.invoices(), [{ amount: 1 }])
  })

  it('is so on worker threads too', async () => {
    const { typed } = await bundledEntries('typed')
    const onThreads = handler<Order>('orders', { engine: 'worker', worker: { threads: 1 } }, () => {})
    await using app = new App({ handler: onThreads, entry: typed })
    assert.deepEqual(await app.run(good, { id: 'a', total: '1' }, badlyPublished), ends)
    assert.deepEqual(app.invoices(), [{ amount: 1 }])
  })

  it('comes after a schema that the user wrote, for the handler and for a publish', async () => {
    const orders = topic('orders', { schema: Type.Object({ id: Type.Literal('mine') }) })
    const invoices = topic('invoices', { schema: Type.Object({ amount: Type.String() }) })
    const own = handler(orders, async (_record, { publish }) => publish(invoices, { amount: 'text' }))
    await using app = new App({ handler: own })
    const [first, second] = await app.run({ id: 'mine' }, good)
    assert.equal(first, 'done')
    assert.match(second ?? '', /^invalid: .* \/id must be "mine"/)
    assert.deepEqual(app.invoices(), [{ amount: 'text' }])
  })

  it('judges what is sent: what is undefined is not', async () => {
    const optional = { invoices: Type.Object({ amount: Type.Number() }, { additionalProperties: Type.Number() }) }
    const sparse = handler<Order>('orders', async (record, { publish }) =>
      publish('invoices', { amount: record.value.total, note: undefined }),
    )
    await using app = new App({ handler: sparse, topicSchemas: optional })
    assert.deepEqual(await app.run(good), ['done'])
  })

  it('leaves topics that it says nothing of alone', async () => {
    const other = handler<Order>('orders', async (_record, { publish }) => publish('invoices', 'anything'))
    await using app = new App({ handler: other, topicSchemas: {} })
    assert.deepEqual(await app.run(good), ['done'])
  })
})
