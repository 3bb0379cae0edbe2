/** What the console says of keys that name a schema of a registry: on the page of one record or dead letter, and in lists. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { avro, type PulledSchema } from '../../../framework/api/format.ts'
import { handler } from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import type { ConsoleOptions } from '../../../framework/console/console.ts'
import { Mask } from '../../../framework/console/mask.ts'
import type { ThreadsAnswer } from '../../../framework/console/protocol.ts'
import type { DeadLettersAnswer, LetterAnswer } from '../../../framework/console/protocol-actions.ts'
import type { KeysAnswer, RecordView, RetriesAnswer } from '../../../framework/console/protocol-records.ts'
import { type KeyOf, ReadKeys } from '../../../framework/console/read-keys.ts'
import type { RecordHeader } from '../../../framework/model/record.ts'
import { connectRegistry } from '../../../framework/registry/registry-client.ts'
import { RuntimeSchemas } from '../../../framework/runtime/runtime-schemas.ts'
import { ManualClock } from '../../../framework/testing/manual-clock.ts'
import { systemClock } from '../../../framework/time/clock.ts'
import { clusterWith, DLQ } from '../cli/dlq-fixtures.ts'
import { aGroup, aHandlerState, aSystem } from '../observability/snapshots.ts'
import { type Answer, serve } from '../registry/registry-server.ts'
import { aWatchedHandler, serveConsole, WrittenRuntime } from './served-console.ts'

const text = '{"type":"record","name":"Place","fields":[{"name":"tenant","type":"string"},{"name":"id","type":"long"}]}'
/** Of schema 9; the numbers are 64 and 65, whose bytes are no UTF-8. */
const first = Buffer.from('000000000902748001', 'hex')
const second = Buffer.from('000000000902748201', 'hex')
const says = ['{"tenant":"t","id":64}', '{"tenant":"t","id":65}']
/** The same without its schema in front. */
const bare = first.subarray(5)

const pulled: PulledSchema<unknown> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-key',
  id: 9,
  guid: null,
  fingerprint: 'f00d',
  text,
}
const keyed = handler(topic<unknown, unknown>('orders', { keyFormat: avro(pulled) }), () => {})

type Over = Partial<ConsoleOptions> & { readonly answer?: Answer; readonly isKeyed?: boolean }

/** A console over a runtime whose handler reads `orders`, with keys in Avro. */
async function looking(t: TestContext, { answer = { json: { schema: text } }, isKeyed = true, ...over }: Over = {}) {
  const { url, asked } = await serve(() => answer)
  const settings = { ...configDefaults.registry, url, requestTimeoutMs: 2_000 }
  const schemas = new RuntimeSchemas(() => connectRegistry(settings, systemClock(), Math.random), systemClock())
  t.after(() => schemas.close())
  const served = await serveConsole(t, over)
  const { runtime, get } = served
  runtime.values = schemas
  if (isKeyed) runtime.handlers = [aWatchedHandler({ definition: { topic: keyed.topic as never } })]
  const read = async <Of>(path: string): Promise<Of> => {
    const response = await get(path)
    assert.equal(response.status, 200, await response.clone().text())
    return (await response.json()) as Of
  }
  const record = async (key: Buffer | null, headers: readonly RecordHeader[] = []): Promise<RecordView> => {
    const at = { topic: 'orders', partition: 0, offset: 3 }
    const known = { state: 'queued', isBlocking: false, blocksSince: null, attempt: 1, attempts: 3, lastFailure: null }
    const whole = { ...at, key, value: null, headers, timestamp: 1 }
    const explain = () => ({ ...at, ...known, handlerId: 'bill', epoch: 1, record: whole, waitsFor: [] })
    runtime.inspection = { explain } as never
    return read('/api/records/shop/orders/0/3')
  }
  return { ...served, url, asked, read, record }
}

async function withLetter(t: TestContext, over: Over = {}) {
  const cluster = await clusterWith()
  const headers = [['pyrallel-topic', Buffer.from('orders')] as const]
  const producer = await cluster.connection().producer()
  for (const key of [first, second]) await producer.produce({ topic: DLQ, partition: 0, key, value: null, headers })
  const connection = cluster.connection()
  t.after(() => connection.close())
  return looking(t, { cluster: () => connection, ...over })
}

const plainRowsOf = (keys: readonly Buffer[]) =>
  keys.map((key, offset) => {
    const at = { topic: 'orders', partition: 0, offset, epoch: 1, key, attempt: 1 }
    return { ...at, depth: 1, state: 'queued', timestamp: -1, breaker: null, headers: [] }
  })

const plainRetriesOf = (keys: readonly Buffer[]) =>
  plainRowsOf(keys).map((row) => ({ ...row, handlerId: 'bill', dueAt: 5, since: 5, holdsKey: true, lastFailure: null }))

describe('keys that name a schema, in the console', { timeout: 60_000 }, () => {
  it('are read in records that wait, with their bytes beside it', async (t) => {
    const { record, url } = await looking(t)
    const view = await record(first)
    const read = { kind: 'read', schema: `id 9, of ${url}`, text: '{\n  "tenant": "t",\n  "id": 64\n}', isCut: false }
    assert.deepEqual([view.readKey, view.key?.base64, view.key?.says], [read, first.toString('base64'), says[0]])
  })

  it('are read in dead letters and in the list of them, as keys of the topic that those came from', async (t) => {
    const { read } = await withLetter(t)
    const { letters } = await read<DeadLettersAnswer>(`/api/dead-letters/${DLQ}`)
    assert.deepEqual(letters.map(({ key }) => key?.says).sort(), says)
    const { letter } = await read<LetterAnswer>(`/api/dead-letters/${DLQ}/0/0`)
    assert.deepEqual([letter.readKey?.kind, letter.key?.base64], ['read', first.toString('base64')])
  })

  const framings: readonly (readonly [how: string, from: number, headers: readonly RecordHeader[]])[] = [
    ['in front of them', 0, []],
    ['in a header', 5, [['__key_schema_id', Buffer.of(0, 0, 0, 0, 9)]]],
  ]
  for (const [how, from, headers] of framings) {
    it(`are read in lists of keys, retries and threads, by a schema ${how}, which is asked for once`, async (t) => {
      const { runtime, read, asked } = await looking(t)
      const keys = [first.subarray(from), second.subarray(from)]
      const rowsOf = (each: readonly Buffer[]) => plainRowsOf(each).map((row) => ({ ...row, headers }))
      const retriesOf = (each: readonly Buffer[]) => plainRetriesOf(each).map((row) => ({ ...row, headers }))
      const running = keys.map((key) => ({
        topic: 'orders',
        partition: 0,
        offset: 1,
        records: 1,
        attempt: 1,
        key,
        headers,
      }))
      runtime.inspection = {
        keys: () => ({ rows: rowsOf(keys), looked: 2, isCut: false }),
        openBreakers: () => [],
        retries: () => ({ rows: retriesOf(keys), waiting: 2, parked: retriesOf(keys), parkedCount: 2 }),
        threads: () => [{ threadId: 7, handlerId: 'score', running }],
      } as never
      const threads = { running: 2, restarts: 0, batches: 0, boundaryMs: 0 }
      runtime.metrics = aSystem({ groups: [aGroup({ handlers: [aHandlerState({ handlerId: 'score', threads })] })] })
      const { rows } = await read<KeysAnswer>('/api/keys?g=shop')
      const retries = await read<RetriesAnswer>('/api/retries?g=shop')
      const { handlers } = await read<ThreadsAnswer>('/api/threads')
      for (const list of [rows, retries.rows, retries.parked, handlers[0]?.each[0]?.running ?? []]) {
        assert.deepEqual(
          list.map(({ key }) => key?.says),
          says,
        )
      }
      assert.equal(asked.length, 1)
    })
  }

  it('are told from each other by their base64 where their schema cannot be had, and the page says why', async (t) => {
    const { runtime, read, record, asked, clock } = await looking(t, { answer: { status: 401, json: {} } })
    runtime.inspection = {
      keys: () => ({ rows: plainRowsOf([first, second]), looked: 2, isCut: false }),
      openBreakers: () => [],
    } as never
    const { rows } = await read<KeysAnswer>('/api/keys?g=shop')
    assert.deepEqual(
      rows.map(({ key }) => [key?.says, key?.base64]),
      [first, second].map((key) => [undefined, key.toString('base64')]),
    )
    const { readKey } = await record(first)
    assert.match(
      readKey?.kind === 'unread' ? readKey.why : '',
      /^with schema id 9: This process may not ask the registry/,
    )
    assert.equal(asked.length, 1)
    clock.advance(5_000)
    await record(first)
    assert.equal(asked.length, 2)
  })

  it('are read where a header names the schema, whatever their topic says, and else not', async (t) => {
    const { record, asked } = await looking(t, { isKeyed: false })
    const view = await record(bare, [['__key_schema_id', Buffer.of(0, 0, 0, 0, 9)]])
    assert.deepEqual([view.readKey?.kind, view.key?.says], ['read', says[0]])
    // Eight bytes of a number, say.
    const number = await record(first)
    assert.deepEqual(
      [number.readKey, number.key?.says, number.key?.base64],
      [null, undefined, first.toString('base64')],
    )
    assert.equal(asked.length, 1)
    const plain = await record(Buffer.from('c1'))
    assert.deepEqual([plain.readKey, plain.key], [null, { text: 'c1', bytes: 2, isCut: false, isMasked: false }])
    assert.equal((await record(null)).readKey, null)
  })

  it('are not read where their topic is masked', async (t) => {
    const mask = new Mask(['invoices'])
    const { record, asked } = await looking(t, { mask })
    const view = await record(first)
    assert.deepEqual([view.readKey ?? null, view.key], [null, mask.key('orders', first)])
    const letters = await withLetter(t, { mask })
    const list = await letters.read<DeadLettersAnswer>(`/api/dead-letters/${DLQ}`)
    const { letter } = await letters.read<LetterAnswer>(`/api/dead-letters/${DLQ}/0/0`)
    assert.deepEqual([list.letters[0]?.key?.says, letter.readKey, letter.key?.says], [undefined, null, undefined])
    assert.deepEqual([asked.length, letters.asked.length], [0, 0])
  })

  it('have no escapes where they are cut, and are no text', () => {
    const cut = new Mask(null).key('orders', Buffer.alloc(300, 0xff))
    assert.deepEqual(cut, {
      text: Buffer.alloc(256, 0xff).toString('base64'),
      bytes: 300,
      isCut: true,
      isMasked: false,
    })
  })
})

describe('the reading of keys', () => {
  const of = (id: number, topicName = 'orders'): KeyOf => {
    const key = Buffer.from(first)
    key.writeUInt32BE(id, 1)
    return { topic: topicName, key }
  }

  /** `answer` ends what was asked for first. */
  function aReading() {
    const clock = new ManualClock()
    const runtime = new WrittenRuntime()
    runtime.handlers = [aWatchedHandler({ definition: { topic: keyed.topic as never } })]
    const waiting: (() => void)[] = []
    const asked: unknown[] = []
    const readerOf: typeof runtime.values.readerOf = (ref) => {
      asked.push(ref)
      return new Promise((resolve) => {
        waiting.push(() => resolve(() => ({ kind: 'read', value: `read with ${'id' in ref ? ref.id : ''}`, by: '' })))
      })
    }
    runtime.values = { ...runtime.values, readerOf }
    const keys = new ReadKeys({ mask: new Mask(null), runtime: () => runtime, clock })
    const answer = async () => {
      waiting.shift()?.()
      await new Promise(setImmediate)
    }
    return { keys, clock, runtime, asked, answer }
  }

  it('of a record that is gone needs nothing of its bytes, and asks when somebody looks', async () => {
    const { keys, asked, answer } = aReading()
    const record = of(9)
    const shown = keys.later(record)
    record.key?.fill(0)
    assert.deepEqual(asked, [])
    assert.equal(shown()?.says, undefined)
    await answer()
    assert.equal(shown()?.says, '"read with 9"')
    assert.deepEqual(asked, [{ id: 9 }])
  })

  it('asks for ten schemas at once, and for the others when these have come', async () => {
    const { keys, asked, answer } = aReading()
    const rows = Array.from({ length: 30 }, (_, index) => of(index + 1))
    for (const _ of [1, 2]) for (const row of rows) keys.view(row)
    assert.equal(asked.length, 10)
    assert.deepEqual(await keys.of(of(30), 0), { kind: 'unread', why: 'its schema is being asked for' })
    for (let count = 0; count < 10; count++) await answer()
    for (const row of rows) keys.view(row)
    assert.equal(asked.length, 20)
  })

  it('keeps a hundred schemas', async () => {
    const { keys, asked, answer } = aReading()
    for (let id = 1; id <= 101; id++) {
      keys.view(of(id))
      await answer()
    }
    keys.view(of(101))
    assert.equal(asked.length, 101)
    keys.view(of(1))
    assert.equal(asked.length, 102)
  })

  it('takes no schema of one runtime for another’s', async () => {
    const { keys, runtime, asked, answer } = aReading()
    keys.view(of(9))
    await answer()
    runtime.values = { ...runtime.values }
    assert.equal(keys.view(of(9))?.says, undefined)
    assert.equal(asked.length, 2)
  })
})
