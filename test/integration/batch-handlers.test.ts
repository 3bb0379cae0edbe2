/** Batch handlers in a whole runtime, on the in-memory cluster, with both engines. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import { scoring, type View } from '../contract/scoring-handler.ts'
import { bundledEntries } from '../contract/worker-entries/bundle.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'

const entries = await bundledEntries('scoring')

class ScoringApp implements AsyncDisposable {
  readonly events: RuntimeEvent[] = []
  readonly #cluster = memoryCluster()
  readonly #stop: () => Promise<void>
  readonly start: () => Promise<void>
  #look: () => void = () => {}

  constructor(engine: 'async' | 'worker') {
    for (const topic of ['views', 'views.shop.dlq', 'calls']) this.#cluster.createTopic(topic, 1)
    const config = resolveConfig({ group: 'shop' }, 'test')
    const registered = { id: 'score', file: 'handlers/score.ts', topic: 'views', group: null, handler: scoring(engine) }
    const entry = engine === 'worker' ? { entry: entries.scoring } : {}
    const runtime = createRuntime({
      connection: this.#cluster.connection(),
      handlers: resolveHandlers([{ ...registered, ...entry }], config),
      startFrom: 'earliest',
      limits: config.limits,
      commit: config.commit,
      shutdown: config.shutdown,
      log: recordedLog().log,
      onEvent: (event) => {
        this.events.push(event)
        this.#look()
      },
    })
    this.start = () => runtime.start()
    this.#stop = () => runtime.stop()
  }

  send(view: View, key: string): void {
    this.#cluster.append({
      topic: 'views',
      key: Buffer.from(key),
      value: Buffer.from(JSON.stringify(view)),
      headers: [],
    })
  }

  /** Of each record that is done or dead, in this order. */
  settled(kind: 'record.done' | 'record.dead'): readonly number[] {
    return this.events.flatMap((event) => {
      if (event.kind !== kind || !('record' in event)) return []
      return [(JSON.parse(String(event.record.value)) as View).number]
    })
  }

  async untilSettled(count: number): Promise<void> {
    while (this.settled('record.done').length + this.settled('record.dead').length < count) {
      await new Promise<void>((resolve) => {
        this.#look = resolve
      })
    }
  }

  /** The numbers that each call was handed. */
  get calls(): readonly (readonly number[])[] {
    return this.#cluster
      .log('calls', 0)
      .read(0, 100_000)
      .map(({ value }) => JSON.parse(String(value)) as number[])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop()
  }
}

for (const engine of ['async', 'worker'] as const) {
  describe(`batch handlers on the ${engine} engine`, { timeout: 300_000 }, () => {
    it('are called with many records, each once, in the order of its key', async () => {
      await using app = new ScoringApp(engine)
      for (let number = 0; number < 320; number++) app.send({ number }, `k${number % 7}`)
      await app.start()
      await app.untilSettled(320)
      const handed = app.calls.flat()
      assert.equal(handed.length, 320)
      assert.ok(app.calls.length <= 40, `${app.calls.length} calls`)
      assert.ok(app.calls.every((call) => call.length <= 32))
      for (let key = 0; key < 7; key++) {
        const ofKey = handed.filter((number) => number % 7 === key)
        assert.deepEqual(
          ofKey,
          ofKey.toSorted((a, b) => a - b),
        )
      }
    })

    it('isolate the record that makes them throw: it alone is given up, and the others are done', async () => {
      await using app = new ScoringApp(engine)
      for (let number = 0; number < 64; number++) {
        app.send(number === 40 ? { number, is: 'poison' } : { number }, `k${number}`)
      }
      await app.start()
      await app.untilSettled(64)
      assert.deepEqual(app.settled('record.dead'), [40])
      assert.equal(app.settled('record.done').length, 63)
      const withPoison = app.calls.filter((call) => call.includes(40)).map(({ length }) => length)
      // 32, 16, 8, 4, 2, and two attempts of its own.
      assert.ok(withPoison.length <= 7, `called with it ${withPoison.length} times: ${withPoison.join(' ')}`)
    })

    it('fail records one by one', async () => {
      await using app = new ScoringApp(engine)
      for (let number = 0; number < 32; number++) {
        const is = number === 5 ? 'refused' : number === 6 ? 'refused once' : undefined
        app.send(is === undefined ? { number } : { number, is }, `k${number}`)
      }
      await app.start()
      await app.untilSettled(32)
      assert.deepEqual(app.settled('record.dead'), [5])
      const runs = (wanted: number) => app.calls.flat().filter((number) => number === wanted).length
      assert.deepEqual([runs(4), runs(5), runs(6), runs(7)], [1, 2, 2, 1])
    })
  })
}

describe('batch handlers on the worker engine', { timeout: 300_000 }, () => {
  it('isolate the record that ends their thread: it alone is given up, with the reason, and the others are done', async () => {
    await using app = new ScoringApp('worker')
    for (let number = 0; number < 32; number++) {
      app.send(number === 20 ? { number, is: 'deadly' } : { number }, `k${number % 16}`)
    }
    await app.start()
    await app.untilSettled(32)
    const dead = app.events.filter((event) => event.kind === 'record.dead')
    assert.deepEqual(app.settled('record.dead'), [20])
    assert.match(dead[0]?.failure.message ?? '', /exit code 7/)
    assert.equal(dead[0]?.failure.reason, 'interrupted')
    assert.equal(app.settled('record.done').length, 31)
    const splits = app.events.filter((event) => event.kind === 'batch.split').map(({ records }) => records)
    // One for each bit of the size, and what ran beside it on its thread.
    assert.deepEqual([splits[0], splits.at(-1)], [32, 2])
    assert.ok(splits.length <= 8, splits.join(' '))
  })
})
