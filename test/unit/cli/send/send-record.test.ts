import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recordOf, refuseInvalid } from '../../../../cli/send/send-record.ts'
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

function sending(text: string, definition: TopicDefinition<unknown> = amounts) {
  const written = { value: JSON.parse(text), text }
  const declared = [definition]
  return recordOf({ topic: 'amounts', written, key: undefined, headers: [], count: 1, declared })
}

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
    await assert.rejects(refuseInvalid(amounts, { value: {}, text: '{}' }), /id is no bigint of 64 bits/)
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
    await assert.rejects(sending('{"id": 9007199254740993}', orders), /publish it as a text/)
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
