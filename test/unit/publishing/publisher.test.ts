/** What `publish` checks, and that what it checks is what it sends. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Type } from 'typebox'
import { topic } from '../../../framework/api/topic.ts'
import type { OutgoingRecord } from '../../../framework/model/record.ts'
import { publisher } from '../../../framework/publishing/publisher.ts'

function aPublisher() {
  const sent: OutgoingRecord[] = []
  const produce = async (record: OutgoingRecord) => {
    sent.push(record)
  }
  return { sent, publish: publisher({ produce, close: async () => {} }) }
}

const root = fileURLToPath(new URL('../../..', import.meta.url))
const days = topic('days', { schema: Type.Object({ day: Type.String(), note: Type.Optional(Type.String()) }) })
const anything = topic<unknown>('anything')

/** Publishes the third in the very microtask in which what the others wait for has come. */
const passing = `
import { jsonSchema } from './framework/api/format.ts'
import { topic } from './framework/api/topic.ts'
import { publisher } from './framework/publishing/publisher.ts'
import { compilerTools } from './framework/validation/value-check.ts'

const pulled = { kind: 'pyrallel.schema', format: 'json-schema', subject: 's', id: 1, guid: null, fingerprint: '', text: '{}' }
const to = topic('t', { format: jsonSchema(pulled) })
const sent = []
const publish = publisher({ produce: async ({ value }) => void sent.push(String(value).slice(-1)), close: async () => {} })
const first = publish(to, 1)
const third = compilerTools().then(() => publish(to, 3))
const second = publish(to, 2)
await Promise.all([first, second, third])
process.stdout.write(sent.join(''))
`

describe('publish', () => {
  it('keeps the order of one caller while the compiler for its format is loaded', () => {
    // In a process of its own: in this one, it may be there.
    const parameters = ['--import', 'tsx', '--input-type=module', '--eval', passing]
    const { stdout, stderr } = spawnSync(process.execPath, parameters, { encoding: 'utf8', cwd: root })
    assert.equal(stdout, '123', stderr)
  })

  for (const [what, value] of [
    ['a number', 5],
    ['null', null],
    ['undefined', undefined],
    ['an object', { of: 'x' }],
    ['an array', ['x']],
    ['true', true],
  ] as const) {
    it(`sends nothing where a header is ${what}`, async () => {
      const { sent, publish } = aPublisher()
      const wrong = { headers: { fine: 'x', wrong: value as never } }
      await assert.rejects(publish(anything, 1, wrong), {
        code: 'PYR_RECORD_INVALID',
        message: /anything: its header 'wrong' is/,
      })
      assert.deepEqual(sent, [])
    })
  }

  it('writes bytes as they are, a copy, and null, where the values of a topic are bytes', async () => {
    const { sent, publish } = aPublisher()
    const raw = topic('raw', { values: 'bytes', key: (value) => String(value?.length) })
    const bytes = new Uint8Array([0, 255])
    const publishing = publish(raw, Buffer.from(bytes.buffer))
    bytes.fill(7)
    await publishing
    await publish(raw, null)
    assert.deepEqual(
      sent.map(({ key, value }) => [key?.toString(), value]),
      [
        ['2', Buffer.from([0, 255])],
        ['undefined', null],
      ],
    )
  })

  it('writes bytes by the mere name of a topic whose values are, and nothing else', async () => {
    const sent: OutgoingRecord[] = []
    const produce = async (record: OutgoingRecord) => {
      sent.push(record)
    }
    const formatsOf = (name: string) => (name === 'raw' ? ({ values: 'bytes' } as const) : undefined)
    const publish = publisher({ produce, close: async () => {} }, undefined, undefined, undefined, formatsOf)
    await publish('raw', new Uint8Array([1]))
    assert.deepEqual(sent[0]?.value, Buffer.from([1]))
    for (const value of ['text', { id: 1 }, undefined]) {
      await assert.rejects(publish('raw', value), {
        code: 'PYR_SCHEMA',
        message: /^The value published to raw is .*, and its values are bytes\. Publish a Uint8Array, or null\.$/,
      })
    }
    assert.equal(sent.length, 1)
  })

  it('carries headers of text and of bytes, empty ones too', async () => {
    const { sent, publish } = aPublisher()
    const headers = { text: 'é', none: '', buffer: Buffer.from([0, 255]), bytes: new Uint8Array([7]) }
    await publish(anything, 1, { headers })
    assert.deepEqual(sent[0]?.headers, [
      ['text', Buffer.from('é')],
      ['none', Buffer.alloc(0)],
      ['buffer', Buffer.from([0, 255])],
      ['bytes', Buffer.from([7])],
    ])
  })

  it("sends nothing where a key is no text, be it an option or the topic's own", async () => {
    const { sent, publish } = aPublisher()
    const keyed = topic<{ id: number }>('keyed', { key: ({ id }) => id as never })
    for (const publishing of [publish(anything, 1, { key: 5 as never }), publish(keyed, { id: 5 })]) {
      await assert.rejects(publishing, { code: 'PYR_RECORD_INVALID', message: /its key is a number/ })
    }
    assert.deepEqual(sent, [])
  })

  it('checks the text that it sends: toJSON has spoken, and what is undefined is not there', async () => {
    const { sent, publish } = aPublisher()
    await publish(days, { day: new Date(0), note: undefined } as never)
    assert.equal(String(sent[0]?.value), '{"day":"1970-01-01T00:00:00.000Z"}')
    const turnsWrong = { day: 'monday', toJSON: () => ({ day: 7 }) }
    await assert.rejects(publish(days, turnsWrong), { code: 'PYR_SCHEMA', message: /days .*\/day must be string/ })
    assert.equal(sent.length, 1)
  })

  it('makes the text of a value once, so that one that differs each time is sent as it was checked', async () => {
    const { sent, publish } = aPublisher()
    let calls = 0
    const value = { day: 'x', toJSON: () => ({ day: `call ${++calls}` }) }
    await publish(days, value)
    assert.deepEqual([String(sent[0]?.value), calls], ['{"day":"call 1"}', 1])
  })

  it('says of a value that JSON cannot carry why, with or without a schema', async () => {
    const { sent, publish } = aPublisher()
    const circle: Record<string, unknown> = {}
    circle.self = circle
    for (const [value, message] of [
      [{ day: 5n }, /cannot be made JSON: .*BigInt/],
      [circle, /cannot be made JSON: .*circular/],
      [undefined, /is undefined, which JSON cannot carry/],
      [() => 1, /is function, which JSON cannot carry/],
    ] as const) {
      for (const to of [days as typeof anything, anything]) {
        await assert.rejects(publish(to, value), { code: 'PYR_SCHEMA', message })
      }
    }
    assert.deepEqual(sent, [])
  })

  it('sends null as a tombstone, where the schema admits it, and a value that only becomes null as its text', async () => {
    const { sent, publish } = aPublisher()
    await assert.rejects(publish(days, null as never), { code: 'PYR_SCHEMA' })
    await publish(anything, null)
    await publish(anything, Number.NaN)
    assert.deepEqual(
      sent.map(({ value }) => value?.toString() ?? null),
      [null, 'null'],
    )
  })

  it('tells of a value that does not satisfy its schema no name that is not in the schema', async () => {
    const totals = topic('totals', { schema: Type.Record(Type.String(), Type.Number()) })
    await assert.rejects(aPublisher().publish(totals, { 'ada@example.org': 'x' as never }), {
      code: 'PYR_SCHEMA',
      message: 'The value published to totals does not satisfy its schema: /* must be number.',
    })
  })
})
