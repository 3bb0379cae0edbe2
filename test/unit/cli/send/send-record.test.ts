import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ownKey, recordOf, refuseInvalid } from '../../../../cli/send/send-record.ts'
import { avro, jsonSchema, type PulledSchema } from '../../../../framework/api/format.ts'
import { type TopicDefinition, topic } from '../../../../framework/api/topic.ts'

interface Amount {
  readonly id: bigint
  readonly note: string
}

const schema: PulledSchema<Amount> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'amounts-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text: JSON.stringify({
    type: 'record',
    name: 'Amount',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'note', type: 'string', default: '' },
    ],
  }),
}
const options = { format: avro(schema), key: ({ id }: Amount) => String(id) }
// As the project's topics come here: of what their values are, nothing is known.
const amounts = topic('amounts', options) as TopicDefinition<unknown>

async function sending(text: string, definition: TopicDefinition<unknown> = amounts) {
  return (await typing(text, definition)).record
}

function typing(text: string, definition: TopicDefinition<unknown>, key?: string) {
  const written = { value: JSON.parse(text), text }
  return recordOf({ topic: 'amounts', written, key, headers: [], count: 1, declared: [definition] })
}

describe('a value that is typed for a topic whose values are bytes', () => {
  it('is sent as it was typed, with the key that the topic says of its bytes', async () => {
    const raw = topic('amounts', { values: 'bytes', key: (value) => String(value?.length) })
    const { key, value } = await sending('{"id": 1}', raw as TopicDefinition<unknown>)
    assert.deepEqual([key?.toString(), value?.toString()], ['9', '{"id": 1}'])
  })
})

describe('a value that is typed for a topic with a format', () => {
  it('is sent in that format, behind the id of its schema, with the key that the topic says and all of its digits', async () => {
    const { key, value } = await sending('{"id": 9007199254740993}')
    assert.equal(key?.toString(), '9007199254740993')
    assert.equal(value?.toString('hex'), '00000000078280808080808020' + '00')
  })

  it('is refused with the place, and nothing is sent', async () => {
    await assert.rejects(sending('{"id": 1, "note": 5}'), {
      code: 'PYR_SCHEMA',
      message: 'The value does not satisfy schema amounts-value of amounts; nothing was sent.\n  note is no text',
    })
    await assert.rejects(sending('{"id": 1, "nite": ""}'), /has a field "nite", which Amount has not/)
    await assert.rejects(refuseInvalid(amounts, { value: {}, text: '{}' }), /id is missing/)
  })

  it('is refused when it is nested too deeply to be read', async () => {
    const text = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    await assert.rejects(refuseInvalid(amounts, { value: [], text }), /it is nested too deeply/)
  })

  it('is checked against a JSON Schema, and no whole number is rounded in it', async () => {
    const text =
      '{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"],"additionalProperties":false}'
    const ofJson: PulledSchema<Amount> = { ...schema, format: 'json-schema', text }
    const orders = { ...amounts, format: jsonSchema(ofJson) }
    const { value } = await sending('{"id": 7}', orders)
    assert.equal(value?.toString('latin1'), '\0\0\0\0\x07{"id":7}')
    await assert.rejects(sending('{"id": "7"}', orders), { code: 'PYR_SCHEMA' })
    await assert.rejects(
      sending('{"id": 9007199254740993}', orders),
      /a whole number in it is a bigint, or beyond 2\^53/,
    )
  })

  it('names its schema in a header where the format says so', async () => {
    const guid = '00112233-4455-6677-8899-aabbccddeeff'
    const framed = { ...amounts, format: avro<unknown>({ ...schema, guid }, { framing: 'header' }) }
    const { value, headers } = await sending('{"id": 1}', framed)
    assert.equal(value?.toString('hex'), '0200')
    assert.deepEqual(
      headers.map(([name, bytes]) => [name, bytes?.toString('hex')]),
      [['__value_schema_id', `01${guid.replaceAll('-', '')}`]],
    )
  })

  it('is a tombstone where the format admits one', async () => {
    await assert.rejects(sending('null'), { code: 'PYR_SCHEMA' })
    const { value } = await sending('null', { ...amounts, format: avro<unknown>(schema, { tombstones: true }) })
    assert.equal(value, null)
  })
})

describe('a key that is typed for a topic with a format for keys', () => {
  const keyOf = (text: string, options = {}) =>
    avro<unknown>({ ...schema, subject: 'amounts-key', id: 9, text }, options) as never
  const keyed = (text: string, options?: object) => ({ ...amounts, keyFormat: keyOf(text, options) })
  const record = '{"type":"record","name":"Key","fields":[{"name":"id","type":"long"}]}'
  const told = async (typed: ReturnType<typeof typing>) => {
    const { record, key } = await typed
    return [record.key?.toString('hex') ?? null, key]
  }

  it('is JSON, is sent in that format, and is shown as JSON with all of its digits', async () => {
    const typed = typing('{"id": 1}', keyed(record), '{"id": 9007199254740993}')
    assert.deepEqual(await told(typed), ['00000000098280808080808020', '{"id":9007199254740993}'])
    assert.deepEqual(await told(typing('{"id": 1}', keyed(record), 'null')), [null, null])
  })

  it('is what the topic says of the value, where none is typed', async () => {
    const own = { ...keyed(record), key: (value: unknown) => ({ id: (value as Amount).id }) as never }
    assert.deepEqual(await told(typing('{"id": 7}', own)), ['00000000090e', '{"id":7}'])
    assert.equal(ownKey(own, { id: 7n }), '{"id":7}')
    assert.deepEqual(await told(typing('{"id": 7}', { ...own, key: () => null })), [null, null])
  })

  it('may be a text without its quotes, where the schema takes a text', async () => {
    const texts = keyed('"string"')
    assert.deepEqual(await told(typing('{"id": 1}', texts, 'c1')), ['0000000009046331', '"c1"'])
    assert.deepEqual(await told(typing('{"id": 1}', texts, '"5"')), ['00000000090235', '"5"'])
    await assert.rejects(typing('{"id": 1}', texts, '5'), {
      code: 'PYR_SCHEMA',
      message: 'The key does not satisfy schema amounts-key of amounts; nothing was sent.\n  the key is no text',
    })
  })

  it('is refused with the place, and names its schema in its own header', async () => {
    await assert.rejects(typing('{"id": 1}', keyed(record), '{"id": "x"}'), {
      code: 'PYR_SCHEMA',
      message:
        'The key does not satisfy schema amounts-key of amounts; nothing was sent.\n  id is no whole number, written as 12 or "12"',
    })
    const { key: _, ...keyless } = amounts
    const json = { ...keyless, format: undefined, keyFormat: keyOf('"string"') } as object
    const { record: sent } = await typing('{"a":1}', json as never, 'c1')
    assert.deepEqual([sent.value?.toString(), sent.key?.toString('hex')], ['{"a":1}', '0000000009046331'])
    const guid = '00112233-4455-6677-8899-aabbccddeeff'
    const named = { ...json, keyFormat: avro<unknown>({ ...schema, guid, text: '"string"' }, { framing: 'header' }) }
    const { record: beside } = await typing('{"a":1}', named as never, 'c1')
    assert.deepEqual(
      [beside.key?.toString('hex'), beside.headers.map(([name]) => name)],
      ['046331', ['__key_schema_id']],
    )
  })
})
