/** Values in Avro with a registry, in a whole runtime on the in-memory cluster: what the registry's moods mean for records, on both engines. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { avro, type PulledSchema } from '../../framework/api/format.ts'
import { batchHandler, type HandlerDefinition, handler } from '../../framework/api/handler.ts'
import { topic } from '../../framework/api/topic.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import { encodeFormat } from '../../framework/formats/format-encoder.ts'
import { type MemoryCluster, memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'
import { copiesJson, copiesProtobuf, keyed, namedFormats, namesTopics } from '../contract/engine-handlers.ts'
import { scripted } from '../contract/scripted-handlers.ts'
import { bundledEntries } from '../contract/worker-entries/bundle.ts'
import { recordedLog } from '../unit/kafka/recorded-log.ts'
import { serve } from '../unit/registry/registry-server.ts'
import { until } from './observed-runtime.ts'

const {
  inFormat,
  copiesJson: copiesJsonEntry,
  copiesProtobuf: copiesProtobufEntry,
  keyed: keyedEntry,
  namesTopics: namesTopicsEntry,
  scripted: scriptedEntry,
} = await bundledEntries('inFormat', 'copiesJson', 'copiesProtobuf', 'keyed', 'namesTopics', 'scripted')

const pulledAs = (id: number): PulledSchema<bigint> => ({
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'work-value',
  id,
  guid: null,
  fingerprint: 'f00d',
  text: '"long"',
})
const work = topic('work', { format: avro(pulledAs(7)) })

interface App {
  readonly runtime: Runtime
  readonly events: RuntimeEvent[]
  readonly done: number[]
}

function aCluster(): MemoryCluster {
  const cluster = memoryCluster()
  for (const name of ['work', 'work.dlq', 'news', 'orders', 'copies', 'in-header', 'by-guid'])
    cluster.createTopic(name, 1)
  return cluster
}

/** @param id of the schema that it is written with */
function send(cluster: MemoryCluster, key: string, id: number, value: bigint): void {
  cluster.append({ topic: 'work', key: Buffer.from(key), ...encodeFormat(avro(pulledAs(id)), 'work', value) })
}

async function started(
  t: TestContext,
  cluster: MemoryCluster,
  url: string,
  definition: HandlerDefinition<bigint>,
  entry?: string,
): Promise<App> {
  const config = resolveConfig({ group: 'shop', registry: { url } }, 'test')
  const registered = {
    id: 'work',
    file: 'handlers/work.ts',
    topic: definition.topic.name,
    group: null,
    handler: definition,
  }
  const events: RuntimeEvent[] = []
  const done: number[] = []
  const runtime = runtimeOf(config, {
    connection: cluster.connection(),
    handlers: resolveHandlers([entry === undefined ? registered : { ...registered, entry }], config),
    log: recordedLog().log,
    onEvent: (event) => {
      events.push(event)
      if (event.kind === 'record.done') done.push(event.record.offset)
    },
  })
  t.after(() => runtime.stop())
  await runtime.start()
  return { runtime, events, done }
}

/** Knows schema 7, and those from 1000 on; what it says of 8 changes. */
async function aRegistry() {
  let eight: 'away' | 'there' | 'ruled' = 'away'
  const server = await serve(({ path }) => {
    const schema = { schema: '"long"', schemaType: 'AVRO' }
    if (/^\/schemas\/ids\/(7|1\d{3})$/.test(path)) return { json: schema }
    if (path !== '/schemas/ids/8' || eight === 'away') return { status: 503, json: {} }
    const ruleSet = { domainRules: [{ name: 'encryptPII', kind: 'TRANSFORM', mode: 'WRITEREAD', type: 'ENCRYPT' }] }
    return { json: eight === 'there' ? schema : { ...schema, ruleSet } }
  })
  return {
    ...server,
    become: (now: 'there' | 'ruled') => {
      eight = now
    },
  }
}

const options = { deadLetter: { topic: 'work.dlq' }, retry: { attempts: 1 }, maxBlocking: '300ms' } as const
const kinds: readonly (readonly [string, HandlerDefinition<bigint>, string?])[] = [
  ['single records on the event loop', handler(work, options, () => {})],
  ['batches on the event loop', batchHandler(work, { ...options, batch: { wait: 0 } }, () => {})],
  [
    'single records on threads',
    handler(work, { ...options, engine: 'worker', worker: { threads: 2 } }, () => {}),
    inFormat,
  ],
]

describe('values with a schema registry', { timeout: 120_000 }, () => {
  for (const [name, definition, entry] of kinds) {
    it(`wait while it is away, with their key, for as long as it takes: ${name}`, async (t) => {
      const [cluster, registry] = [aCluster(), await aRegistry()]
      const app = await started(t, cluster, registry.url, definition, entry)
      send(cluster, 'a', 8, 1n)
      send(cluster, 'a', 7, 2n)
      send(cluster, 'b', 7, 3n)
      await until(app.runtime, () => app.done.length === 1)
      assert.deepEqual(app.done, [2])
      const looks = () => app.events.filter(({ kind }) => kind === 'record.not-ready').length
      // Far more than attempts are left, and longer than it may block. At such a look itself, the records are in flight, and they wait after it.
      const since = Date.now()
      await until(app.runtime, ({ groups: [group] }) => {
        if (looks() < 7 || Date.now() - since <= 600) return false
        return group?.notReady === 1 && group.delayed === 1 && group.inFlight === 0
      })
      assert.deepEqual(app.done, [2])
      registry.become('there')
      await until(app.runtime, () => app.done.length === 3)
      assert.deepEqual(app.done, [2, 0, 1])
      assert.deepEqual(
        app.events.filter(({ kind }) => kind === 'record.dead' || kind === 'record.retry'),
        [],
      )
      await until(app.runtime, ({ groups }) => groups[0]?.partitions[0]?.committedPosition === 3)
    })
  }

  it('are dead letters with their bytes as they came, when their schema has rules or they are no Avro', async (t) => {
    const [cluster, registry] = [aCluster(), await aRegistry()]
    registry.become('ruled')
    const [[, definition] = assert.fail('no kind')] = kinds
    const app = await started(t, cluster, registry.url, definition)
    send(cluster, 'a', 8, 1n)
    cluster.append({ topic: 'work', key: Buffer.from('b'), value: Buffer.from('{"id":1}'), headers: [] })
    const dead = () => app.events.flatMap((event) => (event.kind === 'record.dead' ? event : []))
    await until(app.runtime, () => dead().length === 2)
    const failures = dead().map(({ record, failure }) => [record.offset, failure.name, failure.reason])
    assert.deepEqual(failures.sort(), [
      [0, 'SchemaWithRules', 'undecodable'],
      [1, 'UndecodableValue', 'undecodable'],
    ])
    const letters = cluster.log('work.dlq', 0).records.map(({ value }) => value?.toString('hex'))
    assert.deepEqual(letters.sort(), ['000000000802', Buffer.from('{"id":1}').toString('hex')].sort())
  })

  for (const [kind, definition, entry] of kinds) {
    it(`ask for each schema once, when a hundred are new: ${kind}`, async (t) => {
      const [cluster, registry] = [aCluster(), await aRegistry()]
      const ids = Array.from({ length: 100 }, (_, index) => 1_000 + index)
      for (let turn = 0n; turn < 3n; turn += 1n) {
        for (const id of ids) send(cluster, `key ${BigInt(id) * 7n + turn}`, id, turn)
      }
      const app = await started(t, cluster, registry.url, definition, entry)
      await until(app.runtime, () => app.done.length === 300)
      assert.deepEqual(registry.asked.map(({ path }) => path).sort(), ids.map((id) => `/schemas/ids/${id}`).sort())
    })
  }

  it('are read for who looks at them, by the registry that the handlers have', async (t) => {
    const [cluster, registry] = [aCluster(), await aRegistry()]
    const [[, definition] = assert.fail('no kind')] = kinds
    const { runtime } = await started(t, cluster, registry.url, definition)
    const written = encodeFormat(avro(pulledAs(7)), 'work', 2n ** 60n)
    const read = await runtime.values.read({ ...written, headers: [] })
    assert.deepEqual(read, { kind: 'read', value: 2n ** 60n, by: `id 7, of ${registry.url}` })
    assert.equal(await runtime.values.decode({ ...written, headers: [] }, avro(pulledAs(7)), 'work'), 2n ** 60n)
    assert.deepEqual(
      registry.asked.map(({ path }) => path),
      ['/schemas/ids/7'],
    )
  })

  it('are not published with an id that the registry has for another schema: nothing starts', async () => {
    const [cluster, registry] = [aCluster(), await aRegistry()]
    const config = resolveConfig({ group: 'shop', registry: { url: registry.url } }, 'test')
    const start = async (id: number) => {
      const copies = { format: avro({ ...pulledAs(id), text: '"string"' }) }
      const registered = {
        id: 'news',
        file: 'handlers/news.ts',
        topic: 'news',
        group: null,
        handler: handler(topic('news'), { deadLetter: { topic: 'work.dlq' } }, () => {}),
        publishes: ['copies'],
        topicFormats: { copies },
      }
      const handlers = resolveHandlers([registered], config)
      const { log, lines } = recordedLog()
      const runtime = runtimeOf(config, { connection: cluster.connection(), handlers, log })
      try {
        await runtime.start()
        return lines.map(({ message }) => message)
      } finally {
        await runtime.stop()
      }
    }
    await assert.rejects(start(7), {
      code: 'PYR_SCHEMA_REFUSED',
      message: /^handlers\/news\.ts publishes values of copies with id 7, .* has another schema under that id\./,
    })
    assert.ok((await start(8)).includes('the registry has not said whether the ids that are published are its own'))
  })

  it('are published as their readers read them, by definition or by name', async (t) => {
    const [cluster, registry] = [aCluster(), await aRegistry()]
    const [[, definition] = assert.fail('no kind')] = kinds
    const app = await started(t, cluster, registry.url, definition)
    await app.runtime.publish(work, 5n, { key: 'a' })
    await app.runtime.publish('work', 6n)
    await assert.rejects(app.runtime.publish('work', { id: 'secret' }), {
      code: 'PYR_SCHEMA',
      message: 'The value published to work does not satisfy schema work-value: the value is no bigint of 64 bits.',
    })
    const values = cluster.log('work', 0).records.map(({ value }) => value?.toString('hex'))
    assert.deepEqual(values, ['00000000070a', '00000000070c'])
    await until(app.runtime, () => app.done.length === 2)
  })

  for (const [engine, entry] of [
    ['on the event loop', undefined],
    ['on threads', copiesJsonEntry],
  ] as const) {
    it(`are JSON with a schema, read and published ${engine}; what is wrong is a dead letter as it came`, async (t) => {
      const cluster = aCluster()
      const registry = await serve(() => ({ json: { schema: '{}', schemaType: 'JSON' } }))
      const policy = { deadLetter: { topic: 'work.dlq' }, retry: { attempts: 1 } } as const
      const threads = { engine: 'worker', worker: { threads: 1 } } as const
      const { options } = copiesJson
      const definition = { ...copiesJson, options: { ...options, ...policy, ...(entry !== undefined && threads) } }
      const app = await started(t, cluster, registry.url, definition as never, entry)
      const framed = (text: string) => Buffer.concat([Buffer.of(0, 0, 0, 0, 7), Buffer.from(text)])
      const texts = ['{"name":"ü"}', '{"name":7}', '{"name":"b","id":9007199254740993}']
      for (const text of texts) cluster.append({ topic: 'orders', key: null, value: framed(text), headers: [] })
      const dead = () => app.events.flatMap((event) => (event.kind === 'record.dead' ? event : []))
      await until(app.runtime, () => dead().length === 2 && app.done.length === 1)
      const names = dead().map(({ record, failure }) => [record.offset, failure.name, failure.reason])
      assert.deepEqual(names.sort(), [
        [1, 'InvalidValue', 'invalid'],
        [2, 'InexactNumber', 'undecodable'],
      ])
      const letters = cluster.log('work.dlq', 0).records.map(({ value }) => value?.toString())
      assert.deepEqual(
        letters.sort(),
        texts
          .slice(1)
          .map((text) => framed(text).toString())
          .sort(),
      )
      const guid = '0189791762233641869674299b90a802e2'
      const bare = Buffer.from('{"name":"ü"}').toString('hex')
      const written = ['copies', 'in-header', 'by-guid'].map((name) =>
        cluster
          .log(name, 0)
          .records.map(({ value, headers }) => [
            value?.toString('hex'),
            headers.map(([header, bytes]) => `${header} ${bytes?.toString('hex')}`),
          ]),
      )
      assert.deepEqual(written, [
        [[`0000000007${bare}`, ['trace 74']]],
        [[bare, ['trace 74', `__value_schema_id ${guid}`]]],
        [[`${guid}${bare}`, ['trace 74']]],
      ])
    })
  }

  for (const [engine, entry] of [
    ['on the event loop', undefined],
    ['on threads', copiesProtobufEntry],
  ] as const) {
    it(`are messages of Protobuf, read and published ${engine}, with what the message does not know`, async (t) => {
      const cluster = aCluster()
      const schema =
        'syntax = "proto3"; package shop; message Other {} message Order { int64 id = 1; string more = 2; }'
      const registry = await serve(() => ({ json: { schema, schemaType: 'PROTOBUF' } }))
      const policy = { deadLetter: { topic: 'work.dlq' }, retry: { attempts: 1 } } as const
      const threads = { engine: 'worker', worker: { threads: 1 } } as const
      const { options } = copiesProtobuf
      const definition = { ...copiesProtobuf, options: { ...options, ...policy, ...(entry !== undefined && threads) } }
      const app = await started(t, cluster, registry.url, definition as never, entry)
      const values = [Buffer.of(0, 0, 0, 0, 7, 2, 2, 8, 5, 18, 1, 120), Buffer.of(0, 0, 0, 0, 7, 0)]
      for (const value of values) cluster.append({ topic: 'orders', key: null, value, headers: [] })
      const dead = () => app.events.flatMap((event) => (event.kind === 'record.dead' ? event : []))
      await until(app.runtime, () => dead().length === 1 && app.done.length === 1)
      assert.deepEqual(
        dead().map(({ failure }) => failure.name),
        ['OtherMessage'],
      )
      assert.deepEqual(cluster.log('work.dlq', 0).records[0]?.value, values[1])
      const written = ['copies', 'in-header'].map((name) => cluster.log(name, 0).records[0])
      assert.deepEqual(
        written.map((record) => record?.value?.toString('hex')),
        ['0000000007000805120178', '0805120178'],
      )
      assert.equal(written[1]?.headers[0]?.[1]?.toString('hex'), '0189791762233641869674299b90a802e200')
    })
  }

  for (const [engine, entry] of [
    ['on the event loop', undefined],
    ['on threads', keyedEntry],
  ] as const) {
    it(`wait for the schemas of their keys, too, and are dead letters with these as they came: ${engine}`, async (t) => {
      const cluster = aCluster()
      const { text } = keyed.topic.keyFormat!.schema
      let isAway = true
      const registry = await serve(({ path }) => {
        if (path === '/schemas/ids/7') return { json: { schema: '"long"', schemaType: 'AVRO' } }
        if (path === '/schemas/ids/9') return { json: { schema: text, schemaType: 'AVRO' } }
        return isAway ? { status: 503, json: {} } : { json: { schema: text, schemaType: 'AVRO' } }
      })
      const policy = { deadLetter: { topic: 'work.dlq' }, retry: { attempts: 1 }, maxBlocking: '300ms' } as const
      const threads = { engine: 'worker', worker: { threads: 2 } } as const
      const definition = { ...keyed, options: { ...policy, ...(entry !== undefined && threads) } }
      const app = await started(t, cluster, registry.url, definition as never, entry)
      const place = (id: 8 | 9, number: number) => Buffer.of(0, 0, 0, 0, id, 2, 't'.charCodeAt(0), 2 * number)
      const add = (key: Buffer | null, amount: number) =>
        cluster.append({ topic: 'orders', key, value: Buffer.of(0, 0, 0, 0, 7, 2 * amount), headers: [] })
      add(place(8, 1), 1)
      add(place(8, 1), 2)
      add(place(9, 1), 3)
      add(Buffer.from('c1'), 4)
      add(null, 5)
      const dead = () => app.events.flatMap((event) => (event.kind === 'record.dead' ? event : []))
      await until(app.runtime, () => app.done.length === 2 && dead().length === 1)
      assert.deepEqual([...app.done].sort(), [2, 4])
      const [letter] = dead()
      assert.deepEqual(
        [letter?.record.offset, letter?.failure.name, letter?.failure.reason],
        [3, 'UndecodableKey', 'undecodable'],
      )
      const [kept] = cluster.log('work.dlq', 0).records
      assert.deepEqual([kept?.key?.toString(), kept?.value?.toString('hex')], ['c1', '000000000708'])
      const looks = () => app.events.filter(({ kind }) => kind === 'record.not-ready').length
      await until(app.runtime, () => looks() >= 3)
      assert.equal(app.done.length, 2)
      isAway = false
      await until(app.runtime, () => app.done.length === 4)
      assert.deepEqual(app.done.slice(2), [0, 1], 'the order of a key')
      assert.equal(dead().length, 1)
      await until(app.runtime, ({ groups }) => groups[0]?.partitions[0]?.committedPosition === 5)
      const told = cluster.log('news', 0).records.map(({ value }) => JSON.parse(value?.toString() ?? ''))
      assert.deepEqual(told.sort(), ['no key: 5', 't 2: 1', 't 2: 2', 't 2: 3'])
    })
  }

  for (const [engine, entry] of [
    ['on the event loop', undefined],
    ['on threads', namesTopicsEntry],
  ] as const) {
    it(`are written by the mere name of a topic that nobody reads here, as the project declares it: ${engine}`, async (t) => {
      const cluster = aCluster()
      cluster.createTopic('raw', 1)
      const config = resolveConfig({ group: 'shop' }, 'test')
      const options = { retry: { attempts: 1 }, deadLetter: { topic: 'work.dlq' } } as const
      const threads = { engine: 'worker', worker: { threads: 1 } } as const
      const route = {
        id: 'names',
        file: 'handlers/names.ts',
        topic: 'orders',
        group: null,
        topicFormats: namedFormats,
        handler: { ...namesTopics, options: { ...options, ...(entry !== undefined && threads) } },
        ...(entry !== undefined && { entry }),
      }
      const events: RuntimeEvent[] = []
      const runtime = runtimeOf(config, {
        connection: cluster.connection(),
        handlers: resolveHandlers([route], config),
        log: recordedLog().log,
        onEvent: (event) => events.push(event),
      })
      t.after(() => runtime.stop())
      await runtime.start()
      const send = (text: string) =>
        cluster.append({ topic: 'orders', key: null, value: Buffer.from(JSON.stringify(text)), headers: [] })
      send('right')
      send('wrong')
      send('no bytes')
      const dead = () => events.flatMap((event) => (event.kind === 'record.dead' ? event : []))
      await until(runtime, () => dead().length === 2 && events.some(({ kind }) => kind === 'record.done'))
      assert.deepEqual(
        dead()
          .map(({ failure }) => failure.message)
          .sort(),
        [
          'The value published to copies does not satisfy schema longs: the value is no bigint of 64 bits.',
          'The value published to raw is an object, and its values are bytes. Publish a Uint8Array, or null.',
        ],
      )
      const only = (topic: string) => {
        const { records } = cluster.log(topic, 0)
        assert.equal(records.length, 1, topic)
        return records[0]
      }
      assert.equal(only('copies')?.key?.toString('hex'), '00000000070c')
      assert.equal(only('copies')?.value?.toString('hex'), '00000000070a')
      assert.equal(only('in-header')?.value?.toString('hex'), '0e')
      assert.deepEqual(
        only('in-header')?.headers.map(([name, value]) => [name, value?.toString('hex')]),
        [['__value_schema_id', '010f0e0d0c0b0a09080706050403020100']],
      )
      assert.equal(only('raw')?.value?.toString(), 'as they are')
      assert.equal(only('news')?.value?.toString(), '"in JSON"')
    })
  }

  it('are written by a name as any of its readers has declared it, and not only the first', async (t) => {
    const [cluster, registry] = [aCluster(), await aRegistry()]
    const config = resolveConfig({ group: 'shop', registry: { url: registry.url } }, 'test')
    const common = { topic: 'work', file: 'handlers/work.ts' }
    const audit = handler('work', { group: 'audit', deadLetter: false, retry: { attempts: 1 } }, () => {})
    const routes = [
      { ...common, id: 'audit', file: 'handlers/audit.ts', group: 'audit', handler: audit },
      { ...common, id: 'work', group: null, handler: handler(work, { deadLetter: { topic: 'work.dlq' } }, () => {}) },
    ]
    const handlers = resolveHandlers(routes, config)
    const runtime = runtimeOf(config, { connection: cluster.connection(), handlers, log: recordedLog().log })
    t.after(() => runtime.stop())
    await runtime.start()
    await runtime.publish('work', 6n)
    assert.deepEqual(
      cluster.log('work', 0).records.map(({ value }) => value?.toString('hex')),
      ['00000000070c'],
    )
  })

  it('never have a key of text by a thread that only names their topic', async (t) => {
    const cluster = aCluster()
    const registry = await aRegistry()
    const config = resolveConfig({ group: 'shop', registry: { url: registry.url } }, 'test')
    const read = topic<number, bigint>('news', { keyFormat: avro(pulledAs(7)) })
    const options = {
      engine: 'worker',
      worker: { threads: 1 },
      retry: { attempts: 1 },
      deadLetter: { topic: 'work.dlq' },
    }
    const common = { group: null, file: 'handlers/work.ts' }
    const writes = { ...scripted, options: { ...scripted.options, ...options } }
    const routes = [
      { ...common, id: 'writes', topic: 'orders', handler: writes, entry: scriptedEntry },
      { ...common, id: 'reads', file: 'handlers/reads.ts', topic: 'news', handler: handler(read, () => {}) },
    ]
    cluster.createTopic('news.shop.dlq', 1)
    const dead: RuntimeEvent[] = []
    const runtime = runtimeOf(config, {
      connection: cluster.connection(),
      handlers: resolveHandlers(routes as never, config),
      log: recordedLog().log,
      onEvent: (event) => {
        if (event.kind === 'record.dead') dead.push(event)
      },
    })
    t.after(() => runtime.stop())
    await runtime.start()
    const script = { steps: [{ publish: 1, to: 'news', key: 'c1' }] }
    cluster.append({ topic: 'orders', key: null, value: Buffer.from(JSON.stringify(script)), headers: [] })
    await until(runtime, () => dead.length === 1)
    const [event] = dead
    assert.ok(event?.kind === 'record.dead')
    assert.equal(
      event.failure.message,
      "The key published to news is not in its format, with schema work-value. Publish to the topic's definition, not to its name.",
    )
    assert.deepEqual(cluster.log('news', 0).records, [])
  })

  it('need an address of it: without, nothing starts', async (t) => {
    const cluster = aCluster()
    const [[, definition] = assert.fail('no kind')] = kinds
    const config = resolveConfig({ group: 'shop' }, 'test')
    const registered = { id: 'work', file: 'handlers/work.ts', topic: 'work', group: null, handler: definition }
    const handlers = resolveHandlers([registered], config)
    const runtime = runtimeOf(config, { connection: cluster.connection(), handlers, log: recordedLog().log })
    t.after(() => runtime.stop().catch(() => {}))
    await assert.rejects(runtime.start(), {
      code: 'PYR_CONFIG_INVALID',
      message: /^registry\.url is missing\. Set it, or/,
    })
  })
})
