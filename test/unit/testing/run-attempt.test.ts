/** `runAttempt`: what users see of their handler in a test of theirs. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { avro, jsonSchema, type PulledSchema } from '../../../framework/api/format.ts'
import { DeadLetter, handler, RetryAfter } from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'
import { type AttemptInput, ManualClock, runAttempt, runRecord } from '../../../framework/testing/index.ts'

interface Order {
  readonly customer: string
  readonly total: number
}
const orders = topic<Order>('orders', { key: (order) => order.customer })
const invoices = topic<{ readonly amount: number }>('invoices', { key: () => 'i1' })
const order: Order = { customer: 'c1', total: 5 }

const amount: PulledSchema<{ readonly cents: bigint }> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'amounts-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text: '{"type":"record","name":"Amount","fields":[{"name":"cents","type":"long"}]}',
}

describe('an attempt in a test', () => {
  it('runs the handler with the record as it would arrive, and keeps what it publishes and logs', async () => {
    const charge = handler(orders, async (record, context) => {
      context.log.info({ key: record.key, attempt: record.attempt, source: record.headers.get('source') }, 'charging')
      await context.publish(invoices, { amount: record.value.total }, { headers: { of: record.id } })
    })
    const result = await runAttempt(charge, { value: order, attempt: 2, headers: { source: 'test' } })
    assert.deepEqual(result, {
      outcome: 'done',
      failure: undefined,
      published: [{ topic: 'invoices', key: 'i1', value: { amount: 5 }, headers: { of: 'orders/0/0' } }],
      logged: [{ level: 'info', fields: { key: 'c1', attempt: 2, source: 'test' }, message: 'charging' }],
    })
  })

  it('gives a handler bytes as they are, and a tombstone, where the values of its topic are bytes', async () => {
    const raw = topic('raw', { values: 'bytes' })
    const echo = handler(raw, async (record, { publish }) => {
      await publish(topic('copies', { values: 'bytes' }), record.value)
    })
    for (const value of [Buffer.from([0, 255]), null]) {
      const { outcome, published } = await runAttempt(echo, { value })
      assert.deepEqual([outcome, published[0]?.value], ['done', value])
    }
  })

  it('reads and writes values in the format of a topic, and asks no registry', async () => {
    const amounts = topic('amounts', { format: avro(amount) })
    const doubled = topic('doubled', { format: avro(amount) })
    const double = handler(amounts, (record, { publish }) => publish(doubled, { cents: 2n * record.value.cents }))
    const { outcome, published } = await runAttempt(double, { value: { cents: 2n ** 60n } })
    assert.deepEqual([outcome, published[0]?.value], ['done', { cents: 2n ** 61n }])
  })

  it('writes to the mere name of a topic what its handler reads there, or what the routes declare', async () => {
    const amounts = topic('amounts', { format: avro(amount) })
    const again = handler(amounts, async ({ value }, { publish }) => {
      await publish('amounts', value)
      if (value.cents > 5n) await publish('copies', value)
    })
    const { outcome, published } = await runAttempt(again, { value: { cents: 5n } })
    assert.deepEqual([outcome, published.map(({ value }) => value)], ['done', [{ cents: 5n }]])
    // Its value cannot be made JSON.
    assert.equal((await runAttempt(again, { value: { cents: 6n } })).outcome, 'retry')
    const topicFormats = { copies: { format: avro(amount) } }
    const routes = [
      { id: 'again', file: 'handlers/again.ts', topic: 'amounts', group: null, topicFormats, handler: again },
    ]
    const value = Buffer.of(0, 0, 0, 0, 7, 12)
    const place = { topic: 'amounts', partition: 0, offset: 0, timestamp: 0 }
    const known = await runRecord(routes, 'again', { ...place, key: null, value, headers: [] })
    assert.deepEqual(
      [known.outcome, known.published.map(({ topic: name, value }) => [name, value])],
      [
        'done',
        [
          ['amounts', { cents: 6n }],
          ['copies', { cents: 6n }],
        ],
      ],
    )
  })

  it('reads and writes values in JSON with a schema of a registry, and checks them', async () => {
    const text = '{"type":"object","properties":{"cents":{"type":"integer","maximum":9}},"required":["cents"]}'
    const cents: PulledSchema<{ readonly cents: number }> = { ...amount, format: 'json-schema', text } as never
    const amounts = topic('amounts', { format: jsonSchema(cents) })
    const doubled = topic('doubled', { format: jsonSchema(cents) })
    const double = handler(amounts, (record, { publish }) => publish(doubled, { cents: 2 * record.value.cents }))
    const { outcome, published } = await runAttempt(double, { value: { cents: 2 } })
    assert.deepEqual([outcome, published[0]?.value], ['done', { cents: 4 }])
    const { failure } = await runAttempt(double, { value: { cents: 7 } })
    assert.match(
      failure?.message ?? '',
      /published to doubled does not satisfy schema amounts-value: \/cents must be <= 9/,
    )
  })

  it('reads and writes values whose schema stands in a header', async () => {
    const inHeader = avro({ ...amount, guid: '89791762-2336-4186-9674-299b90a802e2' }, { framing: 'header' })
    const double = handler(topic('amounts', { format: inHeader }), (record, { publish }) =>
      publish(topic('doubled', { format: inHeader }), { cents: 2n * record.value.cents }),
    )
    const { outcome, published } = await runAttempt(double, { value: { cents: 4n } })
    assert.deepEqual([outcome, published[0]?.value], ['done', { cents: 8n }])
  })

  it('reads and writes keys in the format of a topic, by their own schema, and asks no registry', async () => {
    const keySchema: PulledSchema<{ readonly tenant: string }> = {
      ...amount,
      subject: 'amounts-key',
      text: '{"type":"record","name":"Key","fields":[{"name":"tenant","type":"string"}]}',
    } as never
    const keyFormat = avro(keySchema)
    const amounts = topic('amounts', {
      format: avro(amount),
      keyFormat,
      key: ({ cents }) => ({ tenant: `of ${cents}` }),
    })
    const texts = topic<string, { readonly tenant: string }>('texts', { keyFormat })
    const pass = handler(amounts, async ({ key, value }, { publish }) => {
      await publish(texts, String(value.cents), { key })
      await publish(texts, 'none')
    })
    const published = async (input: AttemptInput<{ readonly cents: bigint }, { readonly tenant: string }>) =>
      (await runAttempt(pass, input)).published.map(({ key, value }) => [key, value])
    assert.deepEqual(await published({ value: { cents: 5n } }), [
      [{ tenant: 'of 5' }, '5'],
      [null, 'none'],
    ])
    assert.deepEqual((await published({ value: { cents: 5n }, key: { tenant: 'b' } }))[0], [{ tenant: 'b' }, '5'])
    assert.deepEqual((await published({ value: { cents: 5n }, key: null }))[0], [null, '5'])
    await assert.rejects(runAttempt(pass, { value: { cents: 5n }, key: { tenant: 5 } as never }), {
      code: 'PYR_SCHEMA',
      message: 'The key published to amounts does not satisfy schema amounts-key: tenant is no text.',
    })
  })

  it('has the key that is written, or none', async () => {
    const keys: (string | null)[] = []
    const note = handler(orders, (record) => {
      keys.push(record.key)
    })
    await runAttempt(note, { value: order, key: 'other' })
    await runAttempt(note, { value: order, key: null })
    assert.deepEqual(keys, ['other', null])
  })

  for (const [what, thrown, outcome, message] of [
    ['an error', new Error('gateway down'), 'retry', 'gateway down'],
    ['RetryAfter', new RetryAfter('10s', 'busy'), 'retry', 'busy'],
    ['DeadLetter', new DeadLetter('declined'), 'dead', 'declined'],
  ] as const) {
    it(`tells what becomes of a record when ${what} is thrown`, async () => {
      const fail = handler(orders, () => {
        throw thrown
      })
      const result = await runAttempt(fail, { value: order })
      assert.equal(result.outcome, outcome)
      assert.equal(result.failure?.message, message)
    })
  }

  it('does not call the handler with a value that its schema does not allow', async () => {
    let calls = 0
    const strict = handler('strict', { schema: Type.Object({ total: Type.Number({ minimum: 0 }) }) }, () => {
      calls++
    })
    const result = await runAttempt(strict, { value: { total: -1 } })
    assert.equal(result.outcome, 'dead')
    assert.equal(result.failure?.reason, 'invalid')
    assert.equal(calls, 0)
  })

  it('does not call the handler for what its filter leaves out', async () => {
    const paid = handler(orders, { filter: (record) => record.value.total > 10 }, () => assert.fail('called'))
    assert.equal((await runAttempt(paid, { value: order })).outcome, 'filtered')
  })

  it('ends at the time-out, which a manual clock brings at once', async () => {
    const clock = new ManualClock()
    const hang = handler(orders, { timeout: '5s' }, (_record, { signal }) => {
      setImmediate(() => clock.advance(5_000))
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const result = await runAttempt(hang, { value: order, clock })
    assert.equal(result.outcome, 'retry')
    assert.equal(result.failure?.reason, 'timeout')
    assert.equal(clock.pendingTimers, 0)
  })
})
