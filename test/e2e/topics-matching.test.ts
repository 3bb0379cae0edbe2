/** Handlers that have a pattern in place of a topic, on Apache Kafka: what is made while they run is read within 10 s, from its first record, and disturbs nothing. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type HandlerFunction, handler } from '../../framework/api/handler.ts'
import { topicsMatching } from '../../framework/api/topic.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'
import { connectUnderTest, skipWithout } from '../client-under-test.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'
import { startKafka } from './kafka-harness.ts'

const cluster = await startKafka()
after(() => cluster.stop())

/** What is promised. */
const TAKEN_UP_WITHIN_MS = 10_000
const LIMIT_MS = 60_000
const PARTITIONS = 3

type Protocol = 'consumer' | 'classic'

interface AppOptions {
  readonly prefix: string
  readonly groupProtocol: Protocol
  readonly startFrom?: 'earliest' | 'latest'
  readonly run?: HandlerFunction<unknown>
}

class App {
  readonly events: RuntimeEvent[] = []
  readonly runtime: Runtime

  private constructor(runtime: Runtime, events: RuntimeEvent[]) {
    this.runtime = runtime
    this.events = events
  }

  static async start(t: TestContext, options: AppOptions): Promise<App> {
    const { prefix, groupProtocol, startFrom = 'earliest', run = () => {} } = options
    const book = handler(topicsMatching<unknown>(new RegExp(`^${prefix}\\.`)), { deadLetter: false }, run)
    const routes = [{ id: 'book', file: 'handlers/book.ts', topic: book.topic.name, group: null, handler: book }]
    const config = resolveConfig({ group: `${prefix}-shop`, kafka: { startFrom } }, 'pyrallel.config.ts')
    const { log } = recordedLog()
    const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'patterns', groupProtocol, log })
    const events: RuntimeEvent[] = []
    const handlers = resolveHandlers(routes, config)
    const runtime = runtimeOf(config, { connection, handlers, log, onEvent: (event) => events.push(event) })
    t.after(() => runtime.stop())
    await runtime.start()
    return new App(runtime, events)
  }

  get done(): readonly string[] {
    return this.events.flatMap((event) =>
      event.kind === 'record.done' ? `${event.record.topic} ${event.record.value}` : [],
    )
  }

  /** Partitions of this topic, as the process has them. */
  owns(topic: string): number {
    const partitions = this.runtime.snapshot().groups[0]?.partitions ?? []
    return partitions.filter((each) => each.topic === topic).length
  }

  /** Of this topic: what the group has stored. */
  committed(topic: string): number {
    const partitions = this.runtime.snapshot().groups[0]?.partitions ?? []
    const own = partitions.filter((each) => each.topic === topic)
    return own.reduce((sum, { committedPosition }) => sum + (committedPosition ?? 0), 0)
  }

  count(kind: RuntimeEvent['kind']): number {
    return this.events.filter((event) => event.kind === kind).length
  }
}

async function until(what: string, isSo: () => boolean): Promise<number> {
  const began = performance.now()
  while (!isSo()) {
    assert.ok(performance.now() - began < LIMIT_MS, `not within ${LIMIT_MS} ms: ${what}`)
    await sleep(25)
  }
  return Math.round(performance.now() - began)
}

async function produce(topic: string, values: readonly string[]): Promise<void> {
  const { log } = recordedLog()
  const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'source', log })
  const producer = await connection.producer()
  const record = (value: string) => ({ topic, key: null, value: Buffer.from(JSON.stringify(value)), headers: [] })
  await Promise.all(values.map((value, index) => producer.produce({ ...record(value), partition: index % PARTITIONS })))
  await producer.close(5_000)
  await connection.close()
}

const create = (name: string) => cluster.admin.createTopic(name, { partitions: PARTITIONS })
const freshPrefix = () => `p${randomBytes(4).toString('hex')}`
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => String(from + index))

for (const groupProtocol of ['consumer', 'classic'] as const) {
  describe(`a handler of all topics that a pattern matches, group protocol ${groupProtocol}`, {
    skip: groupProtocol === 'classic' && skipWithout('the classic group protocol'),
    timeout: 480_000,
  }, () => {
    for (const startFrom of ['earliest', 'latest'] as const) {
      it(`reads a topic that is made while it runs within 10 s, from its first record, and gives nothing up for it: '${startFrom}'`, async (t) => {
        const prefix = freshPrefix()
        const [old, late] = [`${prefix}.old`, `${prefix}.late`]
        await create(old)
        await create(`${old}.billing.dlq`)
        let open = () => {}
        const opened = new Promise<void>((resolve) => {
          open = resolve
        })
        const run: HandlerFunction<unknown> = ({ topic }) => (topic === old ? opened : undefined)
        const app = await App.start(t, { prefix, groupProtocol, startFrom, run })
        await until('its partitions', () => app.owns(old) === PARTITIONS)
        await produce(old, ['slow'])
        await until('it runs', () => app.runtime.snapshot().groups[0]?.inFlight === 1)
        await create(late)
        const madeAt = performance.now()
        await produce(late, numbers(30))
        await until('the first of it', () => app.count('record.done') > 0)
        const tookMs = Math.round(performance.now() - madeAt)
        t.diagnostic(`the topic was read ${tookMs} ms after it was there`)
        assert.ok(tookMs < TAKEN_UP_WITHIN_MS, `${tookMs} ms`)
        await until('all of it', () => app.count('record.done') === 30)
        open()
        await until('the other, too', () => app.count('record.done') === 31)
        assert.equal(app.count('partition.revoked') + app.count('partition.lost'), 0)
        assert.equal(app.owns(`${old}.billing.dlq`), 0)
      })
    }

    it('shares it among the processes, and handles each record once', async (t) => {
      const prefix = freshPrefix()
      const [old, late] = [`${prefix}.old`, `${prefix}.late`]
      await create(old)
      const apps = [await App.start(t, { prefix, groupProtocol }), await App.start(t, { prefix, groupProtocol })]
      // Which has which is the group's to say: all of one topic may be with one of them.
      const isShared = (topics: readonly string[]) => {
        const shares = apps.map((app) => topics.reduce((sum, topic) => sum + app.owns(topic), 0))
        const all = shares.reduce((sum, each) => sum + each, 0)
        return shares.every((each) => each > 0) && all === topics.length * PARTITIONS
      }
      await until('the first topic is shared', () => isShared([old]))
      await create(late)
      await produce(late, numbers(90))
      await until('both are shared', () => isShared([old, late]))
      await produce(late, numbers(90, 90))
      const done = () => apps.flatMap((app) => app.done)
      await until('all', () => new Set(done()).size === 180)
      await apps[0]?.runtime.stop()
      await produce(late, numbers(30, 180))
      await until('the rest', () => new Set(done()).size === 210)
      assert.equal(done().length, 210)
    })

    it('reads a topic that is made anew under its name from its first record', async (t) => {
      const prefix = freshPrefix()
      const [old, anew] = [`${prefix}.old`, `${prefix}.anew`]
      await create(old)
      await create(anew)
      const app = await App.start(t, { prefix, groupProtocol, startFrom: 'latest' })
      await until('its partitions', () => app.owns(anew) === PARTITIONS)
      await produce(anew, numbers(30))
      await until('the records', () => app.count('record.done') === 30)
      // A commit that is under way then may be taken for one of the new topic: brokers know a topic by its name there. See docs/guarantees.md.
      await until('their commits', () => app.committed(anew) === 30)
      await cluster.admin.deleteTopic(anew)
      await until('it is gone', () => app.owns(anew) === 0)
      await create(anew)
      await produce(anew, numbers(30, 30))
      await until('the records of the new one', () => new Set(app.done).size === 60)
    })
  })
}
