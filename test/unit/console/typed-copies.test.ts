/** The line for a shell that the console gives of a record whose topic has formats: `pyrallel send` writes that very record. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it, type TestContext } from 'node:test'
import { recordOf } from '../../../cli/send/send-record.ts'
import {
  avro,
  type Format,
  type FormatOptions,
  jsonSchema,
  type PulledSchema,
  protobuf,
} from '../../../framework/api/format.ts'
import { type TopicDefinition, topic } from '../../../framework/api/topic.ts'
import type { ErrorAnswer } from '../../../framework/console/protocol-errors.ts'
import { encodeFormat, encodeKey } from '../../../framework/formats/format-encoder.ts'
import { type SchemaReader, schemaReader } from '../../../framework/formats/read-value.ts'
import { loadCodec } from '../../../framework/formats/value-codec.ts'
import type { KafkaRecord, OutgoingRecord, RecordHeader } from '../../../framework/model/record.ts'
import type { RegisteredSchema, SchemaFormat } from '../../../framework/registry/schema-registry.ts'
import { aWatchedHandler, serveConsole } from './served-console.ts'

const guids = { 6: '89791762-2336-4186-9674-299b90a802e6', 9: '89791762-2336-4186-9674-299b90a802e9' } as const

const pulled = (format: SchemaFormat, text: string, id: keyof typeof guids): PulledSchema<unknown> => ({
  kind: 'pyrallel.schema',
  format,
  subject: id === 9 ? 'orders-key' : 'orders-value',
  id,
  guid: guids[id],
  fingerprint: 'f00d',
  text,
})

const order =
  '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"note","type":"bytes"},{"name":"rate","type":"double"},{"name":"by","type":["null","string"]}]}'
const place =
  '{"type":"record","name":"Place","fields":[{"name":"tenant","type":"string"},{"name":"id","type":"long"}]}'
const message =
  'syntax = "proto3"; package shop; message Order { int64 id = 1; bytes note = 2; optional string by = 3; }'
const jsonText = '{"type":"object","properties":{"id":{"type":"number"}},"required":["id"]}'

/** A registry that has what was pulled, or what `written` says. */
function looksOf(topicOf: TopicDefinition<unknown>, written: Readonly<Record<number, string>> = {}) {
  const { format, keyFormat } = topicOf
  const schemas = [format?.schema, keyFormat?.schema].flatMap((each) => each ?? [])
  const found = (is: (schema: PulledSchema<unknown>) => boolean, text?: string): Promise<RegisteredSchema> => {
    const schema = schemas.find(is) ?? pulled('avro', '', 9)
    return Promise.resolve({ format: schema.format, text: text ?? schema.text, references: [], guid: null, rules: [] })
  }
  const registry = {
    url: 'http://registry',
    byId: (id: number) => found((schema) => schema.id === id, written[id]),
    byGuid: (guid: string) => found((schema) => schema.guid === guid),
  }
  const readerOf = (ref: Parameters<typeof schemaReader>[0]): Promise<SchemaReader> =>
    schemaReader(ref, { registry, topics: async () => [] })
  return { read: () => assert.fail('the page does'), decode: async () => null, readerOf }
}

async function copied(
  t: TestContext,
  record: OutgoingRecord,
  definition: TopicDefinition<unknown>,
  looks = looksOf(definition),
) {
  const { runtime, get, clock } = await serveConsole(t)
  const at = { topic: 'orders', partition: 0, offset: 3 }
  const known = { state: 'queued', isBlocking: false, blocksSince: null, attempt: 1, attempts: 3, lastFailure: null }
  const whole: KafkaRecord = { ...record, ...at, timestamp: 1 }
  const explain = () => ({ ...at, ...known, handlerId: 'bill', epoch: 1, record: whole, waitsFor: [] })
  runtime.inspection = { explain } as never
  runtime.values = looks
  runtime.handlers = [aWatchedHandler({ definition: { topic: definition as never } })]
  const text = get('/api/records/shop/orders/0/3/send').then(async (response) =>
    response.status === 200 ? response.text() : ((await response.json()) as ErrorAnswer).error.message,
  )
  return { text, clock }
}

/** What `pyrallel send` makes of the line in a shell. */
async function sentBy(line: string, declared: TopicDefinition<unknown>): Promise<OutgoingRecord> {
  assert.match(line, /^npx pyrallel send /)
  const shown = `show() { printf '%s\\0' "$@"; }; ${line.replace('npx pyrallel send', 'show')}`
  const given = spawnSync('sh', ['-c', shown]).stdout.toString().split('\0').slice(0, -1)
  const [topicName = '', text = ''] = given.slice(given.indexOf('--') + 1)
  const at = given.indexOf('--key')
  const headers = given.flatMap((each, index): RecordHeader[] => {
    const [name = '', value] = given[index - 1] === '--header' ? each.split('=') : []
    return value === undefined ? [] : [[name, Buffer.from(value)]]
  })
  const key = at < 0 ? undefined : given[at + 1]
  const written = { value: JSON.parse(text), text }
  const { record } = await recordOf({ topic: topicName, written, key, headers, count: 1, declared: [declared] })
  return record
}

async function inFormats(definition: TopicDefinition<unknown>, value: unknown, key: unknown): Promise<OutgoingRecord> {
  const { format, keyFormat } = definition
  const headers: readonly RecordHeader[] = [['source', Buffer.from('test')]]
  for (const each of [format, keyFormat]) if (each !== undefined) await loadCodec(each.schema)
  const payload =
    format === undefined
      ? { value: Buffer.from(JSON.stringify(value)), headers }
      : encodeFormat(format, 'orders', value, { headers })
  return keyFormat === undefined
    ? { topic: 'orders', key: Buffer.from(String(key)), ...payload }
    : { topic: 'orders', ...payload, ...encodeKey(keyFormat, 'orders', key, { headers: payload.headers }) }
}

describe('a record in formats, as a command', { timeout: 60_000 }, () => {
  const id = 2n ** 53n + 1n
  const note = Buffer.of(0, 0xff)
  const framings: readonly FormatOptions[] = [{ framing: 'id' }, { framing: 'guid' }, { framing: 'header' }]
  type Case = readonly [name: string, (options: FormatOptions) => Format<unknown>, value: unknown]
  const cases: readonly Case[] = [
    ['Avro', (of) => avro(pulled('avro', order, 6), of), { id, note, rate: Number.NaN, by: "it's $HOME\u202e" }],
    ['Protobuf', (of) => protobuf(pulled('protobuf', message, 6), of), { id, note, by: 'me' }],
    ['JSON Schema', (of) => jsonSchema(pulled('json-schema', jsonText, 6), of), { id: 1 }],
  ]
  for (const [name, of, value] of cases) {
    it(`is sent again byte for byte, with values in ${name}, by each framing`, async (t) => {
      for (const options of framings) {
        const keyFormat = avro(pulled('avro', place, 9), options)
        const definition = { ...topic<unknown, unknown>('orders', { keyFormat }), format: of(options) } as never
        const record = await inFormats(definition, value, { tenant: 't', id: 65n })
        const { text } = await copied(t, record, definition)
        assert.deepEqual(await sentBy(await text, definition), record)
      }
    })
  }

  it('is sent again with a key in a format beside a value in JSON, and a value in a format beside a text', async (t) => {
    const keyFormat = avro(pulled('avro', place, 9))
    const keyed = topic<unknown, unknown>('orders', { keyFormat }) as TopicDefinition<unknown>
    const record = await inFormats(keyed, { id: 1 }, { tenant: 't', id: 65n })
    assert.deepEqual(await sentBy(await (await copied(t, record, keyed)).text, keyed), record)
    const valued = topic('orders', { format: avro(pulled('avro', '"long"', 6)) })
    const texts = await inFormats(valued, 5n, 'c1')
    assert.deepEqual(await sentBy(await (await copied(t, texts, valued)).text, valued), texts)
  })

  it('is sent again without a key, whatever the topic says of the value', async (t) => {
    const keyFormat = avro(pulled('avro', place, 9))
    const key = () => ({ tenant: 't', id: 1n })
    const definition = topic<unknown, unknown>('orders', { keyFormat, key }) as TopicDefinition<unknown>
    const record = { topic: 'orders', key: null, value: Buffer.from('{"id":1}'), headers: [] }
    const line = await (await copied(t, record, definition)).text
    assert.equal(line, `npx pyrallel send --key null -- orders '{"id":1}'\n`)
    assert.deepEqual(await sentBy(line, definition), record)
  })

  it('is none where send would write another record, and says why', async (t) => {
    const keyFormat = avro(pulled('avro', place, 9))
    const definition = {
      ...topic<unknown, unknown>('orders', { keyFormat }),
      format: avro(pulled('avro', '"long"', 6)),
    } as TopicDefinition<unknown>
    const whole = await inFormats(definition, 5n, { tenant: 't', id: 65n })
    const why = async (over: Partial<OutgoingRecord>, written?: Readonly<Record<number, string>>) =>
      (await copied(t, { ...whole, ...over }, definition, looksOf(definition, written))).text
    assert.match(await why({ value: Buffer.from('{}') }), /^Its value names no schema: neither byte 0/)
    assert.match(await why({ key: Buffer.from('c1') }), /^Its key names no schema: neither byte 0/)
    assert.match(await why({ value: null }), /would not take its value, by schema orders-value of today: /)
    assert.match(await why({ value: Buffer.from('0000000006', 'hex') }), /^Its value is not read: with schema id 6: /)
    const more = place.replace('[', '[{"name":"x","type":"long"},')
    assert.match(
      await why({ key: Buffer.from('000000000904027402', 'hex') }, { 9: more }),
      /would not take its key, by schema orders-key of today: has a field "x", which Place has not\.$/,
    )
    // The same, by an id that is not today's.
    assert.match(
      await why({ key: Buffer.from('000000000702748201', 'hex') }, { 7: place }),
      /^Its key was written otherwise than schema orders-key of today writes it, so `pyrallel send` would send another key\.$/,
    )
  })

  it('is none while its schema is being asked for', async (t) => {
    const definition = topic('orders', { format: avro(pulled('avro', '"long"', 6)) })
    const record = await inFormats(definition, 5n, 'c1')
    const looks = { ...looksOf(definition), readerOf: () => new Promise<never>(() => {}) }
    const { text, clock } = await copied(t, record, definition, looks)
    while (clock.pendingTimers < 2) await new Promise(setImmediate)
    clock.advance(5_000)
    assert.equal(await text, 'Its schema is still being asked for.')
  })
})
