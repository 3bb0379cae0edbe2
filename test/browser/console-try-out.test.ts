/** What the page has in development only, in a real browser, with the endpoints of a session and the cluster in memory. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser } from 'playwright-core'
import { Type } from 'typebox'
import { TopicMaker } from '../../cli/dev/broker/topic-maker.ts'
import { devEndpoints } from '../../cli/dev/console/dev-endpoints.ts'
import { avro } from '../../framework/api/format.ts'
import { builtPage } from '../../framework/console/built-page.ts'
import type { Endpoint } from '../../framework/console/http/endpoint.ts'
import { type ChaosAnswer, chaosKinds } from '../../framework/console/protocol-dev.ts'
import { memoryCluster } from '../../framework/kafka/memory/client.ts'
import type { Logger } from '../../framework/model/logger.ts'
import type { ResolvedHandler } from '../../framework/runtime/runtime.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { aWatchedHandler, serveConsole, TOKEN } from '../unit/console/served-console.ts'
import { aHandler } from '../unit/runtime/running-app.ts'
import { assertUsable } from './accessibility.ts'
import { openChromium } from './chromium.ts'
import { limits, openPage } from './open-page.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
const schema = Type.Object({
  id: Type.String(),
  total: Type.Number(),
  status: Type.Union([Type.Literal('new'), Type.Literal('sent')]),
  note: Type.Optional(Type.String()),
})

function orders(): ResolvedHandler {
  const plain = aHandler('orders')
  const key = (value: unknown) => (value as { readonly id: string }).id
  return { ...plain, definition: { ...plain.definition, topic: { ...plain.definition.topic, schema, key } } }
}

/** With keys of `{ tenant, id }` in Avro, and values in JSON. */
function keyed(): ResolvedHandler {
  const text =
    '{"type":"record","name":"Place","fields":[{"name":"tenant","type":"string"},{"name":"id","type":"long"}]}'
  const pulled = {
    kind: 'pyrallel.schema',
    format: 'avro',
    subject: 'orders-key',
    guid: null,
    fingerprint: '',
  } as const
  const plain = aHandler('orders')
  const { topic } = plain.definition
  const keyFormat = avro({ ...pulled, id: 9, text })
  return { ...plain, definition: { ...plain.definition, topic: { ...topic, schema, keyFormat } as never } }
}

/** Faults that do nothing but go on until they are stopped. */
function scriptedFaults() {
  const asked: string[] = []
  const answer = (): ChaosAnswer => ({
    kinds: chaosKinds.map((what) => ({ what, canNot: what === 'kill-thread' ? 'no handler runs in threads' : null })),
    active: asked.length === 1 ? [{ what: 'fail-attempts', until: Date.now() + 9_000, left: 7 }] : [],
    done: asked.map(() => ({ at: Date.now(), what: 'fail-attempts', text: 'the next 10 attempts fail' })),
    account:
      asked.length === 0
        ? null
        : { sinceAt: 0, written: 40, done: 30, dead: 2, doneAgain: 5, left: 8, lost: 0, lostPlaces: [] },
  })
  const post = (suffix: string): Endpoint => ({
    method: 'POST',
    path: `/api/dev/chaos/{what}${suffix}`,
    body: Type.Object({}),
    run: ({ params }) => {
      asked.push(`${params.what}${suffix}`)
      return answer()
    },
  })
  const endpoints: Endpoint[] = [{ method: 'GET', path: '/api/dev/chaos', run: answer }, post(''), post('/stop')]
  return { asked, endpoints }
}

describe('what the page has in development', { timeout: 300_000 }, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  async function open(t: TestContext, isDev = true, read: ResolvedHandler = orders()) {
    const cluster = memoryCluster()
    for (const name of ['orders', 'invoices']) cluster.createTopic(name, 1)
    const connection = cluster.connection()
    const endpoints = devEndpoints({
      handlers: () => [read],
      connection,
      topics: new TopicMaker(),
      log,
      random: () => 0.3,
    })
    const { asked, endpoints: faults } = scriptedFaults()
    const served = await serveConsole(t, {
      page: builtPage,
      devEndpoints: isDev ? [...endpoints, ...faults] : [],
      clock: systemClock() as never,
    })
    served.runtime.handlers = [aWatchedHandler({ definition: read.definition as never })]
    t.after(() => connection.close())
    const page = await openPage(t, browser, `${served.url}/#${TOKEN}`)
    await page.getByText('live', { exact: true }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    const sentTo = (topic: string) => cluster.log(topic, 0).records
    return { page, sent: () => sentTo('orders'), sentTo, asked }
  }

  it(
    'sends a record from a form that is made from the schema, and filled with a value that it accepts',
    limits,
    async (t) => {
      const { page, sent } = await open(t)
      await page.getByLabel('id', { exact: true }).fill('o-7')
      await page.getByLabel('total', { exact: true }).fill('9007199254740993')
      await page.getByLabel('status').selectOption('"sent"')
      await page.getByLabel('note').fill('')
      await page.getByLabel('Key').fill('')
      await page.getByLabel('Headers').fill('trace: t-1')
      await assertUsable(page, 'try-out')
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByText('Sent to orders, key o-7.').waitFor()
      const [record] = sent()
      assert.equal(String(record?.value), '{"id":"o-7","total":9007199254740993,"status":"sent"}')
      assert.equal(String(record?.key), 'o-7')
      assert.deepEqual(
        record?.headers.map(([name, value]) => [name, String(value)]),
        [['trace', 't-1']],
      )
    },
  )

  it('sends what the schema refuses, too, and says why its handler will', limits, async (t) => {
    const { page, sent } = await open(t)
    await page.getByLabel('total', { exact: true }).fill('"much"')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Sent, and its handler will refuse it: 1 reason.').waitFor()
    assert.equal(JSON.parse(String(sent()[0]?.value)).total, 'much')
  })

  it('sends a key in a format, which is typed as JSON, and says what is wrong with one', limits, async (t) => {
    const { page, sent } = await open(t, true, keyed())
    const key = page.getByLabel('Key, as JSON')
    await key.fill('{"tenant":"a","id":"no number"}')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('The key does not satisfy schema orders-key of orders; nothing was sent.').waitFor()
    await key.fill('{"tenant":"t","id":9007199254740993}')
    await assertUsable(page, 'try-out-keyed')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Sent to orders, key {"tenant":"t","id":9007199254740993}.').waitFor()
    assert.equal(sent()[0]?.key?.toString('hex'), '000000000902748280808080808020')
  })

  it('takes nothing that would be written over by what is made up', limits, async (t) => {
    const { page, sent } = await open(t, true, keyed())
    await page.getByLabel('Key, as JSON').waitFor()
    let answer = () => {}
    const held = new Promise<void>((resolve) => {
      answer = resolve
    })
    await page.route('**/api/dev/fake', async (route) => {
      await held
      await route.continue()
    })
    const asked = page.waitForRequest('**/api/dev/fake')
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('link', { name: 'Try out' }).click()
    await asked
    assert.equal(await page.getByLabel('Key, as JSON').count(), 0)
    answer()
    await page.getByLabel('Key, as JSON').fill('{"tenant":"t","id":7}')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Sent to orders, key {"tenant":"t","id":7}.').waitFor()
    assert.equal(sent().length, 1)
  })

  it('sends to a topic that handlers only publish to, and says what it is written in', limits, async (t) => {
    const facts = { kind: 'pyrallel.schema', format: 'avro', guid: null, fingerprint: '' } as const
    const text = '{"type":"record","name":"Invoice","fields":[{"name":"id","type":"long"}]}'
    const format = avro({ ...facts, subject: 'invoices-value', id: 7, text })
    const { page, sentTo } = await open(t, true, { ...orders(), topicFormats: { invoices: { format } } })
    await page.getByText('Values in JSON.').waitFor()
    await page.getByRole('link', { name: 'invoices' }).click()
    await page.getByText('Values in Avro.').waitFor()
    await page.getByLabel('Value, as JSON').fill('{"id":9007199254740993}')
    await assertUsable(page, 'try-out-published')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Sent to invoices.').waitFor()
    assert.deepEqual(
      sentTo('invoices').map(({ value }) => value?.toString('hex')),
      ['00000000078280808080808020'],
    )
  })

  it('puts faults to work, stops them, says why one cannot be had, and counts what is lost', limits, async (t) => {
    const { page, asked } = await open(t)
    await page.getByRole('button', { name: 'Fail attempts' }).click()
    await page.getByText('the next 10 attempts fail').first().waitFor()
    await page.getByText('Lost 0').waitFor()
    await page.getByText('40 records written: 30 done, 2 dead letters, 8 not done yet').waitFor()
    await page.getByText('5 done more than once').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Kill a thread' }).isDisabled(), true)
    await page.getByText('no handler runs in threads').waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.getByRole('button', { name: 'Fail attempts' }).waitFor()
    assert.deepEqual(asked, ['fail-attempts', 'fail-attempts/stop'])
  })

  it('says that there is none of it in production', limits, async (t) => {
    const { page } = await open(t, false)
    await page.getByText('This is no session of development').waitFor()
    assert.equal(await page.getByRole('link', { name: 'Try out' }).count(), 0)
  })
})
