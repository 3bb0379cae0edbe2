import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { TopicMaker } from '../../../../../cli/dev/broker/topic-maker.ts'
import { consoleToken, tokenFile } from '../../../../../cli/dev/console/console-token.ts'
import { DevConsole } from '../../../../../cli/dev/console/dev-console.ts'
import { openerFor, openPage } from '../../../../../cli/dev/console/open-page.ts'
import { Faults } from '../../../../../cli/dev/faults/faults.ts'
import { avro } from '../../../../../framework/api/format.ts'
import { memoryCluster } from '../../../../../framework/kafka/memory/client.ts'
import type { Logger } from '../../../../../framework/model/logger.ts'
import { WatchPoint } from '../../../../../framework/model/record-watch.ts'
import { createRuntime } from '../../../../../framework/runtime/create-runtime.ts'
import type { ResolvedHandler, Runtime } from '../../../../../framework/runtime/runtime.ts'
import { ManualClock } from '../../../../../framework/testing/manual-clock.ts'
import { aHandler } from '../../../runtime/running-app.ts'
import { emptyFolder } from '../../test-io.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
const url = 'http://127.0.0.1:1/#secret-token'

async function openConsole(
  t: TestContext,
  runtime: () => Runtime | undefined = () => undefined,
  handlers: readonly ResolvedHandler[] = [aHandler('bill')],
) {
  const cluster = memoryCluster()
  const root = emptyFolder()
  const clock = new ManualClock()
  const of = await DevConsole.open({
    root,
    runtime,
    handlers: () => handlers,
    cluster: cluster.connection(),
    topics: new TopicMaker(),
    watchPoint: new WatchPoint(),
    isOwnCluster: false,
    faults: new Faults(clock),
    log,
    clock,
    io: { env: {} },
  })
  t.after(() => of.close())
  const address = new URL(of.url).origin
  const token = readFileSync(join(root, tokenFile), 'utf8').trim()
  // One connection each: the next test's console may have the same address.
  const headers = { authorization: `Bearer ${token}`, connection: 'close' }
  const ask = (path: string) => fetch(`${address}${path}`, { headers })
  const post = (path: string, body: object) =>
    fetch(`${address}${path}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return { of, root, address, token, ask, post, cluster }
}

const orderSchema = Type.Object({ id: Type.String() })

/** A handler of a topic that has a schema and a key. */
function orders(): ResolvedHandler {
  const plain = aHandler('orders')
  const key = (value: unknown) => (value as { readonly id: string }).id
  const topic = { ...plain.definition.topic, schema: orderSchema, key }
  return { ...plain, definition: { ...plain.definition, topic } }
}

describe('the console of a dev session', { timeout: 30_000 }, () => {
  it('keeps its token over restarts, in a file that only its owner can read', (t) => {
    const root = emptyFolder()
    const token = consoleToken(root)
    assert.match(token, /^[\w-]{43}$/)
    assert.equal(consoleToken(root), token)
    if (process.platform === 'win32') t.skip('Windows has no such rights')
    else assert.equal(statSync(join(root, tokenFile)).mode & 0o777, 0o600)
  })

  it('makes another token where others could have read it, or where a link leads elsewhere', () => {
    const root = emptyFolder()
    const token = consoleToken(root)
    chmodSync(join(root, tokenFile), 0o644)
    const next = consoleToken(root)
    assert.notEqual(next, token)
    assert.equal(statSync(join(root, tokenFile)).mode & 0o777, 0o600)
    const other = emptyFolder()
    mkdirSync(join(other, '.pyrallel'))
    const elsewhere = join(other, 'elsewhere')
    writeFileSync(elsewhere, 'x', { mode: 0o600 })
    symlinkSync(elsewhere, join(other, tokenFile))
    assert.match(consoleToken(other), /^[\w-]{43}$/)
    assert.equal(readFileSync(elsewhere, 'utf8'), 'x')
  })

  it('listens on this machine only, and answers who has the token', async (t) => {
    const { address, ask } = await openConsole(t)
    assert.match(address, /^http:\/\/127\.0\.0\.1:\d+$/)
    assert.equal((await fetch(`${address}/api`, { headers: { connection: 'close' } })).status, 401)
    // No handlers run yet: the listener is there before them, and after them.
    assert.equal((await ask('/api')).status, 503)
  })

  it('takes another port where its own is taken', async (t) => {
    const taken = createServer()
    await new Promise<void>((resolve) => {
      // In another session's hands it is just as taken.
      taken.once('error', () => resolve())
      taken.listen(9_465, '127.0.0.1', resolve)
    })
    t.after(() => taken.close())
    const { address } = await openConsole(t)
    assert.notEqual(address, 'http://127.0.0.1:9465')
  })

  it('shows the runtime of the moment, and outlives it', async (t) => {
    let runtime: Runtime | undefined
    const { ask, of } = await openConsole(t, () => runtime)
    runtime = createRuntime({ handlers: [], log } as never)
    const { metrics, verdict } = (await (await ask('/api/snapshot')).json()) as {
      readonly metrics: { readonly state: string }
      readonly verdict: { readonly kind: string }
    }
    assert.deepEqual([metrics.state, verdict.kind], ['new', 'starting'])
    runtime = undefined
    assert.equal((await ask('/api/snapshot')).status, 503)
    of.onGroupEvent('shop', { kind: 'client.error', code: 'OTHER' })
  })

  it('is opened without a shell, by a file that only its owner can read: arguments of a process are for all to see', () => {
    const root = emptyFolder()
    const launched: (readonly string[])[] = []
    const isOpened = openPage(root, url, { env: { DISPLAY: ':0' } }, (...all) => launched.push(all.flat()), 'linux')
    assert.equal(isOpened, true)
    assert.equal(launched.length, 1)
    assert.equal(launched[0]?.[0], 'xdg-open')
    assert.ok(!launched.flat().join(' ').includes('secret-token'))
    const page = join(root, '.pyrallel/console.html')
    assert.ok(readFileSync(page, 'utf8').includes(url))
    if (process.platform !== 'win32') assert.equal(statSync(page).mode & 0o777, 0o600)
  })

  it('is printed over SSH and without a display, as nobody would see what is opened', () => {
    const launched: unknown[] = []
    for (const env of [{ SSH_CONNECTION: '1', DISPLAY: ':0' }, { SSH_TTY: '/dev/pts/1', DISPLAY: ':0' }, {}]) {
      const root = emptyFolder()
      assert.equal(
        openPage(root, url, { env }, (...all) => launched.push(all), 'linux'),
        false,
      )
      assert.equal(existsSync(join(root, '.pyrallel/console.html')), false)
    }
    assert.deepEqual(launched, [])
    assert.deepEqual(openerFor({}, 'darwin'), ['open'])
    assert.deepEqual(openerFor({}, 'win32'), ['rundll32', 'url.dll,FileProtocolHandler'])
    assert.deepEqual(openerFor({ WAYLAND_DISPLAY: 'w' }, 'linux'), ['xdg-open'])
  })

  it('sends what a form has written to a topic that a handler reads, and says what its schema refuses', async (t) => {
    const { post, cluster } = await openConsole(t, undefined, [orders()])
    const sent = await post('/api/dev/send', { topic: 'orders', text: '{"id":12345678901234567890}', key: 'k' })
    assert.deepEqual(await sent.json(), {
      topic: 'orders',
      key: 'k',
      misfits: ['/id: must be string'],
    })
    const own = await post('/api/dev/send', { topic: 'orders', text: '{"id":"a"}', headers: [['from', 'test']] })
    assert.deepEqual(await own.json(), { topic: 'orders', key: 'a', misfits: [] })
    const records = [0, 1, 2, 3].flatMap((partition) => cluster.log('orders', partition).records)
    assert.deepEqual(records.map(({ value }) => String(value)).sort(), ['{"id":"a"}', '{"id":12345678901234567890}'])
    assert.equal((await post('/api/dev/send', { topic: 'others', text: '1' })).status, 404)
    assert.equal((await post('/api/dev/send', { topic: 'orders', text: 'no JSON' })).status, 400)
  })

  it('sends to a topic that handlers only publish to, in its format', async (t) => {
    const text = '{"type":"record","name":"Invoice","fields":[{"name":"id","type":"long"}]}'
    const facts = { kind: 'pyrallel.schema', format: 'avro', guid: null, fingerprint: 'f00d' } as const
    const format = avro({ ...facts, subject: 'invoices-value', id: 7, text })
    const { ask, post, cluster } = await openConsole(t, undefined, [
      { ...orders(), topicFormats: { invoices: { format, keyFormat: format }, raw: { values: 'bytes' } } },
    ])
    assert.deepEqual(await (await ask('/api/dev/topics')).json(), {
      topics: [
        { topic: 'orders' },
        { topic: 'invoices', format: 'avro', keyFormat: 'avro' },
        { topic: 'raw', format: 'bytes' },
      ],
    })
    const sent = await post('/api/dev/send', { topic: 'invoices', text: '{"id":3}', key: '{"id":3}' })
    assert.deepEqual(await sent.json(), { topic: 'invoices', key: '{"id":3}', misfits: [] })
    const records = [0, 1, 2, 3].flatMap((partition) => cluster.log('invoices', partition).records)
    assert.deepEqual(
      records.map(({ value }) => value?.toString('hex')),
      ['000000000706'],
    )
    assert.equal((await post('/api/dev/send', { topic: 'invoices', text: '{"id":"x"}' })).status, 400)
  })

  it('makes up values that the schema of the topic accepts', async (t) => {
    const { post } = await openConsole(t, undefined, [orders(), aHandler('bill')])
    const made = (await (await post('/api/dev/fake', { topic: 'orders' })).json()) as Record<string, unknown>
    assert.equal(Value.Check(orderSchema, made.value), true)
    assert.equal(made.key, (made.value as { readonly id: string }).id)
    assert.deepEqual(made.schema, JSON.parse(JSON.stringify(orderSchema)))
    assert.equal((await post('/api/dev/fake', { topic: 'bill' })).status, 404)
  })
})
