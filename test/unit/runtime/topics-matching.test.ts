/** Handlers that have a pattern in place of a topic, from the declaration to what a process does and says: on the in-memory cluster, with time moved by hand. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Type } from 'typebox'
import { handler } from '../../../framework/api/handler.ts'
import { topicsMatching } from '../../../framework/api/topic.ts'
import { resolveConfig } from '../../../framework/config/resolve-config.ts'
import { type MemoryCluster, memoryCluster } from '../../../framework/kafka/memory/client.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import { type RuntimeParts, runtimeOf } from '../../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../../framework/runtime/resolve-handlers.ts'
import type { RegisteredHandler, Runtime } from '../../../framework/runtime/runtime.ts'
import { runAttempt } from '../../../framework/testing/index.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { recordedLog } from '../kafka/recorded-log.ts'

const ORDERS = /^orders\./
const STEP_MS = 50
const LIMIT_STEPS = 2_000

interface AppOptions {
  readonly startFrom?: 'earliest' | 'latest'
  readonly topics?: readonly string[]
  /** That of an app that has run before. */
  readonly of?: { readonly clock: ManualClock; readonly cluster: MemoryCluster }
  readonly connection?: (cluster: MemoryCluster) => RuntimeParts['connection']
}

function entry(id: string, of: RegisteredHandler['handler'], group: string | null = null): RegisteredHandler {
  return { id, file: `handlers/${id}.ts`, topic: of.topic.name, group, handler: of }
}

function resolved(entries: readonly RegisteredHandler[], startFrom: 'earliest' | 'latest' = 'earliest') {
  const config = resolveConfig({ group: 'shop', kafka: { startFrom }, handlers: { retry: { attempts: 1 } } }, 'config')
  return { config, handlers: resolveHandlers(entries, config) }
}

class App {
  readonly clock: ManualClock
  readonly cluster: MemoryCluster
  readonly runtime: Runtime
  readonly events: RuntimeEvent[] = []
  readonly #recorded = recordedLog()

  constructor(
    entries: readonly RegisteredHandler[],
    { startFrom = 'earliest', topics = [], of, connection }: AppOptions,
  ) {
    const { config, handlers } = resolved(entries, startFrom)
    this.clock = of?.clock ?? new ManualClock()
    this.cluster = of?.cluster ?? memoryCluster({ clock: this.clock })
    for (const each of topics) this.cluster.createTopic(each, 2)
    this.runtime = runtimeOf(config, {
      connection: connection?.(this.cluster) ?? this.cluster.connection(),
      handlers,
      log: this.#recorded.log,
      clock: this.clock,
      onEvent: (event) => this.events.push(event),
    })
  }

  get lines(): readonly { readonly message: string }[] {
    return this.#recorded.lines
  }

  /** Lets time pass until it is so. @returns how long that took. Milliseconds */
  async until(what: string, isSo: () => boolean): Promise<number> {
    for (let step = 0; step < LIMIT_STEPS; step++) {
      if (isSo()) return step * STEP_MS
      await this.clock.advanceAndSettle(STEP_MS)
    }
    throw new Error(`not within ${LIMIT_STEPS * STEP_MS} ms: ${what}`)
  }

  async ends<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settled = promise.finally(() => {
      isSettled = true
    })
    settled.catch(() => {})
    await this.until('it ends', () => isSettled)
    return settled
  }

  send(topic: string, value: unknown, partition = 0): void {
    this.cluster.append({ topic, partition, key: null, value: Buffer.from(JSON.stringify(value)), headers: [] })
  }

  done(): readonly string[] {
    return this.events.flatMap((event) =>
      event.kind === 'record.done' ? `${event.record.topic} ${String(event.record.value)}` : [],
    )
  }

  count(kind: RuntimeEvent['kind']): number {
    return this.events.filter((event) => event.kind === kind).length
  }
}

async function started(t: TestContext, entries: readonly RegisteredHandler[], options: AppOptions = {}): Promise<App> {
  const app = new App(entries, options)
  t.after(() => app.ends(app.runtime.stop()))
  await app.ends(app.runtime.start())
  return app
}

const all = () => handler(topicsMatching(ORDERS), () => {})

describe('a handler of all topics that a pattern matches', () => {
  it('reads those that there are, and none beside them', async (t) => {
    const app = await started(t, [entry('book', all())], { topics: ['orders.eu', 'orders.us', 'payments'] })
    for (const topic of ['orders.eu', 'orders.us', 'payments']) app.send(topic, 1)
    await app.until('both', () => app.count('record.done') === 2)
    await app.clock.advanceAndSettle(5_000)
    assert.deepEqual([...app.done()].sort(), ['orders.eu 1', 'orders.us 1'])
  })

  for (const startFrom of ['earliest', 'latest'] as const) {
    it(`takes up a topic that is made later within 10 s, from its first record, with startFrom '${startFrom}'`, async (t) => {
      const app = await started(t, [entry('book', all())], { topics: ['orders.eu'], startFrom })
      await app.until('the first', () => app.count('partition.assigned') === 2)
      app.cluster.createTopic('orders.us', 2)
      app.send('orders.us', 'first')
      app.send('orders.us', 'second', 1)
      const tookMs = await app.until('the records', () => app.count('record.done') === 2)
      assert.ok(tookMs < 10_000, `${tookMs} ms`)
      assert.deepEqual([...app.done()].sort(), ['orders.us "first"', 'orders.us "second"'])
    })
  }

  it('disturbs nothing that runs of other topics when a topic comes', async (t) => {
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const slow = handler(topicsMatching(ORDERS), async ({ topic }) => (topic === 'orders.eu' ? opened : undefined))
    const app = await started(t, [entry('book', slow)], { topics: ['orders.eu'] })
    app.send('orders.eu', 1)
    await app.until('it runs', () => app.runtime.snapshot().groups[0]?.inFlight === 1)
    app.cluster.createTopic('orders.us', 2)
    app.send('orders.us', 2)
    await app.until('the other', () => app.count('record.done') === 1)
    assert.deepEqual([app.count('partition.revoked'), app.count('partition.lost')], [0, 0])
    open()
    await app.until('both', () => app.count('record.done') === 2)
  })

  it('runs before there is any topic, and is shown', async (t) => {
    const app = await started(t, [entry('book', all())])
    const shown = () => app.runtime.snapshot().groups[0]?.handlers.map(({ topic }) => topic)
    assert.deepEqual(shown(), ['/^orders\\./'])
    await app.until('it is idle', () => app.runtime.snapshot().groups[0]?.membership === 'idle')
    app.cluster.createTopic('orders.eu', 2)
    app.send('orders.eu', 1)
    await app.until('the record', () => app.count('record.done') === 1)
    assert.deepEqual(shown(), ['/^orders\\./,orders.eu'])
  })

  it("begins at the ends of what is there at the group's first start with startFrom 'latest', and at the first records of all that comes later", async (t) => {
    const before = new App([entry('book', all())], { topics: ['orders.eu'], startFrom: 'latest' })
    before.send('orders.eu', 'old')
    await before.ends(before.runtime.start())
    await before.until('its partitions', () => before.count('partition.assigned') === 2)
    await before.ends(before.runtime.stop())
    // Made, and written to, while no process of the group runs.
    before.cluster.createTopic('orders.us', 2)
    before.send('orders.us', 'first')
    before.send('orders.eu', 'new')
    const app = await started(t, [entry('book', all())], { startFrom: 'latest', of: before })
    await app.until('the records', () => app.count('record.done') === 2)
    assert.deepEqual([...app.done()].sort(), ['orders.eu "new"', 'orders.us "first"'])
  })

  it('leaves a topic to the handler of its group that names it, and one that two patterns match to the first', async (t) => {
    const ran: string[] = []
    const as = (id: string) => (record: { readonly topic: string }) => void ran.push(`${id} ${record.topic}`)
    const entries = [
      entry('all', handler(topicsMatching(/^orders/), as('all'))),
      entry('dots', handler(topicsMatching(ORDERS), as('dots'))),
      entry('eu', handler('orders.eu', as('eu'))),
      entry('other', handler(topicsMatching(ORDERS), { group: 'audit' }, as('other')), 'audit'),
    ]
    const app = await started(t, entries, { topics: ['orders.eu', 'orders.us', 'orders.eu.shop.dlq'] })
    app.send('orders.eu', 1)
    app.send('orders.us', 2)
    await app.until('all', () => app.count('record.done') === 4)
    assert.deepEqual(ran.sort(), ['all orders.us', 'eu orders.eu', 'other orders.eu', 'other orders.us'])
    const told = app.lines.filter(({ message }) => message.startsWith('a topic is matched by the patterns'))
    assert.equal(told.length, 1)
  })

  it('never reads dead letters, whatever they are called, nor topics of Kafka itself', async (t) => {
    const failing = handler(topicsMatching(/./), { deadLetter: { topic: 'what-failed' } }, () => {
      throw new Error('no')
    })
    const topics = ['orders', 'orders.billing.dlq', 'what-failed', '__inner']
    const app = await started(t, [entry('book', failing)], { topics })
    for (const topic of topics) app.send(topic, 1)
    await app.until('the dead letter', () => app.count('record.dead') === 1)
    await app.clock.advanceAndSettle(5_000)
    assert.deepEqual(
      [app.count('record.dead'), app.cluster.log('what-failed', 0).end + app.cluster.log('what-failed', 1).end],
      [1, 2],
    )
  })

  it('has a dead-letter topic for each topic, and says so where there is none, without being kept from starting', async (t) => {
    const failing = handler(topicsMatching(ORDERS, { schema: Type.Object({ id: Type.String() }) }), () => {})
    const app = await started(t, [entry('book', failing)], { topics: ['orders.eu', 'orders.us', 'orders.eu.shop.dlq'] })
    app.send('orders.eu', {})
    await app.until('the dead letter', () => app.count('record.dead') === 1)
    assert.equal(app.cluster.log('orders.eu.shop.dlq', 0).end + app.cluster.log('orders.eu.shop.dlq', 1).end, 1)
    const told = app.lines.filter(({ message }) => message.startsWith('dead-letter topics of topics that were found'))
    assert.equal(told.length, 1)
    assert.match(JSON.stringify(told[0]), /orders\.us\.shop\.dlq/)
  })

  it('is paused with the topics that come meanwhile, and replaced by other code without its group noticing', async (t) => {
    const app = await started(t, [entry('book', all())], { topics: ['orders.eu'] })
    await app.until('its partitions', () => app.count('partition.assigned') === 2)
    app.runtime.pause('book')
    app.cluster.createTopic('orders.us', 2)
    app.send('orders.us', 1)
    await app.until('the other', () => app.runtime.snapshot().groups[0]?.queued === 1)
    const ran: string[] = []
    const next = handler(topicsMatching(ORDERS), ({ topic }) => void ran.push(`new ${topic}`))
    const update = await app.ends(app.runtime.update(resolved([entry('book', next)]).handlers))
    assert.deepEqual(
      [update.replaced.map(({ handlerId }) => handlerId), update.groups],
      [['book', 'book'].slice(1), []],
    )
    app.runtime.resume('book')
    await app.until('it runs', () => app.count('record.done') === 1)
    assert.deepEqual(ran, ['new orders.us'])
  })

  it('reads on where the topics cannot be looked for, says so once, and looks again', async (t) => {
    let isDown = false
    const app = await started(t, [entry('book', all())], {
      topics: ['orders.eu'],
      connection: (cluster) => {
        const { view, ...rest } = cluster.connection()
        const topics = async () => {
          if (isDown) throw new Error('nobody answers')
          return view.topics()
        }
        return { ...rest, view: { ...view, topics } } as RuntimeParts['connection']
      },
    })
    isDown = true
    await app.clock.advanceAndSettle(10_000)
    app.cluster.createTopic('orders.us', 2)
    app.send('orders.us', 2)
    app.send('orders.eu', 1)
    await app.until('what was found', () => app.count('record.done') === 1)
    assert.equal(app.lines.filter(({ message }) => message.startsWith('topics could not be looked for')).length, 1)
    isDown = false
    await app.until('the new one', () => app.count('record.done') === 2)
  })

  it('needs a connection that can tell which topics there are', async () => {
    const connection = (cluster: MemoryCluster) => {
      const { view: _, ...rest } = cluster.connection()
      return rest
    }
    const app = new App([entry('book', all())], { connection })
    await assert.rejects(app.ends(app.runtime.start()), /this connection has no `view`/)
    await app.ends(app.runtime.stop())
  })
})

describe('a handler that has a pattern, in a test', () => {
  it('is tried with a record of a topic that matches, which must be named', async () => {
    const seen: string[] = []
    const book = handler(topicsMatching<{ readonly total: number }>(ORDERS), ({ topic, value }) => {
      seen.push(`${topic} ${value.total}`)
    })
    assert.equal((await runAttempt(book, { topic: 'orders.eu', value: { total: 3 } })).outcome, 'done')
    assert.deepEqual(seen, ['orders.eu 3'])
    await assert.rejects(runAttempt(book, { topic: 'payments', value: { total: 3 } }), /does not read 'payments'/)
    await assert.rejects(runAttempt(book, { value: { total: 3 } }), /Say which topic/)
  })
})

describe('a pattern of topics is refused', () => {
  it('with a flag that means nothing here, as a text, and in a list', () => {
    assert.throws(() => topicsMatching(/^orders/g), /of all flags only i means anything/)
    assert.equal(topicsMatching(/^orders/i).pattern.flags, 'i')
    // @ts-expect-error: the compiler refuses it too.
    assert.throws(() => topicsMatching('^orders'), /write a regular expression/)
    // @ts-expect-error: the compiler refuses it too.
    assert.throws(() => handler(['payments', topicsMatching(ORDERS)], () => {}), /A list names topics/)
  })

  it('where two handlers of a group have the same', () => {
    assert.throws(
      () => resolved([entry('a', all()), entry('b', all())]),
      /both read '\/\^orders\\\.\/' in group 'shop'/,
    )
  })
})
