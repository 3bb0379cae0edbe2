/**
 * Protobuf on real parts: Google's library for Java writes what handlers read, and reads what we publish; both write the same bytes. Schemas are read by Square's Wire
 * there, and by our own parser here.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { type PulledSchema, protobuf } from '../../framework/api/format.ts'
import { handler } from '../../framework/api/handler.ts'
import { topic } from '../../framework/api/topic.ts'
import { configDefaults, resolveConfig } from '../../framework/config/resolve-config.ts'
import type { RuntimeEvent } from '../../framework/model/events.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import { runtimeOf } from '../../framework/runtime/open-runtime.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { Runtime } from '../../framework/runtime/runtime.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { connectUnderTest } from '../client-under-test.ts'
import { until } from '../integration/observed-runtime.ts'
import { javaReadsProtobuf, javaRecordsProblem, javaWritesProtobuf } from './java-records.ts'
import { type KafkaCluster, startKafka } from './kafka-harness.ts'
import { PolledReader } from './polled-reader.ts'
import { type NewSchema, type RegistryProcess, startRegistry } from './registry-harness.ts'
import { quietLog } from './scenario.ts'

const problem = javaRecordsProblem()

/** Of another file: shop/money.proto. */
const money = `syntax = "proto3";
package shop;
message Money { int64 units = 1; string currency = 2; }
`
const references = [{ name: 'shop/money.proto', subject: 'money', version: 1 }]
const google = ['any', 'duration', 'empty', 'field_mask', 'struct', 'timestamp', 'wrappers']
  .map((name) => `import "google/protobuf/${name}.proto";\n`)
  .join('')
/** The second message of its file, with one in it. */
const values = `syntax = "proto3";
package shop;
import "shop/money.proto";
${google}
message First { string text = 1; }
message Values {
  double f64 = 1;
  float f32 = 2;
  int32 i32 = 3;
  int64 i64 = 4;
  uint32 u32 = 5;
  uint64 u64 = 6;
  sint32 s32 = 7;
  sint64 s64 = 8;
  fixed32 x32 = 9;
  fixed64 x64 = 10;
  sfixed32 y32 = 11;
  sfixed64 y64 = 12;
  bool flag = 13;
  string text = 14;
  bytes raw_bytes = 15;
  Status status = 16;
  optional int32 maybe = 17;
  Money total = 18;
  repeated sint64 packed = 19;
  repeated string texts = 20;
  repeated Line lines = 21;
  map<string, int64> counts = 22;
  map<int32, Line> by_number = 23;
  map<bool, string> by_flag = 24;
  oneof payment {
    Line card = 25;
    int64 days = 26;
    google.protobuf.StringValue note = 27;
  }
  google.protobuf.Timestamp at = 28;
  google.protobuf.Duration took = 29;
  google.protobuf.Int64Value wrapped = 30;
  google.protobuf.BytesValue wrapped_bytes = 31;
  google.protobuf.Struct more = 32;
  google.protobuf.Value anything = 33;
  google.protobuf.Any any = 34;
  google.protobuf.FieldMask mask = 35;
  google.protobuf.Empty nothing = 36;
  Values parent = 2000;
  repeated google.protobuf.StringValue wrappers = 38;
  enum Status { STATUS_NEW = 0; STATUS_PAID = 1; STATUS_BACK = -1; }
  message Line { string sku = 1; }
}
`
const line = (sku: string) => ({ $typeName: 'shop.Values.Line', sku })
const empty = {
  $typeName: 'shop.Values',
  f64: 0,
  f32: 0,
  i32: 0,
  i64: 0n,
  u32: 0,
  u64: 0n,
  s32: 0,
  s64: 0n,
  x32: 0,
  x64: 0n,
  y32: 0,
  y64: 0n,
  flag: false,
  text: '',
  rawBytes: new Uint8Array(),
  status: 0,
  packed: [],
  texts: [],
  lines: [],
  counts: {},
  byNumber: {},
  byFlag: {},
  payment: { case: undefined },
  wrappers: [],
}

/** As Java's JSON has it, and as a handler gets it. */
const cases: readonly (readonly [what: string, json: string, value: object])[] = [
  ['nothing at all', '{}', empty],
  [
    'the largest numbers',
    '{"f64":1.7976931348623157E308,"f32":3.4028235E38,"i32":2147483647,"i64":"9223372036854775807","u32":4294967295,"u64":"18446744073709551615","s32":2147483647,"s64":"9223372036854775807","x32":4294967295,"x64":"18446744073709551615","y32":2147483647,"y64":"9223372036854775807","flag":true,"text":"ü😀","rawBytes":"AP8="}',
    {
      ...empty,
      f64: Number.MAX_VALUE,
      f32: 3.4028234663852886e38,
      i32: 2_147_483_647,
      i64: 9_223_372_036_854_775_807n,
      u32: 4_294_967_295,
      u64: 18_446_744_073_709_551_615n,
      s32: 2_147_483_647,
      s64: 9_223_372_036_854_775_807n,
      x32: 4_294_967_295,
      x64: 18_446_744_073_709_551_615n,
      y32: 2_147_483_647,
      y64: 9_223_372_036_854_775_807n,
      flag: true,
      text: 'ü😀',
      rawBytes: Uint8Array.of(0, 255),
    },
  ],
  [
    'the smallest numbers, and what no double between can hold',
    '{"f64":4.9E-324,"f32":"-Infinity","i32":-2147483648,"i64":"-9223372036854775808","s32":-2147483648,"s64":"-9007199254740993","x64":"9007199254740993","y32":-2147483648,"y64":"-9223372036854775808","status":"STATUS_BACK"}',
    {
      ...empty,
      f64: Number.MIN_VALUE,
      f32: Number.NEGATIVE_INFINITY,
      i32: -2_147_483_648,
      i64: -9_223_372_036_854_775_808n,
      s32: -2_147_483_648,
      s64: -9_007_199_254_740_993n,
      x64: 9_007_199_254_740_993n,
      y32: -2_147_483_648,
      y64: -9_223_372_036_854_775_808n,
      status: -1,
    },
  ],
  [
    'messages, lists, maps and presence',
    '{"status":"STATUS_PAID","maybe":0,"total":{"units":"5","currency":"EUR"},"packed":["-1","9223372036854775807"],"texts":["","a"],"lines":[{"sku":"a"},{}],"counts":{"a":"-1"},"byNumber":{"-7":{"sku":"b"}},"byFlag":{"true":"yes"},"card":{"sku":"c"},"parent":{"text":"p"}}',
    {
      ...empty,
      status: 1,
      maybe: 0,
      total: { $typeName: 'shop.Money', units: 5n, currency: 'EUR' },
      packed: [-1n, 9_223_372_036_854_775_807n],
      texts: ['', 'a'],
      lines: [line('a'), line('')],
      counts: { a: -1n },
      byNumber: { '-7': line('b') },
      byFlag: { true: 'yes' },
      payment: { case: 'card', value: line('c') },
      parent: { ...empty, text: 'p' },
    },
  ],
  ['a oneof that is set to nothing much', '{"days":"0"}', { ...empty, payment: { case: 'days', value: 0n } }],
  [
    'types of Google',
    '{"note":"n","at":"2026-11-29T10:00:00.000000001Z","took":"-1.500s","wrapped":"0","wrappedBytes":"AA==","more":{"a":[1.0,null,{"b":true}]},"anything":"x","any":{"@type":"type.googleapis.com/shop.First","text":"t"},"mask":"rawBytes,text","nothing":{},"wrappers":[""]}',
    {
      ...empty,
      payment: { case: 'note', value: { $typeName: 'google.protobuf.StringValue', value: 'n' } },
      at: { $typeName: 'google.protobuf.Timestamp', seconds: 1_795_946_400n, nanos: 1 },
      took: { $typeName: 'google.protobuf.Duration', seconds: -1n, nanos: -500_000_000 },
      wrapped: 0n,
      wrappedBytes: Uint8Array.of(0),
      more: { a: [1, null, { b: true }] },
      anything: { $typeName: 'google.protobuf.Value', kind: { case: 'stringValue', value: 'x' } },
      any: {
        $typeName: 'google.protobuf.Any',
        typeUrl: 'type.googleapis.com/shop.First',
        value: Uint8Array.of(10, 1, 116),
      },
      mask: { $typeName: 'google.protobuf.FieldMask', paths: ['raw_bytes', 'text'] },
      nothing: { $typeName: 'google.protobuf.Empty' },
      wrappers: [{ $typeName: 'google.protobuf.StringValue', value: '' }],
    },
  ],
]

/** As somebody writes it. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => (name === '$typeName' ? [] : [[name, plain(each)]])),
  )
}

describe('Protobuf with a real registry and Java', { skip: problem ?? false, timeout: 300_000 }, () => {
  let cluster: KafkaCluster
  let registry: RegistryProcess
  before(async () => {
    ;[cluster, registry] = await Promise.all([startKafka(), startRegistry()])
    await registry.register('money', { schema: money, schemaType: 'PROTOBUF' })
  })
  after(() => Promise.all([cluster?.stop(), registry?.stop()]))

  async function pull(subject: string, message: string): Promise<PulledSchema<unknown>> {
    const client = connectRegistry({ ...configDefaults.registry, url: registry.url }, systemClock(), Math.random)
    try {
      const { id, guid, text, references: named } = await client.latest(subject)
      const made = { kind: 'pyrallel.schema', format: 'protobuf', fingerprint: '' } as const
      return { ...made, subject, id, guid, text, message, references: named }
    } finally {
      client.close()
    }
  }

  async function started(t: TestContext, name: string, pulled: PulledSchema<unknown>) {
    const seen: unknown[] = []
    const dead: string[] = []
    const read = handler(topic(name, { format: protobuf(pulled) }), ({ value }) => {
      seen.push(value)
    })
    const registered = { id: 'read', file: 'handlers/read.ts', topic: name, group: null, handler: read }
    const config = resolveConfig({ group: 'shop', registry: { url: registry.url, requestTimeout: '1s' } }, 'test')
    const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'reads', log: quietLog })
    const handlers = resolveHandlers([registered], config)
    const onEvent = (event: RuntimeEvent) => {
      if (event.kind === 'record.dead') dead.push(`${event.failure.name}: ${event.failure.message}`)
    }
    const runtime: Runtime = runtimeOf(config, { connection, handlers, log: quietLog, onEvent })
    t.after(() => runtime.stop())
    await runtime.start()
    return { runtime, seen, dead }
  }

  async function made(name: string, schema?: NewSchema) {
    for (const each of [name, `${name}.shop.dlq`]) await cluster.admin.createTopic(each, { partitions: 1 })
    if (schema !== undefined) await registry.register(`${name}-value`, { schemaType: 'PROTOBUF', ...schema })
    return { brokers: cluster.brokers, registry, topic: name }
  }

  /** The first values of a topic, as they are. */
  async function bytesOf(t: TestContext, name: string, count: number): Promise<readonly Buffer[]> {
    const connection = await connectUnderTest({ brokers: cluster.brokers, clientId: 'looks', log: quietLog })
    t.after(() => connection.close())
    const reader = await PolledReader.join(t, connection, name)
    await reader.until('all are read', () => reader.records.length >= count)
    return reader.records.map(({ value }) => value ?? Buffer.alloc(0))
  }

  it('reads every type as Java has written it, and writes the same bytes', async (t) => {
    const schema = { schema: values, references }
    const [java, ours] = [await made('java-protobuf', schema), await made('our-protobuf', schema)]
    // One key, so that they come in their order.
    const written = cases.map(([, json]) => ['k', 'shop.Values', json] as const)
    await javaWritesProtobuf(java, written)
    const app = await started(t, java.topic, await pull('java-protobuf-value', 'shop.Values'))
    await until(app.runtime, () => app.seen.length + app.dead.length === cases.length)
    assert.deepEqual(app.dead, [])
    for (const [index, [what, , value]] of cases.entries()) assert.deepEqual(app.seen[index], value, what)

    const target = topic(ours.topic, { format: protobuf(await pull('our-protobuf-value', 'shop.Values')) })
    for (const [, , value] of cases) await app.runtime.publish(target, plain(value), { key: 'k' })
    assert.deepEqual(await javaReadsProtobuf(ours, cases.length), written)
    const [theirs, same] = [await bytesOf(t, java.topic, cases.length), await bytesOf(t, ours.topic, cases.length)]
    for (const [index, [what]] of cases.entries()) {
      assert.equal(same[index]?.toString('hex'), theirs[index]?.toString('hex'), what)
    }
  })

  it('tells by the indexes which message a value is: the first, in both forms, one behind it, and one inside', async (t) => {
    const schema = { schema: values, references }
    for (const [name, message, json, value] of [
      ['first-protobuf', 'shop.First', '{"text":"a"}', { $typeName: 'shop.First', text: 'a' }],
      ['inner-protobuf', 'shop.Values.Line', '{"sku":"a"}', line('a')],
    ] as const) {
      const java = await made(name, schema)
      await javaWritesProtobuf(java, [['a', message, json]])
      await javaWritesProtobuf(java, [['b', message, json]], { layout: 'confluent in full' })
      await javaWritesProtobuf(java, [['c', 'shop.Values', '{}']])
      const app = await started(t, name, await pull(`${name}-value`, message))
      await until(app.runtime, () => app.seen.length + app.dead.length === 3)
      assert.deepEqual(app.seen, [value, value], name)
      assert.equal(app.dead.length, 1)
      assert.match(app.dead[0] ?? '', /shop\.Values/)

      const ours = await made(`our-${name}`, schema)
      const target = topic(ours.topic, { format: protobuf(await pull(`our-${name}-value`, message)) })
      await app.runtime.publish(target, plain(value), { key: 'a' })
      assert.deepEqual(await javaReadsProtobuf(ours, 1), [['a', message, json]])
      const [theirs, same] = [await bytesOf(t, name, 3), await bytesOf(t, ours.topic, 1)]
      assert.equal(same[0]?.toString('hex'), theirs[0]?.toString('hex'), name)
    }
  })

  it('keeps fields that came later, and writes them again', async (t) => {
    const schemaOf = (more: string) => `syntax = "proto3"; package shop; message Order { int64 id = 1; ${more} }`
    const [java, ours] = [await made('later-protobuf', { schema: schemaOf('') }), await made('later-again')]
    const pulled = await pull('later-protobuf-value', 'shop.Order')
    const later = { schema: schemaOf('string note = 2; repeated int32 counts = 3;') }
    await registry.register('later-protobuf-value', { schemaType: 'PROTOBUF', ...later })
    await registry.register('later-again-value', { schemaType: 'PROTOBUF', ...later })
    await javaWritesProtobuf(java, [['a', 'shop.Order', '{"id":"1","note":"n","counts":[1,2]}']])
    const app = await started(t, java.topic, pulled)
    await until(app.runtime, () => app.seen.length === 1)
    const [read] = app.seen as readonly { readonly id: bigint; readonly $unknown: readonly { readonly no: number }[] }[]
    assert.deepEqual([read?.id, read?.$unknown.map(({ no }) => no)], [1n, [2, 3]])

    // By the newer schema's id, Java sees what it has written, and the changed field.
    const target = topic(ours.topic, { format: protobuf({ ...pulled, id: (await pull('later-again-value', '')).id }) })
    await app.runtime.publish(target, { ...read, id: 2n }, { key: 'a' })
    assert.deepEqual(await javaReadsProtobuf(ours, 1), [['a', 'shop.Order', '{"id":"2","note":"n","counts":[1,2]}']])
  })

  it('reads schemas as Java registers them: written by Wire, with maps as messages of their own', async (t) => {
    const source = `syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto";
message Order { map<string, int64> counts = 1; optional string note = 2; google.protobuf.Timestamp at = 3; oneof pay { int32 days = 4; } }`
    await registry.register('wire-source', { schema: source, schemaType: 'PROTOBUF' })
    const java = await made('wire-protobuf')
    const json = '{"counts":{"a":"1"},"note":"","at":"2026-11-29T10:00:00Z","days":3}'
    await javaWritesProtobuf(java, [['a', 'shop.Order', json]], { source: 'wire-source' })
    const pulled = await pull('wire-protobuf-value', 'shop.Order')
    assert.match(pulled.text, /formatted by Wire[\s\S]*option map_entry = true/)
    const app = await started(t, java.topic, pulled)
    await until(app.runtime, () => app.seen.length + app.dead.length === 1)
    assert.deepEqual(app.seen, [
      {
        $typeName: 'shop.Order',
        counts: { a: 1n },
        note: '',
        at: { $typeName: 'google.protobuf.Timestamp', seconds: 1_795_946_400n, nanos: 0 },
        pay: { case: 'days', value: 3 },
      },
    ])
  })

  it("never takes a value of Apicurio's own layout for one, nor one whose fields have changed their types", async (t) => {
    const java = await made('other-protobuf', { schema: 'syntax = "proto3"; message Order { int64 id = 1; }' })
    const pulled = await pull('other-protobuf-value', 'Order')
    await javaWritesProtobuf(java, [['a', 'Order', '{"id":"1"}']], { layout: 'apicurio' })
    await registry.register('other-protobuf-value', {
      schema: 'syntax = "proto3"; message Order { sint64 id = 1; }',
      schemaType: 'PROTOBUF',
    })
    await javaWritesProtobuf(java, [['b', 'Order', '{"id":"1"}']])
    const app = await started(t, java.topic, pulled)
    await until(app.runtime, () => app.seen.length + app.dead.length === 2)
    assert.deepEqual(app.seen, [])
    const [mismatch = '', named = ''] = [...app.dead].sort()
    assert.match(mismatch, /^SchemaMismatch: .*Order\.id \(1\) was written as sint64, and int64 is wanted/)
    assert.match(named, /^UndecodableValue: .*the name of its message stands in front of it, as Apicurio has it/)
  })

  it('loses nothing while the registry is dead', async (t) => {
    const java = await made('outage-protobuf', { schema: 'syntax = "proto3"; message Order { int64 id = 1; }' })
    const pulled = await pull('outage-protobuf-value', 'Order')
    await javaWritesProtobuf(java, [
      ['a', 'Order', '{"id":"1"}'],
      ['a', 'Order', '{"id":"2"}'],
      ['b', 'Order', '{"id":"3"}'],
    ])
    await registry.kill()
    const app = await started(t, java.topic, pulled)
    await until(app.runtime, ({ groups }) => groups[0]?.notReady === 2)
    assert.deepEqual(app.seen, [])
    await registry.start()
    await until(app.runtime, () => app.seen.length === 3)
    const ids = app.seen.map((value) => (value as { readonly id: bigint }).id)
    assert.ok(ids.indexOf(1n) < ids.indexOf(2n), 'the order of a key')
    await until(app.runtime, ({ groups }) => groups[0]?.partitions[0]?.committedPosition === 3)
  })
})
