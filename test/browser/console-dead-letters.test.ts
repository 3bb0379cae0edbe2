/** Dead letters on the page, published again: in a real browser, by the real console, on the cluster in memory. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { avro } from '../../framework/api/format.ts'
import { handler } from '../../framework/api/handler.ts'
import { topic } from '../../framework/api/topic.ts'
import { configDefaults } from '../../framework/config/resolve-config.ts'
import { builtPage } from '../../framework/console/built-page.ts'
import { Mask } from '../../framework/console/mask.ts'
import { encodeFormat, encodeKey } from '../../framework/formats/format-encoder.ts'
import type { MemoryCluster } from '../../framework/kafka/memory/client.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import { RuntimeSchemas } from '../../framework/runtime/runtime-schemas.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { clusterWith, DLQ, type Letter, valuesIn } from '../unit/cli/dlq-fixtures.ts'
import { aWatchedHandler, serveConsole, TOKEN } from '../unit/console/served-console.ts'
import { serve } from '../unit/registry/registry-server.ts'
import { assertUsable } from './accessibility.ts'
import { openChromium } from './chromium.ts'
import { limits, openPage } from './open-page.ts'

const kind = (fingerprint: string): Letter => ({
  error: `gateway ${fingerprint}`,
  headers: { 'pyrallel-error-fingerprint': fingerprint },
})

describe('dead letters on the page', { timeout: 300_000 }, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  async function open(t: TestContext, cluster: MemoryCluster, over: Parameters<typeof serveConsole>[1] = {}) {
    const connection = cluster.connection()
    const clock = systemClock() as never
    const served = await serveConsole(t, { page: builtPage, cluster: () => connection, clock, ...over })
    t.after(async () => {
      await served.console.endReplays()
      await connection.close()
    })
    const page = await openPage(t, browser, `${served.url}/#${TOKEN}`)
    await page.getByText('live', { exact: true }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('d')
    return { page, served }
  }

  async function preview(page: Page, what: string): Promise<void> {
    await page.getByRole('button', { name: `Publish ${what} again…` }).click()
    await page.getByRole('button', { name: 'Preview' }).click()
  }

  it(
    'publishes one kind again after a preview, which publishes nothing, and reports what became of it',
    limits,
    async (t) => {
      const cluster = await clusterWith(kind('a'), kind('b'), kind('a'))
      const { page } = await open(t, cluster)
      await page.getByRole('link', { name: /^2 .*gateway a/ }).click()
      await preview(page, 'all of this kind')
      await page.getByText('Would publish 2 to orders.').waitFor()
      assert.deepEqual(valuesIn(cluster), [])
      await page.getByRole('button', { name: 'Publish 2 letters now' }).click()
      await page.getByText('Published: 2 of 2 letters').waitFor()
      assert.deepEqual(valuesIn(cluster), ['v0', 'v2'])
      await preview(page, 'all of this kind')
      await page.getByText('Nothing would be published.').waitFor()
      await page.getByText(/\d left out: published again already/).waitFor()
    },
  )

  it('publishes one letter again, and says what the guard leaves out', limits, async (t) => {
    const often = { headers: { 'pyrallel-replay-count': '3' } }
    const cluster = await clusterWith({}, often)
    const { page } = await open(t, cluster)
    await page.getByRole('link', { name: `${DLQ}[0]@1` }).click()
    await preview(page, 'this letter')
    await page.getByText('1 left out: published again too often already').waitFor()
    await assertUsable(page, 'publish-again')
    await page.getByLabel('Leave out what was published again').fill('4')
    await page.getByText('published again too often').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Preview' }).click()
    await page.getByRole('button', { name: 'Publish 1 letter now' }).click()
    await page.getByText('Published: 1 of 1 letter').waitFor()
    assert.deepEqual(valuesIn(cluster), ['v1'])
  })

  it(
    'keeps to what is typed: handler, limit and rate, and stops when it is told to, on any page',
    limits,
    async (t) => {
      const letters = Array.from({ length: 40 }, (_, index) => ({ handler: index % 2 === 0 ? 'bill' : 'other' }))
      const cluster = await clusterWith(...letters)
      const { page, served } = await open(t, cluster)
      await page.getByRole('button', { name: 'Publish all letters again…' }).click()
      await page.getByLabel('Handler').selectOption('bill')
      await page.getByLabel('At most').fill('15')
      await page.getByLabel('Records a second').fill('2')
      await page.getByRole('button', { name: 'Preview' }).click()
      await page.getByText('Would publish 15 to orders.').waitFor()
      await page.getByText('5 more could be published, and are above the limit').waitFor()
      await page.getByRole('button', { name: 'Publish 15 letters now' }).click()
      await page.getByText(/^Publishing: [1-9]\d* of 15 letters/).waitFor()
      // It goes on while another view is open.
      await page.getByRole('link', { name: 'Topology' }).click()
      await page.getByRole('link', { name: 'Dead letters' }).click()
      await page.getByText(/^Publishing: [1-9]\d* of 15 letters/).waitFor()
      // Another browser sees it, too, and may stop it.
      const other = await openPage(t, browser, `${served.url}/#${TOKEN}`)
      await other.getByText('live', { exact: true }).waitFor()
      await other.getByRole('link', { name: 'Dead letters' }).click()
      await other.getByText(/^Publishing: [1-9]\d* of 15 letters/).waitFor()
      await other.getByRole('button', { name: 'Stop', exact: true }).click()
      for (const each of [page, other]) await each.getByText(/^Stopped: \d+ of 15 letters/).waitFor()
      const published = valuesIn(cluster)
      assert.ok(published.length < 15, `${published.length} were published`)
      assert.deepEqual(
        published,
        Array.from({ length: published.length }, (_, index) => `v${index * 2}`),
      )
    },
  )

  it('shows fifty letters at a time however many there are, and older ones by a link', limits, async (t) => {
    const cluster = await clusterWith(...Array.from({ length: 100_000 }, (_, index) => kind(`k${index % 300}`)))
    const { page } = await open(t, cluster)
    // All of them, unless a busy machine needs more than the 5 s that are looked.
    await page.getByText(/^\d[\d,]+ letters read/).waitFor()
    assert.equal(await page.locator('tbody tr').count(), 50)
    assert.equal(await page.locator('ol.groups a').count(), 20)
    await page.getByRole('button', { name: 'show all 300 kinds' }).click()
    assert.equal(await page.locator('ol.groups a').count(), 300)
    const newest = await page.locator('tbody tr a').first().innerText()
    await page.getByRole('link', { name: 'older ones' }).click()
    await page.getByRole('link', { name: 'the newest' }).waitFor()
    assert.equal(await page.locator('tbody tr').count(), 50)
    assert.notEqual(await page.locator('tbody tr a').first().innerText(), newest)
  })

  it('reads a value with the schema that it names, and says whether it would pass today', limits, async (t) => {
    const text =
      '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"sku","type":"string"}]}'
    const pulled = {
      kind: 'pyrallel.schema',
      format: 'avro',
      subject: 'orders-value',
      guid: null,
      fingerprint: '',
    } as const
    const orders = topic('orders', { format: avro<object>({ ...pulled, id: 7, text: text.replace('sku', 'shelf') }) })
    const { url } = await serve(() => ({ json: { schema: text } }))
    const settings = { ...configDefaults.registry, url }
    const schemas = new RuntimeSchemas(() => connectRegistry(settings, systemClock(), Math.random), systemClock())
    t.after(() => schemas.close())
    schemas.of(handler(orders, () => {}) as never)
    const cluster = await clusterWith()
    const value = encodeFormat(avro({ ...pulled, id: 7, text }), 'orders', { id: 2n ** 53n + 1n, sku: 'a-1' })
    await (await cluster.connection().producer()).produce({ topic: DLQ, key: null, ...value })
    const { page, served } = await open(t, cluster)
    served.runtime.values = schemas
    served.runtime.handlers = [aWatchedHandler({ definition: { topic: orders as never } })]
    await page.getByRole('link', { name: `${DLQ}[0]@0` }).click()
    await page.getByText(`With schema id 7, of ${url}`).waitFor()
    assert.equal(await page.getByLabel('Value').innerText(), '{\n  "id": 9007199254740993,\n  "sku": "a-1"\n}')
    await page.getByText('Its value does not satisfy the schema of today:').waitFor()
    await page.getByText('the value was written without shelf').waitFor()
    await assertUsable(page, 'letter-read')
    await page.getByRole('button', { name: 'show its bytes' }).click()
    assert.match(await page.getByLabel('Value').innerText(), /^00 00 00 00 07 82 80/)
  })

  it('reads keys in a format, in the list and on the page of one letter', limits, async (t) => {
    const text =
      '{"type":"record","name":"Place","fields":[{"name":"tenant","type":"string"},{"name":"id","type":"long"}]}'
    const pulled = {
      kind: 'pyrallel.schema',
      format: 'avro',
      subject: 'orders-key',
      guid: null,
      fingerprint: '',
    } as const
    const keyFormat = avro<object>({ ...pulled, id: 9, text })
    const { url, asked } = await serve(() => ({ json: { schema: text } }))
    const settings = { ...configDefaults.registry, url }
    const schemas = new RuntimeSchemas(() => connectRegistry(settings, systemClock(), Math.random), systemClock())
    t.after(() => schemas.close())
    const cluster = await clusterWith()
    const producer = await cluster.connection().producer()
    const headers = [['pyrallel-topic', Buffer.from('orders')] as const]
    for (const id of [64n, 65n]) {
      const { key } = encodeKey(keyFormat, 'orders', { tenant: 't', id }, { headers })
      await producer.produce({ topic: DLQ, partition: 0, key, value: Buffer.from('{}'), headers })
    }
    const { page, served } = await open(t, cluster)
    await page.getByText('AAAAAAkCdIAB').waitFor()
    served.runtime.values = schemas
    const orders = topic<object, object>('orders', { keyFormat })
    served.runtime.handlers = [aWatchedHandler({ definition: { topic: orders as never } })]
    await page.getByRole('button', { name: 'read again' }).click()
    await page.getByText('{"tenant":"t","id":64}').waitFor()
    await page.getByText('{"tenant":"t","id":65}').waitFor()
    assert.equal(await page.getByTitle('In base64: AAAAAAkCdIAB').innerText(), '{"tenant":"t","id":64}')
    await assertUsable(page, 'letters-keyed')
    await page.getByRole('link', { name: `${DLQ}[0]@0` }).click()
    await page.getByText(`With schema id 9, of ${url}`).waitFor()
    const key = page.getByLabel('Key', { exact: true })
    assert.equal(await key.innerText(), '{\n  "tenant": "t",\n  "id": 64\n}')
    await page.getByText('In base64, by which it is found: AAAAAAkCdIAB').waitFor()
    await assertUsable(page, 'letter-keyed')
    await page.getByRole('button', { name: 'show its bytes' }).click()
    await page.getByText('in hexadecimal').waitFor()
    assert.equal(await key.innerText(), '00 00 00 00 09 02 74 80 01')
    assert.equal(asked.length, 1)
  })

  it('says why letters are masked, and offers no publishing where actions are off', limits, async (t) => {
    const mask = new Mask([])
    const { page } = await open(t, await clusterWith(kind('a')), { mask, mode: 'production', canAct: false })
    await page.getByText('the topic that its handler reads is none of http.console.shownTopics').waitFor()
    await page.getByText('Publishing again is off here').waitFor()
    assert.equal(await page.getByRole('button', { name: /^Publish/ }).count(), 0)
    assert.ok(!(await page.locator('main').innerText()).includes('gateway a'))
  })
})
