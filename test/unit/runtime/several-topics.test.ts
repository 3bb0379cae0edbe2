/** Handlers of several topics, from the declaration to what a process does and says: on the in-memory cluster. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Type } from 'typebox'
import { batchHandler, handler } from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'
import { resolveConfig } from '../../../framework/config/resolve-config.ts'
import { memoryCluster } from '../../../framework/kafka/memory/client.ts'
import { PyrallelError } from '../../../framework/model/errors.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import { runtimeOf } from '../../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../../framework/runtime/resolve-handlers.ts'
import type { RegisteredHandler } from '../../../framework/runtime/runtime.ts'
import { planUpdate } from '../../../framework/runtime/update-plan.ts'
import { runAttempt, runRecord } from '../../../framework/testing/index.ts'
import { recordedLog } from '../kafka/recorded-log.ts'
import { gate, seen } from './running-app.ts'

const limits = { timeout: 60_000 }
const orders = topic('orders', { schema: Type.Object({ total: Type.Number() }) })
const payments = topic('payments', { schema: Type.Object({ amount: Type.Number() }) })
const config = resolveConfig({ group: 'shop', handlers: { retry: { attempts: 1 } } }, 'pyrallel.config.ts')

function entriesOf(of: RegisteredHandler['handler'], id = 'book'): readonly RegisteredHandler[] {
  const file = `handlers/${id}.ts`
  return (of.topics ?? [of.topic]).map(({ name }) => ({ id, file, topic: name, group: null, handler: of }))
}

function resolved(of: RegisteredHandler['handler']) {
  return resolveHandlers(entriesOf(of), config)
}

async function running(t: TestContext, of: RegisteredHandler['handler']) {
  const cluster = memoryCluster()
  for (const name of ['orders', 'payments']) {
    cluster.createTopic(name, 2)
    cluster.createTopic(`${name}.shop.dlq`, 1)
  }
  const events: RuntimeEvent[] = []
  const waiters = new Set<() => void>()
  const runtime = runtimeOf(config, {
    connection: cluster.connection(),
    handlers: resolved(of),
    log: recordedLog().log,
    hasListener: true,
    onEvent: (event) => {
      events.push(event)
      for (const look of waiters) look()
    },
  })
  t.after(() => runtime.stop())
  await runtime.start()
  const until = (isSo: () => boolean) => seen(isSo, waiters)
  const send = (name: string, value: unknown) =>
    cluster.append({ topic: name, key: null, value: Buffer.from(JSON.stringify(value)), headers: [] })
  const count = (kind: RuntimeEvent['kind']) => events.filter((event) => event.kind === kind).length
  const changed = () => {
    for (const look of waiters) look()
  }
  return { cluster, runtime, events, until, send, count, changed }
}

describe('a handler of several topics', () => {
  it('gets the records of each, with the value that its topic has', limits, async (t) => {
    const totals: string[] = []
    const app = await running(
      t,
      handler([orders, payments], (record) => {
        // The compiler knows which value it is.
        totals.push(record.topic === 'orders' ? `order ${record.value.total}` : `payment ${record.value.amount}`)
      }),
    )
    app.send('orders', { total: 3 })
    app.send('payments', { amount: 5 })
    await app.until(() => app.count('record.done') === 2)
    assert.deepEqual(totals.sort(), ['order 3', 'payment 5'])
  })

  it('checks values by the schema of their own topic, and has a dead-letter topic for each', limits, async (t) => {
    const app = await running(
      t,
      handler([orders, payments], () => {}),
    )
    app.send('orders', { amount: 5 })
    app.send('payments', { total: 3 })
    await app.until(() => app.count('record.dead') === 2)
    const dead = app.events.flatMap((event) =>
      event.kind === 'record.dead' ? `${event.record.topic} ${event.failure.reason} ${event.deadLetterTopic}` : [],
    )
    assert.deepEqual(dead.sort(), ['orders invalid orders.shop.dlq', 'payments invalid payments.shop.dlq'])
    assert.equal(app.cluster.log('orders.shop.dlq', 0).end, 1)
    assert.equal(app.cluster.log('payments.shop.dlq', 0).end, 1)
  })

  it('has its concurrency over all of them together, and is told once', limits, async (t) => {
    const { opened, open } = gate()
    let begun = 0
    const app = await running(
      t,
      handler(['orders', 'payments'], { concurrency: 1 }, async () => {
        begun += 1
        await opened
      }),
    )
    t.after(open)
    for (const name of ['orders', 'payments']) app.send(name, {})
    const group = () => app.runtime.snapshot().groups[0]
    const look = setInterval(app.changed, 5)
    t.after(() => clearInterval(look))
    await app.until(() => begun === 1 && group()?.records === 2)
    const told = group()?.handlers.map(({ handlerId, topic: names, inFlight }) => [handlerId, names, inFlight])
    assert.deepEqual(told, [['book', 'orders,payments', 1]])
    const scaled = () => app.runtime.snapshot().scale?.groups[0]?.handlers
    await app.until(() => scaled()?.[0]?.backlog === 2)
    assert.deepEqual(
      scaled()?.map((each) => [each.handlerId, each.topic, each.partitions, each.slots, each.backlog]),
      [['book', 'orders,payments', 4, 1, 2]],
    )
    assert.equal(begun, 1)
    open()
    await app.until(() => app.count('record.done') === 2)
  })

  it('is paused and resumed as one, and replaced by other code without its group noticing', limits, async (t) => {
    const ran: string[] = []
    const app = await running(
      t,
      handler([orders, payments], ({ topic: name }) => void ran.push(`old ${name}`)),
    )
    app.runtime.pause('book')
    assert.deepEqual(app.runtime.paused, ['book'])
    app.send('orders', { total: 1 })
    app.send('payments', { amount: 1 })
    const next = resolved(handler([orders, payments], ({ topic: name }) => void ran.push(`new ${name}`)))
    const { replaced, groups } = await app.runtime.update(next)
    assert.deepEqual([replaced.map(({ handlerId }) => handlerId), groups], [['book'], []])
    app.runtime.resume('book')
    await app.until(() => app.count('record.done') === 2)
    assert.deepEqual(ran.sort(), ['new orders', 'new payments'])
  })

  it('hands a batch handler batches of one topic each', limits, async (t) => {
    const topics: string[][] = []
    const app = await running(
      t,
      batchHandler([orders, payments], { batch: { size: 10 } }, (batch) => {
        topics.push([...new Set([...batch].map((record) => record.topic))])
      }),
    )
    for (let index = 0; index < 3; index++) {
      app.send('orders', { total: index })
      app.send('payments', { amount: index })
    }
    await app.until(() => app.count('record.done') >= 6)
    assert.ok(topics.every((each) => each.length === 1))
  })

  it('restarts its group when a topic comes to its list', () => {
    const before = resolved(handler(['orders'], () => {}))
    const after = resolved(handler(['orders', 'payments'], () => {}))
    assert.deepEqual(planUpdate(before, after).groups, [
      {
        group: 'shop',
        change: 'restarted',
        handlers: [{ handlerId: 'book', what: 'topic', from: 'orders', to: 'orders,payments' }],
        next: after,
      },
    ])
  })

  it('is tried in a test with a record of any of them', async () => {
    const book = handler([orders, payments], (record) => {
      if (record.topic === 'payments') throw new Error(`no payment of ${record.value.amount}`)
    })
    assert.equal((await runAttempt(book, { value: { total: 3 } })).outcome, 'done')
    const paid = await runAttempt(book, { topic: 'payments', value: { amount: 5 } })
    assert.equal(paid.failure?.message, 'no payment of 5')
    await assert.rejects(runAttempt(book, { topic: 'invoices', value: { amount: 5 } }), /does not read 'invoices'/)
  })

  it('runs a record against the schema that was derived for its topic', async () => {
    const book = handler(['orders', 'payments'], () => {})
    const [first, second] = entriesOf(book)
    assert.ok(first !== undefined && second !== undefined)
    const routes = [first, { ...second, schema: Type.Object({ amount: Type.Number() }) }]
    const at = { partition: 0, offset: 0, timestamp: 0, key: null, value: Buffer.from('{}'), headers: [] }
    assert.equal((await runRecord(routes, 'book', { topic: 'orders', ...at })).outcome, 'done')
    assert.equal((await runRecord(routes, 'book', { topic: 'payments', ...at })).failure?.reason, 'invalid')
  })
})

describe('a list of topics is refused', () => {
  const both = handler(['orders', 'payments'], () => {})

  it('when generated/routes.ts has another one', () => {
    const isStale = (thrown: unknown) => thrown instanceof PyrallelError && thrown.code === 'PYR_GENERATED_STALE'
    assert.throws(() => resolveHandlers(entriesOf(both).slice(1), config), isStale)
  })

  it('when it is empty, names a topic twice, or is read by another handler of the group', () => {
    // @ts-expect-error: the compiler refuses it too.
    assert.throws(() => handler([], () => {}), /list of topics is empty/)
    assert.throws(() => resolved(handler(['orders', 'orders'], () => {})), /names the topic 'orders' twice/)
    const other = handler('payments', () => {})
    assert.throws(
      () => resolveHandlers([...entriesOf(both), ...entriesOf(other, 'other')], config),
      /both read 'payments' in group 'shop'/,
    )
  })

  it('when one of them is its dead-letter topic, or it comes with one schema for all', () => {
    const circular = handler(['orders', 'payments'], { deadLetter: { topic: 'payments' } }, () => {})
    assert.throws(() => resolved(circular), /Its dead letters would come back to it for ever/)
    const declare = () =>
      // @ts-expect-error: the compiler refuses it too.
      handler(['orders', 'payments'], { schema: Type.Object({}) }, () => {})
    assert.throws(declare, /write topic\(name, \{ schema \}\) for each/)
  })
})
