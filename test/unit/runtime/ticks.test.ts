/** Handlers with `every`, from the declaration to what a process does: on the in-memory cluster. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { handler, type TickContext } from '../../../framework/api/handler.ts'
import { resolveConfig } from '../../../framework/config/resolve-config.ts'
import { memoryCluster } from '../../../framework/kafka/memory/client.ts'
import type { PyrallelError } from '../../../framework/model/errors.ts'
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import { runtimeOf } from '../../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../../framework/runtime/resolve-handlers.ts'
import type { RegisteredHandler } from '../../../framework/runtime/runtime.ts'
import { recordedLog } from '../kafka/recorded-log.ts'
import { seen } from './running-app.ts'

// Each handler has a value type of its own.
type AnyHandler = RegisteredHandler['handler']

const limits = { timeout: 60_000 }
const config = resolveConfig({ group: 'shop' }, 'pyrallel.config.ts')

function resolved(of: AnyHandler) {
  const entry = { id: 'book', file: 'handlers/book.ts', topic: 'orders', group: null, handler: of }
  return resolveHandlers([entry], config)
}

async function running(t: TestContext, of: AnyHandler) {
  const cluster = memoryCluster()
  cluster.createTopic('orders', 2)
  cluster.createTopic('orders.shop.dlq', 1)
  const events: RuntimeEvent[] = []
  const waiters = new Set<() => void>()
  const changed = () => {
    for (const look of waiters) look()
  }
  const runtime = runtimeOf(config, {
    connection: cluster.connection(),
    handlers: resolved(of),
    log: recordedLog().log,
    hasListener: true,
    onEvent: (event) => {
      events.push(event)
      changed()
    },
  })
  t.after(() => runtime.stop())
  await runtime.start()
  return {
    runtime,
    events,
    changed,
    until: (isSo: () => boolean) => seen(isSo, waiters),
    send: (value: unknown) =>
      cluster.append({ topic: 'orders', key: null, value: Buffer.from(JSON.stringify(value)), headers: [] }),
    committed: async () => {
      const offsets = await cluster.connection().view.groupOffsets('shop')
      return offsets.reduce((sum, { position }) => sum + position, 0)
    },
  }
}

/** Keeps what it is given until a tick writes it, and is done with each of them only then. */
class Buffering {
  readonly written: number[] = []
  readonly ticks: Pick<TickContext, 'partition' | 'isDraining'>[] = []
  changed = () => {}
  #waiting: { readonly value: number; readonly done: () => void }[] = []

  readonly keep = (value: number) => {
    const written = new Promise<void>((done) => this.#waiting.push({ value, done }))
    this.changed()
    return written
  }

  readonly flush = ({ partition, isDraining }: TickContext) => {
    this.ticks.push({ partition, isDraining })
    const waiting = this.#waiting
    this.#waiting = []
    for (const { value, done } of waiting) {
      this.written.push(value)
      done()
    }
  }

  get size(): number {
    return this.#waiting.length
  }
}

describe('a handler with every', limits, () => {
  it('does together what waits in memory, tick by tick, and is done with it only then', async (t) => {
    const buffer = new Buffering()
    const app = await running(
      t,
      handler<number>('orders', { every: '100ms', tick: buffer.flush }, (record) => buffer.keep(record.value)),
    )
    for (let value = 0; value < 50; value++) app.send(value)
    await app.until(() => app.events.filter(({ kind }) => kind === 'record.done').length === 50)
    assert.deepEqual(
      buffer.written.toSorted((a, b) => a - b),
      Array.from({ length: 50 }, (_, value) => value),
    )
    // Told once it has ended, a moment after what it has done.
    await app.until(() => app.events.some(({ kind }) => kind === 'tick.done'))
    const [ticks] = app.runtime.snapshot().groups.map(({ handlers }) => handlers[0]?.ticks)
    assert.ok((ticks?.done ?? 0) > 0)
    assert.equal(ticks?.failed, 0)
  })

  it('writes at once what waits when the process stops, long before its next tick, and commits it', async (t) => {
    const buffer = new Buffering()
    const app = await running(
      t,
      handler<number>('orders', { every: '1h', tick: buffer.flush }, (record) => buffer.keep(record.value)),
    )
    buffer.changed = app.changed
    for (let value = 0; value < 20; value++) app.send(value)
    await app.until(() => buffer.size === 20)
    await app.runtime.stop()
    assert.equal(buffer.written.length, 20)
    assert.ok(buffer.ticks.length > 0 && buffer.ticks.every(({ isDraining }) => isDraining))
    assert.equal(await app.committed(), 20)
  })

  it('ticks for each of its partitions where it says so, and tells which', async (t) => {
    const buffer = new Buffering()
    const app = await running(
      t,
      handler<number>('orders', { every: '100ms', everyPer: 'partition', tick: buffer.flush }, () => {}),
    )
    await app.until(() => app.events.filter(({ kind }) => kind === 'tick.done').length >= 4)
    const partitions = new Set(buffer.ticks.map(({ partition }) => partition?.partition))
    assert.deepEqual([...partitions].toSorted(), [0, 1])
  })

  it('goes on when a tick throws, and is not stopped by a pause', async (t) => {
    const app = await running(
      t,
      handler<number>(
        'orders',
        {
          every: '100ms',
          tick: () => {
            throw new Error('the store is full')
          },
        },
        () => {},
      ),
    )
    app.runtime.pause('book')
    const failed = () => app.events.flatMap((event) => (event.kind === 'tick.failed' ? event.failure.message : []))
    await app.until(() => failed().length >= 3)
    assert.equal(failed()[0], 'the store is full')
    assert.equal(app.runtime.snapshot().state, 'running')
  })

  for (const [what, options, says] of [
    ['every without a tick', { every: '10s' }, /option every says how often tick runs, and there is none/],
    ['a tick without every', { tick: () => {} }, /option tick .* nothing says how often. Set every: '10s'/],
    ['a period below 100 ms', { every: '10ms', tick: () => {} }, /every.*100ms to 24h/],
    ['a tick that is no function', { every: '10s', tick: 'flush' }, /option tick/],
    [
      'partitions in threads',
      { every: '10s', tick: () => {}, everyPer: 'partition', engine: 'worker' },
      /option everyPer is 'partition', and in threads, the records of a partition are in any of them/,
    ],
  ] as const) {
    it(`is refused with ${what}, in words`, () => {
      const definition = handler<unknown>('orders', options as never, () => {})
      assert.throws(() => resolved(definition), { code: 'PYR_HANDLER_OPTION', message: says } satisfies Partial<
        Omit<PyrallelError, 'message'>
      > & { readonly message: RegExp })
    })
  }
})
