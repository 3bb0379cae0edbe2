/** What the console says of values that name a schema of a registry, in records and in dead letters. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { avro, type PulledSchema } from '../../../framework/api/format.ts'
import { handler } from '../../../framework/api/handler.ts'
import { topic } from '../../../framework/api/topic.ts'
import { configDefaults } from '../../../framework/config/resolve-config.ts'
import { Mask } from '../../../framework/console/mask.ts'
import type { LetterAnswer } from '../../../framework/console/protocol-actions.ts'
import type { RecordView } from '../../../framework/console/protocol-records.ts'
import type { ValueLooks } from '../../../framework/console/watched-runtime.ts'
import type { ReadValue } from '../../../framework/formats/read-value.ts'
import { connectRegistry } from '../../../framework/registry/registry-client.ts'
import { RuntimeSchemas } from '../../../framework/runtime/runtime-schemas.ts'
import { systemClock } from '../../../framework/time/clock.ts'
import { clusterWith, DLQ } from '../cli/dlq-fixtures.ts'
import { type Answer, serve } from '../registry/registry-server.ts'
import { aWatchedHandler, serveConsole } from './served-console.ts'

const text = '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"note","type":"bytes"}]}'
/** Schema 7; the id is 2^53 + 1. */
const framed = Buffer.from('000000000782808080808080200401ff', 'hex')
const said = '{\n  "id": 9007199254740993,\n  "note": "Af8="\n}'

const pulled = (of = text): PulledSchema<unknown> => ({
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'orders-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text: of,
})
const ordersOf = (schema: PulledSchema<unknown>) => topic('orders', { format: avro(schema) })

/** As in a runtime whose handler reads that topic. */
async function looksAt(t: TestContext, answer: Answer = { json: { schema: text } }, today = pulled()) {
  const { url } = await serve(() => answer)
  const settings = { ...configDefaults.registry, url, requestTimeoutMs: 2_000 }
  const schemas = new RuntimeSchemas(() => connectRegistry(settings, systemClock(), Math.random), systemClock())
  t.after(() => schemas.close())
  const definition = handler(ordersOf(today), () => {})
  schemas.of(definition as never)
  return { url, values: schemas, definition: { topic: definition.topic as never } }
}

interface Given extends Partial<NonNullable<Parameters<typeof serveConsole>[1]>> {
  readonly values?: ValueLooks
  readonly value?: Buffer | null
}

async function recordIn(t: TestContext, { values, value = framed, ...over }: Given) {
  const { get, runtime, clock } = await serveConsole(t, over)
  if (values !== undefined) runtime.values = values
  const at = { topic: 'orders', partition: 0, offset: 3 }
  const record = { ...at, key: null, value, headers: [], timestamp: 1 }
  runtime.inspection = {
    explain: () => ({
      ...at,
      handlerId: 'bill',
      epoch: 1,
      state: 'queued',
      isBlocking: false,
      blocksSince: null,
      attempt: 1,
      attempts: 3,
      lastFailure: null,
      record,
      waitsFor: [],
    }),
  } as never
  const read = async (): Promise<RecordView> => {
    const response = await get('/api/records/shop/orders/0/3')
    assert.equal(response.status, 200, await response.clone().text())
    return (await response.json()) as RecordView
  }
  return { read, clock }
}

async function letterOf(t: TestContext, { values, value = framed, ...over }: Given, definition?: object) {
  const cluster = await clusterWith()
  await (await cluster.connection().producer()).produce({ topic: DLQ, key: null, value, headers: [] })
  const connection = cluster.connection()
  t.after(() => connection.close())
  const { get, runtime } = await serveConsole(t, { cluster: () => connection, ...over })
  if (values !== undefined) runtime.values = values
  if (definition !== undefined) runtime.handlers = [aWatchedHandler({ definition: definition as never })]
  const response = await get(`/api/dead-letters/${DLQ}/0/0`)
  assert.equal(response.status, 200, await response.clone().text())
  return (await response.json()) as LetterAnswer
}

/** As a runtime whose values are what a test says. */
function written(...answers: readonly (ReadValue | Promise<ReadValue>)[]) {
  const left = [...answers]
  const looks = {
    reads: 0,
    read: async (): Promise<ReadValue> => {
      looks.reads += 1
      return left.shift() ?? { kind: 'plain' }
    },
    decode: async () => null,
    readerOf: () => assert.fail('no key is read'),
  }
  return looks
}

const unread = (why: string): ReadValue => ({ kind: 'unread', why })

describe('values that name a schema, in the console', { timeout: 60_000 }, () => {
  it('are read in records that wait, with all digits, and their bytes beside it', async (t) => {
    const { values, url } = await looksAt(t)
    const { read } = await recordIn(t, { values })
    const view = await read()
    assert.deepEqual(view.read, { kind: 'read', schema: `id 7, of ${url}`, text: said, isCut: false })
    assert.equal(view.value?.base64, framed.toString('base64'))
  })

  it('are read once, however often a page asks', async (t) => {
    const values = written({ kind: 'read', value: { id: 1n }, by: 'id 7' })
    const { read } = await recordIn(t, { values })
    await read()
    assert.equal((await read()).read?.kind, 'read')
    assert.equal(values.reads, 1)
  })

  it('do not keep a record waiting for their registry, and are there when it has answered', async (t) => {
    let answer = (_: ReadValue) => {}
    const asked = new Promise<ReadValue>((resolve) => {
      answer = resolve
    })
    const values = written(asked)
    const { read, clock } = await recordIn(t, { values })
    const first = read()
    while (clock.pendingTimers === 0 || values.reads === 0) await new Promise(setImmediate)
    clock.advance(300)
    assert.deepEqual((await first).read, { kind: 'unread', why: 'its schema is being asked for' })
    answer({ kind: 'read', value: 1, by: 'id 7' })
    assert.equal((await read()).read?.kind, 'read')
    assert.equal(values.reads, 1)
  })

  it('unreadable ones say why, and are tried anew after five seconds', async (t) => {
    const values = written(unread('with schema id 7: no answer'), unread('with schema id 7: still none'))
    const { read, clock } = await recordIn(t, { values })
    for (const _ of [1, 2]) assert.deepEqual((await read()).read, unread('with schema id 7: no answer'))
    clock.advance(5_000)
    assert.deepEqual((await read()).read, unread('with schema id 7: still none'))
    assert.equal(values.reads, 2)
  })

  it('say so, when their schema has rules', async (t) => {
    const ruleSet = { domainRules: [{ name: 'encryptPII', kind: 'TRANSFORM', mode: 'WRITEREAD', type: 'ENCRYPT' }] }
    const { values } = await looksAt(t, { json: { schema: text, ruleSet } })
    const { read } = await recordIn(t, { values })
    const view = (await read()).read
    assert.match(view?.kind === 'unread' ? view.why : '', /its schema \(id 7\) has rules: fields may be encrypted/)
  })

  it('are cut at 65,536 characters, and not read above a megabyte', async (t) => {
    const values = written({ kind: 'read', value: 'x'.repeat(70_000), by: 'id 7' })
    const view = (await (await recordIn(t, { values })).read()).read
    assert.deepEqual(view?.kind === 'read' && [view.text.length, view.isCut], [65_536, true])
    const large = await recordIn(t, { values, value: Buffer.concat([framed, Buffer.alloc(1_048_576)]) })
    assert.deepEqual((await large.read()).read, { kind: 'unread', why: 'it is above 1048576 bytes' })
    assert.equal(values.reads, 1)
  })

  it('are not read where their topic is masked, and of what names no schema there is nothing', async (t) => {
    const values = written()
    const masked = await (await recordIn(t, { values, mask: new Mask(['invoices']) })).read()
    assert.equal(masked.read ?? null, null)
    const maskedLetter = await letterOf(t, { values, mask: new Mask(['invoices']) })
    assert.equal(maskedLetter.letter.read, null)
    assert.equal((await (await recordIn(t, { values, value: Buffer.from('{"id":1}') })).read()).read, null)
    assert.equal((await (await recordIn(t, { values, value: null })).read()).read, null)
    assert.equal(values.reads, 0)
  })

  it('are read in dead letters, and judged by the format of today', async (t) => {
    const { values, url, definition } = await looksAt(t)
    const { letter, passesToday, misfits } = await letterOf(t, { values }, definition)
    assert.deepEqual(letter.read, { kind: 'read', schema: `id 7, of ${url}`, text: said, isCut: false })
    assert.equal(letter.value?.base64, framed.toString('base64'))
    assert.deepEqual([passesToday, misfits], [true, []])
  })

  it('do not pass today, where the format wants what was not written', async (t) => {
    const today = text.replace('"note","type":"bytes"', '"total","type":"long"')
    const { values, definition } = await looksAt(t, { json: { schema: text } }, pulled(today))
    const { letter, passesToday, misfits } = await letterOf(t, { values }, definition)
    assert.deepEqual([letter.read?.kind, passesToday], ['read', false])
    assert.match(misfits.join(), /does not fit the one that was pulled: the value was written without total/)
    const plain = await letterOf(t, { values, value: Buffer.from('{"id":1}') }, definition)
    assert.deepEqual([plain.letter.read, plain.passesToday], [null, false])
    assert.match(plain.misfits.join(), /the value names no schema/)
  })

  it('are not judged while nobody has their schema, and that is said', async (t) => {
    const { values, definition } = await looksAt(t, { status: 401, json: {} })
    const { letter, passesToday, misfits } = await letterOf(t, { values }, definition)
    assert.match(
      letter.read?.kind === 'unread' ? letter.read.why : '',
      /^with schema id 7: This process may not ask the registry at/,
    )
    assert.equal(passesToday, null)
    assert.match(misfits.join(), /registry/)
  })

  it('need no registry, where none is configured', async (t) => {
    const schemas = new RuntimeSchemas(undefined, systemClock())
    const { letter } = await letterOf(t, { values: schemas })
    assert.match(letter.read?.kind === 'unread' ? letter.read.why : '', /no registry is configured to ask for it/)
  })

  it('are asked of nobody any more, once the runtime has closed its registry', async (t) => {
    const { url, asked } = await serve(() => ({ json: { schema: text } }))
    const settings = { ...configDefaults.registry, url }
    const schemas = new RuntimeSchemas(() => connectRegistry(settings, systemClock(), Math.random), systemClock())
    schemas.close()
    const { letter } = await letterOf(t, { values: schemas })
    assert.deepEqual([letter.read?.kind, asked.length], ['unread', 0])
  })
})
