/** Records, keys and retries in the console's page: why something waits, and what somebody does about it. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser } from 'playwright-core'
import { ApiFault } from '../../framework/console/http/fault.ts'
import { assertUsable } from './accessibility.ts'
import { openChromium } from './chromium.ts'
import { limits, openPlace } from './open-page.ts'
import { bytesView, keyRow, markup, parkedAnswer, partitionView, recordRow, retryRows } from './records-script.ts'
import { about, type ScriptedConsole, snapshotFrame, startScriptedConsole } from './scripted-console.ts'

const at = '/api/records/{group}/{topic}/{partition}/{offset}'
const place = '#/orders.created/2/19'

describe('the page of the console on records', { timeout: 300_000 }, () => {
  let browser: Browser
  before(async () => {
    browser = await openChromium()
  })
  after(() => browser.close())

  async function start(t: TestContext, more: Readonly<Record<string, unknown>> = {}): Promise<ScriptedConsole> {
    const server = await startScriptedConsole(snapshotFrame(), {
      [at]: recordRow(),
      '/api/partitions/{group}/{topic}/{partition}': partitionView(),
      '/api/keys': { rows: [keyRow()], looked: 41, isCut: false },
      '/api/retries': { rows: retryRows(1), isCut: false },
      ...more,
    })
    t.after(() => server.close())
    return server
  }

  it('a record says why it waits, what it has failed with, and what is in it', limits, async (t) => {
    const waitsFor = [
      { kind: 'record', offset: 7, state: 'in-flight', attempt: 2, ahead: 3 },
      { kind: 'slots', inFlight: 10, capacity: 10 },
      { kind: 'handler-paused' },
    ] as const
    const server = await start(t, {
      [at]: recordRow({
        state: 'queued',
        waitsFor,
        can: { retryNow: false, giveUp: false, discard: false, copy: false },
      }),
    })
    const page = await openPlace(t, browser, server, place)
    await page.getByText('Queued, attempt 3 of 5').waitFor()
    await page
      .getByText('Records of its key run one after the other, and 7 runs, attempt 2. 3 are before it.')
      .waitFor()
    await page.getByText('All slots of its handler are taken: 10 of 10 run.').waitFor()
    await page.getByText('Its handler was paused by hand.').waitFor()
    await page.getByText('gateway busy').first().waitFor()
    assert.equal(await page.getByLabel('Value').innerText(), '{\n  "id": "a-1",\n  "total": 12\n}')
    await page.getByText('0af7651916cd43dd8448eb211c80319c', { exact: true }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Retry now' }).isDisabled(), true)
    await page.getByRole('link', { name: 'open 7' }).click()
    await page.getByRole('heading', { name: 'orders.created[2]@7' }).waitFor()
  })

  it('a record is retried at once, with epoch and attempt as they were seen', limits, async (t) => {
    const server = await start(t, { [`POST ${at}/retry-now`]: { record: recordRow({ state: 'in-flight' }) } })
    const page = await openPlace(t, browser, server, place)
    await page.getByRole('button', { name: 'Retry now' }).click()
    await page.getByText('Its next attempt begins.').waitFor()
    assert.deepEqual(
      server.asked.filter((each) => each.startsWith('POST')),
      [`POST ${at}/retry-now {"epoch":1,"attempt":3}`],
    )
  })

  it('a parked record says since when, and is discarded after a second press only', limits, async (t) => {
    const waitsFor = [{ kind: 'parked', since: Date.now() - 7_200_000, holdsKey: true, until: null }] as const
    const can = { retryNow: true, giveUp: true, discard: true, copy: true }
    const server = await start(t, {
      [at]: recordRow({ state: 'parked', attempt: 6, waitsFor, can }),
      [`POST ${at}/discard`]: { record: recordRow({ state: 'done' }) },
    })
    const page = await openPlace(t, browser, server, place)
    await page.getByText('Out of attempts, and parked after attempt 5').waitFor()
    await page.getByText('Records of its key wait with it.').waitFor()
    await page.getByRole('button', { name: 'Discard' }).click()
    assert.deepEqual(
      server.asked.filter((each) => each.startsWith('POST')),
      [],
    )
    await page.getByRole('button', { name: 'Drop it without a dead letter?' }).click()
    await page.getByText('It is done, and nothing is left of it.').waitFor()
    assert.deepEqual(
      server.asked.filter((each) => each.startsWith('POST')),
      [`POST ${at}/discard {"epoch":1,"attempt":6}`],
    )
  })

  it('what is parked stands below the retries, with how long, and is retried from there', limits, async (t) => {
    const server = await start(t, {
      '/api/retries': { rows: [], isCut: false, ...parkedAnswer() },
      [`POST ${at}/retry-now`]: { record: recordRow({ state: 'in-flight' }) },
    })
    const page = await openPlace(t, browser, server, '#/retries')
    await page.getByText('the first 1 of 3 records out of attempts').waitFor()
    const row = page.getByRole('group', { name: 'Parked records, the oldest first' }).getByRole('row').nth(1)
    assert.match(
      await row.innerText(),
      /2 h\s+orders\.created\[2\]@19\s+alice\s+ship\s+waits\s+GatewayError: gateway busy/,
    )
    await row.getByRole('button', { name: 'Retry now' }).click()
    await page.getByText('orders.created[2]@19: its next attempt begins.').waitFor()
    await assertUsable(page, 'retries-parked')
  })

  it('a record is given up after a second press only, and a conflict says how it stands', limits, async (t) => {
    const refuse = () => {
      const now = recordRow({ state: 'in-flight', attempt: 4 })
      throw new ApiFault('conflict', 'It was not done: it runs.', 'Look at how it stands now.', now)
    }
    const server = await start(t, { [`POST ${at}/give-up`]: refuse })
    const page = await openPlace(t, browser, server, place)
    await page.getByRole('button', { name: 'Give up' }).click()
    const asks = page.getByRole('button', { name: 'Give it up for good?' })
    await asks.waitFor()
    assert.equal(server.asked.filter((each) => each.startsWith('POST')).length, 0)
    await asks.click()
    await page.getByText('It was not done: it runs.').waitFor()
    await page.getByText('It is running, attempt 4 of 5.').waitFor()
  })

  it(
    'a record shows markup as text, a key that is no UTF-8 in base64, and a value of 1 MB in part',
    limits,
    async (t) => {
      const record = recordRow({
        key: { ...bytesView('\ufffd\u0007\u202eyek'), base64: '/wc=' },
        value: { ...bytesView(markup.repeat(64_000 / markup.length)), bytes: 1_048_576, isCut: true },
        headers: [[markup, bytesView(markup)]],
        failures: [{ reason: 'handler', name: markup, message: markup, stack: markup, attempt: 2, source: null }],
      })
      const page = await openPlace(t, browser, await start(t, { [at]: record }), place)
      await page.getByText('1.0 MB, cut here').waitFor()
      await page.getByText('· key /wc=').waitFor()
      assert.equal(await page.getByLabel('Key', { exact: true }).innerText(), 'ff 07')
      await page.getByText('Stack').click()
      assert.equal(await page.locator('img, main b b').count(), 0)
      assert.equal(await page.title(), 'Pyrallel')
      assert.ok((await page.getByLabel('Value').innerText()).length < 5_000)
      await page.getByRole('button', { name: 'show all that is here' }).click()
      assert.ok((await page.getByLabel('Value').innerText()).length > 60_000)
      await assertUsable(page, 'record-markup')
    },
  )

  it('a value that names a schema says what it is, and shows its bytes to who asks', limits, async (t) => {
    const read = {
      kind: 'read',
      schema: 'id 7, of http://127.0.0.1:8081',
      text: '{\n  "id": 9007199254740993\n}',
      isCut: false,
    }
    const value = {
      ...bytesView('\ufffd'),
      bytes: 15,
      base64: Buffer.from('00000000078280808080808020', 'hex').toString('base64'),
    }
    const page = await openPlace(t, browser, await start(t, { [at]: recordRow({ value, read: read as never }) }), place)
    await page.getByText('With schema id 7, of http://127.0.0.1:8081').waitFor()
    assert.equal(await page.getByLabel('Value').innerText(), '{\n  "id": 9007199254740993\n}')
    await assertUsable(page, 'record-read')
    await page.getByRole('button', { name: 'show its bytes' }).click()
    await page.getByText('in hexadecimal').waitFor()
    assert.equal(await page.getByLabel('Value').innerText(), '00 00 00 00 07 82 80 80 80 80 80 80 20')
    await page.getByRole('button', { name: 'show what it says' }).click()
    await page.getByText('9007199254740993').waitFor()
  })

  it('a value that cannot be read says why, in text and nothing else, above its bytes', limits, async (t) => {
    const read = { kind: 'unread', why: `with schema id 7: ${markup}` } as const
    const record = recordRow({ value: { ...bytesView('\0\0\0\0\x07'), bytes: 5 }, read })
    const page = await openPlace(t, browser, await start(t, { [at]: record }), place)
    await page.getByText('Not read: with schema id 7: <img').waitFor()
    assert.equal(await page.getByLabel('Value').innerText(), '00 00 00 00 07')
    assert.equal(await page.locator('img').count(), 0)
    await assertUsable(page, 'record-unread')
  })

  it('a key that cannot be read says why, above its bytes, and is in base64 in rows', limits, async (t) => {
    const readKey = { kind: 'unread', why: `with schema id 9: ${markup}` } as const
    const key = { ...bytesView('\0\0\0\0\x09\x02'), base64: 'AAAAAAkC' }
    const rows = {
      rows: [keyRow({ key }), keyRow({ key: { ...key, says: markup }, offset: 31 })],
      looked: 41,
      isCut: false,
    }
    const page = await openPlace(
      t,
      browser,
      await start(t, { [at]: recordRow({ key, readKey }), '/api/keys': rows }),
      place,
    )
    await page.getByText('Not read: with schema id 9: <img').waitFor()
    assert.equal(await page.getByLabel('Key', { exact: true }).innerText(), '00 00 00 00 09 02')
    await page.getByText('In base64, by which it is found: AAAAAAkC').waitFor()
    await assertUsable(page, 'record-key-unread')
    await page.goto(`${new URL(page.url()).origin}/#/keys`)
    await page.getByRole('cell', { name: 'AAAAAAkC' }).waitFor()
    await page.getByRole('cell', { name: markup }).waitFor()
    assert.equal(await page.locator('img').count(), 0)
  })

  it('a record of a masked topic says what is masked', limits, async (t) => {
    const masked = (text: string) => ({ text, bytes: 40, isCut: false, isMasked: true })
    const record = recordRow({ key: masked('#0123456789abcdef'), value: masked(''), headers: [['tenant', masked('')]] })
    const page = await openPlace(t, browser, await start(t, { [at]: record }), place)
    await page.getByText('Masked: 40 B.').waitFor()
    await page.getByText('#0123456789abcdef').waitFor()
  })

  it('a record of a topic that nobody reads says so', limits, async (t) => {
    const page = await openPlace(t, browser, await start(t), '#/other/2/19')
    await page.getByText('No handler of this process reads this topic').waitFor()
  })

  it('a key is found by a POST, and stands in no address', limits, async (t) => {
    const first = recordRow({ place: { topic: 'orders.created', partition: 3, offset: 8 } })
    const found = { partition: 3, handlerId: 'ship', epoch: 1, depth: 2, isCut: false, first, breaker: null }
    const server = await start(t, { 'POST /api/keys/find': { found } })
    const page = await openPlace(t, browser, server, '#/keys')
    await page.getByRole('cell', { name: 'alice' }).waitFor()
    await page.getByLabel('Find key').fill('bob&x')
    await page.keyboard.press('Enter')
    await page.getByText('2 records of it in').waitFor()
    await page.getByRole('link', { name: 'orders.created[3]' }).waitFor()
    const posts = server.asked.filter((each) => each.startsWith('POST'))
    assert.deepEqual(posts, ['POST /api/keys/find {"group":"shop","topic":"orders.created","key":"bob&x"}'])
    assert.ok(!page.url().includes('bob'))
  })

  it('a key is looked for by its base64 where keys of the topic have a format', limits, async (t) => {
    const handlers = [{ handlerId: 'ship', topic: 'orders.created', keyFormat: 'avro' }]
    const answers = {
      '/api': { ...about, groups: [{ group: 'shop', handlers }] },
      'POST /api/keys/find': { found: null },
    }
    const server = await start(t, answers)
    const page = await openPlace(t, browser, server, '#/keys')
    await page.getByLabel('Find key').fill('AAAAAAkC')
    await page.keyboard.press('Enter')
    await page.getByText('No record of this key is in memory here').waitFor()
    await page.getByLabel('base64').uncheck()
    await page.getByLabel('Find key').fill('c1')
    await page.keyboard.press('Enter')
    const asked = (key: string) => `POST /api/keys/find {"group":"shop","topic":"orders.created",${key}}`
    while (server.asked.filter((each) => each.includes('keys/find')).length < 2) await new Promise(setImmediate)
    const posts = server.asked.filter((each) => each.includes('keys/find'))
    assert.deepEqual(posts, [asked('"keyBase64":"AAAAAAkC"'), asked('"key":"c1"')])
  })

  it('a breaker is closed after a second press, by the id that the row has', limits, async (t) => {
    const row = keyRow({ breaker: { id: 9, untilAt: Date.now() + 60_000 } })
    const server = await start(t, {
      '/api/keys': { rows: [row], looked: 1, isCut: false },
      'POST /api/breakers/close': { closed: true },
    })
    const page = await openPlace(t, browser, server, '#/keys')
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'Let its records run?' }).click()
    await page.getByText('The breaker is closed').waitFor()
    const body = '{"group":"shop","topic":"orders.created","partition":2,"epoch":1,"breaker":9}'
    assert.ok(server.asked.includes(`POST /api/breakers/close ${body}`))
  })

  it('retries say when they are due, and are opened with the keyboard', limits, async (t) => {
    const server = await start(t, { '/api/retries': { rows: retryRows(200), isCut: true } })
    const page = await openPlace(t, browser, server, '#/retries')
    await page.getByText('the first 200 records, of more that wait').waitFor()
    await page
      .getByText(/^in (29|30) s$/)
      .first()
      .waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'orders.created[2]@20' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('heading', { name: 'Retries' }).waitFor()
  })

  it('views of keys and retries say why they are empty', limits, async (t) => {
    const server = await start(t, {
      '/api/keys': { rows: [], looked: 0, isCut: false },
      '/api/retries': { rows: [], isCut: false },
      'POST /api/keys/find': { found: null },
    })
    const page = await openPlace(t, browser, server, '#/keys')
    await page.getByText('No record waits or runs').waitFor()
    await page.getByRole('button', { name: 'Find' }).click()
    await page.getByText('No record of this key is in memory here').waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    await page.getByText('No record waits for a retry').waitFor()
  })

  it('records, keys and retries are usable wide and narrow, light and dark', limits, async (t) => {
    const row = keyRow({ key: bytesView('bob'), offset: 31, breaker: { id: 9, untilAt: Date.now() + 60_000 } })
    const server = await start(t, { '/api/keys': { rows: [keyRow(), row], looked: 41, isCut: false } })
    const page = await openPlace(t, browser, server, place)
    const { origin } = new URL(page.url())
    await page.getByRole('button', { name: 'Retry now' }).waitFor()
    await assertUsable(page, 'record')
    await page.goto(`${origin}/#/keys`)
    await page.getByRole('cell', { name: 'alice' }).waitFor()
    await assertUsable(page, 'keys')
    await page.goto(`${origin}/#/retries`)
    await page.getByRole('link', { name: 'orders.created[2]@19' }).waitFor()
    await assertUsable(page, 'retries')
  })
})
