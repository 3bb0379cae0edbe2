/** A handler with `engine: 'worker'` in a whole runtime, on the in-memory cluster: order, faults and dead letters. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { handler } from '../../framework/api/handler.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { createRuntime } from '../../framework/runtime/create-runtime.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'
import { playBadRecords } from '../bench/bad-records.ts'
import { bundledEntries } from '../contract/worker-entries/bundle.ts'
import type { Fault } from '../contract/worker-entries/faulty.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'

const { faulty, severalTopics } = await bundledEntries('faulty', 'severalTopics')
const KEYS = 10
const RECORDS = 400

class WorkerApp implements AsyncDisposable {
  readonly cluster: MemoryCluster = memoryCluster()
  readonly events: RuntimeEvent[] = []
  readonly runtime: Runtime
  #look: () => void = () => {}

  constructor() {
    for (const topic of ['work', 'work.dlq', 'relayed']) this.cluster.createTopic(topic)
    const config = resolveConfig({ group: 'shop' }, 'test')
    const options = {
      engine: 'worker',
      worker: { threads: 2 },
      timeout: '10s',
      deadLetter: { topic: 'work.dlq' },
    } as const
    const definition = handler<Fault>('work', options, () => {
      throw new Error('ran on the main thread')
    })
    const registered = { id: 'work', file: 'handlers/work.ts', topic: 'work', group: null, handler: definition }
    this.runtime = createRuntime({
      connection: this.cluster.connection(),
      handlers: resolveHandlers([{ ...registered, entry: faulty }], config),
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
  }

  send(key: string, value: Fault): void {
    this.cluster.append({
      topic: 'work',
      key: Buffer.from(key),
      value: Buffer.from(JSON.stringify(value)),
      headers: [],
    })
  }

  /** Records of which nothing more will be heard. */
  get settled(): number {
    return this.events.filter(({ kind }) => kind === 'record.done' || kind === 'record.dead').length
  }

  async untilSettled(count: number): Promise<void> {
    while (this.settled < count) {
      await new Promise<void>((resolve) => {
        this.#look = resolve
      })
    }
  }

  valuesIn(topic: string): readonly Fault[] {
    const records = [0, 1, 2, 3].flatMap((partition) => this.cluster.log(topic, partition).read(0, 100_000))
    return records.map(({ value }) => JSON.parse(String(value)) as Fault)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runtime.stop()
  }
}

describe('a worker handler of several topics', { timeout: 60_000 }, () => {
  it('checks values in its threads by the schema of their own topic', async (t) => {
    const cluster = memoryCluster()
    for (const name of ['orders', 'payments', 'orders.shop.dlq', 'payments.shop.dlq']) cluster.createTopic(name)
    const book = handler(['orders', 'payments'], { engine: 'worker', worker: { threads: 1 } }, () => {})
    const entry = { id: 'book', file: 'handlers/book.ts', group: null, handler: book, entry: severalTopics }
    const routes = ['orders', 'payments'].map((topic) => ({ ...entry, topic }))
    const config = resolveConfig({ group: 'shop' }, 'test')
    const ends: string[] = []
    let look = () => {}
    const settled = new Promise<void>((resolve) => {
      look = () => ends.length === 4 && resolve()
    })
    const runtime = runtimeOf(config, {
      connection: cluster.connection(),
      handlers: resolveHandlers(routes, config),
      log: recordedLog().log,
      onEvent: (event) => {
        if (event.kind !== 'record.done' && event.kind !== 'record.dead') return
        ends.push(`${event.record.topic} ${event.record.value} ${event.kind}`)
        look()
      },
    })
    t.after(() => runtime.stop())
    for (const topic of ['orders', 'payments']) {
      for (const value of ['{"total":1}', '{"amount":1}']) {
        cluster.append({ topic, key: null, value: Buffer.from(value), headers: [] })
      }
    }
    await runtime.start()
    await settled
    assert.deepEqual(ends.sort(), [
      'orders {"amount":1} record.dead',
      'orders {"total":1} record.done',
      'payments {"amount":1} record.done',
      'payments {"total":1} record.dead',
    ])
  })
})

describe('a worker handler in a runtime', { timeout: 300_000 }, () => {
  it('runs every record once, in the order of its key, and publishes through the main thread', async () => {
    await using app = new WorkerApp()
    for (let number = 0; number < RECORDS; number++) {
      const key = `k${number % KEYS}`
      app.send(key, { do: 'relay', name: key, ms: number })
    }
    await app.runtime.start()
    await app.untilSettled(RECORDS)
    const relayed = app.valuesIn('relayed')
    assert.equal(relayed.length, RECORDS)
    for (let key = 0; key < KEYS; key++) {
      const numbers = relayed.filter(({ name }) => name === `k${key}`).map(({ ms }) => ms ?? 0)
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      )
    }
    const threads = app.runtime.snapshot().groups[0]?.handlers[0]?.threads
    assert.equal(threads?.running, 2)
    assert.ok(threads.batches < RECORDS, `${threads.batches} messages`)
  })

  it('ends a record that kills its thread each time in the dead-letter topic, with the reason; the others are done, in order', async () => {
    await using app = new WorkerApp()
    for (let number = 0; number < 100; number++) {
      const key = `k${number % KEYS}`
      if (number === 37) app.send('k7', { do: 'exit' })
      app.send(key, { do: 'relay', name: key, ms: number })
    }
    await app.runtime.start()
    await app.untilSettled(101)
    const dead = app.events.filter((event) => event.kind === 'record.dead')
    assert.equal(dead.length, 1)
    const [letter] = [0, 1, 2, 3].flatMap((partition) => app.cluster.log('work.dlq', partition).read(0, 10))
    const headers = Object.fromEntries(letter?.headers.map(([name, value]) => [name, String(value)]) ?? [])
    assert.equal(headers['pyrallel-reason'], 'interrupted')
    assert.match(headers['pyrallel-error-message'] ?? '', /exit code 7/)
    assert.match(headers['pyrallel-handler'] ?? '', /^work$/)
    const numbers = app
      .valuesIn('relayed')
      .filter(({ name }) => name === 'k7')
      .map(({ ms }) => ms)
    assert.deepEqual(numbers, [7, 17, 27, 37, 47, 57, 67, 77, 87, 97])
    assert.equal(app.runtime.snapshot().groups[0]?.handlers[0]?.threads?.restarts, 4)
  })
})

describe('records that end their thread, each of a key of its own', { timeout: 300_000 }, () => {
  for (const threads of [1, 2, 8]) {
    it(`hold no healthy record back that comes later, with ${threads} threads`, async () => {
      const result = await playBadRecords({
        entry: faulty,
        threads,
        bad: 60,
        way: 'exitLater',
        healthy: 50,
        kind: 'rest',
        afterMs: 1_500,
        limitMs: 20_000,
      })
      // On an idle machine each takes less than a second. With suspects first, and a pause for all that grows, none of them is done after minutes.
      assert.equal(result.waitsMs.length, 50)
      assert.equal(result.healthyDead, 0)
    })
  }
})
